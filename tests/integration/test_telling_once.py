"""People are told once: whatever name a secret is given by, and however good and bad alternate."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import InvalidSettings
from tests.support.cloudformation import read_template
from tests.support.lambda_invoker import at_the_worlds_time, outcome
from tests.support.outside import ends
from tests.support.rotation_env import World

YOUNG, DUE = timedelta(days=10), timedelta(days=62)
# Powertools compares with the real clock, which this one leaves behind.
FAR_FROM_NOW = pytest.mark.filterwarnings("ignore:This metric doesn't meet the requirements")


def test_trouble_of_a_secret_given_by_its_name_is_told_again_when_it_comes_again(world: World) -> None:
    """The incident belongs to the secret, not to the words somebody called it by."""
    world.onboard(age=YOUNG)
    by_name = {"secretId": world.aws.name}
    for _ in range(2):
        with world.aws.refusing("DescribeSecret"):
            assert ends(world, **by_name) == "InvalidCredential"
        world.advance(hours=2)
        assert ends(world, **by_name) == "not_due"
        world.advance(hours=2)
    assert world.codes() == ["InvalidCredential", "recovered"] * 2


def test_a_recovery_by_its_arn_ends_trouble_that_was_met_by_its_name(world: World) -> None:
    """The schedule's runs go by the ARN, a person's by the name."""
    world.onboard(age=YOUNG)
    with world.aws.refusing("DescribeSecret"):
        assert ends(world, secretId=world.aws.name) == "InvalidCredential"
    world.advance(hours=1)
    assert ends(world) == "not_due"
    assert world.codes() == ["InvalidCredential", "recovered"]


def test_two_failures_in_turn_are_each_told_once(world: World) -> None:
    """One message each is news; at every change it is a flood."""
    world.onboard(age=DUE)
    for fault in ("unavailable", "conflict") * 4:
        world.fault(fault)
        ends(world)
        world.advance(hours=1, minutes=5)
    assert sorted(world.codes()) == ["RefreshConflict", "ServiceFailure"]


def test_the_same_failure_is_told_twice_a_day_at_most(world: World) -> None:
    """It comes and goes: after the second time, people know."""
    world.onboard(age=YOUNG)
    for _ in range(5):
        world.fault("unavailable")
        assert ends(world, force=True) == "ServiceFailure"
        world.advance(hours=1, minutes=5)
        assert ends(world) == "not_due"
        world.advance(hours=1)
    assert world.codes()[:4] == ["ServiceFailure", "recovered"] * 2
    assert world.codes().count("ServiceFailure") == 2


def test_a_failure_that_was_not_told_again_is_told_when_it_lasts(world: World) -> None:
    """Twice a day at most does not mean never: the third time it stayed."""
    world.onboard(age=DUE)
    world.fault("unavailable", times=None)
    for _ in range(3):
        world.settings["RENEW_BEFORE_DAYS"] = "60"
        assert ends(world) == "ServiceFailure"
        world.settings["RENEW_BEFORE_DAYS"] = "1"
        assert ends(world) == "not_due"
        world.advance(hours=2)
    assert world.codes().count("ServiceFailure") == 2
    world.settings["RENEW_BEFORE_DAYS"] = "60"
    for _ in range(26):
        ends(world)
        world.advance(hours=1)
    assert world.codes().count("ServiceFailure") == 3


def test_an_escalation_is_told_however_often_the_code_was(world: World) -> None:
    """The end has come closer: that is other news."""
    world.onboard(age=timedelta(days=75, hours=20))
    world.fault("unavailable", times=None)
    assert ends(world) == "ServiceFailure"
    world.advance(hours=5)
    assert ends(world) == "ServiceFailure"
    assert [mail.attributes["severity"] for mail in world.emails()] == ["WARNING", "CRITICAL"]


def test_a_threshold_passed_between_two_failures_is_told(world: World) -> None:
    """It came and went twice, and then the last day began: that is not the same news."""
    world.onboard(age=timedelta(days=88, hours=18))
    world.settings["RENEW_BEFORE_DAYS"] = "1"
    for _ in range(2):
        world.fault("unavailable")
        assert ends(world, force=True) == "ServiceFailure"
        world.advance(hours=1, minutes=5)
        assert ends(world) == "not_due"
        world.advance(hours=1)
    world.advance(hours=5)
    world.fault("unavailable")
    assert ends(world) == "ServiceFailure"
    assert world.codes()[-1] == "ServiceFailure"
    assert len(world.emails()) == 5


def test_a_failure_without_a_date_does_not_make_the_one_before_it_news_again(world: World) -> None:
    """Of an unreadable secret no date is known; people still know how near the end is."""
    world.onboard(age=timedelta(days=80))
    world.fault("unavailable")
    assert ends(world) == "ServiceFailure"
    world.advance(hours=1, minutes=5)
    with world.aws.refusing("GetSecretValue"):
        assert ends(world) == "StorageFailure"
    world.advance(hours=1, minutes=5)
    world.fault("unavailable")
    assert ends(world) == "ServiceFailure"
    assert world.codes() == ["ServiceFailure", "StorageFailure"]


@pytest.fixture
def invoked(function: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The function as Lambda invokes it, at the world's time."""
    at_the_worlds_time(function, monkeypatch)
    function.onboard(age=YOUNG)
    return function


@FAR_FROM_NOW
def test_bad_events_among_good_ones_are_told_once(invoked: World) -> None:
    """One broken rule beside the schedule: eight of each made sixteen mails."""
    for _ in range(8):
        assert outcome({"dryrun": True}) == "failed"
        invoked.advance(minutes=30)
        assert outcome({}) == "not_due"
        invoked.advance(minutes=30)
    assert invoked.codes() == ["InvalidEvent"]


@FAR_FROM_NOW
def test_a_quiet_day_ends_a_bad_event(invoked: World) -> None:
    """Nobody sends it any more; and the next one is news again."""
    assert outcome({"dryrun": True}) == "failed"
    for _ in range(3):
        invoked.advance(hours=7)
        assert outcome({}) == "not_due"
    assert invoked.codes() == ["InvalidEvent"]
    invoked.advance(hours=4)
    assert outcome({}) == "not_due"
    assert invoked.codes() == ["InvalidEvent", "recovered"]
    assert outcome({"dryrun": True}) == "failed"
    assert invoked.codes() == ["InvalidEvent", "recovered", "InvalidEvent"]


def test_critical_days_of_zero_are_refused(world: World) -> None:
    """A hold would never end: there is no day before the end on which expiring is the worse harm."""
    world.onboard(age=DUE)
    world.settings["CRITICAL_DAYS"] = "0"
    with pytest.raises(InvalidSettings, match="CRITICAL_DAYS"):
        world.run()
    assert read_template()["Parameters"]["CriticalDays"]["MinValue"] == 1
