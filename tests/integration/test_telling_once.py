"""People are told once: whatever name a secret is given by, and however good and bad alternate."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import InvalidSettings
from tests.support.cloudformation import read_template
from tests.support.lambda_invoker import at_the_worlds_time, outcome
from tests.support.outside import ends
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory

YOUNG, DUE = timedelta(days=10), timedelta(days=62)
# Powertools compares with the real clock, which this one leaves behind.
FAR_FROM_NOW = pytest.mark.filterwarnings("ignore:This metric doesn't meet the requirements")


def test_trouble_of_a_secret_given_by_its_name_is_told_again_when_it_comes_again(env: RotationEnv) -> None:
    """The incident belongs to the secret, not to the words somebody called it by."""
    env.onboard(age=YOUNG)
    by_name = {"secretId": env.aws.name}
    for _ in range(2):
        with env.aws.refusing("DescribeSecret"), env.aws.refusing("GetSecretValue"):
            assert ends(env, **by_name) == "InvalidCredential"
        env.advance(hours=2)
        assert ends(env, **by_name) == "not_due"
        env.advance(hours=2)
    assert env.codes() == ["InvalidCredential", "recovered"] * 2


def test_a_recovery_by_its_arn_ends_trouble_that_was_met_by_its_name(env: RotationEnv) -> None:
    """The schedule's runs go by the ARN, a person's by the name."""
    env.onboard(age=YOUNG)
    with env.aws.refusing("DescribeSecret"), env.aws.refusing("GetSecretValue"):
        assert ends(env, secretId=env.aws.name) == "InvalidCredential"
    env.advance(hours=1)
    assert ends(env) == "not_due"
    assert env.codes() == ["InvalidCredential", "recovered"]


def test_two_failures_in_turn_are_each_told_once(env: RotationEnv) -> None:
    """One message each is news; at every change it is a flood."""
    env.onboard(age=DUE)
    for fault in ("unavailable", "conflict") * 4:
        env.fault(fault)
        ends(env)
        env.advance(hours=1, minutes=5)
    assert sorted(env.codes()) == ["RefreshConflict", "ServiceFailure"]


def test_the_same_failure_is_told_twice_a_day_at_most(env: RotationEnv) -> None:
    """It comes and goes: after the second time, people know."""
    env.onboard(age=YOUNG)
    for _ in range(5):
        env.fault("unavailable")
        assert ends(env, force=True) == "ServiceFailure"
        env.advance(hours=1, minutes=5)
        assert ends(env) == "not_due"
        env.advance(hours=1)
    assert env.codes()[:4] == ["ServiceFailure", "recovered"] * 2
    assert env.codes().count("ServiceFailure") == 2


def test_a_failure_that_was_not_told_again_is_told_when_it_lasts(env: RotationEnv) -> None:
    """Twice a day at most does not mean never: the third time it stayed."""
    env.onboard(age=DUE)
    env.fault("unavailable", times=None)
    for _ in range(3):
        env.settings["RENEW_BEFORE_DAYS"] = "60"
        assert ends(env) == "ServiceFailure"
        env.settings["RENEW_BEFORE_DAYS"] = "1"
        assert ends(env) == "not_due"
        env.advance(hours=2)
    assert env.codes().count("ServiceFailure") == 2
    env.settings["RENEW_BEFORE_DAYS"] = "60"
    for _ in range(26):
        ends(env)
        env.advance(hours=1)
    assert env.codes().count("ServiceFailure") == 3


def test_an_escalation_is_told_however_often_the_code_was(env: RotationEnv) -> None:
    """The end has come closer: that is other news."""
    env.onboard(age=timedelta(days=75, hours=20))
    env.fault("unavailable", times=None)
    assert ends(env) == "ServiceFailure"
    env.advance(hours=5)
    assert ends(env) == "ServiceFailure"
    assert [mail.attributes["severity"] for mail in env.emails()] == ["WARNING", "CRITICAL"]


def test_a_threshold_passed_between_two_failures_is_told(env: RotationEnv) -> None:
    """It came and went twice, and then the last day began: that is not the same news."""
    env.onboard(age=timedelta(days=88, hours=18))
    env.settings["RENEW_BEFORE_DAYS"] = "1"
    for _ in range(2):
        env.fault("unavailable")
        assert ends(env, force=True) == "ServiceFailure"
        env.advance(hours=1, minutes=5)
        assert ends(env) == "not_due"
        env.advance(hours=1)
    env.advance(hours=5)
    env.fault("unavailable")
    assert ends(env) == "ServiceFailure"
    assert env.codes()[-1] == "ServiceFailure"
    assert len(env.emails()) == 5


def test_a_failure_without_a_date_does_not_make_the_one_before_it_news_again(env: RotationEnv) -> None:
    """Of an unreadable secret no date is known; people still know how near the end is."""
    env.onboard(age=timedelta(days=80))
    env.fault("unavailable")
    assert ends(env) == "ServiceFailure"
    env.advance(hours=1, minutes=5)
    with env.aws.refusing("GetSecretValue"):
        assert ends(env) == "StorageFailure"
    env.advance(hours=1, minutes=5)
    env.fault("unavailable")
    assert ends(env) == "ServiceFailure"
    assert env.codes() == ["ServiceFailure", "StorageFailure"]


@pytest.fixture
def invoked(function: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> RotationEnv:
    """The function as Lambda invokes it, at the env's time."""
    at_the_worlds_time(function, monkeypatch)
    function.onboard(age=YOUNG)
    return function


@FAR_FROM_NOW
def test_bad_events_among_good_ones_are_told_once(invoked: RotationEnv) -> None:
    """One broken rule beside the schedule: eight of each made sixteen mails."""
    for _ in range(8):
        assert outcome({"dryrun": True}) == "failed"
        invoked.advance(minutes=30)
        assert outcome({}) == "not_due"
        invoked.advance(minutes=30)
    assert invoked.codes() == ["InvalidEvent"]


@FAR_FROM_NOW
def test_a_quiet_day_ends_a_bad_event(invoked: RotationEnv) -> None:
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


def test_critical_days_of_zero_are_refused(env: RotationEnv) -> None:
    """A hold would never end: there is no day before the end on which expiring is the worse harm."""
    env.onboard(age=DUE)
    env.settings["CRITICAL_DAYS"] = "0"
    with pytest.raises(InvalidSettings, match="CRITICAL_DAYS"):
        env.run()
    assert read_template()["Parameters"]["CriticalDays"]["MinValue"] == 1
