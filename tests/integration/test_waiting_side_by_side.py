"""Two certificates wait in the last day: what becomes of each when a run is killed, or when one of them is no good."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted, CertificateRejected
from simulator import Tenant
from tests.support.exchanges import Killed, When
from tests.support.outside import ends, waits
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory

LAST_HOURS = timedelta(hours=20)


@pytest.fixture
def tenant(env: RotationEnv) -> Tenant:
    """The last day has begun, and the first certificate is not accepted yet."""
    return waits(env, left=LAST_HOURS)


def in_use(env: RotationEnv) -> int:
    """Its serial number."""
    return env.credential().chain.leaf.serial_number


# In such a run the first of each is: a label for the first one's key, the second one's key, and the second attempt.
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("exchange", ["UpdateSecretVersionStage", "PutSecretValue", "TransactWriteItems"])
def test_a_run_killed_before_it_asked_for_the_second_one_leaves_the_first(
    env: RotationEnv, tenant: Tenant, exchange: str, when: When
) -> None:
    """Its key must keep a label, whatever version the second one's key is on; the next run asks in its place."""
    env.aws.exchanges.kill(exchange, when)
    with pytest.raises(Killed):
        env.run()
    env.aws.exchanges.revive()
    env.advance(minutes=4)
    first = tenant.certificates[1]
    assert ends(env) in {"CertificateNotAccepted", "held"}
    tenant.activate(first.name)
    env.advance(hours=1)
    assert ends(env) == "rotated"
    assert in_use(env) == first.serial
    assert env.tidy()


def test_a_second_one_that_cannot_be_used_leaves_the_first(env: RotationEnv, tenant: Tenant) -> None:
    """Each is judged by itself: the first may be accepted any hour."""
    env.simulator.clear_faults()
    env.fault("other-key")
    env.fails(CertificateRejected)
    first, second = tenant.certificates[1:]
    env.advance(hours=1)
    env.fails(CertificateNotAccepted)
    assert len(env.refreshes()) == 2, "one more is asked for once"
    tenant.activate(first.name)
    env.advance(hours=1)
    assert ends(env) == "rotated"
    assert in_use(env) == first.serial != second.serial
    assert env.tidy()


def test_a_first_one_that_has_ended_does_not_stop_the_second(env: RotationEnv, tenant: Tenant) -> None:
    """After weeks: what was issued an hour later lives an hour longer."""
    env.advance(hours=2)
    env.fails(CertificateNotAccepted)
    first, second = tenant.certificates[1:]
    tenant.activate(second.name)
    ended = first.not_after + timedelta(minutes=30)
    env.time.advance(ended - env.time.now())
    assert ends(env) == "rotated"
    assert in_use(env) == second.serial


def test_with_the_first_one_in_use_the_second_ones_key_is_not_left_labelled(env: RotationEnv, tenant: Tenant) -> None:
    """The history says of each what became of it."""
    env.fails(CertificateNotAccepted)
    first, second = tenant.certificates[1:]
    tenant.activate(first.name)
    env.advance(hours=1)
    assert ends(env) == "rotated"
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    outcomes = {record["name"]: record["outcome"] for record in env.history()}
    assert outcomes == {first.name: "rotated", second.name: "issued"}
