"""Seals a text so that only who has the key can read it, and only as what it was sealed for. Pure but for chance.

AES-256-GCM (NIST SP 800-38D) by `cryptography`. The nonce is random for every seal; what a text is about is bound to it
as associated data, so that a seal carried elsewhere does not open.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2
_KEY_BITS = 256


def new_key() -> str:
    """A key for one attempt, base64."""
    return base64.b64encode(AESGCM.generate_key(_KEY_BITS)).decode()


def is_key(text: str) -> bool:
    """Whether `new_key` could have made this."""
    try:
        return len(base64.b64decode(text, validate=True)) * 8 == _KEY_BITS
    except ValueError:  # binascii.Error is one
        return False


def seal(text: str, key: str, about: str) -> str:
    """Seal a text.

    Args:
        text: what nobody else may read.
        key: as `new_key` made it.
        about: what the text belongs to.

    Returns:
        ASCII that tells nothing but the text's length.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return base64.b64encode(nonce + _cipher(key).encrypt(nonce, text.encode(), about.encode())).decode()


def unseal(sealed: str, key: str, about: str) -> str | None:
    """The text; None where it was not sealed with this key, or for something else, or was changed since."""
    try:
        stored = base64.b64decode(sealed, validate=True)
        return _cipher(key).decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], about.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def _cipher(key: str) -> AESGCM:
    return AESGCM(base64.b64decode(key, validate=True))
