"""Lambda may stop a run between any two instructions, and nothing is lost by it.

Every exchange of a rotation with the outside env is a place to be killed at, right before it and right after it.
"""

import random
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from certificate_rotation.domain.errors import RotationError
from simulator.ca import new_csr, new_key
from tests.support.exchanges import Killed, When
from tests.support.order_of_writes import CHARGE, CLAIM, ISSUE, JOURNAL, ORDER_OF_EXCHANGES, PROMOTE, kill
from tests.support.rotation_env import OWN_KEYS, RotationEnv

if TYPE_CHECKING:
    from certificate_rotation.domain.result import Result

pytestmark = pytest.mark.in_memory

PLACES: list[tuple[int, When]] = [(i, when) for i in range(len(ORDER_OF_EXCHANGES)) for when in ("before", "after")]
# Killed here, a run has counted an attempt and not written down what came of it ...
UNSURE: set[tuple[int, When]] = {(CHARGE, "after"), (ISSUE, "before"), (ISSUE, "after"), (JOURNAL, "before")}
# ... and here the answer was on its way or in memory: it is lost.
LOST: set[tuple[int, When]] = {(ISSUE, "after"), (JOURNAL, "before")}
# Where the service says that it deleted a certificate, the one that was in use is asked about once the new one is.
ORDER_WITH_A_DELETION = (*ORDER_OF_EXCHANGES[: PROMOTE + 1], "verdicts:statistics", *ORDER_OF_EXCHANGES[PROMOTE + 1 :])
DELETING: list[tuple[int, When]] = [
    (index, when)
    for index in range(JOURNAL, len(ORDER_WITH_A_DELETION))
    for when in ("before", "after")
    if (index, when) not in LOST
]


def _names(places: list[tuple[int, When]], order: tuple[str, ...] = ORDER_OF_EXCHANGES) -> list[str]:
    return [f"{when}-{index:02}-{order[index]}" for index, when in places]


def keep_running(env: RotationEnv) -> "list[Result]":
    """Run hourly, as the schedule does, until there is nothing left to do; wait for a hold's end where there is one."""
    results = []
    for _ in range(8):
        with suppress(RotationError):
            results.append(env.run())
            assert_in_use_is_whole(env)
            if results[-1]["outcome"] == "not_due":
                return results
            if results[-1]["outcome"] == "held":
                env.advance_to_critical()
        env.advance(hours=1, minutes=2)
    pytest.fail(f"never settled: {[result['outcome'] for result in results]}")


def assert_in_use_is_whole(env: RotationEnv) -> None:
    """AWSCURRENT parses, its key belongs to its certificate, and the customer's own keys are there."""
    assert env.credential().cert_name
    assert env.current().items() >= OWN_KEYS.items()


def test_a_rotation_speaks_to_the_world_in_the_order_of_the_design(env: RotationEnv) -> None:
    """The places below are the ones there are."""
    env.onboard()
    env.aws.exchanges.revive()
    env.run()
    assert tuple(env.aws.exchanges.names) == ORDER_OF_EXCHANGES


@pytest.mark.parametrize(("index", "when"), PLACES, ids=_names(PLACES))
def test_a_run_killed_anywhere_is_carried_on(env: RotationEnv, index: int, when: When) -> None:
    """What is in use works all the time; no certificate, no key and no attempt is lost without need."""
    env.onboard(age=timedelta(days=62))
    kill(env, index, when)
    assert_in_use_is_whole(env)
    assert env.accepted()
    intended = env.labels().get("CERTIFICATE_INTENT")
    outcomes = [result["outcome"] for result in keep_running(env)]
    assert env.accepted()
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    state = env.state()
    assert state.certificate.open_attempt is None
    assert state.lease is None or state.lease.until < env.time.now()
    unsure = (index, when) in UNSURE
    assert ("held" in outcomes) == unsure
    assert len(env.refreshes()) == (2 if (index, when) in LOST else 1)
    if intended and not unsure:
        kept = {name: env.version(intended)[name] for name in ("privateKey", "certName")}
        assert env.current().items() >= kept.items()


@pytest.fixture
def doomed(env: RotationEnv) -> RotationEnv:
    """The certificate in use is the older of two: the next one has the service delete it."""
    tenant = env.onboard(age=timedelta(days=62))
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), env.credential().chain.leaf.subject, []))
    return env


def test_a_rotation_that_deletes_asks_once_more(doomed: RotationEnv) -> None:
    """Whether consumers must hurry is what the service says, not what a name says."""
    doomed.aws.exchanges.revive()
    doomed.run()
    assert tuple(doomed.aws.exchanges.names) == ORDER_WITH_A_DELETION


@pytest.mark.parametrize(("index", "when"), DELETING, ids=_names(DELETING, ORDER_WITH_A_DELETION))
def test_a_run_killed_after_the_certificate_in_use_was_deleted_is_carried_on_by_the_next(
    doomed: RotationEnv, index: int, when: When
) -> None:
    """The new certificate is the only one that works, so the first run after the crash must bring it into use."""
    kill(doomed, index, when)
    assert_in_use_is_whole(doomed)
    assert doomed.run()["outcome"] in {"rotated", "not_due"}
    assert_in_use_is_whole(doomed)
    assert doomed.accepted()
    assert len(doomed.refreshes()) == 1
    assert set(doomed.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert any("must reload now" in email.body for email in doomed.emails())


@pytest.mark.parametrize("seed", range(8))
def test_a_run_killed_again_and_again_gets_there_in_the_end(env: RotationEnv, seed: int) -> None:
    """A crash may also hit the run that mends the crash before."""
    dice = random.Random(seed)  # noqa: S311 - chance, not a secret
    env.onboard(age=timedelta(days=62))
    for _ in range(5):
        env.aws.exchanges.kill(dice.randrange(CLAIM, len(ORDER_OF_EXCHANGES)), dice.choice(("before", "after")))
        with suppress(Killed, RotationError):
            env.run()
        env.aws.exchanges.revive()
        assert_in_use_is_whole(env)
        assert env.accepted()
        env.advance(hours=1)
    keep_running(env)
    assert env.accepted()
    assert len(env.refreshes()) <= 2
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
