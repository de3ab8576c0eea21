"""The secret's JSON: what is read, what is refused, what survives."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID

from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.x509 import Chain, PrivateKey, private_key_pem
from tests.support.factories import API_KEY, certificate, secret


def encrypted(key: PrivateKey) -> str:
    """The key under a passphrase."""
    encryption = serialization.BestAvailableEncryption(b"a passphrase")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "not JSON"),
        ("apiKey=1", "not JSON"),
        ('{"apiKey": NaN}', "not JSON"),  # Python reads it, and nobody else
        ("[" * 100_000, "not JSON"),
        ("[]", "not an object"),
        ('"text"', "not an object"),
        ("null", "not an object"),
        ('{"a": "\ud800"}', "not JSON"),  # half of a surrogate pair
        ("{}", "apiKey is missing"),
    ],
)
def test_what_is_no_json_object_is_refused(text: str, expected: str) -> None:
    """The message says what was expected instead."""
    with pytest.raises(InvalidCredential, match=expected):
        Credential.parse(text)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("apiKey", None, "apiKey is missing"),
        ("apiKey", 42, "apiKey is missing in the secret, or is not text"),
        ("apiKey", " ", "apiKey is missing"),
        ("apiKey", "two words", "apiKey in the secret holds blanks"),
        ("apiKey", "line\nbreak", "apiKey in the secret holds blanks, line breaks"),  # a second HTTP header
        ("apiKey", "schlüssel", "non-ASCII"),
        ("cert", None, "cert is missing"),
        ("cert", ["PEM"], "cert is missing in the secret, or is not text"),
        ("cert", "garbage", "cert in the secret is not a readable PEM certificate"),
        ("privateKey", None, "privateKey is missing"),
        ("privateKey", "garbage", "privateKey in the secret is not a readable PEM private key"),
        ("certName", 7, "certName in the secret must be text"),
        ("certName", "\ud800", "certName in the secret must be text of printable characters"),  # no mail could say it
        ("certName", "a\x00b", "certName in the secret must be text of printable characters"),
        ("owner", "x" * 60_000, "Move the customer's own keys elsewhere"),
        ("owner", "ü" * 20_000, "Move the customer's own keys elsewhere"),  # written back, each takes six bytes
    ],
)
def test_a_field_that_cannot_be_used_is_named(ec_key: PrivateKey, field: str, value: object, expected: str) -> None:
    """Who reads it at 3 a.m. must know which field to mend."""
    with pytest.raises(InvalidCredential, match=expected) as caught:
        Credential.parse(json.dumps(secret(ec_key, **{field: value})))
    assert not isinstance(value, str) or value == " " or value not in str(caught.value), "quoted"


def test_an_encrypted_key_is_named_as_such(ec_key: PrivateKey) -> None:
    """The passphrase is nowhere to be had."""
    with pytest.raises(InvalidCredential, match="privateKey in the secret is encrypted"):
        Credential.parse(json.dumps(secret(ec_key, privateKey=encrypted(ec_key))))


def test_the_key_of_another_certificate_is_refused(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """TLS would fail with it, and nobody would know why."""
    with pytest.raises(InvalidCredential, match="is not the key of cert"):
        Credential.parse(json.dumps(secret(ec_key, privateKey=private_key_pem(rsa_key))))


def test_what_only_tls_would_refuse_is_found_when_it_is_read() -> None:
    """Found any later, it would have cost an attempt, and its outcome would count as unknown."""
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of it
    document = secret(small, cert=Chain((certificate(small),)).pem)
    with pytest.raises(InvalidCredential, match=r"cert in the secret cannot be used by TLS \(.*TOO_SMALL\)"):
        Credential.parse(json.dumps(document))


def test_names_that_cannot_be_asked_for_again_are_found_when_they_are_read(ec_key: PrivateKey) -> None:
    """A request keeps the names of the certificate in use."""
    names = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x05garbage")
    document = secret(ec_key, cert=Chain((certificate(ec_key, names=names),)).pem)
    with pytest.raises(InvalidCredential, match=r"cert in the secret (holds names|cannot be used by TLS)"):
        Credential.parse(json.dumps(document))


def test_a_chain_that_does_not_begin_with_the_client_is_refused(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """A common mistake: the authority first."""
    chain = Chain((certificate(rsa_key), certificate(ec_key)))
    with pytest.raises(InvalidCredential, match="first certificate must be the client's own"):
        Credential.parse(json.dumps(secret(ec_key, cert=chain.pem)))


@pytest.mark.parametrize("cert_name", ["onboarded", None])
def test_a_name_is_optional(ec_key: PrivateKey, cert_name: str | None) -> None:
    """The vendor's onboarding does not hand one out."""
    assert Credential.parse(json.dumps(secret(ec_key, certName=cert_name))).cert_name == cert_name


