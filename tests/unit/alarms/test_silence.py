"""Simulated days with and without a schedule: when the alarm on silence stands, and that no other does.

The metrics are those the code writes, line by line; AWS's own are added as AWS documents them.
"""

from datetime import timedelta

import pytest

from tests.unit.alarms.account import Account, result

SILENT = "ScheduleSilentAlarm"
DAY = 24


def test_a_schedule_that_is_disabled_raises_the_alarm(account: Account) -> None:
    """Nobody else would notice, until the certificate has ended."""
    account.hours(3, account.young)
    assert account.standing() == set()
    account.hours(DAY)
    assert account.standing() == {SILENT}


def test_a_schedule_that_runs_never_raises_any_alarm(account: Account) -> None:
    """An alarm that cries wolf is turned off."""
    account.hours(1, account.young)
    account.changes.clear()
    account.hours(2 * DAY, account.young)
    assert account.changes == []
    assert account.standing() == set()


def test_silence_is_noticed_in_time() -> None:
    """HeartbeatHours, and the periods CloudWatch looks back further: three with the default are six hours at most."""
    for further in (0, 3):
        account = Account(further)
        account.hours(3, account.young)
        waited = 0
        while SILENT not in account.standing():
            account.wait(minutes=30)
            waited += 1
        assert 3 + further - 1 <= waited / 2 <= 3 + further


def test_a_run_that_is_delivered_late_is_no_silence(account: Account) -> None:
    """The Scheduler tries for fifty minutes before it gives up."""
    account.hours(2, account.young)
    account.wait(minutes=50)
    account.hours(DAY, account.young)
    assert (SILENT, "ALARM") not in account.changes[2:]


def test_the_schedules_return_ends_the_alarm(account: Account) -> None:
    """And says so."""
    account.hours(3, account.young)
    account.hours(DAY)
    account.hours(1, account.young)
    assert account.state(SILENT) == "OK"
    assert account.changes[-1] == (SILENT, "OK")


def test_a_stack_whose_schedule_never_ran_is_in_alarm(account: Account) -> None:
    """Deployed, and forgotten to be enabled."""
    account.hours(1)
    assert account.state(SILENT) == "ALARM"


def test_dry_runs_are_no_sign_of_the_schedule(account: Account) -> None:
    """A person who looks every hour renews nothing."""
    account.hours(1, account.young)
    account.hours(DAY, lambda: account.run(result("dry_run", account.now + timedelta(days=60), dry_run=True)))
    assert account.standing() == {SILENT}


def test_another_stacks_runs_are_no_sign_of_this_one(account: Account) -> None:
    """Two stacks in one account share the names of their metrics."""
    account.hours(1, account.young)
    account.hours(DAY, lambda: account.run(result("not_due", account.now + timedelta(days=60)), function="another"))
    assert account.standing() == {SILENT}


@pytest.mark.parametrize("hours", [3, 26])
def test_a_daily_schedule_needs_more_patience(hours: int) -> None:
    """So does HeartbeatHours' description say: 26 for once a day; the default would sound every day."""
    account = Account(HeartbeatHours=hours)
    account.young()
    account.wait(minutes=3)
    account.changes.clear()
    for _ in range(3):
        account.wait(hours=DAY, minutes=2)
        account.young()
    assert ((SILENT, "ALARM") in account.changes) == (hours == 3)
