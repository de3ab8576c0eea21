"""The certificate authority (CA) for client certificates, and the keys and CSRs a simulated customer makes.

Private keys exist in memory only; every run makes its own CA.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, Self

import trustme
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

type KeyAlgorithm = Literal["rsa2048", "rsa3072", "rsa4096", "ec256", "ec384"]
type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

MINIMUM_RSA_BITS: Final = 2048  # OpenSSL's default security level refuses anything shorter in the handshake

_NEW_KEY: Final[MappingProxyType[str, Callable[[], PrivateKey]]] = MappingProxyType(
    {
        "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
        "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
        "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
        "ec256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ec384": lambda: ec.generate_private_key(ec.SECP384R1()),
    }
)


def new_key(algorithm: KeyAlgorithm) -> PrivateKey:
    """Generate a private key.

    Raises:
        ValueError: The algorithm is not one of the five.
    """
    if algorithm not in _NEW_KEY:
        raise ValueError(f"no key algorithm {algorithm!r}: use one of {', '.join(_NEW_KEY)}")
    return _NEW_KEY[algorithm]()


def key_pem(key: PrivateKey) -> str:
    """Return the key as unencrypted PKCS#8 PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def new_csr(key: PrivateKey, subject: x509.Name, sans: Sequence[x509.GeneralName]) -> str:
    """Return a PKCS#10 request, PEM, for ``key``; no SAN extension when ``sans`` is empty."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def load_csr(pem: str) -> x509.CertificateSigningRequest:
    """Parse a PEM request and verify that it is signed with its own key.

    Raises:
        ValueError: Not a request, a broken signature, or a key that is neither EC nor RSA of 2048 bits.
    """
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        signed = csr.is_signature_valid
        key = csr.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("pemCsr is not a readable PKCS#10 request in PEM") from None
    if not signed:
        raise ValueError("the signature of pemCsr does not match its key")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MINIMUM_RSA_BITS:
        raise ValueError(f"pemCsr has an RSA key shorter than {MINIMUM_RSA_BITS} bits")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ValueError("pemCsr has a key that is neither RSA nor EC")  # noqa: TRY004  - a wrong request, as above
    return csr


@dataclass(frozen=True)
class Terms:
    """How a certificate is to be issued.

    Attributes:
        not_before: Start of validity.
        not_after: End of validity.
        active_from: From when on the service accepts it; None for not until it is activated by hand.
        chain: Sign with the intermediate, and hand it out below the leaf.
        other_key: Certify a fresh key of the same kind instead of the request's own.
    """

    not_before: datetime
    not_after: datetime
    active_from: datetime | None
    chain: bool = False
    other_key: bool = False

    @classmethod
    def starting(cls, moment: datetime, lifetime: timedelta, *, chain: bool = False) -> Self:
        """Return the usual terms for a certificate issued at ``moment``.

        It begins in whole seconds and one second earlier. OpenSSL reads the time from a coarser clock than Python does:
        just after a second has begun, it would refuse a certificate that is valid from that second on.
        """
        start = moment.replace(microsecond=0) - timedelta(seconds=1)
        return cls(start, start + lifetime, active_from=start, chain=chain)


@dataclass(frozen=True)
class Issued:
    """A signed certificate.

    Attributes:
        leaf: The certificate itself.
        pem: What the service hands out: the leaf, followed by the intermediate when there is one.
    """

    leaf: x509.Certificate
    pem: str

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of the leaf, by which the service recognises what it issued."""
        return self.leaf.fingerprint(hashes.SHA256())


class CertificateAuthority:
    """A root that the server trusts for client certificates, and an intermediate under it for issuing chains."""

    def __init__(self) -> None:
        self._root = trustme.CA(organization_name="Device-ID simulator", organization_unit_name="client root")
        self._intermediate = self._root.create_child_ca()

    @property
    def root_pem(self) -> str:
        """The root alone: a client that drops the intermediate from its chain is refused, as it should be."""
        return self._root.cert_pem.bytes().decode()

    def sign(self, csr: x509.CertificateSigningRequest, terms: Terms) -> Issued:
        """Sign a client certificate with the subject and the SANs of a request that ``load_csr`` accepted."""
        signer = self._intermediate if terms.chain else self._root
        signer_certificate = x509.load_pem_x509_certificate(signer.cert_pem.bytes())
        signer_key = load_pem_private_key(signer.private_key_pem.bytes(), password=None)
        if not isinstance(signer_key, ec.EllipticCurvePrivateKey):
            raise TypeError("trustme made a CA whose key is not EC")
        public_key = _another_key_like(csr) if terms.other_key else csr.public_key()
        signer_key_id = signer_certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(signer_certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(terms.not_before)
            .not_valid_after(terms.not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer_key_id), critical=False
            )
        )
        for extension in csr.extensions:
            if isinstance(extension.value, x509.SubjectAlternativeName):
                # RFC 5280, 4.2.1.6: an empty subject makes the SANs critical.
                builder = builder.add_extension(extension.value, critical=not list(csr.subject))
        leaf = builder.sign(signer_key, hashes.SHA256())
        pem = leaf.public_bytes(Encoding.PEM).decode()
        return Issued(leaf, pem + signer.cert_pem.bytes().decode() if terms.chain else pem)


def _another_key_like(csr: x509.CertificateSigningRequest) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """Return a fresh public key of the request's kind, so that nothing but the key itself is wrong."""
    key = csr.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ec.generate_private_key(key.curve).public_key()
    return rsa.generate_private_key(65537, MINIMUM_RSA_BITS).public_key()
