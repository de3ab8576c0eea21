"""Runs that could not be delivered to the function, and alerts that could not be delivered to the topic."""

from copy import replace
from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import ServiceFailure
from certificate_rotation.domain.report import Report
from tests.support.alarms.account import DAY, DEAD_LETTERS, HOUR, MINUTE, Account, failure
from tests.support.alarms.promises import UNDELIVERED_ENDS, UNPUBLISHED_ENDS

UNDELIVERED, UNPUBLISHED = "RunUndeliveredAlarm", "AlertNotPublishedAlarm"


def queue(account: Account, messages: int, time: timedelta) -> None:
    """Let SQS report so many messages every five minutes."""
    for _ in range(time // (5 * MINUTE)):
        account.cloudwatch.put(DEAD_LETTERS, messages, account.now, seen=account.now + MINUTE)
        account.wait(5 * MINUTE)


def test_a_run_that_could_not_be_delivered_raises_the_alarm_until_the_queue_is_empty(account: Account) -> None:
    """The Scheduler may not invoke the function, say; nobody looks into the queue by himself."""
    account.deployed()
    queue(account, 1, HOUR)
    assert account.standing() == {UNDELIVERED}
    queue(account, 0, UNDELIVERED_ENDS.most)
    assert account.state(UNDELIVERED) == "OK"
    assert account.mails(UNDELIVERED) == ["ALARM", "OK"]


def refused(number: int) -> Report:
    """A run that had so many alerts to tell, and the topic refused them."""
    return replace(failure(ServiceFailure("503")), mails_refused=number)


@pytest.mark.parametrize(("number", "mails"), [(0, []), (1, ["ALARM"]), (3, ["ALARM"])])
@pytest.mark.parametrize("further", [0, 1, 3])
def test_an_alert_that_could_not_be_published_is_told_within_minutes_and_over_in_time(
    further: int, number: int, mails: list[str]
) -> None:
    """CloudWatch may be let in where the function is not. Nothing says that it is over: the alert itself does."""
    account = Account(further_periods=further)
    account.deployed()
    refused_at = account.now
    account.run(refused(number))
    account.wait(6 * MINUTE)
    assert (account.standing() == {UNPUBLISHED}) == bool(mails)
    account.wait(HOUR - 6 * MINUTE)
    account.hourly(account.young, 24)
    assert account.mails() == mails
    for over in account.told(UNPUBLISHED, "OK"):
        assert UNPUBLISHED_ENDS.kept(over - refused_at)


def test_a_topic_that_refuses_for_a_day_is_one_alarm(account: Account) -> None:
    """Not one an hour."""
    account.deployed()
    account.hourly(lambda: account.run(refused(1)), 24)
    account.wait(DAY)
    assert account.mails(UNPUBLISHED) == ["ALARM"]
