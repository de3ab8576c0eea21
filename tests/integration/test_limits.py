"""The vendor's limit, and one run at a time: counted where it matters, at the service."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from certificate_rotation import issuance
from certificate_rotation.domain.errors import (
    CertificateNotAccepted,
    InvalidSettings,
    OutcomeUnknown,
    RefreshConflict,
    RotationError,
    ServiceFailure,
    StorageFailure,
)
from certificate_rotation.domain.result import Result
from certificate_rotation.domain.x509 import PrivateKey, new_private_key
from simulator import Simulator
from tests.support.exchanges import Killed
from tests.support.order_of_writes import CHARGE, CLAIM, ORDER_OF_EXCHANGES
from tests.support.rotation_env import MakeWorld, World


def test_the_fourth_attempt_never_leaves_whatever_is_asked_for(world: World) -> None:
    """Vendor: three attempts; a fourth may cost more than a refusal."""
    world.onboard()
    world.fault("unavailable", times=None)
    for left in (2, 1, 0):
        world.fails(ServiceFailure, force=True, allowEviction=True)
        assert world.state().attempts.available(world.time.now()) == left
        world.advance(minutes=1)
    for event in ({}, {"force": True}, {"force": True, "allowEviction": True}):
        result = world.run(**event)
        assert (result["outcome"], result["attemptsAvailable"]) == ("rate_limited", 0)
        assert datetime.fromisoformat(str(result["nextAttemptAt"])) > world.time.now() + timedelta(minutes=59)
    assert len(world.refreshes()) == 3


def test_after_an_hour_and_a_margin_one_attempt_leaves(world: World) -> None:
    """Vendor: then one an hour; clocks differ, so two minutes more."""
    world.onboard()
    world.fault("unavailable", times=None)
    for _ in range(3):
        world.fails(ServiceFailure)
    world.advance(minutes=61)
    assert world.run()["outcome"] == "rate_limited"
    world.advance(minutes=1, seconds=1)
    world.fails(ServiceFailure)
    assert world.run(force=True)["outcome"] == "rate_limited"
    assert len(world.refreshes()) == 4


def test_the_limit_holds_at_a_service_that_gives_attempts_back_never(make_world: MakeWorld) -> None:
    """The vendor does not say when the three come back, so the harshest reading must do."""
    with Simulator.running(rate="strict", statistics_limit=False) as strict:
        world = make_world(strict)
        world.onboard(age=timedelta(days=62))
        world.fault("conflict", times=None)
        for _ in range(14):
            with suppress(RefreshConflict):
                assert world.run()["outcome"] == "rate_limited"
            world.advance(minutes=31)
        assert len(world.refreshes()) == 8
        assert {request.status for request in world.refreshes()} == {409}
        strict.clear_faults()
        world.advance(hours=1)
        assert world.run()["outcome"] == "rotated"


def test_crashes_use_up_the_limit_as_failures_do(world: World) -> None:
    """A run that dies while it waits for the answer has made a request."""
    world.onboard()
    for _ in range(6):
        world.aws.exchanges.kill("cert:refresh", "after")
        with suppress(Killed, RotationError):
            world.run(force=True, allowEviction=True)
        world.aws.exchanges.revive()
        world.advance(minutes=5)
    assert len(world.refreshes()) == 3


def _run_at_once(world: World, count: int, **event: object) -> list[Result]:
    """Several containers of the function, started at the same moment."""
    start = Barrier(count)
    containers = [world.dependencies(world.aws.clients()) for _ in range(count)]

    def run(index: int) -> Result:
        start.wait(timeout=10)
        return world.run_with(containers[index], event)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("count", [2, 5])
def test_runs_at_the_same_time_make_one_request(world: World, count: int) -> None:
    """The Scheduler may deliver twice, and a person may press Test just then."""
    world.onboard()
    world.fault("slow", seconds=0.5)
    outcomes = sorted(result["outcome"] for result in _run_at_once(world, count))
    assert outcomes.count("rotated") == 1
    # held: it read the credential before, and the ledger after, what the other one did.
    assert set(outcomes) <= {"rotated", "busy", "not_due", "held"}
    assert len(world.refreshes()) == 1
    assert world.accepted()
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


@pytest.mark.parametrize(
    "index",
    range(CHARGE, len(ORDER_OF_EXCHANGES) - 1),
    ids=lambda index: f"{index:02}-{ORDER_OF_EXCHANGES[index]}",
)
def test_a_run_while_another_is_at_work_is_busy(world: World, index: int) -> None:
    """An attempt that is under way is not one whose outcome nobody knows: nobody has to look at it."""
    world.onboard()
    seen: list[Result] = []
    world.aws.exchanges.meanwhile(index, lambda: seen.append(world.run()))
    assert world.run()["outcome"] == "rotated"
    assert [result["outcome"] for result in seen] == ["busy"]
    assert len(world.refreshes()) == 1


@pytest.mark.parametrize("event", [{}, {"force": True, "allowEviction": True}], ids=str)
def test_a_run_that_read_before_another_acted_reads_again(world: World, event: dict[str, object]) -> None:
    """What it decided is about a certificate, and a count of attempts, that are no more."""
    world.onboard()
    world.aws.exchanges.meanwhile(CLAIM, world.run)
    assert world.run(**event)["outcome"] == ("rotated" if event else "not_due")
    assert len(world.refreshes()) == (2 if event else 1)
    assert world.state().attempts.burst_left == (1 if event else 2)
    assert world.accepted()


def test_forced_runs_at_the_same_time_make_one_request(world: World) -> None:
    """Force does not pass the lease, and after it the grace for consumers holds."""
    world.onboard()
    world.fault("slow", seconds=0.5)
    outcomes = [result["outcome"] for result in _run_at_once(world, 3, force=True)]
    assert outcomes.count("rotated") == 1
    assert set(outcomes) <= {"rotated", "busy", "held"}
    assert len(world.refreshes()) == 1


def test_a_run_with_too_little_time_left_sends_nothing(world: World) -> None:
    """An answer that comes after Lambda stopped the run is lost."""
    world.onboard()
    with pytest.raises(InvalidSettings, match="Timeout"):
        world.run_with(world.dependencies(), {}, lives=timedelta(seconds=60))
    assert world.simulator.requests == []
    assert world.codes() == ["InvalidSettings"]
    assert world.run()["outcome"] == "rotated"


def test_a_run_whose_key_took_too_long_to_make_leaves_the_asking_to_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large RSA key may take a small Lambda most of the time there is."""
    world.onboard()

    def slowly(algorithm: str, like: PrivateKey) -> PrivateKey:
        world.advance(seconds=60)
        return new_private_key(algorithm, like)

    monkeypatch.setattr(issuance, "new_private_key", slowly)
    error = world.fails(StorageFailure)
    assert "took AWS, or the making of the key, too long" in str(error), "no setting is to blame"
    assert world.simulator.requests == []
    made = world.labels()["ROTATION_INTENT"]
    assert world.run()["certName"] == world.version(made)["certName"]


