"""The vendor's limit: three attempts, then one an hour."""

import itertools
from datetime import datetime, timedelta

import pytest

from certificate_rotation.domain.rate_limit import BURST_ATTEMPTS, LONGEST_RETRY_AFTER, MARGIN, SPACING, Attempts
from tests.support.factories import NOW

HOUR = timedelta(hours=1)


def used_up(at: datetime = NOW) -> Attempts:
    """All three used at one moment."""
    attempts = Attempts()
    for _ in range(BURST_ATTEMPTS):
        attempts = attempts.charged(at)
    return attempts


def test_three_attempts_may_leave_at_once() -> None:
    """The vendor allows them, and a rotation that fails twice must not wait an hour."""
    attempts = Attempts()
    left = []
    for _ in range(3):
        left.append(attempts.available(NOW))
        attempts = attempts.charged(NOW)
    assert left == [3, 2, 1]
    assert attempts.available(NOW) == 0


def test_the_fourth_waits_an_hour_and_the_margin() -> None:
    """A request that arrives a second early is answered 429 and may cost another hour."""
    free_at = NOW + SPACING + MARGIN
    assert used_up().next_at(NOW) == free_at
    assert used_up().available(free_at - timedelta(seconds=1)) == 0
    assert used_up().available(free_at) == 1
    assert used_up().next_at(free_at) is None


def test_the_three_never_come_back_and_the_hour_runs_from_the_last() -> None:
    """The vendor's pages do not say that they do: the strictest reading is never wrong."""
    year = NOW + timedelta(days=365)
    assert used_up().available(year) == 1
    again = used_up().charged(year)
    assert again.available(year) == 0
    assert again.next_at(year) == year + SPACING + MARGIN


@pytest.mark.parametrize("start", [NOW, NOW + timedelta(minutes=59)])
def test_never_more_than_three_and_one_an_hour_in_any_window(start: datetime) -> None:
    """Taking every attempt at the first moment it is free is the worst a caller can do."""
    attempts, now = Attempts(), start
    sent: list[datetime] = []
    while len(sent) < 30:
        now = attempts.next_at(now) or now
        attempts = attempts.charged(now)
        sent.append(now)
    after_burst = sent[2:]
    assert all(later - earlier > HOUR for earlier, later in itertools.pairwise(after_burst))


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        (None, SPACING + MARGIN),
        (0, SPACING + MARGIN),
        (60, SPACING + MARGIN),  # shorter than our own count allows
        (7200, timedelta(hours=2)),
        (1e12, LONGEST_RETRY_AFTER),  # a mistake must not silence us until the certificate ends
    ],
)
def test_a_429_empties_the_bucket_and_the_longer_wait_counts(retry_after: float | None, wait: timedelta) -> None:
    """The service's count wins over ours, and so does its Retry-After."""
    attempts = Attempts().charged(NOW).exhausted(NOW, retry_after)
    assert attempts.available(NOW) == 0
    assert attempts.next_at(NOW) == NOW + wait


def test_a_wait_the_service_asked_for_ends_with_the_next_attempt() -> None:
    """It was about the attempt before."""
    blocked = Attempts().exhausted(NOW, 7200)
    later = NOW + timedelta(hours=3)
    assert blocked.charged(later).next_at(later) == later + SPACING + MARGIN