def test_another_certificate_replaces_three_fields_and_leaves_the_rest(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """The customer's own keys survive untouched, and so does the API key with its note."""
    before = secret(ec_key, apiKeyExpiry="2031-01-01", ports=[1, None, 2.5])
    new = Chain((certificate(rsa_key), certificate(ec_key)))
    renewed = Credential.parse(json.dumps(before)).with_certificate(new, rsa_key, "device-id-2")
    changes = {"cert": new.pem, "privateKey": private_key_pem(rsa_key), "certName": "device-id-2"}
    assert json.loads(renewed.dump()) == {**before, **changes}
    assert Credential.parse(renewed.dump()).document == renewed.document


@pytest.mark.parametrize("note", [None, "2026-11-30", 1_796_083_200, "whatever stood there"])
@pytest.mark.parametrize(
    ("ends", "written"),
    [
        (None, {}),
        (datetime(2027, 1, 31, 13, 0, tzinfo=timezone(timedelta(hours=1))), {"apiKeyExpiry": "2027-01-31T12:00:00Z"}),
    ],
)
def test_another_api_key_replaces_two_fields_and_leaves_the_rest(
    ec_key: PrivateKey, note: object, ends: datetime | None, written: dict[str, str]
) -> None:
    """The note of the old key's end would have the new one renewed, or not, by the wrong date."""
    before = secret(ec_key, apiKeyExpiry=note, ports=[1, None, 2.5])
    renewed = Credential.parse(json.dumps(before)).with_api_key("new-key", ends)
    kept = {name: value for name, value in before.items() if name != "apiKeyExpiry"}
    assert json.loads(renewed.dump()) == {**kept, "apiKey": "new-key"} | written
    assert Credential.parse(renewed.dump()).api_key == renewed.api_key == "new-key"
    assert renewed.api_key_expiry == ends


def test_a_note_of_the_end_is_read_when_it_is_asked_for(ec_key: PrivateKey) -> None:
    """It is optional: one that cannot be read must not stop the certificate's renewal, nor anything that needs none."""
    spoilt = Credential.parse(json.dumps(secret(ec_key, apiKeyExpiry="next spring")))
    with pytest.raises(InvalidCredential, match=r"^apiKeyExpiry in the secret is neither ISO 8601 nor Unix") as caught:
        spoilt.api_key_expiry  # noqa: B018 - a property
    assert "next spring" not in str(caught.value)
    assert Credential.parse(json.dumps(secret(ec_key))).api_key_expiry is None
    null = {**secret(ec_key), "apiKeyExpiry": None}
    assert Credential.parse(json.dumps(null)).api_key_expiry is None


def test_a_renewed_credential_that_could_not_be_stored_or_used_is_refused(
    ec_key: PrivateKey, rsa_key: PrivateKey
) -> None:
    """The offline check comes before anything is stored: each run would stumble over it from then on."""
    credential = Credential.parse(json.dumps(secret(ec_key)))
    leaf, other = certificate(ec_key), certificate(rsa_key)
    with pytest.raises(ValueError, match="is too large"):
        credential.with_certificate(Chain((leaf, *[other] * 60)), ec_key, "device-id-2")
    with pytest.raises(ValueError, match="cannot be used by TLS"):
        credential.with_certificate(Chain((leaf,)), rsa_key, "device-id-2")
    with pytest.raises(ValueError, match="line breaks"):
        credential.with_api_key("new\r\nkey", None)


def test_it_shows_no_key_when_it_is_printed(ec_key: PrivateKey) -> None:
    """A traceback with local variables, a log line in a hurry: both print values."""
    credential = Credential.parse(json.dumps(secret(ec_key)))
    for shown in (repr(credential), str(credential)):
        assert API_KEY not in shown
        assert "PRIVATE KEY" not in shown
        assert "Ärzte" not in shown
