"""How many requests a tenant may make.

The vendor says "three attempts, then one an hour" and leaves open when the three come back. ``Bucket`` is this
project's reading, ``Strict`` the harshest one. A refused request costs nothing in either.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

type Rate = Literal["bucket", "strict"]


class Limit(Protocol):
    """Admits or refuses one request."""

    def admit(self, now: datetime) -> bool:
        """Count one request at ``now`` (simulated time); False when it is one too many."""


@dataclass(frozen=True)
class Allowance:
    """So many attempts at once, and one more every so often after that."""

    burst: int
    interval: timedelta


CERT_REFRESH_ALLOWANCE: Final = Allowance(3, timedelta(hours=1))  # vendor: three attempts, then one an hour
TOKEN_REFRESH_ALLOWANCE: Final = Allowance(5, timedelta(minutes=30))  # vendor: five attempts, then two an hour
STATISTICS_INTERVAL_SECONDS: Final = 1.0  # vendor: one request a second


class Bucket:
    """The attempts come back, one per interval, up to the burst."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._level = float(allowance.burst)
        self._seen: datetime | None = None

    def admit(self, now: datetime) -> bool:
        """Count one request at ``now``; False when it is one too many."""
        # A clock moved back must neither drain nor refill what is there.
        elapsed = max(now - self._seen, timedelta(0)) if self._seen else timedelta(0)
        self._seen = now
        self._level = min(self._level + elapsed / self._allowance.interval, float(self._allowance.burst))
        if self._level < 1:
            return False
        self._level -= 1
        return True


class Strict:
    """The burst never comes back: once it is spent, one request per interval since the last one admitted."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._left = allowance.burst
        self._last: datetime | None = None

    def admit(self, now: datetime) -> bool:
        """Count one request at ``now``; False when it is one too many."""
        if self._left:
            self._left -= 1
        elif self._last and now - self._last < self._allowance.interval:
            return False
        self._last = now
        return True


class PerSecond:
    """One request a second by real time, because a client waits for it in real time."""

    _last: float | None = None

    def admit(self, now: datetime) -> bool:  # noqa: ARG002 - simulated time, which this one limit ignores
        """Count one request; False when the last one admitted is less than a second ago."""
        seconds = time.monotonic()
        if self._last is not None and seconds - self._last < STATISTICS_INTERVAL_SECONDS:
            return False
        self._last = seconds
        return True


RATES: Final[dict[Rate, type[Bucket] | type[Strict]]] = {"bucket": Bucket, "strict": Strict}
