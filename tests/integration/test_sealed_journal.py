"""Whoever may write into the ledger must not choose the API key that consumers use: the sealed answer, attacked."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from certificate_rotation.domain import sealing
from certificate_rotation.domain.errors import RotationError, StorageFailure
from tests.support.invariants import TALLY
from tests.support.rotation_env import RotationEnv

YOUNG, SOON = timedelta(days=1), timedelta(days=20)
FORCED = {"force": True, "allowEviction": True, "renew": "apiKey"}


@pytest.fixture
def sealed(env: RotationEnv) -> RotationEnv:
    """A new API key that is in the ledger alone: the secret took no staged version."""
    env.onboard(age=YOUNG, api_key_left=SOON)
    with env.aws.refusing("PutSecretValue", "API_KEY_STAGED"):
        env.fails(StorageFailure)
    return env


def attempt(env: RotationEnv) -> dict[str, Any]:
    """The open one, as the ledger has it."""
    found: dict[str, Any] = next(r for r in env.aws.records() if r["record"] == "state")["api_key_open_attempt"]
    return found


def write(env: RotationEnv, name: str, value: str) -> None:
    """What somebody with access to the ledger does."""
    env.aws.admin.dynamodb.update_item(
        TableName=env.aws.name,
        Key={"credential": {"S": env.arn}, "record": {"S": "state"}},
        UpdateExpression=f"SET api_key_open_attempt.{name} = :value",
        ExpressionAttributeValues={":value": {"S": value}},
    )


def is_never_used(env: RotationEnv, before: dict[str, Any]) -> None:
    """The next run holds, and so does the one after; nothing is asked for, and nothing is put into use."""
    asked = len(env.key_refreshes())
    outcomes = [env.run()["outcome"], env.run()["outcome"]]
    TALLY.check(5, env.current() == before, "what somebody wrote into the ledger is in use")
    assert outcomes == ["held", "held"]
    assert len(env.key_refreshes()) == asked


def flipped(number: int) -> Callable[[bytes], bytes]:
    """One bit of it."""
    return lambda sealed: bytes(byte ^ 1 if at == number % len(sealed) else byte for at, byte in enumerate(sealed))


@pytest.mark.parametrize(
    "change",
    [flipped(0), flipped(20), flipped(-1), lambda sealed: sealed[:-1], lambda _: b"", lambda sealed: sealed[:12]],
    ids=["nonce", "text", "tag", "cut off", "empty", "nonce alone"],
)
def test_a_changed_seal_does_not_open(sealed: RotationEnv, change: Callable[[bytes], bytes]) -> None:
    """AES-GCM tells every change."""
    before = sealed.current()
    write(sealed, "answer", base64.b64encode(change(base64.b64decode(attempt(sealed)["answer"]))).decode())
    is_never_used(sealed, before)


def test_a_seal_that_is_no_base64_does_not_open(sealed: RotationEnv) -> None:
    """And raises nothing."""
    before = sealed.current()
    write(sealed, "answer", "not base64!")
    is_never_used(sealed, before)


def test_a_seal_of_another_attempt_does_not_open(sealed: RotationEnv) -> None:
    """An answer is for the attempt it came to, and its time is part of what is sealed."""
    before = sealed.current()
    write(sealed, "started_at", "2026-01-01T00:00:00.000000Z")
    is_never_used(sealed, before)


def test_a_seal_of_another_secret_does_not_open(sealed: RotationEnv) -> None:
    """The ARN is part of it: the same key of the seal, made by whoever can read the secret's intent, is not enough."""
    before, found = sealed.current(), attempt(sealed)
    key = sealed.version(found["intent_version"])["sealingKey"]
    about = f"{sealed.arn}-other/{found['intent_version']}/{found['started_at'].replace('Z', '+00:00')}"
    token = sealed.simulator.tenants[-1].add_token()[0]
    answer = f'{{"token": "{token}", "expiry": null}}'
    write(sealed, "answer", sealing.seal(answer, key, about))
    is_never_used(sealed, before)


def test_an_earlier_attempts_seal_does_not_open_as_a_later_ones(env: RotationEnv) -> None:
    """Put back, it would bring a key into use that the next renewal deletes."""
    env.onboard(age=YOUNG, api_key_left=SOON)
    with env.aws.refusing("PutSecretValue", "API_KEY_STAGED"):
        env.fails(StorageFailure)
    earlier = attempt(env)["answer"]
    assert env.run()["outcome"] == "rotated"
    env.advance(days=2)
    with env.aws.refusing("PutSecretValue", "API_KEY_STAGED"), pytest.raises(RotationError):
        env.run(**FORCED)
    before = env.current()
    write(env, "answer", earlier)
    outcome = env.run()["outcome"]
    TALLY.check(5, env.current() == before, "an earlier answer is in use")
    assert outcome == "held"
