"""The last write about an attempt: what it closes, what it leaves to read, and whose lease it gives back."""

from datetime import timedelta

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.errors import RefreshConflict, RefreshRejected
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import Lease
from tests.support.order_of_writes import ISSUE, ORDER_OF_EXCHANGES
from tests.support.rotation_env import TIMEOUT, RotationEnv

CLOSE = len(ORDER_OF_EXCHANGES) - 1


def test_a_closed_rotation_leaves_no_lease(env: RotationEnv) -> None:
    """Both go in one write: whoever looks next need not wait for a run that has nothing left to do."""
    env.onboard()
    assert env.run()["outcome"] == "rotated"
    assert env.state().lease is None
    assert env.state().certificate.open_attempt is None


def test_a_run_that_outlived_its_lease_leaves_the_next_owners_alone(env: RotationEnv) -> None:
    """A process that was frozen and thawed must not open the door to a third one while the second is at work."""
    env.onboard()
    ledger = Ledger(env.aws.admin.dynamodb, env.aws.name)

    def another_takes_over() -> None:
        env.time.advance(2 * TIMEOUT)
        theirs = Lease("another", env.time.now() + TIMEOUT)
        assert ledger.claim(env.arn, env.state(), theirs, HalfName.CERTIFICATE)

    env.aws.exchanges.meanwhile(CLOSE, another_takes_over)
    assert env.run()["outcome"] == "rotated"
    left = env.state()
    assert left.lease
    assert left.lease.owner == "another"
    assert left.certificate.open_attempt

    env.time.advance(2 * TIMEOUT + timedelta(minutes=1))
    assert env.run()["outcome"] == "rotated"  # killed meanwhile, the other one left it to the next
    assert env.state().certificate.open_attempt is None
    assert env.state().lease is None
    assert len(env.refreshes()) == 1


def test_an_attempt_that_failed_stands_in_the_history_with_what_it_was(env: RotationEnv) -> None:
    """A person who reads the table months later has nothing else left."""
    env.onboard()
    env.fault("conflict")
    error = env.fails(RefreshConflict)
    (attempt,) = env.history()
    assert (attempt["outcome"], attempt["message"]) == ("RefreshConflict", str(error))


def test_a_run_past_its_deadline_tells_nothing(env: RotationEnv) -> None:
    """Lambda ends it there; one that stood still would tell of a failure after another run has told of its end."""
    env.onboard()
    env.fault("bad-request")
    env.aws.exchanges.meanwhile(ISSUE, lambda: env.time.advance(2 * TIMEOUT))
    env.fails(RefreshRejected)
    assert env.codes() == []
    env.advance(minutes=5)
    assert env.run()["outcome"] == "rotated"
    assert env.codes() == ["rotated"]
