"""What is stored, read with nothing but `json` and `cryptography`: the code is not asked about itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

REPLACED = frozenset({"cert", "privateKey", "certName"})  # contract: what a rotation replaces in the secret


@dataclass(frozen=True)
class Held:
    """A version of the secret that is a credential.

    Attributes:
        document: the whole JSON object.
        serial: of the certificate.
        subject: whom it is for.
        not_before: when it begins.
        not_after: when it ends.
        complete: the key belongs to the certificate, and there is an API key.
    """

    document: Mapping[str, Any]
    serial: int
    subject: x509.Name
    not_before: datetime
    not_after: datetime
    complete: bool

    @property
    def due_at(self) -> datetime:
        """When its last third begins."""
        return self.not_after - (self.not_after - self.not_before) / 3

    @property
    def own(self) -> dict[str, Any]:
        """The customer's own keys, and the API key, which no rotation may touch either."""
        return {name: value for name, value in self.document.items() if name not in REPLACED}


@lru_cache(maxsize=4096)
def credential(text: str) -> Held | None:
    """A credential; None for anything else."""
    document = _object(text)
    certificate, public = leaf(str(document.get("cert"))), public_key(text)
    if certificate is None or public is None:
        return None
    complete = spki(certificate) == public and bool(document.get("apiKey"))
    return Held(
        document,
        certificate.serial_number,
        certificate.subject,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        complete,
    )


@lru_cache(maxsize=4096)
def leaf(pem: str) -> x509.Certificate | None:
    """The first certificate of a PEM text; None when there is none."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0]
    except (ValueError, x509.InvalidVersion):
        return None


@lru_cache(maxsize=4096)
def public_key(text: str) -> bytes | None:
    """The public half of the private key in a version's JSON; None when there is none."""
    pem = private_key_pem(text)
    return _spki(serialization.load_pem_private_key(pem.encode(), None).public_key()) if pem else None


def private_key_pem(text: str) -> str:
    """The private key in a version's JSON, if it can be read; else empty."""
    pem = str(_object(text).get("privateKey"))
    try:
        serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ""
    return pem


def api_key(text: str) -> str:
    """The API key in a version's JSON; else empty."""
    found = _object(text).get("apiKey")
    return found if isinstance(found, str) else ""


def spki(certificate: x509.Certificate) -> bytes:
    """The public key a certificate is for."""
    return _spki(certificate.public_key())


def _spki(key: Any) -> bytes:  # noqa: ANN401 - a public key of any kind
    return bytes(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
