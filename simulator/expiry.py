"""How an API key's ``expiry`` is written. The vendor says "the expiration date of the token" and no more."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Final, Literal

type ExpiryForm = Literal["iso-z", "iso-offset", "seconds", "seconds-text", "milliseconds", "milliseconds-text"]

MISSING: Final = object()  # the field is left out of the answer

_OFFSET: Final = timezone(timedelta(hours=5, minutes=30))  # any but a whole hour, which a careless reader drops


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


# The forms that name a moment.
READABLE: Final[Mapping[ExpiryForm, Callable[[datetime], object]]] = MappingProxyType(
    {
        "iso-z": iso,
        "iso-offset": lambda moment: moment.astimezone(_OFFSET).isoformat(timespec="seconds"),
        "seconds": _seconds,
        "seconds-text": lambda moment: str(_seconds(moment)),
        "milliseconds": lambda moment: _seconds(moment) * 1000,
        "milliseconds-text": lambda moment: str(_seconds(moment) * 1000),
    }
)

# The forms that do not; each gets the key's true end and the seconds until then.
UNREADABLE: Final[Mapping[str, Callable[[datetime, int], object]]] = MappingProxyType(
    {
        "text": lambda _, __: "in half a year",
        "empty": lambda _, __: "",
        "lifetime": lambda _, left: left,
        "lifetime-text": lambda _, left: str(left),
        "local": lambda end, _: end.strftime("%Y-%m-%dT%H:%M:%S"),
        "date": lambda end, _: end.strftime("%Y-%m-%d"),
        "missing": lambda _, __: MISSING,
        "null": lambda _, __: None,
        "object": lambda end, _: {"seconds": _seconds(end)},
        "list": lambda end, _: [iso(end)],
        "boolean": lambda _, __: True,
        "zero": lambda _, __: 0,
        "negative": lambda _, __: -1,
        "endless": lambda _, __: 10**30,
    }
)
