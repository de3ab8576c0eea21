"""Simulated days in which a certificate comes to its end, or is renewed."""

from datetime import timedelta

import pytest

from certificate_rotation.errors import ServiceFailure
from tests.unit.alarms.account import Account, failure, result

EXPIRING = "CertificateExpiringAlarm"
DAY = 24


@pytest.mark.parametrize(("left", "stands"), [(7.01, False), (7, True), (6.99, True), (0, True), (-3, True)])
def test_the_certificate_is_about_to_expire_at_critical_days_or_below(
    account: Account, left: float, stands: object
) -> None:
    """At the very moment, from which on the code accepts to lose it, and ever after."""
    account.hours(1, account.young)
    account.run(result("not_due", account.now + timedelta(days=left)))
    account.wait(minutes=5)
    assert (EXPIRING in account.standing()) == stands


@pytest.mark.parametrize(("critical", "stands"), [(30, True), (20, True), (19, False), (0, False)])
def test_critical_days_is_the_stacks_own(critical: int, stands: object) -> None:
    """The owner's choice."""
    account = Account(CriticalDays=critical)
    account.run(result("not_due", account.now + timedelta(days=20)))
    account.wait(minutes=5)
    assert (EXPIRING in account.standing()) == stands


@pytest.mark.parametrize("error", [ServiceFailure("503"), KeyError("x")])
def test_the_days_are_known_when_the_run_fails(account: Account, error: Exception) -> None:
    """A renewal that fails for weeks is what the alarm is for."""
    ends = account.now + timedelta(days=8)
    account.hours(2 * DAY, lambda: account.run(failure(error, ends), error=True))
    assert EXPIRING in account.standing()


def test_the_worst_certificate_of_an_hour_counts(account: Account) -> None:
    """One function may look at several."""
    account.hours(1, account.young)
    account.run(result("not_due", account.now + timedelta(days=5)))
    account.young()
    account.wait(minutes=5)
    assert EXPIRING in account.standing()


def test_a_rotation_ends_the_alarm(account: Account) -> None:
    """And says so."""
    account.hours(2, lambda: account.run(result("held", account.now + timedelta(days=5))))
    account.run(result("rotated", account.now + timedelta(days=90)))
    account.hours(3, account.young)
    assert account.state(EXPIRING) == "OK"
    assert [state for name, state in account.changes if name == EXPIRING] == ["ALARM", "OK"]


@pytest.mark.parametrize("left", [5, 60])
def test_without_a_run_what_was_known_stays_true(account: Account, left: float) -> None:
    """That nobody looks makes no certificate younger, and is told by another alarm."""
    account.hours(2, lambda: account.run(result("not_due", account.now + timedelta(days=left))))
    before = account.state(EXPIRING)
    account.hours(DAY, account.crash)
    account.hours(DAY)
    assert account.state(EXPIRING) == before == ("ALARM" if left == 5 else "OK")
