"""A private key and a certificate that belong together, and what they are for: TLS, and asking for the next one.

A parser accepts more than TLS does. What only TLS would refuse must be found before an attempt is counted, and before
a new certificate is stored as a credential.
"""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from cryptography import x509

from certificate_rotation.domain.x509 import Chain, PrivateKey, new_csr_pem, private_key_pem


def check_usable(key: PrivateKey, chain: Chain) -> None:
    """Try both.

    Raises:
        ValueError: one of them does not work; quotes no input.
    """
    show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), key, chain)
    try:
        new_csr_pem(key, like=chain.leaf)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise ValueError("holds names or extensions that cannot be read") from None


def show(context: ssl.SSLContext, key: PrivateKey, chain: Chain) -> None:
    """Let a TLS context show this certificate.

    Raises:
        ValueError: TLS cannot use it, for example because its key is too small.
    """
    with PLACE.get()(private_key_pem(key) + chain.pem) as path:
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise ValueError(f"cannot be used by TLS ({error.reason or 'not readable'})") from None


@contextmanager
def in_memory(identity: str) -> Iterator[str]:
    """The path of an anonymous file: load_cert_chain wants a path, and this one keeps the key off every disk."""
    descriptor = os.memfd_create("client-identity", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "w") as file:
        file.write(identity)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


type Place = Callable[[str], AbstractContextManager[str]]
"""Puts a key and its certificate where OpenSSL can read them, as long as it does; gives the path."""

PLACE: ContextVar[Place] = ContextVar("place", default=in_memory)  # another one on a machine without anonymous files
