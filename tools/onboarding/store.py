"""`store`: what the vendor handed out, checked and put into the secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from certificate_rotation.certificates import (
    Chain,
    PrivateKey,
    belong_together,
    load_chain,
    load_private_key,
    private_key_pem,
)
from certificate_rotation.credential import Credential
from certificate_rotation.errors import InvalidCredential
from certificate_rotation.results import days_left, utc_text
from certificate_rotation.secret_store import INTENT, PENDING
from tools.onboarding.files import read_text
from tools.onboarding.secret import Found, look, put_in_use
from tools.onboarding.service import Service
from tools.onboarding.stopping import CannotError
from tools.onboarding.telling import done, fact, listed, remark

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class Offer:
    """What is to be stored: the certificate first in its chain is the key's."""

    chain: Chain
    key: PrivateKey = field(repr=False)
    api_key: str = field(repr=False)
    cert_name: str | None = None
    api_key_expiry: str | None = None


def offered_chain(cert_file: Path, key_file: Path) -> tuple[Chain, PrivateKey]:
    """Read a certificate and its key; the key's own certificate comes first, whatever the order in the file.

    Raises:
        CannotError: one of them cannot be read, or they do not belong together.
    """
    cert_pem, key_pem = read_text(cert_file, "the certificate"), read_text(key_file, "the private key")
    try:
        certificates = load_chain(cert_pem).certificates
    except ValueError as error:
        raise CannotError(f"{cert_file} {error}. Save the signed certificate as the vendor shows it.") from None
    try:
        key = load_private_key(key_pem)
    except ValueError as error:
        raise CannotError(f"{key_file} {error}. Use the key that `make csr` wrote.") from None
    leaf = next((one for one in certificates if belong_together(key, one)), None)
    if leaf is None:
        raise CannotError(
            f"{key_file} is not the key of {cert_file}. Use the key that `make csr` wrote beside the request you had "
            "signed."
        )
    return Chain((leaf, *(one for one in certificates if one is not leaf))), key


def joined(offer: Offer, existing: Mapping[str, object]) -> Credential:
    """The offer as a credential, with every other key of the secret as it is.

    A name that belongs to the certificate before does not stay: rotation would take the new one for that.

    Raises:
        CannotError: the parts make no credential the function can work with.
    """
    document = {
        **existing,
        "apiKey": offer.api_key,
        "cert": offer.chain.pem,
        "privateKey": private_key_pem(offer.key),
    }
    if offer.cert_name:
        document["certName"] = offer.cert_name
    elif not _same_certificate(existing, offer.chain):
        document.pop("certName", None)
    if offer.api_key_expiry:
        document["apiKeyExpiry"] = offer.api_key_expiry
    try:
        return Credential.parse(json.dumps(document))
    except InvalidCredential as error:
        raise CannotError(f"These make no usable credential. {error} Nothing was stored.") from None


def check_valid(chain: Chain, now: datetime) -> None:
    """Check that a certificate is valid now.

    Raises:
        CannotError: it has ended, or begins later.
    """
    if chain.not_after <= now:
        raise CannotError(f"The certificate ended at {utc_text(chain.not_after)}. Make a new request with `make csr`.")
    if chain.not_before > now:
        raise CannotError(
            f"The certificate begins only at {utc_text(chain.not_before)}. Store it then, or set this machine's clock."
        )


def store(  # noqa: PLR0913 - where, what, whom to ask, and when
    client: "SecretsManagerClient",
    secret_id: str,
    offer: Offer,
    service: Service | None,
    *,
    replace: bool,
    now: datetime,
) -> None:
    """Put an offer into the secret as its new AWSCURRENT.

    Args:
        client: of Secrets Manager.
        secret_id: name or ARN.
        offer: what to store.
        service: whom to ask whether it is accepted; None to ask nobody.
        replace: whether a credential that works may be replaced.
        now: aware, UTC.

    Raises:
        CannotError: it fails a check, or would replace what works.
    """
    check_valid(offer.chain, now)
    found = look(client, secret_id)
    held = json_object(found.text)
    existing = held or {}
    credential = joined(offer, existing)
    if service and not service.accepts(credential):
        raise CannotError(
            f"{service.url} does not accept this certificate with this API key. Check that both are of the same "
            "integration, that the API key was copied whole, and that the region is right; a certificate that was "
            "signed a moment ago may need some minutes. Nothing was stored."
        )
    if credential.document == existing:
        done("The secret holds exactly this already.")
        return
    in_use = working(found.text, service, now)
    if in_use and not replace:
        raise CannotError(
            f"The secret holds a credential that works: certificate {in_use.cert_name or '(without a name)'}, until "
            f"{utc_text(in_use.chain.not_after)}. Nothing was stored. If consumers may reload at once, add --replace."
        )
    version = put_in_use(client, found, credential.dump())
    done("The credential is stored and in use (AWSCURRENT).")
    fact("Secret", found.arn)
    fact("Version", version)
    end = credential.chain.not_after
    fact("Certificate", f"{credential.cert_name or '(no name)'}, ends {utc_text(end)}, {days_left(end, now)} days left")
    fact("Service", f"{service.url} accepts it" if service else "was not asked (--skip-service-check)")
    if found.text and held is None:
        remark("What the secret held before was not a JSON object. It is still there as AWSPREVIOUS.")
    for sentence in _remarks(found, existing, offer):
        remark(sentence)
    listed("Next", ("Delete the key's file: the secret holds it now.", "See how things are: make status"), mark="1")


def json_object(text: str | None) -> dict[str, object] | None:
    """What a secret holds; None when that is no JSON object."""
    try:
        document = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def working(text: str | None, service: Service | None, now: datetime) -> Credential | None:
    """The credential in a secret if it works, as far as anybody can be asked."""
    try:
        credential = Credential.parse(text or "")
    except InvalidCredential:
        return None
    if credential.chain.not_after <= now or (service and not service.accepts(credential)):
        return None
    return credential


def _same_certificate(existing: Mapping[str, object], chain: Chain) -> bool:
    try:
        return load_chain(str(existing.get("cert"))).fingerprint == chain.fingerprint
    except ValueError:
        return False


def _remarks(found: Found, existing: Mapping[str, object], offer: Offer) -> list[str]:
    """What is different from before in a way that is easily missed."""
    remarks = []
    if existing.get("apiKeyExpiry") and existing.get("apiKey") != offer.api_key and not offer.api_key_expiry:
        remarks.append("apiKeyExpiry in the secret is still the one of the API key before. Give --api-key-expiry.")
    if {INTENT, PENDING} & found.labels.keys():
        remarks.append("A rotation of the credential before was under way. The next run gives it up, and says so.")
    return remarks
