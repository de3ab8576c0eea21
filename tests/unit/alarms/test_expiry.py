"""Simulated days in which a certificate comes to its end, or is renewed."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import ServiceFailure
from tests.support.alarms.account import DAY, HOUR, Account, failure, result
from tests.support.alarms.promises import EXPIRY_ENDS, EXPIRY_OF_A_FLEET_RINGS, EXPIRY_RINGS

EXPIRING = "CertificateExpiringAlarm"


@pytest.mark.parametrize(("left", "stands"), [(7.01, False), (7, True), (6.99, True), (0, True), (-3, True)])
def test_the_certificate_is_about_to_expire_at_critical_days_or_below(
    account: Account, left: float, stands: object
) -> None:
    """At the very moment, from which on the code accepts to lose it, and ever after."""
    account.run(result("not_due", timedelta(days=left)))
    account.wait(HOUR)
    assert (EXPIRING in account.standing()) == stands


@pytest.mark.parametrize(("critical", "stands"), [(30, True), (20, True), (19, False), (1, False)])
def test_critical_days_is_the_stacks_own(critical: int, stands: object) -> None:
    """The owner's choice."""
    account = Account(CriticalDays=critical)
    account.run(result("not_due", 20 * DAY))
    account.wait(HOUR)
    assert (EXPIRING in account.standing()) == stands


@pytest.mark.parametrize("minute", [0, 17, 58])
def test_it_rings_once_in_time_and_ends_in_time_after_a_rotation(minute: int) -> None:
    """A renewal that fails for weeks is what the alarm is for; the days are known though every run fails."""
    account = Account(seed=minute)
    account.wait(timedelta(minutes=minute))
    account.deployed()
    ends = account.now + 10 * DAY
    account.hourly(lambda: account.run(failure(ServiceFailure("503"), ends - account.now)), 9 * 24)
    rotated_at = account.now
    account.run(result("rotated", 90 * DAY))
    account.wait(HOUR)
    account.hourly(account.young, 48)
    assert account.mails() == ["ALARM", "OK"]
    assert EXPIRY_RINGS.kept(account.told(EXPIRING, "ALARM")[0] - (ends - 7 * DAY))
    assert EXPIRY_ENDS.kept(account.told(EXPIRING, "OK")[0] - rotated_at)


def test_an_error_without_a_name_knows_the_days_too(account: Account) -> None:
    """What crashes the code must not hide the end."""
    account.deployed()
    account.run(failure(KeyError("x"), 5 * DAY))
    account.wait(2 * HOUR)
    assert EXPIRING in account.standing()


@pytest.mark.parametrize("left", [5, 60])
def test_dry_runs_say_nothing_of_it(account: Account, left: int) -> None:
    """Somebody who looks every few minutes at another credential, or between two runs, would ring it each time."""
    account.deployed()
    account.hourly(lambda: account.run(result("not_due", 6 * DAY)), 3)
    account.changes.clear()
    account.hourly(lambda: account.run(result("dry_run", left * DAY, dry_run=True)), 3)
    account.hourly(lambda: account.run(result("not_due", 6 * DAY)), 3)
    assert account.told(EXPIRING, "OK") == account.told(EXPIRING, "ALARM") == []


@pytest.mark.parametrize("left", [5, 60])
def test_without_a_run_what_was_known_stays_true(account: Account, left: int) -> None:
    """That nobody looks makes no certificate younger, and is told by another alarm."""
    account.hourly(lambda: account.run(result("not_due", left * DAY)), 2)
    before = account.state(EXPIRING)
    account.hourly(account.crash, 24)
    account.wait(DAY)
    assert account.state(EXPIRING) == before == ("ALARM" if left == 5 else "OK")


@pytest.mark.parametrize("every", [1, 3, 24])
def test_a_fleet_with_one_tenant_at_the_edge_is_one_alarm_and_one_end(every: int) -> None:
    """However often that tenant is looked at: a day of the clock has a run of each."""
    account = Account(TenantSecretPrefix="tenants")
    account.fleet(result("not_due", 60 * DAY), 100, 48)
    account.changes.clear()
    edge = account.now + 9 * DAY
    for hour in range(12 * 24):
        if hour % every == 0:
            renewed = account.now > edge - 4 * DAY
            account.run(result("not_due", 90 * DAY if renewed else edge - account.now))
        account.run(result("not_due", 60 * DAY), times=100)
        account.wait(HOUR)
    assert account.mails(EXPIRING) == ["ALARM", "OK"]
    assert EXPIRY_OF_A_FLEET_RINGS.kept(account.told(EXPIRING, "ALARM")[0] - (edge - 7 * DAY))


def test_a_fleet_with_a_tenant_that_lapsed_says_nothing_of_the_others(account: Account) -> None:
    """What the alarm's text and the runbook say: there the mails count, which name each."""
    account = Account(TenantSecretPrefix="tenants")
    for _ in range(10 * 24):
        account.run(result("not_due", -3 * DAY))
        account.run(result("not_due", 6 * DAY), times=5)
        account.wait(HOUR)
    assert account.mails(EXPIRING) == ["ALARM"]
