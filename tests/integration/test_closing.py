"""The last write about an attempt: what it closes, what it leaves to read, and whose lease it gives back."""

from datetime import timedelta

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.errors import RefreshConflict
from certificate_rotation.domain.state import Lease
from tests.support.order_of_writes import ORDER_OF_EXCHANGES
from tests.support.rotation_env import TIMEOUT, World

CLOSE = len(ORDER_OF_EXCHANGES) - 1


def test_a_closed_rotation_leaves_no_lease(world: World) -> None:
    """Both go in one write: whoever looks next need not wait for a run that has nothing left to do."""
    world.onboard()
    assert world.run()["outcome"] == "rotated"
    assert world.state().lease is None
    assert world.state().open_attempt is None


def test_a_run_that_outlived_its_lease_leaves_the_next_owners_alone(world: World) -> None:
    """A process that was frozen and thawed must not open the door to a third one while the second is at work."""
    world.onboard()
    ledger = Ledger(world.aws.admin.dynamodb, world.aws.name)

    def another_takes_over() -> None:
        world.time.advance(2 * TIMEOUT)
        theirs = Lease("another", world.time.now() + TIMEOUT)
        assert ledger.claim(world.arn, world.state(), theirs)

    world.aws.exchanges.meanwhile(CLOSE, another_takes_over)
    assert world.run()["outcome"] == "rotated"
    left = world.state()
    assert left.lease
    assert left.lease.owner == "another"
    assert left.open_attempt

    world.time.advance(2 * TIMEOUT + timedelta(minutes=1))
    assert world.run()["outcome"] == "rotated"  # killed meanwhile, the other one left it to the next
    assert world.state().open_attempt is None
    assert world.state().lease is None
    assert len(world.refreshes()) == 1


def test_an_attempt_that_failed_stands_in_the_history_with_what_it_was(world: World) -> None:
    """A person who reads the table months later has nothing else left."""
    world.onboard()
    world.fault("conflict")
    error = world.fails(RefreshConflict)
    (attempt,) = world.history()
    assert (attempt["outcome"], attempt["message"]) == ("RefreshConflict", str(error))
