"""What is to be put into the secret: a certificate, its key and an API key, read, checked and joined with the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from certificate_rotation.domain.credential import API_KEY_EXPIRY, Credential
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.times import utc_text
from certificate_rotation.domain.x509 import (
    Chain,
    PrivateKey,
    belong_together,
    load_chain,
    load_private_key,
    private_key_pem,
)
from cli.errors import UserError
from cli.files import read_text
from cli.secret import chain_in


@dataclass(frozen=True)
class Offer:
    """What is to be stored: the certificate first in its chain is the key's."""

    chain: Chain
    key: PrivateKey = field(repr=False)
    api_key: str = field(repr=False)
    cert_name: str | None = None
    api_key_expiry: datetime | None = None


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

    What belongs to the one before does not stay: a certificate's name, for rotation would take the new one for that;
    the note of an API key's end, for a new key would be renewed too late.

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
    elif HalfName.CERTIFICATE in new_halves(offer, existing):
        document.pop("certName", None)
    if offer.api_key_expiry:
        document[API_KEY_EXPIRY] = utc_text(offer.api_key_expiry)
    elif HalfName.API_KEY in new_halves(offer, existing):
        document.pop(API_KEY_EXPIRY, None)
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


def new_halves(offer: Offer, existing: Mapping[str, object]) -> list[HalfName]:
    """Which halves are others than those in the secret."""
    before = chain_in(existing)
    same = {
        HalfName.CERTIFICATE: before is not None and before.fingerprint == offer.chain.fingerprint,
        HalfName.API_KEY: existing.get("apiKey") == offer.api_key,
    }
    return [half for half in HalfName if not same[half]]
