"""Pure X.509: keys, certificate requests, lifetimes, and the offline check of a new certificate.

Nothing here reads a clock, a file or the network. Errors are `ValueError` with a message that quotes no input:
the caller knows whether a bad PEM is the customer's secret or the service's answer, and names it so.
One module, because the check of a new certificate and the making of its request must agree on what a key may be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

KeyAlgorithm = Literal["same", "rsa2048", "rsa3072", "rsa4096", "ec256", "ec384"]
KEY_ALGORITHMS: tuple[str, ...] = get_args(KeyAlgorithm)

_RSA_PUBLIC_EXPONENT = 65537  # the only value RFC 8017 practice and every CA accepts
_NEW_KEY: dict[str, Callable[[], PrivateKey]] = {
    "rsa2048": lambda: rsa.generate_private_key(_RSA_PUBLIC_EXPONENT, 2048),
    "rsa3072": lambda: rsa.generate_private_key(_RSA_PUBLIC_EXPONENT, 3072),
    "rsa4096": lambda: rsa.generate_private_key(_RSA_PUBLIC_EXPONENT, 4096),
    "ec256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec384": lambda: ec.generate_private_key(ec.SECP384R1()),
}
# Reading an RSA key checks its primes, and making one looks for them: past this size either may take longer than an
# invocation lives on a small Lambda. KeyAlgorithm offers nothing larger.
_MAX_RSA_BITS = 4096
_EARLIEST_YEAR = 1950  # RFC 5280, section 4.1.2.5: where the dates of certificates begin


class EndsSoonerError(ValueError):
    """A new certificate ends before the one it is to replace."""


@dataclass(frozen=True)
class Chain:
    """One or more certificates, leaf first."""

    certificates: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate of the client itself."""
        return self.certificates[0]

    @property
    def not_before(self) -> datetime:
        """When the leaf begins, UTC."""
        return self.leaf.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """When the leaf ends, UTC."""
        return self.leaf.not_valid_after_utc

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the leaf, hex: tells one certificate from another."""
        return self.leaf.fingerprint(hashes.SHA256()).hex()

    @property
    def pem(self) -> str:
        """The chain as PEM, leaf first."""
        return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in self.certificates)


def load_chain(pem: str) -> Chain:
    """Read one or more PEM certificates.

    Raises:
        ValueError: the text holds no certificate, or one that cannot be read.
    """
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
        for certificate in certificates:  # parsed lazily: what nobody can read must fail here, not later
            certificate.public_key()
            _check_dates(certificate)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise ValueError("is not a readable PEM certificate (-----BEGIN CERTIFICATE-----)") from None
    return Chain(tuple(certificates))


def _check_dates(certificate: x509.Certificate) -> None:
    """Refuse dates that cannot be reckoned with: `datetime` begins at year 1, and we subtract from them."""
    if min(certificate.not_valid_before_utc, certificate.not_valid_after_utc).year < _EARLIEST_YEAR:
        raise ValueError


def load_private_key(pem: str) -> PrivateKey:
    """Read an unencrypted PEM private key: PKCS#8, PKCS#1 or SEC 1.

    Raises:
        ValueError: it cannot be read, is encrypted, or is of a kind the service cannot sign for.
    """
    try:
        key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size <= _MAX_RSA_BITS:
            key = serialization.load_pem_private_key(pem.encode(), None)
    except TypeError:  # cryptography: "password was not given but private key is encrypted"
        raise ValueError("is encrypted; store it without a passphrase, the secret itself is encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a readable PEM private key (-----BEGIN PRIVATE KEY-----)") from None
    if not isinstance(key, PrivateKey):
        raise ValueError("is of an unsupported kind; use an RSA, EC or Ed25519 key")  # noqa: TRY004 - a bad value
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size > _MAX_RSA_BITS:
        raise ValueError(f"is an RSA key of {key.key_size} bits; at most {_MAX_RSA_BITS} can be renewed here")
    return key


def private_key_pem(key: PrivateKey) -> str:
    """The key as unencrypted PKCS#8 PEM: what the secret holds."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def belong_together(key: PrivateKey, certificate: x509.Certificate) -> bool:
    """Whether the certificate was issued for this key."""
    return _spki(key.public_key()) == _spki(certificate.public_key())


def first_private_key(algorithm: str) -> PrivateKey:
    """Make a key of the named `KeyAlgorithm`; not `same`, because there is none before it."""
    return _NEW_KEY[algorithm]()


def new_private_key(algorithm: str, like: PrivateKey) -> PrivateKey:
    """Make a key of the named `KeyAlgorithm`; `same` makes one of the kind and size of `like`."""
    if algorithm != "same":
        return first_private_key(algorithm)
    if isinstance(like, rsa.RSAPrivateKey):
        return rsa.generate_private_key(_RSA_PUBLIC_EXPONENT, like.key_size)
    if isinstance(like, ec.EllipticCurvePrivateKey):
        return ec.generate_private_key(like.curve)
    return ed25519.Ed25519PrivateKey.generate()


def new_csr_pem(key: PrivateKey, like: x509.Certificate) -> str:
    """A PKCS#10 request for `key` that keeps the subject and the SANs of the certificate in use."""
    try:
        names = like.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:  # a certificate without SANs asks for one without SANs
        return csr_pem(key, like.subject)
    return csr_pem(key, like.subject, names.value, critical=names.critical)


def csr_pem(
    key: PrivateKey, subject: x509.Name, names: x509.SubjectAlternativeName | None = None, *, critical: bool = False
) -> str:
    """A PKCS#10 request for `key`; `critical` is about the extension that holds the names."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names is not None:
        builder = builder.add_extension(names, critical=critical)
    # Ed25519 signs the message itself (RFC 8032): no hash may be named.
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()


def is_request_for(csr_pem: str, key: PrivateKey) -> bool:
    """Whether this is a readable certificate request for the key."""
    try:
        return _spki(x509.load_pem_x509_csr(csr_pem.encode()).public_key()) == _spki(key.public_key())
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return False


def check_issued(pem: str, key: PrivateKey, in_use: Chain | None, now: datetime) -> Chain:
    """The offline check of a new certificate, before it is stored as a credential.

    One whose validity begins later passes: it is good then, and the service says from when on it accepts it.

    Args:
        pem: the service's answer.
        key: the private key its request was made with.
        in_use: the certificate it is to replace; None when that is of no use any more.
        now: aware, UTC.

    Returns:
        The chain, leaf first, whatever the order of the answer.

    Raises:
        ValueError: it cannot be read, is for another key, or has ended.
        EndsSoonerError: it ends before the one in use.
    """
    answered = load_chain(pem).certificates
    leaf = next((c for c in answered if belong_together(key, c)), None)
    if leaf is None:
        raise ValueError("was issued for another key than the one we asked for")
    chain = Chain((leaf, *(c for c in answered if c is not leaf)))
    if chain.not_after <= now:
        raise ValueError(f"ended already, at {chain.not_after:%Y-%m-%dT%H:%M:%SZ}")
    if in_use and chain.not_after < in_use.not_after:
        raise EndsSoonerError(
            f"ends at {chain.not_after:%Y-%m-%dT%H:%M:%SZ}, sooner than the one in use "
            f"({in_use.not_after:%Y-%m-%dT%H:%M:%SZ})"
        )
    return chain


def _spki(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
