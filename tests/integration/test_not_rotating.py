"""Runs that do nothing, and say why."""

from datetime import datetime, timedelta

import pytest

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.errors import InvalidCredential, OutcomeUnknown, ServiceFailure
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import Lease
from tests.support.contract import RESULT
from tests.support.rotation_env import RotationEnv


def test_a_young_certificate_is_left_alone(env: RotationEnv) -> None:
    """Every hour but one in months ends here, so it must cost nothing."""
    env.onboard(age=timedelta(days=59))
    before = env.everything_stored()
    result = env.run()
    assert set(result) == RESULT
    assert result["outcome"] == "not_due"
    assert result["daysLeft"] in {30, 31}
    assert env.everything_stored() == before


@pytest.mark.parametrize(("before_days", "outcome"), [("5", "not_due"), ("11", "rotated"), ("90", "rotated")])
def test_renew_before_days_moves_the_beginning_of_renewal(env: RotationEnv, before_days: str, outcome: str) -> None:
    """The owner's number wins, unless it would renew without end: then it is the last third of the life."""
    env.settings["RENEW_BEFORE_DAYS"] = before_days
    env.onboard(age=timedelta(days=80))
    assert env.run()["outcome"] == outcome
    if outcome == "rotated":
        assert env.run()["outcome"] == "not_due"


def test_force_renews_a_young_certificate(env: RotationEnv) -> None:
    """A person may have a reason we do not know."""
    env.onboard(age=timedelta(days=1))
    assert env.run(force=True)["outcome"] == "rotated"
    assert env.accepted()


def test_the_schedules_bare_envelope_is_an_empty_event(env: RotationEnv) -> None:
    """What the Scheduler sends without an input must work as {} does."""
    env.onboard()
    envelope = {"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}
    assert env.run_with(env.dependencies(), envelope)["outcome"] == "rotated"


@pytest.mark.parametrize(
    ("age", "event", "would_do"),
    [(1, {}, "nothing"), (1, {"force": True}, "rotate"), (80, {}, "rotate"), (91, {}, "fail")],
)
def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    env: RotationEnv, age: int, event: dict[str, object], would_do: str
) -> None:
    """It is the first thing people try on their own account."""
    env.onboard(age=timedelta(days=age))
    before = env.stored_and_sent()
    result = env.run(dryRun=True, **event)
    assert set(result) == RESULT | {"wouldDo", "why"}
    assert (result["outcome"], result["wouldDo"]) == ("dry_run", would_do)
    assert env.stored_and_sent() == before
    asked = [request.endpoint for request in env.simulator.requests]
    assert asked == (["verdicts:statistics"] if would_do == "fail" else []), "asks only where the decision hangs on it"


def test_a_dry_run_tells_of_a_rotation_that_an_earlier_run_left_behind(env: RotationEnv) -> None:
    """Whoever looks after a crash wants to see that it will be carried on."""
    env.onboard()
    with env.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"), pytest.raises(Exception, match="AWSCURRENT"):
        env.run()
    before = env.everything_stored()
    assert env.run(dryRun=True)["wouldDo"] == "resume"
    assert env.everything_stored() == before


def test_a_dry_run_tells_of_a_hold_and_of_the_limit(env: RotationEnv) -> None:
    """Both come with the time at which they end."""
    env.onboard()
    env.fault("drop-after-issuing")
    env.fails(OutcomeUnknown)
    held = env.run(dryRun=True)
    assert (held["wouldDo"], datetime.fromisoformat(str(held["until"])) > env.time.now()) == ("hold", True)
    env.fault("unavailable", times=None)
    for _ in range(2):
        env.fails(ServiceFailure, force=True, allowEviction=True)
    limited = env.run(dryRun=True, force=True, allowEviction=True)
    assert (limited["wouldDo"], limited["until"]) == ("wait", limited["nextAttemptAt"])


def test_a_dry_run_that_fails_raises_no_alarm(env: RotationEnv) -> None:
    """Somebody is looking at it already."""
    env.put({"apiKey": "key"})
    env.fails(InvalidCredential, dryRun=True)
    assert env.emails() == []
    assert env.aws.records() == []


def test_another_runs_lease_is_waited_for_until_it_ends(env: RotationEnv) -> None:
    """Two requests at once would be two attempts and, later, an eviction."""
    env.onboard()
    lease = Lease("another", env.time.now() + timedelta(seconds=120))
    assert Ledger(env.aws.admin.dynamodb, env.aws.name).claim(env.arn, env.state(), lease, HalfName.CERTIFICATE)
    before = env.everything_stored()
    result = env.run(force=True, allowEviction=True)
    assert set(result) == RESULT
    assert result["outcome"] == "busy"
    assert env.everything_stored() == before
    env.advance(minutes=4)
    assert env.run()["outcome"] == "rotated"


def test_a_mail_names_the_secret_by_its_arn_whatever_the_event_calls_it(env: RotationEnv) -> None:
    """Who filters mails by secret must find this one, too."""
    env.put("not JSON")
    env.fails(InvalidCredential, secretId=env.aws.name)
    assert [mail.attributes["secret"] for mail in env.emails()] == [env.arn]
