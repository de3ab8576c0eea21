"""Simulated days in which runs crash, or fail and say so: only the first raise the alarm."""

from datetime import timedelta

from certificate_rotation.errors import InvalidCredential
from tests.unit.alarms.account import Account, failure

CRASHED, SILENT = "RunCrashedAlarm", "ScheduleSilentAlarm"
DAY = 24


def test_a_crash_raises_the_alarm(account: Account) -> None:
    """A process that was killed tells nobody itself."""
    account.hours(3, account.young)
    account.crash()
    account.wait(minutes=10)
    assert account.standing() == {CRASHED}


def test_the_very_first_run_of_a_stack_may_crash(account: Account) -> None:
    """With no metric of the function's own to compare with: a layer for the wrong processor, say."""
    account.hours(1, account.crash)
    assert account.state(CRASHED) == "ALARM"


def test_a_failure_with_a_name_is_no_crash(account: Account) -> None:
    """Its alert says more than an alarm could."""
    account.hours(1, account.young)
    account.hours(DAY, account.fails)
    assert account.standing() == set()
    assert CRASHED not in {name for name, _ in account.changes[2:]}


def test_a_crash_among_failures_with_a_name_is_seen(account: Account) -> None:
    """The counts are of runs, not of hours with a failure."""
    account.hours(5, account.fails)
    account.fails()
    account.crash()
    account.wait(minutes=10)
    assert account.standing() == {CRASHED}


def test_an_error_without_a_name_counts_as_a_crash(account: Account) -> None:
    """Nobody can say whether the code came as far as to tell of it."""
    account.hours(2, account.young)
    account.run(failure(KeyError("x"), account.now + timedelta(days=60)), error=True)
    account.wait(minutes=10)
    assert account.standing() == {CRASHED}


def test_a_crash_in_every_run_is_one_alarm_and_then_silence(account: Account) -> None:
    """Not one email an hour. It proves nothing about the schedule either, so that alarm follows."""
    account.hours(2, account.young)
    account.changes.clear()
    account.hours(DAY, account.crash)
    assert account.changes == [(CRASHED, "ALARM"), (SILENT, "ALARM")]


def test_a_crash_that_stays_alone_is_over_after_two_hours(account: Account) -> None:
    """The next run carried on."""
    account.hours(2, account.young)
    account.crash()
    account.hours(5, account.young)
    assert account.state(CRASHED) == "OK"


def test_a_dry_run_that_fails_is_no_crash(account: Account) -> None:
    """Who invoked it sees why."""
    account.hours(2, account.young)
    account.run(failure(InvalidCredential("empty"), dry_run=True), error=True)
    account.wait(minutes=30)
    assert account.standing() == set()
