"""Something cannot be read: only what hangs on it stops, and it is told by its own name."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import StorageFailure
from tests.support.order_of_writes import CHARGE, PROMOTE, kill
from tests.support.rotation_env import RotationEnv

DUE = timedelta(days=62)


@pytest.mark.parametrize("failure", ["denied", "undecryptable", "throttled"])
def test_a_rotation_is_closed_though_what_it_replaced_cannot_be_read(env: RotationEnv, failure: str) -> None:
    """AWSPREVIOUS is for the wording of a mail: a new certificate in use must not wait for that."""
    env.onboard(age=DUE)
    kill(env, PROMOTE, "after")
    env.aws.failures.set(failure, "GetSecretValue", times=None, containing=env.labels()["AWSPREVIOUS"])
    assert env.run()["outcome"] == "rotated"
    assert env.tidy()
    assert env.codes() == ["rotated"]


def test_a_rotation_is_closed_though_its_secret_cannot_be_looked_at_again(env: RotationEnv) -> None:
    """As above: where AWSPREVIOUS is must be looked up, too."""
    env.onboard(age=DUE)
    kill(env, PROMOTE, "after")
    # The run looks at the secret once to begin with; then it reads ledger, secret and intent, and claims.
    env.aws.exchanges.meanwhile(5, lambda: env.aws.failures.set("denied", "DescribeSecret", times=None))
    assert env.run()["outcome"] == "rotated"
    assert env.tidy()


@pytest.mark.parametrize("failure", ["denied", "throttled", "unreachable"])
def test_a_write_that_failed_is_told_as_one_though_its_effect_cannot_be_looked_up(
    env: RotationEnv, failure: str
) -> None:
    """A right that goes in the middle of a run says nothing of the secret, which was read a moment ago."""
    env.onboard(age=DUE)

    def refuse() -> None:
        env.aws.failures.set(failure, "DescribeSecret", times=None)
        env.aws.failures.set("denied", "UpdateSecretVersionStage", times=None)

    env.aws.exchanges.meanwhile(PROMOTE, refuse)
    error = env.fails(StorageFailure)
    assert "is safe in the secret, labelled CERTIFICATE_STAGED" in str(error)
    env.aws.failures.clear()
    assert env.run()["outcome"] == "rotated"
    assert len(env.refreshes()) == 1


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("certificate_attempts", {"S": "three"}),
        ("certificate_attempts", {"M": {"burst_left": {"S": "three"}}}),
        ("certificate_attempts", {"M": {"burst_left": {"N": "0"}, "last_at": {"S": "2026-11-24T12:00:00"}}}),
        ("lease", {"M": {"owner": {"S": "another"}, "until": {"S": "2036-11-24T12:00:00"}}}),
        ("told", {"M": {"OutcomeUnknown": {"M": {"at": {"L": [{"S": "2036-11-24T12:00:00"}]}, "level": {"N": "0"}}}}}),
        ("certificate_open_attempt", {"M": {}}),
        ("revision", {"S": "seven"}),
        ("certificate_last_rotation", {"M": {"at": {"S": "yesterday"}}}),
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
def test_a_record_that_cannot_be_read_is_told_by_name(
    env: RotationEnv, attribute: str, value: dict[str, object]
) -> None:
    """Somebody edited it. What it says of attempts and holds is not known, so nothing leaves."""
    env.onboard(age=DUE)
    env.aws.admin.dynamodb.update_item(
        TableName=env.aws.name,
        Key={"credential": {"S": env.arn}, "record": {"S": "state"}},
        UpdateExpression=f"SET {attribute} = :value",
        ExpressionAttributeValues={":value": value},
    )
    assert "The ledger's record `state` of this credential cannot be read" in str(env.fails(StorageFailure))
    assert env.simulator.requests == []
    assert env.codes() == ["StorageFailure"]


@pytest.mark.parametrize("failure", ["denied", "undecryptable", "throttled"])
def test_an_intent_nobody_asked_with_that_cannot_be_read_is_passed_over(env: RotationEnv, failure: str) -> None:
    """Nothing hangs on it: a run that was killed made it, and the key it is encrypted with may be gone since."""
    env.onboard(age=DUE)
    kill(env, CHARGE, "before")
    made = env.labels()["CERTIFICATE_INTENT"]
    env.aws.failures.set(failure, "GetSecretValue", times=None, containing=made)
    assert env.run()["outcome"] == "rotated"
    assert env.accepted()
    assert env.tidy()


def test_an_intent_that_was_asked_with_and_cannot_be_read_is_not_passed_over(env: RotationEnv) -> None:
    """The twin: a certificate may exist for its key."""
    env.onboard(age=DUE)
    kill(env, CHARGE, "after")
    made = env.labels()["CERTIFICATE_INTENT"]
    with env.aws.refusing("GetSecretValue", made):
        env.fails(StorageFailure)
    assert env.labels()["CERTIFICATE_INTENT"] == made
    assert env.run()["outcome"] == "held"
