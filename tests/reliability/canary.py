"""Finds API keys and private keys in whatever form they may have slipped into a text."""

import base64
import json
from functools import cache
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_SHORT = 40  # characters: the last line of a PEM body may be too short to give anything away


def forms(secret: str) -> set[str]:
    """How a text may hold `secret`: plain, base64 at any of its three alignments, hex, URL-encoded, JSON-escaped."""
    raw = secret.encode()
    aligned = {base64.b64encode(raw[skip : skip + (len(raw) - skip) // 3 * 3]).decode() for skip in range(3)}
    return {secret, *aligned, raw.hex(), raw.hex().upper(), quote(secret, safe=""), json.dumps(secret)[1:-1]}


@cache
def forms_of_key(pem: str) -> frozenset[str]:
    """The same of a private key: any full line of its PEM, and its secret number, give it away."""
    lines = [line for line in pem.splitlines() if len(line) > _SHORT and " " not in line]
    found = set().union(*(forms(line) for line in lines))
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if isinstance(key, rsa.RSAPrivateKey):
        number = key.private_numbers().d
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        number = key.private_numbers().private_value
    else:
        return frozenset(found)
    return frozenset({*found, str(number), f"{number:x}", f"{number:X}"})


class Canary:
    """The secrets of one world, and what was searched for them."""

    def __init__(self) -> None:
        self._needles: set[str] = set()

    def watch_for(self, *, api_key: str = "", private_key_pem: str = "") -> None:
        """From now on these must not show up."""
        if api_key:
            self._needles |= forms(api_key)
        if private_key_pem:
            self._needles |= forms_of_key(private_key_pem)

    def found_in(self, text: str) -> list[str]:
        """The forms of secrets that `text` holds; empty when it gives nothing away."""
        unfolded = text.replace("\\n", "\n")
        return [needle for needle in self._needles if needle in text or needle in unfolded]
