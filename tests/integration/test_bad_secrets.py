"""A secret that cannot be used: the error names the field, and nothing leaves."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from certificate_rotation.domain.errors import InvalidCredential
from simulator.ca import key_pem, new_key
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory


def _encrypted() -> str:
    encryption = BestAvailableEncryption(b"passphrase")
    return new_key("ec256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


BAD: dict[str, tuple[Callable[[dict[str, str]], object], str]] = {
    "not-json": (lambda good: "apiKey=" + good["apiKey"], "not JSON"),
    "cut-json": (lambda good: json.dumps(good)[:-2], "not JSON"),
    "not-an-object": (lambda good: [good], "not an object"),
    "binary": (lambda good: json.dumps(good).encode(), "binary"),
    "no-api-key": (lambda good: {**good, "apiKey": None}, "apiKey"),
    "blank-api-key": (lambda good: {**good, "apiKey": "  "}, "apiKey"),
    "api-key-with-line-break": (lambda good: {**good, "apiKey": good["apiKey"] + "\r\nx: y"}, "apiKey"),
    "no-cert": (lambda good: {k: v for k, v in good.items() if k != "cert"}, "cert"),
    "garbage-cert": (lambda good: {**good, "cert": good["cert"][:200]}, "cert"),
    "key-as-cert": (lambda good: {**good, "cert": good["privateKey"]}, "cert"),
    "no-key": (lambda good: {k: v for k, v in good.items() if k != "privateKey"}, "privateKey"),
    "garbage-key": (lambda good: {**good, "privateKey": good["privateKey"][:150]}, "privateKey"),
    "encrypted-key": (lambda good: {**good, "privateKey": _encrypted()}, "privateKey in the secret is encrypted"),
    "key-of-another": (lambda good: {**good, "privateKey": key_pem(new_key("ec256"))}, "privateKey"),
    "name-not-text": (lambda good: {**good, "certName": 7}, "certName"),
    "too-big": (lambda good: {**good, "mine": "x" * 50_000}, "bytes"),
}


@pytest.mark.parametrize(("spoil", "named"), BAD.values(), ids=BAD)
def test_a_secret_that_cannot_be_used_is_told_once_with_the_field(
    env: RotationEnv, spoil: Callable[[dict[str, str]], object], named: str
) -> None:
    """The person who wrote it must find the mistake without a debugger."""
    good = env.onboard().credential
    env.put(spoil(good))
    before = env.labels()
    error = env.fails(InvalidCredential, force=True, allowEviction=True)
    assert named in str(error)
    env.fails(InvalidCredential)
    assert env.labels() == before
    assert env.simulator.requests == []
    (email,) = env.emails()
    assert email.code == "InvalidCredential"
    assert str(error) in email.body
    assert env.cure(error) in email.body

    env.put(good)
    assert env.run()["outcome"] == "rotated"
    assert env.codes() == ["InvalidCredential", "rotated"]


def test_an_empty_secret_is_told(env: RotationEnv) -> None:
    """So it is right after the stack was deployed."""
    assert "is empty" in str(env.fails(InvalidCredential))
    assert env.codes() == ["InvalidCredential"]


def test_a_missing_secret_is_told(env: RotationEnv) -> None:
    """A typing mistake in the test event looks like this."""
    assert "does not exist" in str(env.fails(InvalidCredential, secretId="no-such-secret"))
    env.fails(InvalidCredential, secretId="no-such-secret")
    assert env.codes() == ["InvalidCredential"]
    assert env.emails()[0].attributes["secret"] == "no-such-secret"  # noqa: S105 - a name


def test_a_secret_marked_for_deletion_is_told(env: RotationEnv) -> None:
    """Its values can still be restored, so a person has to decide."""
    env.onboard()
    env.aws.admin.secrets.delete_secret(SecretId=env.arn)
    assert "marked for deletion" in str(env.fails(InvalidCredential))
    assert env.simulator.requests == []
    env.aws.admin.secrets.restore_secret(SecretId=env.arn)
    assert env.run()["outcome"] == "rotated"


def test_another_secret_can_be_named_by_name_or_arn(env: RotationEnv) -> None:
    """One function may look after several credentials."""
    env.onboard()
    env.settings["SECRET_ARN"] = "not-this-one"  # noqa: S105 - a name
    assert env.run(secretId=env.aws.name)["secretId"] == env.arn
    assert env.run(secretId=env.arn)["outcome"] == "not_due"
    assert {record["credential"] for record in env.aws.records()} == {env.arn}


def test_the_end_of_an_incident_is_told_however_the_secret_was_named(env: RotationEnv) -> None:
    """An incident that is never closed swallows the next alert about the same thing."""
    tenant = env.onboard()
    env.put("spoilt")
    env.fails(InvalidCredential, secretId=env.aws.name)
    env.put(tenant.credential)
    assert env.run(secretId=env.aws.name)["outcome"] == "rotated"
    env.put("spoilt again")
    env.fails(InvalidCredential, secretId=env.aws.name)
    assert env.codes() == ["InvalidCredential", "rotated", "InvalidCredential"]
    assert "ends the incident" in env.emails()[1].body


def test_trouble_met_by_the_name_alone_is_over_when_the_name_works(env: RotationEnv) -> None:
    """Of another secret than the stack's own, the ARN is not known before AWS says it: what was told moves there."""
    env.onboard(age=timedelta(days=10))
    env.settings["SECRET_ARN"] = "not-this-one"  # noqa: S105 - a name
    for _ in range(2):
        with env.aws.refusing("DescribeSecret"), env.aws.refusing("GetSecretValue"):
            env.fails(InvalidCredential, secretId=env.aws.name)
        env.advance(hours=1)
        before = env.stored_and_sent()
        assert env.run(secretId=env.aws.name, dryRun=True)["secretId"] == env.arn
        assert env.stored_and_sent() == before, "a dry run moves nothing"
        assert env.run(secretId=env.aws.name)["outcome"] == "not_due"
    assert env.codes() == ["InvalidCredential", "recovered"] * 2
    assert [mail.attributes["secret"] for mail in env.emails()] == [env.aws.name, env.arn] * 2
    assert "certificate_incident" not in next(
        record for record in env.aws.records() if record["credential"] == env.aws.name
    )
