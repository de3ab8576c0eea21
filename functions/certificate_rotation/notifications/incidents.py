"""When to tell people about a failure that goes on. Pure.

One message when it begins, when it becomes another failure, when the certificate passes a threshold of remaining
life, and once a day while it lasts. Thresholds are "at or below": a run that was missed never hides one.

What comes and goes must not flood: the same failure is told at most twice a day, the second time only after its end
was told. A threshold that is passed is told all the same.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import Incident, State, Telling

REMIND_AFTER = timedelta(days=1)
THRESHOLDS = tuple(timedelta(days=days) for days in (14, 7, 3, 1, 0))
TIMES_A_DAY = 2

# From this level on, each credential is told of on its own: a day is too short to wait for anything.
LAST_DAY = THRESHOLDS.index(timedelta(days=1)) + 1

Reason = Literal["begun", "changed", "escalated", "reminder"]
Told = Mapping[str, Telling]
"""When people were told of each failure of a half (`_name`); of the last day, whether or not it is over."""


class Notice(NamedTuple):
    """A message to send, and what to remember once it is out or kept for later."""

    reason: Reason
    incident: Incident
    told: Told


def level_of(time_left: timedelta | None) -> int:
    """How many thresholds of remaining life are passed; 0 when it is not known."""
    return 0 if time_left is None else sum(time_left <= threshold for threshold in THRESHOLDS)


def notice(state: State, half: HalfName, code: str, time_left: timedelta | None, now: datetime) -> Notice | None:
    """What to send about the failure `code` at `now` (aware, UTC); None when people know enough.

    Args:
        state: what people were told of, and when.
        half: which one it is about.
        code: the error's class name.
        time_left: until the half in use ends, None when that is not known.
        now: aware, UTC.
    """
    known = state.of(half).incident  # none where people think that nothing is wrong with it
    level = level_of(time_left) if time_left is not None or known is None else known.level
    recent = {name: one for name, all_of_it in state.told.items() if (one := _of_the_last_day(all_of_it, now))}
    name = _name(code, half)
    before = recent.get(name)
    reason = _reason(known, before, code, level, now)
    if reason is None:
        return None
    # An escalation is no telling anew: it uses up none of the day's two.
    times = (*(before.at if before else ()), *(() if reason == "escalated" else (now,)))
    incident = Incident(code, since=known.since if known else now, alerted_at=now, level=level)
    return Notice(reason, incident, {**recent, name: Telling(times, level)})


def _name(code: str, half: HalfName) -> str:
    """Under which a failure is remembered: the halves fail each by itself."""
    return code if half is HalfName.CERTIFICATE else f"{half}/{code}"


def _of_the_last_day(one: Telling, now: datetime) -> Telling | None:
    times = tuple(at for at in one.at if now - at < REMIND_AFTER)
    return Telling(times, one.level) if times else None


def _reason(known: Incident | None, before: Telling | None, code: str, level: int, now: datetime) -> Reason | None:
    """Why it is told; None for not at all. `before`: when it was told in the last day."""
    closer = before is not None and level > before.level
    if known is None:
        return "begun" if before is None or closer or len(before.at) < TIMES_A_DAY else None
    if code != known.code:
        return "changed" if before is None or closer else None  # it was told, and its end was not
    if level > known.level:
        return "escalated"
    return "reminder" if now - known.alerted_at >= REMIND_AFTER else None
