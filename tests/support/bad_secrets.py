"""Secrets as people might store them: good ones with one thing wrong, things put into the wrong field, and junk."""

from base64 import b64decode, encodebytes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from certificate_rotation.domain.x509 import Chain, new_csr_pem, private_key_pem
from tests.support.factories import NOW, certificate, secret
from tests.support.fuzz_inputs import Junk

FIELDS = ("apiKey", "cert", "privateKey", "certName")
LABELS = ("CERTIFICATE", "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "CERTIFICATE REQUEST", "PKCS7", "X509 CRL")


@dataclass(frozen=True)
class Tried:
    """A secret's text; `field` is the one that is wrong, if only one is."""

    text: str
    field: str | None = None


def lying_about(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """What a person takes the wrong one from: by name, PEM of all kinds, about this key and others."""
    other, small = ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 1024)  # noqa: S505 - too small
    edwards = ed25519.Ed25519PrivateKey.generate()
    agreeing = x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    mine, theirs = certificate(key), certificate(other)
    passphrase = BestAvailableEncryption(b"passphrase")
    return {
        "cert": Chain((mine,)).pem,
        "other cert": Chain((theirs,)).pem,
        "chain": Chain((mine, theirs)).pem,
        "chain, authority first": Chain((theirs, mine)).pem,
        "the same twice": Chain((mine, mine)).pem,
        "ended": Chain((certificate(key, ends=NOW - timedelta(days=1)),)).pem,
        "not begun": Chain((certificate(key, begins=NOW + timedelta(days=1)),)).pem,
        "longer": Chain((certificate(key, ends=NOW + timedelta(days=90)),)).pem,
        "for ever": Chain((certificate(key, ends=NOW.replace(year=9999)),)).pem,
        "small cert": Chain((certificate(small),)).pem,
        "edwards cert": Chain((certificate(edwards),)).pem,
        "request": new_csr_pem(key, mine),
        "key": private_key_pem(key),
        "other key": private_key_pem(other),
        "small key": private_key_pem(small),
        "edwards key": private_key_pem(edwards),
        "key to agree with": agreeing.decode(),
        "old form": key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
        "ssh": key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
        "encrypted": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, passphrase).decode(),
        "public": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    }


class Secrets:
    """Bad secrets, made from a good one and from what lies about."""

    def __init__(self, good: Mapping[str, object], pems: Mapping[str, str]) -> None:
        self.good, self.pems = good, pems

    @classmethod
    def of_nobody(cls) -> "Secrets":
        """Made from one that no service knows."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(secret(key), lying_about(key))

    def one(self, junk: Junk) -> Tried:
        """One secret."""
        if junk.once_in(2):
            name = junk.pick(FIELDS)
            return Tried(junk.json({**self.good, name: self._field(junk, name)}), name)
        pair = {name: self._pem(junk, name) for name in ("cert", "privateKey")}
        small = {"cert": self.pems["small cert"], "privateKey": self.pems["small key"]}
        edwards = {"cert": self.pems["edwards cert"], "privateKey": self.pems["edwards key"]}
        made: Callable[[], str] = junk.pick(
            (
                lambda: junk.text(200),
                lambda: junk.json(junk.value()),
                lambda: junk.nested() if junk.once_in(3) else junk.text(9),
                lambda: junk.spoilt(junk.json(self.good)),
                lambda: junk.spoilt(junk.json(self.good)),
                lambda: junk.json(junk.spoilt_object(self.good)),
                lambda: junk.json({**self.good, junk.text(8): junk.value(), "mine": junk.value(5)}),
                lambda: f'{junk.json(self.good).rstrip("} \n")}, "mine": {junk.nested(9_000)}' + "}",
                lambda: junk.json({**self.good, **junk.pick((pair, pair, small, edwards))}),
            )
        )
        return Tried(made())

    def _field(self, junk: Junk, name: str) -> object:
        if name in ("apiKey", "certName"):
            return junk.pick((junk.value(), junk.text()))
        return junk.value() if junk.once_in(3) else self._pem(junk, name)

    def _pem(self, junk: Junk, name: str) -> str:
        good, other = str(self.good[name]), junk.pick(list(self.pems.values()))
        made: Callable[[], str] = junk.pick(
            (
                lambda: other,
                lambda: junk.spoilt(good),
                lambda: armoured(junk.pick(LABELS), junk.raw(400)),
                lambda: rewritten(junk, good),
                lambda: rewritten(junk, good),
                lambda: rewritten(junk, other),
                lambda: good + other,
                lambda: other + good,
            )
        )
        return made()


def rewritten(junk: Junk, pem: str) -> str:
    """The PEM text in good armour, with one thing wrong inside."""
    head, *lines = pem.splitlines()
    body = "".join(line for line in lines if not line.startswith("-"))
    return armoured(head.strip("-").removeprefix("BEGIN "), junk.spoilt_bytes(b64decode(body)))


def armoured(label: str, der: bytes) -> str:
    """PEM of anything."""
    return f"-----BEGIN {label}-----\n{encodebytes(der).decode()}-----END {label}-----\n"
