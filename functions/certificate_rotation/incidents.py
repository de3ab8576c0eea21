"""When to tell people about a failure that goes on. Pure.

One message when it begins, when it becomes another failure, when the certificate passes a threshold of remaining
life, and once a day while it lasts. Thresholds are "at or below": a run that was missed never hides one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from certificate_rotation.state import Incident

REMIND_AFTER = timedelta(days=1)
THRESHOLDS = tuple(timedelta(days=days) for days in (14, 7, 3, 1, 0))

# From this level on, each credential is told of on its own: a day is too short to wait for anything.
LAST_DAY = THRESHOLDS.index(timedelta(days=1)) + 1

Reason = Literal["begun", "changed", "escalated", "reminder"]


@dataclass(frozen=True)
class Notice:
    """A message to send, and what to remember once it is out."""

    reason: Reason
    incident: Incident


def level_of(time_left: timedelta | None) -> int:
    """How many thresholds of remaining life are passed; 0 when it is not known."""
    return 0 if time_left is None else sum(time_left <= threshold for threshold in THRESHOLDS)


def notice(known: Incident | None, code: str, time_left: timedelta | None, now: datetime) -> Notice | None:
    """What to send about the failure `code` at `now` (aware, UTC); None when people know enough.

    Args:
        known: the incident as it was remembered, None when nothing was wrong.
        code: the error's class name.
        time_left: until the certificate in use ends, None when that is not known.
        now: aware, UTC.
    """
    level = level_of(time_left)
    if known is None:
        return Notice("begun", Incident(code, since=now, alerted_at=now, level=level))
    told = replace(known, code=code, alerted_at=now, level=level)
    if code != known.code:
        return Notice("changed", told)
    if level > known.level:
        return Notice("escalated", told)
    if now - known.alerted_at >= REMIND_AFTER:
        return Notice("reminder", told)
    return None
