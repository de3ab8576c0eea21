"""The vendor's limits on refresh calls, counted before each call leaves. Pure.

Vendor: three attempts and, once they are used up, one more per hour (certificate); five, then two an hour (API key).
The pages do not say when the first ones come back, so the count holds against the strictest reading: never. After
them, one each hour, or half an hour, since the last.
"""

from copy import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from certificate_rotation.domain.half import HalfName


class Limit(NamedTuple):
    """What the vendor allows: so many attempts, and then one in every `spacing`."""

    burst: int
    spacing: timedelta


CERTIFICATE_LIMIT = Limit(3, timedelta(hours=1))
API_KEY_LIMIT = Limit(5, timedelta(minutes=30))
# Two invocations' clocks may differ by a minute, and a request may arrive a minute after it was counted.
MARGIN = timedelta(minutes=2)
# A mistaken Retry-After must not silence us until the certificate ends.
LONGEST_RETRY_AFTER = timedelta(days=1)


class Attempts(NamedTuple):
    """What is left of the vendor's limit for one half of a credential.

    Attributes:
        burst_left: how many of the first attempts are unused.
        last_at: when the last attempt was counted; None before the first.
        blocked_until: what the service's own Retry-After asked for; None when it did not.
        limit: what the vendor allows.
    """

    burst_left: int = CERTIFICATE_LIMIT.burst
    last_at: datetime | None = None
    blocked_until: datetime | None = None
    limit: Limit = CERTIFICATE_LIMIT

    def next_at(self, now: datetime) -> datetime | None:
        """When the next attempt is free; None when one is free now."""
        spaced = self.last_at + self.limit.spacing + MARGIN if self.last_at and not self.burst_left else now
        free_at = max(spaced, self.blocked_until or now)
        return free_at if free_at > now else None

    def available(self, now: datetime) -> int:
        """How many attempts may leave now."""
        return 0 if self.next_at(now) else max(self.burst_left, 1)

    def charged(self, now: datetime) -> "Attempts":
        """One attempt less. Only when `available(now)` is not 0."""
        return replace(self, burst_left=max(self.burst_left - 1, 0), last_at=now, blocked_until=None)

    def exhausted(self, now: datetime, retry_after_seconds: float | None) -> "Attempts":
        """The service said 429: its count wins over ours."""
        wait = timedelta(seconds=min(retry_after_seconds or 0, LONGEST_RETRY_AFTER.total_seconds()))
        return replace(self, burst_left=0, last_at=now, blocked_until=now + wait if wait else None)


UNUSED = {HalfName.CERTIFICATE: Attempts(), HalfName.API_KEY: Attempts(API_KEY_LIMIT.burst, limit=API_KEY_LIMIT)}
"""Of a credential nobody asked anything for yet."""
