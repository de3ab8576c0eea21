"""When a mail about one credential goes out on its own, and when it waits for a digest of many. Pure.

An outage hits hundreds at once. Of one cause, an hour's first `ALONE` credentials are told at once; further ones wait.
When the hour is over, one digest tells of them, and the next hour begins in which all wait, so that a lasting outage
makes one mail an hour. The hour after a quiet one begins afresh. A credential that was told on its own may be so again:
alone it never makes a flood, and nothing waits in a stack that looks after one.

Each step is one conditional write of `digest_records`; this module says which.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

WINDOW = timedelta(hours=1)
ALONE = 5  # credentials of one cause in an hour that are told on their own
NAMED = 100  # a digest names so many; a record and a mail stay small, and `make status ARGS="--all"` shows the rest
# How long a run may take to send a digest; then another run may try. Longer than a run lives (template.yaml: Timeout).
SENDING = timedelta(minutes=3)

Place = Literal["open", "alone", "join", "count", "wait"]
"""Where the news of one credential goes:

- `open`: it begins an hour, and is told on its own.
- `alone`: it is told on its own, in the hour that runs.
- `join`: it waits, by name. `count`: it waits, and there is no room for its name. `wait`: it does so already.
"""

Overdue = Literal["close", "take over"]
"""What has to be sent: what waits, because its hour is over; or a batch that was not sent by who should have."""


@dataclass(frozen=True)
class Batch:
    """What waits to be sent, or is being sent.

    Attributes:
        names: of credentials' secrets, their ARNs, as many as there is room for.
        more: how many further ones there are.
        urgent: whether one of them was CRITICAL.
        since: when the hour began in which they came.
    """

    names: frozenset[str]
    more: int
    urgent: bool
    since: datetime

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.names) + self.more


@dataclass(frozen=True)
class Record:
    """What is remembered of one cause.

    Attributes:
        opened_at: when its hour began.
        told: names of the credentials that were told on their own.
        waiting: what is not told yet.
        sending: what some run is about to send, or died before it did.
        sending_until: when another run may send that.
    """

    opened_at: datetime
    told: frozenset[str]
    waiting: Batch | None = None
    sending: Batch | None = None
    sending_until: datetime | None = None


def place(known: Record | None, name: str, now: datetime) -> Place:
    """Where the news of a credential goes.

    Args:
        known: the record as it is; None when there is none.
        name: the credential's.
        now: aware, UTC.
    """
    if known is None:
        return "open"
    if any(batch and name in batch.names for batch in (known.waiting, known.sending)):
        return "wait"
    over = known.opened_at + WINDOW <= now
    if over and not owes(known):
        return "open"
    if not over and (name in known.told or len(known.told) < ALONE):
        return "alone"
    return "join" if known.waiting is None or len(known.waiting.names) < NAMED else "count"


def overdue(known: Record | None, now: datetime) -> Overdue | None:
    """What has to be sent now; None for nothing."""
    if known is None:
        return None
    if known.sending_until:
        return "take over" if known.sending_until <= now else None
    return "close" if known.waiting and known.opened_at + WINDOW <= now else None


def owes(known: Record | None) -> bool:
    """Whether something is not told yet."""
    return known is not None and bool(known.waiting or known.sending)
