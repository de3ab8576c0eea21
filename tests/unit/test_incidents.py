"""When people are told about a failure that goes on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certificate_rotation.incidents import REMIND_AFTER, level_of, notice
from certificate_rotation.state import Incident
from tests.unit.made import NOW

DAY = timedelta(days=1)
KNOWN = Incident("ServiceFailure", since=NOW, alerted_at=NOW, level=0)


def test_the_first_failure_is_told() -> None:
    """At once."""
    due = notice(None, "ServiceFailure", 20 * DAY, NOW)
    assert due is not None
    assert (due.reason, due.incident) == ("begun", KNOWN)


def test_what_people_know_is_not_told_again_within_a_day() -> None:
    """Twenty-four emails a day are none that anybody reads."""
    assert notice(KNOWN, "ServiceFailure", 20 * DAY, NOW + REMIND_AFTER - timedelta(seconds=1)) is None


def test_a_failure_that_lasts_is_told_every_day_with_its_beginning() -> None:
    """So that nobody takes it for new, or for over."""
    due = notice(KNOWN, "ServiceFailure", 20 * DAY, NOW + REMIND_AFTER)
    assert due is not None
    assert due.reason == "reminder"
    assert due.incident == replace(KNOWN, alerted_at=NOW + REMIND_AFTER)


def test_another_failure_is_told_at_once() -> None:
    """Its cure is another one."""
    due = notice(KNOWN, "Unauthorized", 20 * DAY, NOW + timedelta(hours=1))
    assert due is not None
    assert (due.reason, due.incident.code, due.incident.since) == ("changed", "Unauthorized", NOW)


@pytest.mark.parametrize(
    ("left", "level"),
    [
        (None, 0),
        (20 * DAY, 0),
        (14 * DAY + timedelta(seconds=1), 0),
        (14 * DAY, 1),
        (7 * DAY, 2),
        (3 * DAY, 3),
        (DAY, 4),
        (timedelta(0), 5),
        (-DAY, 5),
    ],
)
def test_thresholds_count_from_at_or_below(left: timedelta | None, level: int) -> None:
    """A run that was missed must not hide one."""
    assert level_of(left) == level


def test_every_threshold_that_is_passed_is_told_once() -> None:
    """What could wait at fourteen days cannot at three."""
    known, told = KNOWN, []
    for hours in range(20 * 24):
        due = notice(replace(known, alerted_at=NOW), "ServiceFailure", 20 * DAY - timedelta(hours=hours), NOW)
        if due:
            known = due.incident
            told.append((due.reason, 20 * 24 - hours))
    assert told == [("escalated", days * 24) for days in (14, 7, 3, 1)]


def test_a_renewed_certificate_does_not_escalate() -> None:
    """More life left is no reason to write."""
    assert notice(replace(KNOWN, level=3), "ServiceFailure", 80 * DAY, NOW) is None
