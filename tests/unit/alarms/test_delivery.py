"""Runs that could not be delivered to the function, and alerts that could not be delivered to the topic."""

import pytest

from certificate_rotation.errors import ServiceFailure
from certificate_rotation.metrics import RunMetrics
from tests.unit.alarms.account import DEAD_LETTERS, Account, Run

UNDELIVERED, UNPUBLISHED = "RunUndeliveredAlarm", "AlertNotPublishedAlarm"


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

    def run(metrics: RunMetrics) -> None:
        metrics.failed(ServiceFailure("503"))
        metrics.alerts_not_published(number)

    return run


@pytest.mark.parametrize(("number", "stands"), [(0, False), (1, True), (3, True)])
def test_an_alert_that_could_not_be_published_raises_the_alarm(account: Account, number: int, stands: object) -> None:
    """CloudWatch may be let in where the function is not."""
    account.hours(2, account.young)
    account.run(refused(number), error=True)
    account.wait(minutes=5)
    assert (account.standing() == {UNPUBLISHED}) == stands
