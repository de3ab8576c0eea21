"""Finds API keys and private keys in whatever form they may have slipped into a text."""

import base64
import json
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_SHORT = 40  # characters: the last line of a PEM body may be too short to give anything away
_SHORTEST = 16  # characters: no secret is shorter, nor any form of one
# A text is looked at in windows of this length, one after the other: a secret covers at least one of them wholly.
_WINDOW = _SHORTEST // 2


def forms(secret: str) -> set[str]:
    """How a text may hold `secret`: plain, base64 at any of its three alignments, hex, URL- or JSON-encoded, repr."""
    raw = secret.encode()
    aligned = {base64.b64encode(raw[skip : skip + (len(raw) - skip) // 3 * 3]).decode() for skip in range(3)}
    return {
        secret,
        *aligned,
        raw.hex(),
        raw.hex().upper(),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
    }


@lru_cache(maxsize=1024)
def forms_of_key(pem: str) -> frozenset[str]:
    """The same of a private key: any full line of its PEM, and its secret number, give it away."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    # Some lines hold the public half alone, which stands in the certificate too.
    lines = [
        line
        for line in pem.splitlines()
        if len(line) > _SHORT and not line.startswith("-") and base64.b64decode(line) not in public
    ]
    found = set().union(*(forms(line) for line in lines))
    if isinstance(key, rsa.RSAPrivateKey):
        number = key.private_numbers().d
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        number = key.private_numbers().private_value
    else:
        return frozenset(found)
    return frozenset({*found, str(number), f"{number:x}", f"{number:X}"})


class Canary:
    """Secrets, and the search for them: it takes as long for thousands as for one."""

    def __init__(self) -> None:
        # By what a window may show of a secret: the secret, and how far into it the window begins.
        self._seen_through: dict[str, set[tuple[str, int]]] = {}

    def watch_for(self, *, api_key: str = "", private_key_pem: str = "") -> None:
        """From now on these must not show up."""
        if len(api_key) >= _SHORTEST:
            self._add(forms(api_key))
        if private_key_pem:
            self._add(forms_of_key(private_key_pem))

    def _add(self, needles: Iterable[str]) -> None:
        for needle in needles:
            for offset in range(_WINDOW):
                window = needle[offset : offset + _WINDOW]
                self._seen_through.setdefault(window, set()).add((needle, offset))

    def found_in(self, text: str) -> list[str]:
        """The forms of secrets that `text` holds; empty when it gives nothing away."""
        known = self._seen_through
        return [
            needle
            for at in range(0, len(text), _WINDOW)
            if text[at : at + _WINDOW] in known
            for needle, offset in known[text[at : at + _WINDOW]]
            if at >= offset and text.startswith(needle, at - offset)
        ]
