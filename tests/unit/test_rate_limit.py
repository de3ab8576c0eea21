"""The vendor's limits: three attempts, then one an hour; for API keys five, then one in half an hour."""

import itertools
from datetime import datetime, timedelta

import pytest

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import (
    API_KEY_LIMIT,
    CERTIFICATE_LIMIT,
    LONGEST_RETRY_AFTER,
    MARGIN,
    UNUSED,
    Attempts,
    Limit,
)
from tests.support.factories import NOW

BOTH = pytest.mark.parametrize(
    ("unused", "limit"),
    [(UNUSED[HalfName.CERTIFICATE], CERTIFICATE_LIMIT), (UNUSED[HalfName.API_KEY], API_KEY_LIMIT)],
    ids=["certificate", "API key"],
)


def used_up(attempts: Attempts, at: datetime = NOW) -> Attempts:
    """All of the first ones used at one moment."""
    for _ in range(attempts.limit.burst):
        attempts = attempts.charged(at)
    return attempts


def test_the_limits_are_the_vendors() -> None:
    """One request too many is answered 429, and may cost more than it asked for."""
    assert Limit(3, timedelta(hours=1)) == CERTIFICATE_LIMIT
    assert Limit(5, timedelta(minutes=30)) == API_KEY_LIMIT
    assert Attempts() == UNUSED[HalfName.CERTIFICATE]


@BOTH
def test_the_first_attempts_may_leave_at_once(unused: Attempts, limit: Limit) -> None:
    """The vendor allows them, and a rotation that fails twice must not wait an hour."""
    attempts, left = unused, []
    for _ in range(limit.burst):
        left.append(attempts.available(NOW))
        attempts = attempts.charged(NOW)
    assert left == list(range(limit.burst, 0, -1))
    assert attempts.available(NOW) == 0


@BOTH
def test_the_next_one_waits_its_time_and_the_margin(unused: Attempts, limit: Limit) -> None:
    """A request that arrives a second early is answered 429 and may cost as long again."""
    free_at = NOW + limit.spacing + MARGIN
    attempts = used_up(unused)
    assert attempts.next_at(NOW) == free_at
    assert attempts.available(free_at - timedelta(seconds=1)) == 0
    assert attempts.available(free_at) == 1
    assert attempts.next_at(free_at) is None


@BOTH
def test_the_first_ones_never_come_back_and_the_time_runs_from_the_last(unused: Attempts, limit: Limit) -> None:
    """The vendor's pages do not say that they do: the strictest reading is never wrong."""
    year = NOW + timedelta(days=365)
    attempts = used_up(unused)
    assert attempts.available(year) == 1
    again = attempts.charged(year)
    assert again.available(year) == 0
    assert again.next_at(year) == year + limit.spacing + MARGIN


@BOTH
@pytest.mark.parametrize("start", [NOW, NOW + timedelta(minutes=59)])
def test_never_more_than_the_first_ones_and_one_each_time_in_any_window(
    start: datetime, unused: Attempts, limit: Limit
) -> None:
    """Taking every attempt at the first moment it is free is the worst a caller can do."""
    attempts, now = unused, start
    sent: list[datetime] = []
    while len(sent) < 30:
        now = attempts.next_at(now) or now
        attempts = attempts.charged(now)
        sent.append(now)
    after_burst = sent[limit.burst - 1 :]
    assert all(later - earlier > limit.spacing for earlier, later in itertools.pairwise(after_burst))


@BOTH
@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        (None, None),
        (0, None),
        (60, None),  # shorter than our own count allows
        (7200, timedelta(hours=2)),
        (1e12, LONGEST_RETRY_AFTER),  # a mistake must not silence us until the certificate ends
    ],
)
def test_a_429_empties_the_bucket_and_the_longer_wait_counts(
    retry_after: float | None, wait: timedelta | None, unused: Attempts, limit: Limit
) -> None:
    """The service's count wins over ours, and so does its Retry-After."""
    attempts = unused.charged(NOW).exhausted(NOW, retry_after)
    assert attempts.available(NOW) == 0
    assert attempts.next_at(NOW) == NOW + (wait or limit.spacing + MARGIN)


@BOTH
def test_a_wait_the_service_asked_for_ends_with_the_next_attempt(unused: Attempts, limit: Limit) -> None:
    """It was about the attempt before."""
    blocked = unused.exhausted(NOW, 7200)
    later = NOW + timedelta(hours=3)
    assert blocked.charged(later).next_at(later) == later + limit.spacing + MARGIN
