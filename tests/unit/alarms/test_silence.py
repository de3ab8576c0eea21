"""Simulated days with and without a schedule: when the alarms on silence stand, and that no other does."""

from datetime import timedelta

import pytest

from tests.support.alarms.account import DAY, HOUR, MINUTE, Account, result
from tests.support.alarms.promises import SILENCE_BEGINS, SILENCE_ENDS, SILENCE_RINGS, STILL_ENDS, STILL_RINGS

SILENT, STILL = "ScheduleSilentAlarm", "ScheduleStillSilentAlarm"


@pytest.mark.parametrize("minute", [0, 13, 31, 58])
def test_a_schedule_that_stops_rings_after_its_hours_and_once_more_after_three_days(minute: int) -> None:
    """CloudWatch repeats nothing: without the second one, a mail that is overlooked is the last."""
    account = Account(seed=minute)
    account.wait(timedelta(minutes=minute))
    account.deployed(48)
    last_run = account.now - HOUR  # or up to five minutes later
    account.wait(10 * DAY)
    assert account.mails() == ["ALARM", "ALARM"]
    (silent,), (still,) = account.told(SILENT, "ALARM"), account.told(STILL, "ALARM")
    assert SILENCE_RINGS.kept(silent - last_run)
    assert STILL_RINGS.kept(still - last_run)


def test_the_schedules_return_ends_the_alarm_within_the_hour_and_says_so_once(account: Account) -> None:
    """Of two alarms that stand, one writes."""
    account.deployed(48)
    account.wait(5 * DAY)
    account.changes.clear()
    back = account.now
    account.hourly(account.young, 30)
    assert account.mails() == ["OK"]
    (ends,), (still_ends,) = account.told(SILENT, "OK"), account.told(STILL, "OK")
    assert SILENCE_ENDS.kept(ends - back)
    assert STILL_ENDS.kept(still_ends - back)
    assert account.standing() == set()


def test_a_run_that_is_delivered_late_is_no_silence(account: Account) -> None:
    """The Scheduler tries for fifty minutes at most."""
    account.deployed()
    account.wait(timedelta(minutes=50))
    account.hourly(account.young, 24)
    assert account.mails() == []


def test_a_new_stack_is_not_silent_for_a_day(account: Account) -> None:
    """Nobody has confirmed the address yet, and a daily schedule has not run yet. Never enabled, it rings then."""
    account.wait(SILENCE_BEGINS.least - MINUTE)
    assert SILENT not in account.standing()
    account.wait(MINUTE)
    assert SILENT in account.standing()
    account.wait(DAY)
    assert STILL in account.standing()


def test_dry_runs_are_no_sign_of_the_schedule(account: Account) -> None:
    """A person who looks every hour renews nothing."""
    account.deployed()
    account.hourly(lambda: account.run(result("dry_run", 60 * DAY, dry_run=True)), 24)
    assert account.standing() == {SILENT}


def test_another_stacks_runs_are_no_sign_of_this_one(account: Account) -> None:
    """Two stacks in one account share the names of their metrics."""
    account.deployed()
    account.hourly(lambda: account.run(result("not_due", 60 * DAY), function="another"), 24)
    assert account.standing() == {SILENT}


@pytest.mark.parametrize(("hours", "rings"), [(3, 10), (26, 0), (72, 0)])
def test_a_daily_schedule_needs_more_patience(hours: int, rings: int) -> None:
    """So does HeartbeatHours' description say: 26 for once a day; the default rings every day."""
    account = Account(HeartbeatHours=hours)
    account.wait(timedelta(hours=7))
    for _ in range(10):
        account.hourly(account.young, 1)
        account.wait(23 * HOUR)
    assert account.mails(SILENT).count("ALARM") == rings
    assert account.told(STILL, "ALARM") == []


def test_hours_longer_than_a_day_are_looked_at_once_an_hour() -> None:
    """So they ring up to an hour later than shorter ones."""
    account = Account(HeartbeatHours=26)
    account.deployed(30)
    last_run = account.now - HOUR
    account.wait(2 * DAY)
    (rings,) = account.told(SILENT, "ALARM")
    assert timedelta(hours=26) <= rings - last_run <= timedelta(hours=28)
