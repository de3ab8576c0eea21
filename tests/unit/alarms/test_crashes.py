"""Simulated days in which runs crash, or fail and say so: only the first raise the alarm."""

from datetime import timedelta

import pytest

from certificate_rotation.adapters.metrics import DATED_LATER
from certificate_rotation.domain.errors import InvalidCredential
from tests.support.alarms.account import DAY, HOUR, LONGEST_RUN, SEEN_AFTER, Account, failure
from tests.support.alarms.promises import CRASH_ENDS, CRASH_RINGS

CRASHED, SILENT = "RunCrashedAlarm", "ScheduleSilentAlarm"


@pytest.mark.parametrize("minute", range(0, 60, 4))
def test_one_crash_is_one_alarm_in_time_and_over_in_time(minute: int) -> None:
    """Wherever in the hour it comes: a process that was killed tells nobody itself."""
    account = Account(seed=minute)
    account.wait(timedelta(minutes=minute))
    account.deployed()
    crashed_at = account.now
    account.crash()
    account.wait(HOUR)
    account.hourly(account.young, 6)
    assert [(name, state) for name, state, _ in account.changes] == [(CRASHED, "ALARM"), (CRASHED, "OK")]
    (rings,), (ends,) = account.told(CRASHED, "ALARM"), account.told(CRASHED, "OK")
    assert CRASH_RINGS.kept(rings - crashed_at)
    assert CRASH_ENDS.kept(ends - rings)


def test_an_hour_is_complete_when_the_alarm_looks_at_it() -> None:
    """Else a run that began just before the hour and ends after it would ring until its last line is seen."""
    assert LONGEST_RUN + SEEN_AFTER < DATED_LATER < 2 * HOUR  # CloudWatch takes nothing dated further ahead


def test_a_crash_among_failures_with_a_name_is_seen(account: Account) -> None:
    """The counts are of runs, not of hours with a failure."""
    account.deployed()
    account.hourly(account.fails, 5)
    assert account.standing() == set()
    account.fails()
    account.crash()
    account.wait(2 * HOUR)
    assert account.standing() == {CRASHED}


def test_an_error_without_a_name_counts_as_a_crash(account: Account) -> None:
    """Nobody can say whether the code came as far as to tell of it."""
    account.deployed()
    account.run(failure(KeyError("x"), 60 * DAY))
    account.wait(2 * HOUR)
    assert account.standing() == {CRASHED}


def test_a_crash_in_every_run_is_one_alarm_and_then_silence(account: Account) -> None:
    """Not one email an hour. It proves nothing about the schedule either, so that alarm follows."""
    account.deployed()
    account.hourly(account.crash, 24)
    assert [(name, state) for name, state, _ in account.changes] == [(CRASHED, "ALARM"), (SILENT, "ALARM")]


def test_a_dry_run_that_fails_is_no_crash(account: Account) -> None:
    """Who invoked it sees why."""
    account.deployed()
    account.run(failure(InvalidCredential("empty"), dry_run=True))
    account.wait(2 * HOUR)
    assert account.standing() == set()
