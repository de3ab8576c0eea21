"""The secret's JSON as a value: the credential consumers read."""

import json
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from certificate_rotation.domain import api_key as api_keys
from certificate_rotation.domain import x509
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.key_pair import check_usable
from certificate_rotation.domain.times import utc_text

MAX_SECRET_BYTES = 65_536  # AWS: the size of a Secrets Manager value
_ROOM_FOR_A_NEW_CHAIN = 16_384  # a new certificate may come with a longer chain and a larger key than the old one
API_KEY_EXPIRY = "apiKeyExpiry"  # the contract's name of the note that says when the API key ends


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
    chain: x509.Chain
    key: x509.PrivateKey = field(repr=False)
    api_key: str = field(repr=False)
    cert_name: str | None

    @classmethod
    def parse(cls, secret: str) -> Self:
        """Read and check the secret's text.

        Raises:
            InvalidCredential: names the field and what was expected there; quotes no value.
        """
        document = json_object(secret)
        api_key = text_of(document, "apiKey")
        read_field("apiKey", lambda: api_keys.check(api_key))
        chain = read_field("cert", lambda: x509.load_chain(text_of(document, "cert")))
        key = read_field("privateKey", lambda: x509.load_private_key(text_of(document, "privateKey")))
        if not x509.belong_together(key, chain.leaf):
            raise InvalidCredential(
                "privateKey in the secret is not the key of cert (its first certificate must be the client's own)."
            )
        read_field("cert", lambda: check_usable(key, chain))
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

    @property
    def api_key_expiry(self) -> datetime | None:
        """When the API key ends, by the note in the secret; None without one.

        Raises:
            InvalidCredential: the note cannot be read.
        """
        note = self.document.get(API_KEY_EXPIRY)
        return None if note is None else read_field(API_KEY_EXPIRY, lambda: api_keys.read_expiry(note))

    def with_certificate(self, chain: x509.Chain, key: x509.PrivateKey, cert_name: str) -> "Credential":
        """The same credential with another certificate, key and name; everything else survives untouched.

        Raises:
            ValueError: it could not be used, or not stored.
        """
        check_usable(key, chain)
        changed = {"cert": chain.pem, "privateKey": x509.private_key_pem(key), "certName": cert_name}
        document = {**self.document, **changed}
        return _storable(replace(self, document=document, chain=chain, key=key, cert_name=cert_name))

    def with_api_key(self, api_key: str, expiry: datetime | None) -> "Credential":
        """The same credential with another API key, and the note of its end; without the note where nobody knows it.

        Raises:
            ValueError: it could not be used, or not stored.
        """
        api_keys.check(api_key)
        document = {**self.document, "apiKey": api_key}
        document.pop(API_KEY_EXPIRY, None)
        if expiry:
            document[API_KEY_EXPIRY] = utc_text(expiry)
        return _storable(replace(self, document=document, api_key=api_key))

    def dump(self) -> str:
        """The credential as the text of a secret version."""
        return json.dumps(self.document)


def _storable(credential: Credential) -> Credential:
    if len(credential.dump()) > MAX_SECRET_BYTES:
        raise ValueError(f"is too large: with it, the secret would have more than {MAX_SECRET_BYTES} bytes")
    return credential


def json_object(secret: str) -> dict[str, object]:
    """The object a secret's text holds. Raises `InvalidCredential`."""
    try:
        secret.encode()  # RFC 8259, section 8.1: half a surrogate pair is no JSON text
        document = json.loads(secret)
        json.dumps(document, allow_nan=False)  # what cannot be written back unchanged must not be read
    except (ValueError, RecursionError):
        raise InvalidCredential("The secret is not JSON. Expected an object with apiKey, cert, privateKey.") from None
    if not isinstance(document, dict):
        raise InvalidCredential("The secret's JSON is not an object with apiKey, cert, privateKey.")
    return document


def text_of(document: Mapping[str, object], name: str) -> str:
    """A field that must be text. Raises `InvalidCredential`."""
    value = document.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidCredential(f"{name} is missing in the secret, or is not text.")
    return value


def read_field[T](name: str, read: Callable[[], T]) -> T:
    """What `read` makes of a field; its `ValueError` becomes an `InvalidCredential` that names the field."""
    try:
        return read()
    except ValueError as error:  # its message quotes no input: see x509, key_pair and api_key
        raise InvalidCredential(f"{name} in the secret {error}.") from None
