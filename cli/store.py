"""`store`: what the vendor handed out, checked and put into the secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from certificate_rotation.adapters.secret_store import EARLIER, INTENT, PENDING
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.result import days_left, utc_text
from certificate_rotation.domain.x509 import (
    Chain,
    PrivateKey,
    belong_together,
    load_chain,
    load_private_key,
    private_key_pem,
)
from cli.console import done, fact, listed, remark
from cli.errors import UserError
from cli.files import read_text
from cli.secret import Found, chain_in, json_object, look, put_in_use, working
from cli.service import Service
from cli.target import Target, check_subject

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


@dataclass(frozen=True)
class Allowed:
    """What is refused unless a person says that it is meant.

    Attributes:
        replace: a credential that works is replaced.
        other_subject: the certificate's subject is not that of the one in use.
    """

    replace: bool = False
    other_subject: bool = False


def offered_chain(cert_file: Path, key_file: Path) -> tuple[Chain, PrivateKey]:
    """Read a certificate and its key; the key's own certificate comes first, whatever the order in the file.

    Raises:
        UserError: one of them cannot be read, or they do not belong together.
    """
    cert_pem, key_pem = read_text(cert_file, "the certificate"), read_text(key_file, "the private key")
    try:
        certificates = load_chain(cert_pem).certificates
    except ValueError as error:
        raise UserError(f"{cert_file} {error}. Save the signed certificate as the vendor shows it.") from None
    try:
        key = load_private_key(key_pem)
    except ValueError as error:
        raise UserError(f"{key_file} {error}. Use the key that `device-id csr` wrote.") from None
    leaf = next((one for one in certificates if belong_together(key, one)), None)
    if leaf is None:
        raise UserError(
            f"{key_file} is not the key of {cert_file}. Use the key that `device-id csr` wrote beside the request that "
            "was signed."
        )
    return Chain((leaf, *(one for one in certificates if one is not leaf))), key


def joined(offer: Offer, existing: Mapping[str, object]) -> Credential:
    """The offer as a credential, with every other key of the secret as it is.

    A name that belongs to the certificate before does not stay: rotation would take the new one for that.

    Raises:
        UserError: the parts make no credential the function can work with.
    """
    document = {
        **existing,
        "apiKey": offer.api_key,
        "cert": offer.chain.pem,
        "privateKey": private_key_pem(offer.key),
    }
    if offer.cert_name:
        document["certName"] = offer.cert_name
    elif (before := chain_in(existing)) is None or before.fingerprint != offer.chain.fingerprint:
        document.pop("certName", None)
    if offer.api_key_expiry:
        document["apiKeyExpiry"] = offer.api_key_expiry
    try:
        return Credential.parse(json.dumps(document))
    except InvalidCredential as error:
        raise UserError(f"These make no usable credential. {error} Nothing was stored.") from None


def check_valid(chain: Chain, now: datetime) -> None:
    """Check that a certificate is valid now.

    Raises:
        UserError: it has ended, or begins later.
    """
    if chain.not_after <= now:
        raise UserError(
            f"The certificate ended at {utc_text(chain.not_after)}. Make a new request with `device-id csr`."
        )
    if chain.not_before > now:
        raise UserError(
            f"The certificate begins only at {utc_text(chain.not_before)}. Store it then, or set this machine's clock."
        )


def store(  # noqa: PLR0913 - where, what, whom to ask, and when
    client: "SecretsManagerClient",
    target: Target,
    offer: Offer,
    service: Service | None,
    *,
    allowed: Allowed,
    now: datetime,
) -> None:
    """Put an offer into the secret as its new AWSCURRENT.

    Args:
        client: of Secrets Manager.
        target: whose secret.
        offer: what to store.
        service: whom to ask whether it is accepted; None to ask nobody.
        allowed: what the person said may be.
        now: aware, UTC.

    Raises:
        UserError: it fails a check, or would replace what works.
    """
    check_valid(offer.chain, now)
    found = look(client, target.secret)
    held = json_object(found.text)
    existing = held or {}
    if not allowed.other_subject:
        check_subject(offer.chain, chain_in(existing), target)
    credential = joined(offer, existing)
    if service and not service.accepts(credential):
        raise UserError(
            f"{service.url} does not accept this certificate with this API key. Check that both are of the same "
            "integration, that the API key was copied whole, and that the region is right; a certificate that was "
            "signed a moment ago may need some minutes. Nothing was stored."
        )
    if credential.document == existing:
        done("The secret holds exactly this already.")
        return
    in_use = working(found.text, service, now)
    if in_use and not allowed.replace:
        raise UserError(
            f"There is a credential that works in {target.words}: certificate "
            f"{in_use.cert_name or '(without a name)'}, until {utc_text(in_use.chain.not_after)}. Nothing was "
            "stored. If consumers may reload at once, add --replace."
        )
    version = put_in_use(client, found, credential.dump(), target.command("status"))
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
    status = f"See how things are: {target.command('status')}"
    listed("Next", ("Delete the key's file: the secret holds it now.", status), mark="1")


def _remarks(found: Found, existing: Mapping[str, object], offer: Offer) -> list[str]:
    """What is different from before in a way that is easily missed."""
    remarks = []
    if existing.get("apiKeyExpiry") and existing.get("apiKey") != offer.api_key and not offer.api_key_expiry:
        remarks.append("apiKeyExpiry in the secret is still the one of the API key before. Give --api-key-expiry.")
    if {INTENT, EARLIER, PENDING} & found.labels.keys():
        remarks.append("A rotation of the credential before was under way. The next run gives it up, and says so.")
    return remarks
