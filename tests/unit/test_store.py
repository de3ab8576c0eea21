"""`store`: what belongs together, what the secret keeps, and what counts as working."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.x509 import Chain, PrivateKey, private_key_pem
from cli.errors import UserError
from cli.offer import Offer, check_valid, joined, new_halves, offered_chain
from cli.options import when_it_ends
from cli.secret import json_object, working
from tests.support.factories import API_KEY, NOW, certificate, secret

pytestmark = pytest.mark.makes_key_files  # they are what a person brings, or gets


def written(directory: Path, chain: Chain, key: PrivateKey) -> tuple[Path, Path]:
    """The two files a person has."""
    (directory / "cert").write_text(chain.pem)
    (directory / "key").write_text(private_key_pem(key))
    return directory / "cert", directory / "key"


def offer(key: PrivateKey, cert_name: str | None = None, ends: datetime | None = None) -> Offer:
    """A good one."""
    return Offer(Chain((certificate(key),)), key, "a-new-key", cert_name, ends)


def test_the_keys_own_certificate_comes_first_whatever_the_order(
    tmp_path: Path, ec_key: PrivateKey, rsa_key: PrivateKey
) -> None:
    """TLS wants the client's own first, and vendors' bundles come in either order."""
    chain = Chain((certificate(rsa_key), certificate(ec_key)))
    found, _ = offered_chain(*written(tmp_path, chain, ec_key))
    assert found.certificates == chain.certificates[::-1]


def test_the_key_of_another_certificate_is_refused(tmp_path: Path, ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """The commonest mistake of a second try: the files of the first one."""
    with pytest.raises(UserError, match=r"key is not the key of .*cert\. Use the key that `device-id csr` wrote"):
        offered_chain(*written(tmp_path, Chain((certificate(rsa_key),)), ec_key))


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("cert", b"garbage", "cert is not a readable PEM certificate"),
        ("key", b"garbage", "key is not a readable PEM private key"),
        ("cert", b"\xff\xfe", "is not text"),
        ("cert", b"x" * 2_000_000, "too large"),
        ("key", None, r"key \(the private key\) cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, ec_key: PrivateKey, file: str, content: bytes | None, expected: str
) -> None:
    """And quoted nowhere."""
    files = written(tmp_path, Chain((certificate(ec_key),)), ec_key)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(UserError, match=expected):
        offered_chain(*files)


def test_the_customers_own_keys_stay(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Other programs read them."""
    existing = secret(rsa_key, ports=[1, None, 2.5])
    stored = joined(offer(ec_key, cert_name="second"), existing).document
    assert {name: stored[name] for name in ("owner", "ports")} == {"owner": {"team": "Ärzte"}, "ports": [1, None, 2.5]}
    assert (stored["apiKey"], stored["certName"]) == ("a-new-key", "second")


def test_the_name_of_the_certificate_before_does_not_stay(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Rotation compares names: it would take the new certificate for the old one."""
    assert "certName" not in joined(offer(ec_key), secret(rsa_key)).document


def test_the_name_stays_when_only_the_api_key_is_new(ec_key: PrivateKey) -> None:
    """It is still the same certificate."""
    existing = secret(ec_key)
    same = Offer(Chain((certificate(ec_key),)), ec_key, "a-new-key")
    existing = {**existing, "cert": same.chain.pem}
    assert joined(same, existing).cert_name == "onboarded"


def test_the_end_of_the_api_key_before_does_not_stay(ec_key: PrivateKey) -> None:
    """The new key would be renewed by the old one's date: too late, or for nothing."""
    existing = secret(ec_key, apiKeyExpiry="2031-01-01")
    assert "apiKeyExpiry" not in joined(offer(ec_key), existing).document
    assert joined(offer(ec_key, ends=NOW), existing).document["apiKeyExpiry"] == "2026-11-24T12:00:00Z"


def test_the_end_of_an_api_key_that_stays_does_too(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Only the certificate is new, and the note is as whoever wrote it left it."""
    existing = secret(rsa_key, apiKeyExpiry=1924992000)
    renewed = Offer(Chain((certificate(ec_key),)), ec_key, API_KEY)
    assert joined(renewed, existing).document["apiKeyExpiry"] == 1924992000
    assert new_halves(renewed, existing) == [HalfName.CERTIFICATE]


@pytest.mark.parametrize("given", ["2031-01-01", "2031-01-01T01:00+01:00", "1924992000", "1924992000000", "20310101"])
def test_the_end_is_taken_in_every_form_it_is_handed_out_in(given: str) -> None:
    """People copy what they see."""
    assert when_it_ends(given) == datetime(2031, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("given", ["in a year", "31.12.2031", "-1", "9999-12-31", "true"])
def test_an_end_that_cannot_be_read_is_refused_with_a_form_that_can(given: str) -> None:
    """Stored, it would fail at night, in another place."""
    with pytest.raises(UserError, match=r"neither ISO 8601 nor Unix.* such as 2027.*Nothing was stored"):
        when_it_ends(given)


def test_who_does_not_know_the_end_need_not_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing typed at the question is an answer, and a script is not asked."""
    assert when_it_ends(None) is None
    asked: list[str] = []

    def nothing(prompt: str) -> str:
        asked.append(prompt)
        return ""

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", nothing)
    assert when_it_ends(None) is None
    assert asked == ["When the API key ends (empty if not known; then nobody renews it): "]
    assert when_it_ends("2031-01-01")
    assert len(asked) == 1, "who gave it is not asked"


def test_an_api_key_no_header_can_carry_is_refused_and_not_quoted(ec_key: PrivateKey) -> None:
    """Copied with a line break, it would be found out at night."""
    bad = Offer(Chain((certificate(ec_key),)), ec_key, "two words")
    with pytest.raises(UserError, match="apiKey in the secret holds blanks") as caught:
        joined(bad, {})
    assert "two words" not in str(caught.value)


def test_a_certificate_must_be_valid_now(ec_key: PrivateKey) -> None:
    """Neither one of last year nor one of next week authenticates."""
    chain = Chain((certificate(ec_key),))
    check_valid(chain, NOW)
    with pytest.raises(UserError, match="ended at 2026-12-04"):
        check_valid(chain, chain.not_after)
    with pytest.raises(UserError, match="begins only at"):
        check_valid(chain, chain.not_before - timedelta(seconds=1))


def test_what_parses_and_has_not_ended_works_as_far_as_nobody_can_be_asked(ec_key: PrivateKey) -> None:
    """Without the service, caution: it is not overwritten unasked."""
    text = json.dumps(secret(ec_key))
    in_use = working(text, None, NOW)
    assert in_use is not None
    assert working(text, None, in_use.chain.not_after) is None
    for other in (None, "", "{}", "garbage", json.dumps(secret(ec_key, apiKey=None))):
        assert working(other, None, NOW) is None


@pytest.mark.parametrize("text", [None, "", "garbage", "[]", "[" * 100_000, "7"])
def test_what_is_no_json_object_has_no_keys_to_keep(text: str | None) -> None:
    """It is overwritten, and stays behind as AWSPREVIOUS."""
    assert json_object(text) is None


def test_an_offer_shows_no_key_when_it_is_printed(ec_key: PrivateKey) -> None:
    """A print in a hurry, a debugger: both show values."""
    assert "a-new-key" not in repr(offer(ec_key))
