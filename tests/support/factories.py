"""Certificates and secrets made for one test, without any authority."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from certificate_rotation.domain.x509 import Chain, PrivateKey, private_key_pem

API_KEY = "an-api-key-that-nobody-may-see"  # every test is searched for it
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ALICE = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sensor.example.com")])
NAMES = x509.SubjectAlternativeName([x509.DNSName("sensor.example.com"), x509.DNSName("xn--zrich-kva.example")])


def certificate(
    key: PrivateKey,
    *,
    begins: datetime = NOW - timedelta(days=80),
    ends: datetime = NOW + timedelta(days=10),
    names: x509.ExtensionType | None = NAMES,
    subject: x509.Name = ALICE,
) -> x509.Certificate:
    """A self-signed certificate for `key`."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if names:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def secret(key: PrivateKey, **changes: object) -> Mapping[str, object]:
    """A secret's JSON as a customer stores it; a change to None leaves the key out."""
    document = {
        "apiKey": API_KEY,
        "cert": Chain((certificate(key),)).pem,
        "privateKey": private_key_pem(key),
        "certName": "onboarded",
        "owner": {"team": "Ärzte"},
    }
    return {name: value for name, value in {**document, **changes}.items() if value is not None}
