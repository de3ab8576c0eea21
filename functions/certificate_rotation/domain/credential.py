"""The secret's JSON as values: the credential consumers read, and the intent a rotation starts from."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.key_pair import check_usable
from certificate_rotation.domain.x509 import (
    Chain,
    PrivateKey,
    belong_together,
    is_request_for,
    load_chain,
    load_private_key,
    private_key_pem,
)

MAX_SECRET_BYTES = 65_536  # AWS: the size of a Secrets Manager value
_ROOM_FOR_A_NEW_CHAIN = 16_384  # a new certificate may come with a longer chain and a larger key than the old one
_API_KEY = re.compile(r"[\x21-\x7e]{1,4096}")  # what an HTTP header can carry, blanks excluded


@dataclass(frozen=True)
class Credential:
    """An API key, a certificate and its private key that belong together.

    Attributes:
        document: the whole JSON object, the customer's own keys included.
        chain: the certificate, leaf first.
        key: its private key.
        api_key: sent in the `apiKey` header.
        cert_name: the name the service knows the certificate by; None when the secret does not say.
    """

    document: Mapping[str, object] = field(repr=False)
    chain: Chain
    key: PrivateKey = field(repr=False)
    api_key: str = field(repr=False)
    cert_name: str | None

    @classmethod
    def parse(cls, secret: str) -> Self:
        """Read and check the secret's text.

        Raises:
            InvalidCredential: names the field and what was expected there; quotes no value.
        """
        document = _json_object(secret)
        api_key = _text(document, "apiKey")
        if not _API_KEY.fullmatch(api_key):
            raise InvalidCredential("apiKey in the secret holds blanks, line breaks or non-ASCII characters.")
        chain = _read("cert", lambda: load_chain(_text(document, "cert")))
        key = _read("privateKey", lambda: load_private_key(_text(document, "privateKey")))
        if not belong_together(key, chain.leaf):
            raise InvalidCredential(
                "privateKey in the secret is not the key of cert (its first certificate must be the client's own)."
            )
        _read("cert", lambda: check_usable(key, chain))
        cert_name = document.get("certName") or None
        if not isinstance(cert_name, str | None) or not (cert_name or "").isprintable():
            raise InvalidCredential("certName in the secret must be text of printable characters.")
        credential = cls(document, chain, key, api_key, cert_name)
        size = len(credential.dump())  # as it will be written: escaped, "ü" has six bytes
        if size > MAX_SECRET_BYTES - _ROOM_FOR_A_NEW_CHAIN:
            raise InvalidCredential(
                f"The secret is {size} bytes of ASCII; a new certificate needs it to be at most "
                f"{MAX_SECRET_BYTES - _ROOM_FOR_A_NEW_CHAIN}. Move the customer's own keys elsewhere."
            )
        return credential

    def renewed(self, chain: Chain, key: PrivateKey, cert_name: str) -> Self:
        """The same credential with another certificate, key and name; everything else survives untouched.

        Raises:
            ValueError: it could not be used, or not stored.
        """
        check_usable(key, chain)
        changed = {"cert": chain.pem, "privateKey": private_key_pem(key), "certName": cert_name}
        document = {**self.document, **changed}
        renewed = replace(self, document=document, chain=chain, key=key, cert_name=cert_name)
        if len(renewed.dump()) > MAX_SECRET_BYTES:
            raise ValueError(f"is too large: with it, the secret would have more than {MAX_SECRET_BYTES} bytes")
        return renewed

    def dump(self) -> str:
        """The credential as the text of a secret version."""
        return json.dumps(self.document)


@dataclass(frozen=True)
class Intent:
    """What a rotation will ask for, stored before it asks: a crash must not part a certificate from its key.

    Attributes:
        version: the secret version that holds it.
        private_key_pem: PKCS#8, unencrypted.
        csr_pem: PKCS#10 for that key.
        cert_name: unique per rotation.
        based_on: fingerprint of the certificate in use when it was made.
    """

    version: str
    private_key_pem: str = field(repr=False)
    csr_pem: str
    cert_name: str
    based_on: str

    @classmethod
    def parse(cls, version: str, secret: str) -> Self:
        """Read what `dump` wrote into `version`.

        Raises:
            InvalidCredential: somebody else wrote this version.
        """
        document = _json_object(secret)
        intent = cls(version, *(_text(document, name) for name in ("privateKey", "csr", "certName", "basedOn")))
        key = _read("privateKey", lambda: load_private_key(intent.private_key_pem))
        if not is_request_for(intent.csr_pem, key):
            raise InvalidCredential("csr in the secret is not a certificate request for privateKey.")
        return intent

    def dump(self) -> str:
        """The intent as the text of a secret version."""
        return json.dumps(
            {
                "privateKey": self.private_key_pem,
                "csr": self.csr_pem,
                "certName": self.cert_name,
                "basedOn": self.based_on,
            }
        )


def _json_object(secret: str) -> dict[str, object]:
    try:
        secret.encode()  # RFC 8259, section 8.1: half a surrogate pair is no JSON text
        document = json.loads(secret)
        json.dumps(document, allow_nan=False)  # what cannot be written back unchanged must not be read
    except (ValueError, RecursionError):
        raise InvalidCredential("The secret is not JSON. Expected an object with apiKey, cert, privateKey.") from None
    if not isinstance(document, dict):
        raise InvalidCredential("The secret's JSON is not an object with apiKey, cert, privateKey.")
    return document


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidCredential(f"{name} is missing in the secret, or is not text.")
    return value


def _read[T](name: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as error:  # its message quotes no input: see x509 and key_pair
        raise InvalidCredential(f"{name} in the secret {error}.") from None
