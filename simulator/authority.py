"""The authority that signs client certificates, and the keys and CSRs a simulated customer makes.

Private keys exist in memory only; every run makes its own authority.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Literal

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
type PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

MINIMUM_RSA_BITS = 2048  # OpenSSL's default security level refuses anything shorter in the handshake


class UnacceptableRequestError(ValueError):
    """A certificate request that no authority would sign; the text says why, for the 400 that follows."""


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


_NEW_KEY: MappingProxyType[str, Callable[[], PrivateKey]] = MappingProxyType(
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
    try:
        generate = _NEW_KEY[algorithm]
    except KeyError:
        raise ValueError(f"no key algorithm {algorithm!r}: use one of {', '.join(_NEW_KEY)}") from None
    return generate()


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
        UnacceptableRequestError: Not a request, a broken signature, or a key that is neither EC nor RSA of 2048 bits.
    """
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        signed = csr.is_signature_valid
        key = csr.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise UnacceptableRequestError("pemCsr is not a readable PKCS#10 request in PEM") from None
    if not signed:
        raise UnacceptableRequestError("the signature of pemCsr does not match its key")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MINIMUM_RSA_BITS:
        raise UnacceptableRequestError(f"pemCsr has an RSA key shorter than {MINIMUM_RSA_BITS} bits")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise UnacceptableRequestError("pemCsr has a key that is neither RSA nor EC")
    return csr


def another_key_like(csr: x509.CertificateSigningRequest) -> PublicKey:
    """Return a fresh public key of the request's kind, so that nothing but the key itself is wrong."""
    key = csr.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ec.generate_private_key(key.curve).public_key()
    return rsa.generate_private_key(65537, MINIMUM_RSA_BITS).public_key()


class ClientAuthority:
    """A root that the server trusts for client certificates, and an intermediate under it for issuing chains."""

    def __init__(self) -> None:
        self._root = trustme.CA(organization_name="Device-ID simulator", organization_unit_name="client root")
        self._intermediate = self._root.create_child_ca()

    @property
    def root_pem(self) -> str:
        """The root alone: a client that drops the intermediate from its chain is refused, as it should be."""
        return self._root.cert_pem.bytes().decode()

    def sign(
        self,
        csr: x509.CertificateSigningRequest,
        *,
        not_before: datetime,
        not_after: datetime,
        chain: bool = False,
        public_key: PublicKey | None = None,
    ) -> Issued:
        """Sign a client certificate with the request's subject and SANs.

        Args:
            csr: A request that ``load_csr`` accepted.
            not_before: Start of validity.
            not_after: End of validity.
            chain: Sign with the intermediate, and hand it out below the leaf.
            public_key: Certify this key instead of the request's own.

        Returns:
            The certificate; its times are in whole seconds.
        """
        signer = self._intermediate if chain else self._root
        signer_certificate = x509.load_pem_x509_certificate(signer.cert_pem.bytes())
        signer_key = load_pem_private_key(signer.private_key_pem.bytes(), password=None)
        if not isinstance(signer_key, ec.EllipticCurvePrivateKey):
            raise TypeError("trustme made an authority whose key is not EC")
        builder = _leaf_builder(csr, public_key).issuer_name(signer_certificate.subject)
        builder = (
            builder.not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                    signer_certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
                ),
                critical=False,
            )
        )
        leaf = builder.sign(signer_key, hashes.SHA256())
        pem = leaf.public_bytes(Encoding.PEM).decode()
        return Issued(leaf, pem + signer.cert_pem.bytes().decode() if chain else pem)


def _leaf_builder(csr: x509.CertificateSigningRequest, public_key: PublicKey | None) -> x509.CertificateBuilder:
    """Return everything of a client certificate that does not depend on who signs it and for how long."""
    key = public_key or csr.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    try:
        sans = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return builder
    # RFC 5280, 4.2.1.6: an empty subject makes the SANs critical.
    return builder.add_extension(sans.value, critical=not list(csr.subject))
