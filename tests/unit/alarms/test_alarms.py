"""Simulated days put to the alarm definitions of template.yaml: what stands when, and what never does.

The metrics are those the code writes, line by line; AWS's own are added as AWS documents them. CloudWatch looks at more
periods than it is asked to, and does not say how many: every rule holds for several numbers of them.
"""

from datetime import timedelta

import pytest

from certificate_rotation.errors import InvalidCredential, ServiceFailure
from tests.unit.alarms.account import DEAD_LETTERS, Account, Run, failure, result

SILENT, CRASHED = "ScheduleSilentAlarm", "RunCrashedAlarm"
EXPIRING, UNDELIVERED, UNPUBLISHED = "CertificateExpiringAlarm", "RunUndeliveredAlarm", "AlertNotPublishedAlarm"
DAY = 24


@pytest.fixture(params=[0, 3])
def account(request: pytest.FixtureRequest) -> Account:
    """A stack with its defaults; CloudWatch looks at so many periods more than asked."""
    further: int = request.param
    return Account(further)


# The schedule.


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


# Crashes.


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


# Days to expiry.


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


# Dead letters, and alerts that did not go out.


def test_a_run_that_could_not_be_delivered_raises_the_alarm(account: Account) -> None:
    """The Scheduler may not invoke the function, say; nobody looks into the queue by himself."""
    account.hours(2, account.young)
    account.cloudwatch.put(DEAD_LETTERS, 1, account.now, seen=account.now)
    account.wait(minutes=5)
    assert account.standing() == {UNDELIVERED}


def test_an_emptied_queue_ends_the_alarm(account: Account) -> None:
    """And so does one that SQS says nothing of any more."""
    account.hours(1, account.young)
    for visible in (1, 1, 0, 0):
        account.cloudwatch.put(DEAD_LETTERS, visible, account.now, seen=account.now)
        account.wait(minutes=5)
    assert account.state(UNDELIVERED) == "OK"
    account.hours(8, account.young)
    assert account.standing() == set()


def refused(number: int) -> Run:
    """A run that had so many alerts to tell, and the topic refused them."""

    def run(metrics: object) -> None:
        failure(ServiceFailure("503"))(metrics)  # type: ignore[arg-type]
        metrics.alerts_not_published(number)  # type: ignore[attr-defined]

    return run


@pytest.mark.parametrize(("number", "stands"), [(0, False), (1, True), (3, True)])
def test_an_alert_that_could_not_be_published_raises_the_alarm(account: Account, number: int, stands: object) -> None:
    """CloudWatch may be let in where the function is not."""
    account.hours(2, account.young)
    account.run(refused(number), error=True)
    account.wait(minutes=5)
    assert (account.standing() == {UNPUBLISHED}) == stands
