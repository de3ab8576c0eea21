"""What is stored, read with nothing but `json` and `cryptography`: the code is not asked about itself."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Contract: what a rotation of either half replaces in the secret.
CERTIFICATE, API_KEY = frozenset({"cert", "privateKey", "certName"}), frozenset({"apiKey", "apiKeyExpiry"})
_MILLISECONDS_FROM = 100_000_000_000  # as Unix seconds, a day of the year 5138
_NONCE_BYTES = 12  # NIST SP 800-38D


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
        """The customer's own keys, which no rotation may touch."""
        return {name: value for name, value in self.document.items() if name not in CERTIFICATE | API_KEY}

    @property
    def api_key(self) -> str:
        """The API key."""
        return str(self.document["apiKey"])

    @property
    def pair(self) -> tuple[int, str]:
        """What the service judges."""
        return self.serial, self.api_key

    @property
    def key_ends(self) -> datetime | None:
        """When the API key ends, by the note beside it; None where it says nothing."""
        return moment(self.document.get("apiKeyExpiry"))

    def only(self, names: frozenset[str]) -> dict[str, Any]:
        """These of its keys."""
        return {name: value for name, value in self.document.items() if name in names}


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


def moment(note: object) -> datetime | None:
    """ISO 8601, Unix seconds or milliseconds, as number or text; None for anything else."""
    text = str(note)
    try:
        if isinstance(note, bool | None):
            return None
        if text.isdecimal():
            number = int(text)
            return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def sealing_key(text: str) -> str:
    """What an API key's answer is sealed with, in a version's JSON; else empty."""
    found = _object(text).get("sealingKey")
    return found if isinstance(found, str) else ""


def opened(arn: str, attempt: Mapping[str, Any], intent: str) -> str | None:
    """The API key that an attempt's record holds sealed; None where this version of the secret does not open it.

    Said once more, from the design: AES-256-GCM, the nonce first, the secret's ARN and the attempt as associated data.
    """
    started = datetime.fromisoformat(attempt["started_at"]).isoformat()
    about = f"{arn}/{attempt['intent_version']}/{started}"
    try:
        sealed, key = base64.b64decode(attempt["answer"]), base64.b64decode(sealing_key(intent))
        text = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about.encode())
    except (InvalidTag, KeyError, ValueError):
        return None
    return str(_object(text.decode()).get("token"))


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
