"""A secret that cannot be used: the error names the field, and nothing leaves."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from certificate_rotation.domain.errors import InvalidCredential
from simulator.ca import key_pem, new_key
from tests.support.rotation_env import World


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
    world: World, spoil: Callable[[dict[str, str]], object], named: str
) -> None:
    """The person who wrote it must find the mistake without a debugger."""
    good = world.onboard().credential
    world.put(spoil(good))
    before = world.labels()
    error = world.fails(InvalidCredential, force=True, allowEviction=True)
    assert named in str(error)
    world.fails(InvalidCredential)
    assert world.labels() == before
    assert world.simulator.requests == []
    (email,) = world.emails()
    assert email.code == "InvalidCredential"
    assert str(error) in email.body
    assert world.cure(error) in email.body

    world.put(good)
    assert world.run()["outcome"] == "rotated"
    assert world.codes() == ["InvalidCredential", "rotated"]


def test_an_empty_secret_is_told(world: World) -> None:
    """So it is right after the stack was deployed."""
    assert "is empty" in str(world.fails(InvalidCredential))
    assert world.codes() == ["InvalidCredential"]


def test_a_missing_secret_is_told(world: World) -> None:
    """A typing mistake in the test event looks like this."""
    assert "does not exist" in str(world.fails(InvalidCredential, secretId="no-such-secret"))
    world.fails(InvalidCredential, secretId="no-such-secret")
    assert world.codes() == ["InvalidCredential"]
    assert world.emails()[0].attributes["secret"] == "no-such-secret"  # noqa: S105 - a name


def test_a_secret_marked_for_deletion_is_told(world: World) -> None:
    """Its values can still be restored, so a person has to decide."""
    world.onboard()
    world.aws.admin.secrets.delete_secret(SecretId=world.arn)
    assert "marked for deletion" in str(world.fails(InvalidCredential))
    assert world.simulator.requests == []
    world.aws.admin.secrets.restore_secret(SecretId=world.arn)
    assert world.run()["outcome"] == "rotated"


def test_another_secret_can_be_named_by_name_or_arn(world: World) -> None:
    """One function may look after several credentials."""
    world.onboard()
    world.settings["SECRET_ARN"] = "not-this-one"  # noqa: S105 - a name
    assert world.run(secretId=world.aws.name)["secretId"] == world.arn
    assert world.run(secretId=world.arn)["outcome"] == "not_due"
    assert {record["credential"] for record in world.aws.records()} == {world.arn}


def test_the_end_of_an_incident_is_told_however_the_secret_was_named(world: World) -> None:
    """An incident that is never closed swallows the next alert about the same thing."""
    tenant = world.onboard()
    world.put("spoilt")
    world.fails(InvalidCredential, secretId=world.aws.name)
    world.put(tenant.credential)
    assert world.run(secretId=world.aws.name)["outcome"] == "rotated"
    world.put("spoilt again")
    world.fails(InvalidCredential, secretId=world.aws.name)
    assert world.codes() == ["InvalidCredential", "rotated", "InvalidCredential"]
    assert "ends the incident" in world.emails()[1].body


def test_trouble_met_by_the_name_alone_is_over_when_the_name_works(world: World) -> None:
    """Of another secret than the stack's own, the ARN is not known before AWS says it: what was told moves there."""
    world.onboard(age=timedelta(days=10))
    world.settings["SECRET_ARN"] = "not-this-one"  # noqa: S105 - a name
    for _ in range(2):
        with world.aws.refusing("DescribeSecret"):
            world.fails(InvalidCredential, secretId=world.aws.name)
        world.advance(hours=1)
        before = world.stored_and_sent()
        assert world.run(secretId=world.aws.name, dryRun=True)["secretId"] == world.arn
        assert world.stored_and_sent() == before, "a dry run moves nothing"
        assert world.run(secretId=world.aws.name)["outcome"] == "not_due"
    assert world.codes() == ["InvalidCredential", "recovered"] * 2
    assert [mail.attributes["secret"] for mail in world.emails()] == [world.aws.name, world.arn] * 2
    assert "incident" not in next(record for record in world.aws.records() if record["credential"] == world.aws.name)
