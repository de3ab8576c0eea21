"""Runs that do nothing, and say why."""

from datetime import datetime, timedelta

import pytest

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.errors import InvalidCredential, OutcomeUnknown, ServiceFailure
from certificate_rotation.domain.state import Lease
from tests.support.contract import RESULT
from tests.support.rotation_env import World


def test_a_young_certificate_is_left_alone(world: World) -> None:
    """Every hour but one in months ends here, so it must cost nothing."""
    world.onboard(age=timedelta(days=59))
    before = world.everything_stored()
    result = world.run()
    assert set(result) == RESULT
    assert result["outcome"] == "not_due"
    assert result["daysLeft"] in {30, 31}
    assert world.everything_stored() == before


@pytest.mark.parametrize(("before_days", "outcome"), [("5", "not_due"), ("11", "rotated"), ("90", "rotated")])
def test_renew_before_days_moves_the_beginning_of_renewal(world: World, before_days: str, outcome: str) -> None:
    """The owner's number wins, unless it would renew without end: then it is the last third of the life."""
    world.settings["RENEW_BEFORE_DAYS"] = before_days
    world.onboard(age=timedelta(days=80))
    assert world.run()["outcome"] == outcome
    if outcome == "rotated":
        assert world.run()["outcome"] == "not_due"


def test_force_renews_a_young_certificate(world: World) -> None:
    """A person may have a reason we do not know."""
    world.onboard(age=timedelta(days=1))
    assert world.run(force=True)["outcome"] == "rotated"
    assert world.accepted()


def test_the_schedules_bare_envelope_is_an_empty_event(world: World) -> None:
    """What the Scheduler sends without an input must work as {} does."""
    world.onboard()
    envelope = {"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}
    assert world.run_with(world.dependencies(), envelope)["outcome"] == "rotated"


@pytest.mark.parametrize(
    ("age", "event", "would_do"),
    [(1, {}, "nothing"), (1, {"force": True}, "rotate"), (80, {}, "rotate"), (91, {}, "fail")],
)
def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    world: World, age: int, event: dict[str, object], would_do: str
) -> None:
    """It is the first thing people try on their own account."""
    world.onboard(age=timedelta(days=age))
    before = world.stored_and_sent()
    result = world.run(dryRun=True, **event)
    assert set(result) == RESULT | {"wouldDo", "why"}
    assert (result["outcome"], result["wouldDo"]) == ("dry_run", would_do)
    assert world.stored_and_sent() == before
    asked = [request.endpoint for request in world.simulator.requests]
    assert asked == (["verdicts:statistics"] if would_do == "fail" else []), "asks only where the decision hangs on it"


def test_a_dry_run_tells_of_a_rotation_that_an_earlier_run_left_behind(world: World) -> None:
    """Whoever looks after a crash wants to see that it will be carried on."""
    world.onboard()
    with world.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"), pytest.raises(Exception, match="AWSCURRENT"):
        world.run()
    before = world.everything_stored()
    assert world.run(dryRun=True)["wouldDo"] == "resume"
    assert world.everything_stored() == before


def test_a_dry_run_tells_of_a_hold_and_of_the_limit(world: World) -> None:
    """Both come with the time at which they end."""
    world.onboard()
    world.fault("drop-after-issuing")
    world.fails(OutcomeUnknown)
    held = world.run(dryRun=True)
    assert (held["wouldDo"], datetime.fromisoformat(held["until"]) > world.time.now()) == ("hold", True)
    world.fault("unavailable", times=None)
    for _ in range(2):
        world.fails(ServiceFailure, force=True, allowEviction=True)
    limited = world.run(dryRun=True, force=True, allowEviction=True)
    assert (limited["wouldDo"], limited["until"]) == ("wait", limited["nextAttemptAt"])


def test_a_dry_run_that_fails_raises_no_alarm(world: World) -> None:
    """Somebody is looking at it already."""
    world.put({"apiKey": "key"})
    world.fails(InvalidCredential, dryRun=True)
    assert world.emails() == []
    assert world.aws.records() == []


def test_another_runs_lease_is_waited_for_until_it_ends(world: World) -> None:
    """Two requests at once would be two attempts and, later, an eviction."""
    world.onboard()
    lease = Lease("another", world.time.now() + timedelta(seconds=120))
    assert Ledger(world.aws.admin.dynamodb, world.aws.name).claim(world.arn, world.state(), lease)
    before = world.everything_stored()
    result = world.run(force=True, allowEviction=True)
    assert set(result) == RESULT
    assert result["outcome"] == "busy"
    assert world.everything_stored() == before
    world.advance(minutes=4)
    assert world.run()["outcome"] == "rotated"


def test_a_mail_names_the_secret_by_its_arn_whatever_the_event_calls_it(world: World) -> None:
    """Who filters mails by secret must find this one, too."""
    world.put("not JSON")
    world.fails(InvalidCredential, secretId=world.aws.name)
    assert [mail.attributes["secret"] for mail in world.emails()] == [world.arn]
