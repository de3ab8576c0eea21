"""The vendor's limit, and one run at a time: counted where it matters, at the service."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from certificate_rotation.domain import x509
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
from tests.support.rotation_env import MakeEnv, RotationEnv

pytestmark = pytest.mark.in_memory


def test_the_fourth_attempt_never_leaves_whatever_is_asked_for(env: RotationEnv) -> None:
    """Vendor: three attempts; a fourth may cost more than a refusal."""
    env.onboard()
    env.fault("unavailable", times=None)
    for left in (2, 1, 0):
        env.fails(ServiceFailure, force=True, allowEviction=True)
        assert env.state().certificate.attempts.available(env.time.now()) == left
        env.advance(minutes=1)
    for event in ({}, {"force": True}, {"force": True, "allowEviction": True}):
        result = env.run(**event)
        assert (result["outcome"], result["attemptsAvailable"]) == ("rate_limited", 0)
        assert datetime.fromisoformat(str(result["nextAttemptAt"])) > env.time.now() + timedelta(minutes=59)
    assert len(env.refreshes()) == 3


def test_after_an_hour_and_a_margin_one_attempt_leaves(env: RotationEnv) -> None:
    """Vendor: then one an hour; clocks differ, so two minutes more."""
    env.onboard()
    env.fault("unavailable", times=None)
    for _ in range(3):
        env.fails(ServiceFailure)
    env.advance(minutes=61)
    assert env.run()["outcome"] == "rate_limited"
    env.advance(minutes=1, seconds=1)
    env.fails(ServiceFailure)
    assert env.run(force=True)["outcome"] == "rate_limited"
    assert len(env.refreshes()) == 4


def test_the_limit_holds_at_a_service_that_gives_attempts_back_never(make_env: MakeEnv) -> None:
    """The vendor does not say when the three come back, so the harshest reading must do."""
    with Simulator.running(rate="strict", statistics_limit=False) as strict:
        env = make_env(strict)
        env.onboard(age=timedelta(days=62))
        env.fault("conflict", times=None)
        for _ in range(14):
            with suppress(RefreshConflict):
                assert env.run()["outcome"] == "rate_limited"
            env.advance(minutes=31)
        assert len(env.refreshes()) == 8
        assert {request.status for request in env.refreshes()} == {409}
        strict.clear_faults()
        env.advance(hours=1)
        assert env.run()["outcome"] == "rotated"


def test_crashes_use_up_the_limit_as_failures_do(env: RotationEnv) -> None:
    """A run that dies while it waits for the answer has made a request."""
    env.onboard()
    for _ in range(6):
        env.aws.exchanges.kill("cert:refresh", "after")
        with suppress(Killed, RotationError):
            env.run(force=True, allowEviction=True)
        env.aws.exchanges.revive()
        env.advance(minutes=5)
    assert len(env.refreshes()) == 3


def _run_at_once(env: RotationEnv, count: int, **event: object) -> list[Result]:
    """Several containers of the function, started at the same moment."""
    start = Barrier(count)
    containers = [env.dependencies(env.aws.clients()) for _ in range(count)]

    def run(index: int) -> Result:
        start.wait(timeout=10)
        return env.run_with(containers[index], event)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("count", [2, 5])
def test_runs_at_the_same_time_make_one_request(env: RotationEnv, count: int) -> None:
    """The Scheduler may deliver twice, and a person may press Test just then."""
    env.onboard()
    env.fault("slow", seconds=0.5)
    outcomes = sorted(result["outcome"] for result in _run_at_once(env, count))
    assert outcomes.count("rotated") == 1
    # held: it read the credential before, and the ledger after, what the other one did.
    assert set(outcomes) <= {"rotated", "busy", "not_due", "held"}
    assert len(env.refreshes()) == 1
    assert env.accepted()
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


@pytest.mark.parametrize(
    "index",
    range(CHARGE, len(ORDER_OF_EXCHANGES) - 1),
    ids=lambda index: f"{index:02}-{ORDER_OF_EXCHANGES[index]}",
)
def test_a_run_while_another_is_at_work_is_busy(env: RotationEnv, index: int) -> None:
    """An attempt that is under way is not one whose outcome nobody knows: nobody has to look at it."""
    env.onboard()
    seen: list[Result] = []
    env.aws.exchanges.meanwhile(index, lambda: seen.append(env.run()))
    assert env.run()["outcome"] == "rotated"
    assert [result["outcome"] for result in seen] == ["busy"]
    assert len(env.refreshes()) == 1


@pytest.mark.parametrize("event", [{}, {"force": True, "allowEviction": True}], ids=str)
def test_a_run_that_read_before_another_acted_reads_again(env: RotationEnv, event: dict[str, object]) -> None:
    """What it decided is about a certificate, and a count of attempts, that are no more."""
    env.onboard()
    env.aws.exchanges.meanwhile(CLAIM, env.run)
    assert env.run(**event)["outcome"] == ("rotated" if event else "not_due")
    assert len(env.refreshes()) == (2 if event else 1)
    assert env.state().certificate.attempts.burst_left == (1 if event else 2)
    assert env.accepted()


def test_forced_runs_at_the_same_time_make_one_request(env: RotationEnv) -> None:
    """Force does not pass the lease, and after it the grace for consumers holds."""
    env.onboard()
    env.fault("slow", seconds=0.5)
    outcomes = [result["outcome"] for result in _run_at_once(env, 3, force=True)]
    assert outcomes.count("rotated") == 1
    assert set(outcomes) <= {"rotated", "busy", "held"}
    assert len(env.refreshes()) == 1


def test_a_run_with_too_little_time_left_sends_nothing(env: RotationEnv) -> None:
    """An answer that comes after Lambda stopped the run is lost."""
    env.onboard()
    with pytest.raises(InvalidSettings, match="Timeout"):
        env.run_with(env.dependencies(), {}, lives=timedelta(seconds=60))
    assert env.simulator.requests == []
    assert env.codes() == ["InvalidSettings"]
    assert env.run()["outcome"] == "rotated"


def test_a_run_whose_key_took_too_long_to_make_leaves_the_asking_to_the_next(
    env: RotationEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large RSA key may take a small Lambda most of the time there is."""
    env.onboard()

    def slowly(algorithm: str, like: PrivateKey) -> PrivateKey:
        env.advance(seconds=60)
        return new_private_key(algorithm, like)

    monkeypatch.setattr(x509, "new_private_key", slowly)
    error = env.fails(StorageFailure)
    assert "took AWS, or the making of the key, too long" in str(error), "no setting is to blame"
    assert env.simulator.requests == []
    made = env.labels()["CERTIFICATE_INTENT"]
    assert env.run()["certName"] == env.version(made)["certName"]