def test_a_run_that_was_held_up_until_its_lease_was_anothers_sends_nothing(world: World) -> None:
    """A process that was frozen and thawed must not act on what it once knew."""
    world.onboard()
    world.fault("drop-after-issuing")

    def another_run() -> None:
        world.advance(minutes=10)
        world.fails(OutcomeUnknown)

    world.aws.exchanges.meanwhile(CHARGE, another_run)
    assert world.run()["outcome"] == "held"
    assert len(world.refreshes()) == 1


def test_a_run_that_was_held_up_earlier_notices_that_its_time_is_over(world: World) -> None:
    """It is thawed before it stores its intent: nothing is charged, and nothing is sent."""
    world.onboard()
    world.aws.exchanges.meanwhile(CHARGE - 1, lambda: world.advance(minutes=10))
    assert "Nothing was sent" in str(world.fails(StorageFailure))
    assert world.refreshes() == []
    assert world.state().attempts.burst_left == 3


def test_a_run_with_too_little_time_to_ask_leaves_what_waits_to_the_next(world: World) -> None:
    """Nobody may take that for an answer: the certificate in hand is neither used nor given up."""
    world.onboard()
    with world.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"):
        world.fails(StorageFailure)
    asked = len(world.simulator.requests)
    with pytest.raises(CertificateNotAccepted, match="Too little time was left of this run"):
        world.run_with(world.dependencies(), {}, lives=timedelta(seconds=30))
    assert len(world.simulator.requests) == asked
    assert world.current()["certName"] == "onboarded-1"
    assert world.run()["outcome"] == "rotated"
    assert len(world.refreshes()) == 1


def test_a_run_with_too_little_time_to_ask_about_an_ended_one_does_nothing(world: World) -> None:
    """Whether it is lost only the service can say."""
    world.onboard(age=timedelta(days=91))
    with pytest.raises(InvalidSettings, match=r"^Timeout: .*Does the service still accept it\? Nothing was done\."):
        world.run_with(world.dependencies(), {}, lives=timedelta(seconds=30))
    assert world.simulator.requests == []
