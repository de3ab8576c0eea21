"""Two certificates wait in the last day: what becomes of each when a run is killed, or when one of them is no good."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted, CertificateRejected
from simulator import Tenant
from tests.support.exchanges import Killed, When
from tests.support.outside import ends, waits
from tests.support.rotation_env import World

LAST_HOURS = timedelta(hours=20)


@pytest.fixture
def tenant(world: World) -> Tenant:
    """The last day has begun, and the first certificate is not accepted yet."""
    return waits(world, left=LAST_HOURS)


def in_use(world: World) -> int:
    """Its serial number."""
    return world.credential().chain.leaf.serial_number


# In such a run the first of each is: a label for the first one's key, the second one's key, and the second attempt.
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("exchange", ["UpdateSecretVersionStage", "PutSecretValue", "TransactWriteItems"])
def test_a_run_killed_before_it_asked_for_the_second_one_leaves_the_first(
    world: World, tenant: Tenant, exchange: str, when: When
) -> None:
    """Its key must keep a label, whatever version the second one's key is on; the next run asks in its place."""
    world.aws.exchanges.kill(exchange, when)
    with pytest.raises(Killed):
        world.run()
    world.aws.exchanges.revive()
    world.advance(minutes=4)
    first = tenant.certificates[1]
    assert ends(world) in {"CertificateNotAccepted", "held"}
    tenant.activate(first.name)
    world.advance(hours=1)
    assert ends(world) == "rotated"
    assert in_use(world) == first.serial
    assert world.tidy()


def test_a_second_one_that_cannot_be_used_leaves_the_first(world: World, tenant: Tenant) -> None:
    """Each is judged by itself: the first may be accepted any hour."""
    world.simulator.clear_faults()
    world.fault("other-key")
    world.fails(CertificateRejected)
    first, second = tenant.certificates[1:]
    world.advance(hours=1)
    world.fails(CertificateNotAccepted)
    assert len(world.refreshes()) == 2, "one more is asked for once"
    tenant.activate(first.name)
    world.advance(hours=1)
    assert ends(world) == "rotated"
    assert in_use(world) == first.serial != second.serial
    assert world.tidy()


def test_a_first_one_that_has_ended_does_not_stop_the_second(world: World, tenant: Tenant) -> None:
    """After weeks: what was issued an hour later lives an hour longer."""
    world.advance(hours=2)
    world.fails(CertificateNotAccepted)
    first, second = tenant.certificates[1:]
    tenant.activate(second.name)
    ended = first.not_after + timedelta(minutes=30)
    world.time.advance(ended - world.time.now())
    assert ends(world) == "rotated"
    assert in_use(world) == second.serial


def test_with_the_first_one_in_use_the_second_ones_key_is_not_left_labelled(world: World, tenant: Tenant) -> None:
    """The history says of each what became of it."""
    world.fails(CertificateNotAccepted)
    first, second = tenant.certificates[1:]
    tenant.activate(first.name)
    world.advance(hours=1)
    assert ends(world) == "rotated"
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    outcomes = {record["cert_name"]: record["outcome"] for record in world.history()}
    assert outcomes == {first.name: "rotated", second.name: "issued"}