def test_a_run_that_was_held_up_until_its_lease_was_anothers_sends_nothing(env: RotationEnv) -> None:
    """A process that was frozen and thawed must not act on what it once knew."""
    env.onboard()
    env.fault("drop-after-issuing")

    def another_run() -> None:
        env.advance(minutes=10)
        env.fails(OutcomeUnknown)

    env.aws.exchanges.meanwhile(CHARGE, another_run)
    assert env.run()["outcome"] == "held"
    assert len(env.refreshes()) == 1


def test_a_run_that_was_held_up_earlier_notices_that_its_time_is_over(env: RotationEnv) -> None:
    """It is thawed before it stores its intent: nothing is charged, and nothing is sent."""
    env.onboard()
    env.aws.exchanges.meanwhile(CHARGE - 1, lambda: env.advance(minutes=10))
    assert "Nothing was sent" in str(env.fails(StorageFailure))
    assert env.refreshes() == []
    assert env.state().certificate.attempts.burst_left == 3


def test_a_run_with_too_little_time_to_ask_leaves_what_waits_to_the_next(env: RotationEnv) -> None:
    """Nobody may take that for an answer: the certificate in hand is neither used nor given up."""
    env.onboard()
    with env.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"):
        env.fails(StorageFailure)
    asked = len(env.simulator.requests)
    with pytest.raises(CertificateNotAccepted, match="Too little time was left of this run"):
        env.run_with(env.dependencies(), {}, lives=timedelta(seconds=30))
    assert len(env.simulator.requests) == asked
    assert env.current()["certName"] == "onboarded-1"
    assert env.run()["outcome"] == "rotated"
    assert len(env.refreshes()) == 1


def test_a_run_with_too_little_time_to_ask_about_an_ended_one_does_nothing(env: RotationEnv) -> None:
    """Whether it is lost only the service can say."""
    env.onboard(age=timedelta(days=91))
    with pytest.raises(InvalidSettings, match=r"^Timeout: .*Does the service still accept it\? Nothing was done\."):
        env.run_with(env.dependencies(), {}, lives=timedelta(seconds=30))
    assert env.simulator.requests == []
