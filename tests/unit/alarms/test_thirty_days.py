"""Thirty days of the alarms, mails counted: none is false, for one credential, for a hundred and for ten thousand."""

from datetime import timedelta

import pytest

from tests.support.alarms.account import FAILS, HOUR, YOUNG, Account

THIRTY_DAYS = 30 * 24  # hours


@pytest.mark.parametrize("minute", [0, 20, 57, 59])
def test_a_credential_that_fails_every_hour_for_thirty_days_rings_no_alarm(minute: int) -> None:
    """Its alerts say more than an alarm could. Around the hour a run begins in one and ends in the next."""
    account = Account(seed=minute)
    account.wait(timedelta(minutes=minute))
    account.deployed()
    account.hourly(account.fails, THIRTY_DAYS)
    assert account.mails() == []


def test_a_schedule_that_runs_for_thirty_days_rings_no_alarm(account: Account) -> None:
    """Jitter, and now and then a run that comes as late as the Scheduler may deliver it."""
    account.deployed()
    for day in range(30):
        account.hourly(account.young, 23, window=timedelta(minutes=5))
        account.hourly(account.young if day % 2 else account.fails, 1, window=timedelta(minutes=55))
    assert account.mails() == []


@pytest.mark.parametrize("tenants", [100, 10_000])
def test_a_fleet_rings_no_alarm_in_thirty_days_with_an_outage_of_a_day(tenants: int) -> None:
    """Neither when it begins, nor when it is over: each credential's alerts tell of it."""
    account = Account(TenantSecretPrefix="tenants")
    account.fleet(YOUNG, tenants, 30)
    account.changes.clear()
    account.fleet(YOUNG, tenants, 24)
    account.fleet(FAILS, tenants, 24)
    account.fleet(YOUNG, tenants, THIRTY_DAYS - 48)
    assert account.mails() == []


def test_the_mails_of_the_first_days_are_those_the_readme_names(account: Account) -> None:
    """An alarm tells its first state as well; in the first minute nobody can have confirmed the address."""
    account.hourly(account.young, THIRTY_DAYS // 10)
    told = [(name, state) for name, state, at in account.changes if at - account.changes[0][2] > HOUR / 2]
    assert [pair for pair in told if "OKActions" in account.alarms[pair[0]].properties] == [
        ("CertificateExpiringAlarm", "OK"),
        ("ScheduleSilentAlarm", "OK"),
    ]
