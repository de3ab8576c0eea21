"""Something cannot be read: only what hangs on it stops, and it is told by its own name."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import StorageFailure
from tests.support.order_of_writes import CHARGE, PROMOTE, kill
from tests.support.rotation_env import World

DUE = timedelta(days=62)


@pytest.mark.parametrize("failure", ["denied", "undecryptable", "throttled"])
def test_a_rotation_is_closed_though_what_it_replaced_cannot_be_read(world: World, failure: str) -> None:
    """AWSPREVIOUS is for the wording of a mail: a new certificate in use must not wait for that."""
    world.onboard(age=DUE)
    kill(world, PROMOTE, "after")
    world.aws.failures.set(failure, "GetSecretValue", times=None, containing=world.labels()["AWSPREVIOUS"])
    assert world.run()["outcome"] == "rotated"
    assert world.tidy()
    assert world.codes() == ["rotated"]


def test_a_rotation_is_closed_though_its_secret_cannot_be_looked_at_again(world: World) -> None:
    """As above: where AWSPREVIOUS is must be looked up, too."""
    world.onboard(age=DUE)
    kill(world, PROMOTE, "after")
    # The run looks at the secret once to begin with; then it reads ledger, secret and intent, and claims.
    world.aws.exchanges.meanwhile(5, lambda: world.aws.failures.set("denied", "DescribeSecret", times=None))
    assert world.run()["outcome"] == "rotated"
    assert world.tidy()


@pytest.mark.parametrize("failure", ["denied", "throttled", "unreachable"])
def test_a_write_that_failed_is_told_as_one_though_its_effect_cannot_be_looked_up(world: World, failure: str) -> None:
    """A right that goes in the middle of a run says nothing of the secret, which was read a moment ago."""
    world.onboard(age=DUE)

    def refuse() -> None:
        world.aws.failures.set(failure, "DescribeSecret", times=None)
        world.aws.failures.set("denied", "UpdateSecretVersionStage", times=None)

    world.aws.exchanges.meanwhile(PROMOTE, refuse)
    error = world.fails(StorageFailure)
    assert "is safe in the secret, labelled AWSPENDING" in str(error)
    world.aws.failures.clear()
    assert world.run()["outcome"] == "rotated"
    assert len(world.refreshes()) == 1


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("attempts", {"S": "three"}),
        ("attempts", {"M": {"burst_left": {"S": "three"}}}),
        ("attempts", {"M": {"burst_left": {"N": "0"}, "last_at": {"S": "2026-11-24T12:00:00"}}}),
        ("lease", {"M": {"owner": {"S": "another"}, "until": {"S": "2036-11-24T12:00:00"}}}),
        ("told", {"M": {"OutcomeUnknown": {"M": {"at": {"L": [{"S": "2036-11-24T12:00:00"}]}, "level": {"N": "0"}}}}}),
        ("open_attempt", {"M": {}}),
        ("revision", {"S": "seven"}),
        ("last_rotation", {"M": {"at": {"S": "yesterday"}}}),
    ],
    ids=[
        "attempts",
        "number as text",
        "no time zone",
        "lease without a time zone",
        "telling without a time zone",
        "open_attempt",
        "revision",
        "last_rotation",
    ],
)
def test_a_record_that_cannot_be_read_is_told_by_name(world: World, attribute: str, value: dict[str, object]) -> None:
    """Somebody edited it. What it says of attempts and holds is not known, so nothing leaves."""
    world.onboard(age=DUE)
    world.aws.admin.dynamodb.update_item(
        TableName=world.aws.name,
        Key={"credential": {"S": world.arn}, "record": {"S": "state"}},
        UpdateExpression=f"SET {attribute} = :value",
        ExpressionAttributeValues={":value": value},
    )
    assert "The ledger's record `state` of this credential cannot be read" in str(world.fails(StorageFailure))
    assert world.simulator.requests == []
    assert world.codes() == ["StorageFailure"]


@pytest.mark.parametrize("failure", ["denied", "undecryptable", "throttled"])
def test_an_intent_nobody_asked_with_that_cannot_be_read_is_passed_over(world: World, failure: str) -> None:
    """Nothing hangs on it: a run that was killed made it, and the key it is encrypted with may be gone since."""
    world.onboard(age=DUE)
    kill(world, CHARGE, "before")
    made = world.labels()["ROTATION_INTENT"]
    world.aws.failures.set(failure, "GetSecretValue", times=None, containing=made)
    assert world.run()["outcome"] == "rotated"
    assert world.accepted()
    assert world.tidy()


def test_an_intent_that_was_asked_with_and_cannot_be_read_is_not_passed_over(world: World) -> None:
    """The twin: a certificate may exist for its key."""
    world.onboard(age=DUE)
    kill(world, CHARGE, "after")
    made = world.labels()["ROTATION_INTENT"]
    with world.aws.refusing("GetSecretValue", made):
        world.fails(StorageFailure)
    assert world.labels()["ROTATION_INTENT"] == made
    assert world.run()["outcome"] == "held"
