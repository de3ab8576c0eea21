"""X.509 without a network: keys, requests, and the offline check of what was issued."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from certificate_rotation.domain.x509 import (
    Chain,
    PrivateKey,
    belong_together,
    check_issued,
    load_chain,
    load_private_key,
    new_csr_pem,
    new_private_key,
    private_key_pem,
)
from tests.support.factories import ALICE, NAMES, NOW, certificate

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "\ud800",
    ],
)
def test_what_is_no_certificate_is_refused_without_being_quoted(text: str) -> None:
    """What stands in the wrong field may be a key."""
    with pytest.raises(ValueError, match="readable PEM") as caught:
        load_chain(text)
    assert not text or text not in str(caught.value)


def test_a_chain_keeps_its_order_and_comes_back_as_it_was(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Consumers read it leaf first."""
    chain = Chain((certificate(ec_key), certificate(rsa_key)))
    again = load_chain(chain.pem)
    assert again == chain
    assert belong_together(ec_key, again.leaf)
    assert (again.not_before, again.not_after) == (NOW - 80 * DAY, NOW + 10 * DAY)


@pytest.mark.parametrize(
    "form",
    [
        serialization.PrivateFormat.PKCS8,
        serialization.PrivateFormat.TraditionalOpenSSL,  # PKCS#1 and SEC 1
    ],
)
def test_a_key_is_read_in_every_form_openssl_writes(
    ec_key: PrivateKey, rsa_key: PrivateKey, form: serialization.PrivateFormat
) -> None:
    """Customers bring what their openssl made."""
    for key in (ec_key, rsa_key):
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        assert private_key_pem(load_private_key(pem)) == private_key_pem(key)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"20990101000000Z", b"00010101000000Z"),  # `datetime` begins here: no day may be subtracted
        (b"20990101000000Z", b"00000101000000Z"),
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),  # version 8
    ],
)
def test_what_is_nearly_a_certificate_is_refused_when_it_is_read(ec_key: PrivateKey, old: bytes, new: bytes) -> None:
    """Much of it is parsed lazily, and would fail where nobody expects it."""
    der = certificate(ec_key, ends=datetime(2099, 1, 1, tzinfo=UTC)).public_bytes(serialization.Encoding.DER)
    assert old in der
    with pytest.raises(ValueError, match="readable PEM"):
        load_chain(ssl.DER_cert_to_PEM_cert(der.replace(old, new)))


def test_a_key_that_takes_too_long_to_renew_is_refused_at_once() -> None:
    """Reading one of 8192 bits takes a small Lambda half a minute, and making another two: it would be killed."""
    p, q, e = 2**2281 - 1, 2**2203 - 1, 65537  # Mersenne primes, so that none has to be looked for
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q))
    pem = private_key_pem(numbers.private_key(unsafe_skip_rsa_key_validation=True))
    with pytest.raises(ValueError, match="an RSA key of 4484 bits; at most 4096"):
        load_private_key(pem)


def test_an_encrypted_key_is_refused_by_that_reason(ec_key: PrivateKey) -> None:
    """The cure is another one than for garbage."""
    encryption = serialization.BestAvailableEncryption(b"a passphrase")
    pem = ec_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()
    with pytest.raises(ValueError, match="is encrypted"):
        load_private_key(pem)


def test_a_key_no_certificate_can_be_signed_for_is_refused() -> None:
    """X25519 agrees on secrets and signs nothing."""
    key = x25519.X25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    with pytest.raises(ValueError, match="unsupported kind"):
        load_private_key(pem)


def test_garbage_is_no_key() -> None:
    """And the message does not quote it."""
    with pytest.raises(ValueError, match="not a readable PEM private key") as caught:
        load_private_key("-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----")
    assert "SECRET" not in str(caught.value)


def test_a_new_key_is_of_the_kind_in_use(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """The service accepted that kind; another one may be refused."""
    like_rsa = new_private_key("same", like=rsa_key)
    assert isinstance(like_rsa, rsa.RSAPrivateKey)
    assert like_rsa.key_size == 2048
    like_ec = new_private_key("same", like=ec_key)
    assert isinstance(like_ec, ec.EllipticCurvePrivateKey)
    assert like_ec.curve.name == "secp256r1"
    assert isinstance(new_private_key("same", like=ed25519.Ed25519PrivateKey.generate()), ed25519.Ed25519PrivateKey)
    assert private_key_pem(like_ec) != private_key_pem(ec_key)


@pytest.mark.parametrize(("algorithm", "bits"), [("rsa2048", 2048), ("rsa3072", 3072), ("ec256", 256), ("ec384", 384)])
def test_a_new_key_is_of_the_kind_that_was_asked_for(ec_key: PrivateKey, algorithm: str, bits: int) -> None:
    """The owner's policy counts, whatever is in use."""
    key = new_private_key(algorithm, like=ec_key)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    assert isinstance(key, rsa.RSAPrivateKey) is algorithm.startswith("rsa")
    assert key.key_size == bits


def test_a_request_keeps_subject_and_names_and_proves_its_key(ec_key: PrivateKey) -> None:
    """The service knows the customer by them."""
    for key in (ec_key, ed25519.Ed25519PrivateKey.generate()):
        csr = x509.load_pem_x509_csr(new_csr_pem(key, like=certificate(ec_key)).encode())
        assert csr.is_signature_valid
        assert csr.subject == ALICE
        assert csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == NAMES


def test_a_certificate_without_names_asks_for_none(ec_key: PrivateKey) -> None:
    """An extension it never had may be refused."""
    csr = x509.load_pem_x509_csr(new_csr_pem(ec_key, like=certificate(ec_key, names=None)).encode())
    assert list(csr.extensions) == []


@pytest.mark.parametrize(
    ("begins", "ends", "why"),
    [
        (-90 * DAY, timedelta(0), "ended already"),
        (-DAY, timedelta(days=9, hours=23), "sooner than the one in use"),
    ],
)
def test_a_certificate_that_would_do_harm_is_refused(
    ec_key: PrivateKey, begins: timedelta, ends: timedelta, why: str
) -> None:
    """Nothing unverified becomes AWSCURRENT."""
    new = Chain((certificate(ec_key, begins=NOW + begins, ends=NOW + ends),))
    with pytest.raises(ValueError, match=why):
        check_issued(new.pem, ec_key, Chain((certificate(ec_key),)), NOW)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (timedelta(minutes=5), 90 * DAY),  # their clock runs ahead of ours
        (30 * DAY, 90 * DAY),  # it is good then: kept, and asked about until it is
        (-DAY, 10 * DAY),  # as long as the one in use
    ],
)
def test_a_certificate_at_the_edge_is_taken(ec_key: PrivateKey, begins: timedelta, ends: timedelta) -> None:
    """An attempt is not thrown away for a second."""
    new = Chain((certificate(ec_key, begins=NOW + begins, ends=NOW + ends),))
    assert check_issued(new.pem, ec_key, Chain((certificate(ec_key),)), NOW) == new


def test_a_certificate_for_another_key_is_refused(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Nobody could use it."""
    with pytest.raises(ValueError, match="for another key"):
        check_issued(Chain((certificate(rsa_key),)).pem, ec_key, Chain((certificate(ec_key),)), NOW)


def test_the_leaf_comes_first_whatever_the_order_of_the_answer(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """TLS wants it first, and the vendor does not say how it sorts."""
    leaf, authority = certificate(ec_key, ends=NOW + 90 * DAY), certificate(rsa_key)
    chain = check_issued(Chain((authority, leaf)).pem, ec_key, Chain((certificate(ec_key),)), NOW)
    assert chain.certificates == (leaf, authority)
