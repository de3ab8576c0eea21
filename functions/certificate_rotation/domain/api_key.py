"""An API key and its end, as the secret and the service write them. Pure. No error quotes a value."""

import hashlib
import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

MAX_LENGTH = 4096
_HEADER_TEXT = re.compile(r"[\x21-\x7e]+")  # RFC 9110, section 5.5: what a header carries, blanks excluded
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
# Unix time: seconds reach this in the year 5138, milliseconds did in 1973.
_MILLISECONDS_FROM = 100_000_000_000
_BASIC_DATE = 8  # ISO 8601 without hyphens, 20270131; as Unix time it would be a day of 1970
# Dates are reckoned with: some days less or more must not overflow.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def check(key: str) -> None:
    """See that a key can be sent.

    Raises:
        ValueError: says why not.
    """
    if not key.strip():
        raise ValueError("is empty")
    if len(key) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if not _HEADER_TEXT.fullmatch(key):
        raise ValueError("holds blanks, line breaks or non-ASCII characters")


def fingerprint(arn: str, key: str) -> str:
    """Tells one key of a secret from another, and nothing else: shortened, and different in every secret."""
    return hashlib.sha256(f"{arn}\n{key}".encode()).hexdigest()[:16]


def read_expiry(value: object) -> datetime:
    """When a key ends: ISO 8601 (UTC where it names no zone), Unix seconds or milliseconds, as number or text.

    Raises:
        ValueError: it is none of these.
    """
    with suppress(TypeError, ValueError, OverflowError):  # also of what is not a number, or infinite
        moment = _moment(value).astimezone(UTC)
        if _FIRST <= moment < _LAST:
            return moment
    raise ValueError("is neither ISO 8601 nor Unix seconds or milliseconds") from None


def _moment(value: object) -> datetime:
    text = value.strip() if isinstance(value, str) else ""
    if text and (len(text) == _BASIC_DATE or not _NUMBER.fullmatch(text)):
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    number = float(value)
    seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
    return _FIRST + timedelta(seconds=seconds)


def answer_of(token: str, expiry: object, now: datetime) -> str:
    """What the service said of a new key, as `read_answer` reads it.

    An `expiry` that is past or cannot be read decides nothing (it may be a lifetime, or local time): the key's end is
    then not known.
    """
    try:
        ends = read_expiry(expiry)
    except ValueError:
        ends = None
    return write_answer(token, ends if ends and ends > now else None)


def write_answer(token: str, ends: datetime | None) -> str:
    """A key and its end as one text."""
    return json.dumps({"token": token, "expiry": ends.isoformat() if ends else None})


def read_answer(text: str) -> tuple[str, datetime | None]:
    """The opposite of `write_answer`."""
    answer = json.loads(text)
    return answer["token"], datetime.fromisoformat(answer["expiry"]) if answer["expiry"] else None
