"""An API key and its end, in every form in which a person or the service may write them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from certificate_rotation.domain import api_key
from tests.support.factories import NOW

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)
MIDNIGHT = datetime(2027, 1, 31, tzinfo=UTC)
SECONDS = 1_801_396_800  # NOON


@pytest.mark.parametrize(
    ("written", "ends"),
    [
        ("2027-01-31T12:00:00Z", NOON),
        ("2027-01-31T12:00:00+00:00", NOON),
        ("2027-01-31T13:30:00+01:30", NOON),
        ("2027-01-31T12:00:00", NOON),  # no zone: UTC
        ("2027-01-31 12:00:00", NOON),
        ("2027-01-31T12:00", NOON),
        ("2027-01-31T12:00:00.5Z", NOON + timedelta(seconds=0.5)),
        ("20270131T120000Z", NOON),
        ("2027-W04-7", MIDNIGHT),
        ("2027-01-31", MIDNIGHT),
        ("20270131", MIDNIGHT),  # of eight digits: a date, and not a day of 1970
        (" 2027-01-31\n", MIDNIGHT),
        (SECONDS, NOON),
        (float(SECONDS), NOON),
        (SECONDS + 0.25, NOON + timedelta(seconds=0.25)),
        (str(SECONDS), NOON),
        (f"{SECONDS}.0", NOON),
        (f"+{SECONDS}", NOON),
        (f" {SECONDS} ", NOON),
        (SECONDS * 1000, NOON),
        (str(SECONDS * 1000), NOON),
        (SECONDS * 1000.0, NOON),
        (SECONDS * 1000 + 250, NOON + timedelta(seconds=0.25)),
        # where seconds end and milliseconds begin
        (99_999_999_999, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (100_000_000_000, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        # an end in the past is an end: what follows from it is asked of the service
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("1999-12-31", datetime(1999, 12, 31, tzinfo=UTC)),
        ("8999-12-31T23:59:59Z", datetime(8999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_end_is_read_in_every_form_the_contract_names(written: object, ends: datetime) -> None:
    """Who notes it copies what the vendor's console shows, and that has no form of its own."""
    found = api_key.read_expiry(written)
    assert found == ends
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        " ",
        True,
        False,
        [],
        [SECONDS],
        {},
        "null",
        "never",
        "true",
        "in 90 days",
        "31.01.2027",
        "01/31/2027",
        "2027-13-01",
        "2027-02-30",
        "2027-01-31T25:00:00Z",
        "2027-01-31T12:00:00+25:00",
        "1.8e9",
        "0x6b5f",
        "1,801,396,800",
        "1 801 396 800",
        "Sun, 31 Jan 2027 12:00:00 GMT",
        "\ud800",
        # no number there is
        float("nan"),
        float("inf"),
        float("-inf"),
        "NaN",
        "inf",
        "-Infinity",
        # out of every calendar
        -1,
        "-1",
        -SECONDS * 1000,
        10**18,
        10**400,
        "9" * 30,
        "9" * 5000,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9000-01-01",
        "1969-12-31T23:59:59Z",
        1e308,
    ],
)
def test_anything_else_is_no_end_and_is_not_quoted(written: object) -> None:
    """A guess would renew at a wrong time; and a key that was put into the wrong field must not be shown."""
    with pytest.raises(ValueError, match=r"^is neither ISO 8601 nor Unix seconds or milliseconds$") as caught:
        api_key.read_expiry(written)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("key", ["k", "a-key", "!~", "x" * api_key.MAX_LENGTH, 'with"quotes\\and:{braces}'])
def test_a_key_that_can_stand_in_a_header_is_taken(key: str) -> None:
    """The vendor does not say what one looks like."""
    api_key.check(key)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("\n", "is empty"),
        ("line\nbreak", "blanks, line breaks or non-ASCII"),
        ("line\r\nX-Header: 1", "blanks, line breaks or non-ASCII"),
        ("key\n", "blanks, line breaks or non-ASCII"),
        (" key", "blanks, line breaks or non-ASCII"),
        ("two words", "blanks, line breaks or non-ASCII"),
        ("tab\tkey", "blanks, line breaks or non-ASCII"),
        ("nul\x00key", "blanks, line breaks or non-ASCII"),
        ("delete\x7f", "blanks, line breaks or non-ASCII"),
        ("schlüssel", "blanks, line breaks or non-ASCII"),
        ("\ud800", "blanks, line breaks or non-ASCII"),
        ("x" * (api_key.MAX_LENGTH + 1), "is longer than 4096 characters"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_and_not_quoted(key: str, why: str) -> None:
    """A line break in it would be a second header, of the service's choosing; the message goes into a mail."""
    with pytest.raises(ValueError, match=why) as caught:
        api_key.check(key)
    assert not key.strip() or key not in str(caught.value)


def test_a_fingerprint_tells_keys_apart_and_secrets_too() -> None:
    """It stands in the ledger: whoever reads two records must not learn that two customers share a key, nor the key."""
    pairs = [("arn:one", "key"), ("arn:one", "other"), ("arn:two", "key"), ("arn", "one\nkey"), ("arn\none", "key")]
    found = {api_key.fingerprint(arn, key) for arn, key in pairs[:3]}
    assert len(found) == 3
    assert api_key.fingerprint("arn:one", "key") == api_key.fingerprint("arn:one", "key")
    assert all(len(one) == 16 and set(one) <= set("0123456789abcdef") for one in found)


@pytest.mark.parametrize("ends", [None, NOON, NOON + timedelta(microseconds=250_000)])
@pytest.mark.parametrize("token", ["a-key", 'with"quotes', "schlüssel", "\ud800", ""])
def test_an_answer_comes_back_as_it_was(token: str, ends: datetime | None) -> None:
    """It goes through the ledger, sealed: what was issued and is read back otherwise is lost."""
    assert api_key.read_answer(api_key.write_answer(token, ends)) == (token, ends)


@pytest.mark.parametrize(
    ("expiry", "ends"),
    [
        ("2027-01-31T12:00:00Z", NOON),
        (SECONDS * 1000, NOON),
        ((NOW + timedelta(seconds=1)).isoformat(), NOW + timedelta(seconds=1)),
        (NOW.isoformat(), None),  # past, or local time
        (90 * 86_400, None),  # a lifetime
        ("90 days", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        ("9" * 5000, None),
    ],
)
def test_the_services_past_or_unreadable_end_is_none(expiry: object, ends: datetime | None) -> None:
    """It decides nothing: the key is probed and used, and its end is then not known."""
    assert api_key.read_answer(api_key.answer_of("a-key", expiry, NOW)) == ("a-key", ends)


def test_an_answer_is_ascii_json() -> None:
    """What is sealed is encoded, and half a surrogate pair in a token must not make that fail after it was issued."""
    text = api_key.answer_of("\ud800", None, NOW)
    assert text.isascii()
    assert json.loads(text).keys() == {"token", "expiry"}
