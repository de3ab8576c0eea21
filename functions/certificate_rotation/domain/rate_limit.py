"""The vendor's limit on refresh calls, counted before each call leaves. Pure.

Vendor: three attempts and, once they are used up, one more per hour. The pages do not say when the three come
back, so the count holds against the strictest reading: never. After the third attempt, one an hour since the last.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

BURST_ATTEMPTS = 3  # vendor: three attempts ...
SPACING = timedelta(hours=1)  # vendor: ... then one an hour
# Two invocations' clocks may differ by a minute, and a request may arrive a minute after it was counted.
MARGIN = timedelta(minutes=2)
# A mistaken Retry-After must not silence us until the certificate ends.
LONGEST_RETRY_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Attempts:
    """What is left of the vendor's limit for one credential.

    Attributes:
        burst_left: how many of the first three attempts are unused.
        last_at: when the last attempt was counted; None before the first.
        blocked_until: what the service's own Retry-After asked for; None when it did not.
    """

    burst_left: int = BURST_ATTEMPTS
    last_at: datetime | None = None
    blocked_until: datetime | None = None

    def next_at(self, now: datetime) -> datetime | None:
        """When the next attempt is free; None when one is free now."""
        hourly = self.last_at + SPACING + MARGIN if self.last_at and not self.burst_left else now
        free_at = max(hourly, self.blocked_until or now)
        return free_at if free_at > now else None

    def available(self, now: datetime) -> int:
        """How many attempts may leave now: 0 to 3."""
        return 0 if self.next_at(now) else max(self.burst_left, 1)

    def charged(self, now: datetime) -> Self:
        """One attempt less. Only when `available(now)` is not 0."""
        return replace(self, burst_left=max(self.burst_left - 1, 0), last_at=now, blocked_until=None)

    def exhausted(self, now: datetime, retry_after_seconds: float | None) -> Self:
        """The service said 429: its count wins over ours."""
        wait = timedelta(seconds=min(retry_after_seconds or 0, LONGEST_RETRY_AFTER.total_seconds()))
        return replace(self, burst_left=0, last_at=now, blocked_until=now + wait if wait else None)
