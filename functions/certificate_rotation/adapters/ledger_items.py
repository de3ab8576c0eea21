"""Between our values and DynamoDB's items: times become ISO text in UTC, so that a person can read the table."""

from collections.abc import Mapping
from copy import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import UNUSED, Attempts
from certificate_rotation.domain.state import (
    HalfState,
    Incident,
    LastRotation,
    Lease,
    News,
    OpenAttempt,
    State,
    Telling,
)

type _Stored = Attempts | Lease | OpenAttempt | LastRotation | Incident | News

_TIMES = {"last_at", "blocked_until", "started_at", "until", "at", "since", "alerted_at", "seen_at"}
_NUMBERS = {"burst_left", "level"}
NEWS = "news_"  # how the attributes begin that each hold one message AWS did not take
_HALVES = {HalfName.CERTIFICATE: "certificate_", HalfName.API_KEY: "api_key_"}
_NOT_STORED = {"limit"}  # it is the vendor's, and in the code


def attribute(half: HalfName, name: str) -> str:
    """What the attribute of a half is called in the `state` item; `name` as in `HalfState`."""
    return _HALVES[half] + name


def item(plain: Mapping[str, object]) -> dict[str, Any]:
    """A plain mapping in DynamoDB's typed form."""
    return {name: TypeSerializer().serialize(value) for name, value in plain.items()}


def time_text(value: datetime) -> str:
    """An aware time as ISO 8601 with microseconds and Z: sorts as it reads."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def flat(value: _Stored) -> dict[str, object]:
    """A value of `state` as a plain mapping; what is None is left out."""
    plain = {k: v for k, v in value._asdict().items() if k not in _NOT_STORED}
    return {k: time_text(v) if isinstance(v, datetime) else v for k, v in plain.items() if v is not None}


def flat_all(changes: Mapping[str, _Stored | None]) -> dict[str, object]:
    """What becomes of attributes, each by itself, so that two runs never undo each other's; None for those that go."""
    return {name: flat(value) if value else None for name, value in changes.items()}


def of(half: HalfName, **changes: _Stored | None) -> dict[str, object]:
    """The same of a half; names as in `HalfState`."""
    return flat_all({attribute(half, name): value for name, value in changes.items()})


def flat_told(told: Mapping[str, Telling]) -> dict[str, object]:
    """`State.told` as a plain mapping."""
    return {code: {"at": [time_text(at) for at in one.at], "level": one.level} for code, one in told.items()}


def state(stored: Mapping[str, Any]) -> State:
    """The `state` item as a value.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: somebody edited it.
    """
    plain = {name: TypeDeserializer().deserialize(value) for name, value in stored.items()}
    news = (_value(News, plain, name) for name in sorted(plain) if name.startswith(NEWS))
    return State(
        revision=int(plain.get("revision", 0)),
        lease=_value(Lease, plain, "lease"),
        last_acted=HalfName(plain["last_acted"]) if "last_acted" in plain else None,
        rotation_token=plain.get("rotation_token", ""),
        certificate=_half(HalfName.CERTIFICATE, plain),
        api_key=_half(HalfName.API_KEY, plain),
        told={
            code: Telling(tuple(map(_time, one["at"])), int(one["level"]))
            for code, one in plain.get("told", {}).items()
        },
        news=tuple(one for one in news if one),
    )


def _half(half: HalfName, plain: Mapping[str, Any]) -> HalfState:
    attempts = _value(Attempts, plain, attribute(half, "attempts"))
    return HalfState(
        attempts=replace(attempts, limit=UNUSED[half].limit) if attempts else UNUSED[half],
        open_attempt=_value(OpenAttempt, plain, attribute(half, "open_attempt")),
        earlier=_value(OpenAttempt, plain, attribute(half, "earlier")),
        last_rotation=_value(LastRotation, plain, attribute(half, "last_rotation")),
        incident=_value(Incident, plain, attribute(half, "incident")),
    )


def _value[T](kind: type[T], plain: Mapping[str, Any], name: str) -> T | None:
    """The opposite of `flat`. Attributes of a later version are passed over."""
    found = plain.get(name)
    if found is None:
        return None
    return kind(**{k: _native(k, v) for k, v in found.items() if k in cast("Any", kind)._fields})


def _native(name: str, value: object) -> object:
    if name in _TIMES:
        return _time(value)
    return int(str(value)) if name in _NUMBERS or isinstance(value, Decimal) else value


def _time(text: object) -> datetime:
    value = datetime.fromisoformat(str(text))
    if value.tzinfo is None:
        raise ValueError("a time without a zone cannot be compared with others")
    return value
