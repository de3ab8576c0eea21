"""Secrets Manager's fake against moto: every operation, good and bad, must answer the same and leave the same."""

from collections.abc import Iterator, Mapping

import boto3
import pytest

from tests.support.fake_contract import (
    DONE,
    EXISTS,
    INVALID,
    MISSING,
    PARAMETER,
    REFUSED_BY_BOTO3,
    REQUEST,
    Asked,
    Step,
    Twin,
    compare,
    step,
    twins,
)

ONE, TWO, THREE = ("1" * 32, "2" * 32, "3" * 32)  # versions
A, B = "LABEL_A", "LABEL_B"
CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
_PUT_SECRET, _MOVE = "put_secret_value", "update_secret_version_stage"
_STAGES = "API reference, PutSecretValue: VersionStages"


FIRST = step(_PUT_SECRET, SecretString="1", ClientRequestToken=ONE)
SECOND = step(_PUT_SECRET, SecretString="2", ClientRequestToken=TWO, VersionStages=[A])
SECRETS: Mapping[str, tuple[Step, ...]] = {
    "a secret without a value": (
        step("describe_secret"),
        step("get_secret_value", MISSING),
        step("get_secret_value", MISSING, VersionId=ONE),
        step("create_secret", EXISTS),
        step(_MOVE, PARAMETER, VersionStage=A, MoveToVersionId=ONE),
    ),
    "no such secret": (
        step("describe_secret", MISSING, SecretId="nowhere"),
        step("get_secret_value", MISSING, SecretId="nowhere"),
        step(_PUT_SECRET, MISSING, SecretId="nowhere", SecretString="1"),
        step(_MOVE, MISSING, SecretId="nowhere", VersionStage=A, MoveToVersionId=ONE),
        step("restore_secret", MISSING, SecretId="nowhere"),
        step("delete_secret", MISSING, SecretId="nowhere"),
    ),
    "a value": (
        FIRST,
        FIRST,
        step("get_secret_value"),
        step("get_secret_value", VersionId=ONE),
        step("get_secret_value", VersionStage=CURRENT),
        step("get_secret_value", VersionId=ONE, VersionStage=CURRENT),
        step("get_secret_value", REQUEST, VersionId=ONE, VersionStage=A),
        step("get_secret_value", MISSING, VersionStage=A),
        step("get_secret_value", MISSING, VersionId=TWO),
        step(_PUT_SECRET, EXISTS, SecretString="another", ClientRequestToken=ONE),
        step(_PUT_SECRET, EXISTS, SecretBinary=b"1", ClientRequestToken=ONE),
        step("get_secret_value"),
    ),
    "a value that is binary": (
        step(_PUT_SECRET, SecretBinary=b"\x00\xff", ClientRequestToken=ONE),
        step("get_secret_value"),
        step("describe_secret"),
    ),
    "half a character": (
        step(_PUT_SECRET, SecretString='"\ud800"', ClientRequestToken=ONE),
        step("get_secret_value"),
    ),
    "a value that cannot be stored": (
        step(_PUT_SECRET, REQUEST),
        step(_PUT_SECRET, REFUSED_BY_BOTO3, SecretString=""),
        step(_PUT_SECRET, REFUSED_BY_BOTO3, SecretString=1),
        step(_PUT_SECRET, REFUSED_BY_BOTO3, SecretText="1"),
        step(_PUT_SECRET, REFUSED_BY_BOTO3, SecretString="1", VersionStages=[]),
        step(_PUT_SECRET, REFUSED_BY_BOTO3, SecretString="1", ClientRequestToken="short"),
        step(_PUT_SECRET, SecretString="x" * 65_536, ClientRequestToken=ONE),
        step(_PUT_SECRET, INVALID, "API reference, PutSecretValue: at most 65,536 bytes", SecretString="x" * 65_537),
    ),
    "a value of too many bytes": (
        step(_PUT_SECRET, INVALID, "API reference, PutSecretValue: at most 65,536 bytes", SecretString="ä" * 32_769),
    ),
    "a text and bytes": (
        step(_PUT_SECRET, REQUEST, "API reference, PutSecretValue: not both", SecretString="1", SecretBinary=b"1"),
    ),
    "labels that are named": (
        step(_PUT_SECRET, SecretString="1", ClientRequestToken=ONE, VersionStages=[A]),  # the first is in use anyway
        step(_PUT_SECRET, SecretString="2", ClientRequestToken=TWO, VersionStages=[A, B]),
        step(_PUT_SECRET, SecretString="3", ClientRequestToken=THREE, VersionStages=[B]),
        step(_PUT_SECRET, SecretString="1", ClientRequestToken=ONE, VersionStages=[B]),  # does nothing
        step("get_secret_value", VersionStage=B),
    ),
    "labels that are moved": (
        FIRST,
        SECOND,
        step(_MOVE, VersionStage=B, MoveToVersionId=ONE),
        step(_MOVE, VersionStage=B, MoveToVersionId=TWO, RemoveFromVersionId=ONE),
        step(_MOVE, PARAMETER, VersionStage=B, MoveToVersionId=ONE, RemoveFromVersionId=ONE),
        step(_MOVE, PARAMETER, VersionStage=B, RemoveFromVersionId=ONE),
        step(_MOVE, PARAMETER, VersionStage=B, RemoveFromVersionId=THREE),
        step(_MOVE, VersionStage=B, RemoveFromVersionId=TWO),
        step(_MOVE, PARAMETER, VersionStage=B, RemoveFromVersionId=TWO),
        step(_MOVE, PARAMETER, VersionStage=B, MoveToVersionId=THREE),
        step(_MOVE, REFUSED_BY_BOTO3, VersionStage=B, MoveToVersionId="short"),
        step("describe_secret"),
    ),
    "AWSCURRENT is moved": (
        FIRST,
        SECOND,
        step(_MOVE, VersionStage=CURRENT, MoveToVersionId=TWO, RemoveFromVersionId=ONE),
        step(_MOVE, PARAMETER, VersionStage=CURRENT, MoveToVersionId=TWO, RemoveFromVersionId=ONE),
        step(_MOVE, PARAMETER, VersionStage=CURRENT, MoveToVersionId=ONE),
        step(_PUT_SECRET, SecretString="3", ClientRequestToken=THREE, VersionStages=[A]),
        step(_MOVE, VersionStage=CURRENT, MoveToVersionId=THREE, RemoveFromVersionId=TWO),
        step(_MOVE, VersionStage=CURRENT, MoveToVersionId=TWO, RemoveFromVersionId=THREE),
        step("get_secret_value", VersionStage=PREVIOUS),
    ),
    "AWSCURRENT is put": (
        FIRST,
        step(_PUT_SECRET, SecretString="2", ClientRequestToken=TWO),
        step(_PUT_SECRET, SecretString="3", ClientRequestToken=THREE, VersionStages=[CURRENT, A]),
        step("get_secret_value", VersionStage=PREVIOUS),
    ),
    "AWSCURRENT is put after a move": (
        FIRST,
        SECOND,
        step(_MOVE, VersionStage=CURRENT, MoveToVersionId=TWO, RemoveFromVersionId=ONE),
        step(_PUT_SECRET, DONE, _STAGES, SecretString="3", ClientRequestToken=THREE),
    ),
    "a label is moved off a version that is not named": (
        FIRST,
        SECOND,
        step(
            _MOVE,
            PARAMETER,
            "API reference, UpdateSecretVersionStage: RemoveFromVersionId",
            VersionStage=A,
            MoveToVersionId=ONE,
        ),
    ),
    "AWSCURRENT is taken off": (
        FIRST,
        step(
            _MOVE,
            PARAMETER,
            "user guide, staging labels: AWSCURRENT is always on a version",
            VersionStage=CURRENT,
            RemoveFromVersionId=ONE,
        ),
    ),
    "a version without a label": (
        FIRST,
        SECOND,
        step(_MOVE, VersionStage=A, RemoveFromVersionId=TWO),
        step("get_secret_value", VersionId=TWO),
        step("list_secret_version_ids", IncludeDeprecated=True),
        step("list_secret_version_ids", DONE, "API reference, ListSecretVersionIds: IncludeDeprecated"),
        step("describe_secret", DONE, "API reference, DescribeSecret: VersionIdsToStages"),
    ),
    "twenty labels": (
        FIRST,
        step(_PUT_SECRET, SecretString="2", ClientRequestToken=TWO, VersionStages=[f"L{n}" for n in range(20)]),
        step(_MOVE, "LimitExceededException", "user guide, quotas: 20 labels", VersionStage=A, MoveToVersionId=TWO),
    ),
    "twenty-one labels": (
        FIRST,
        step(
            _PUT_SECRET,
            "LimitExceededException",
            "user guide, quotas: 20 labels",
            SecretString="2",
            VersionStages=[f"L{n}" for n in range(21)],
        ),
    ),
    "a secret that will be deleted": (
        FIRST,
        step("delete_secret"),
        step("describe_secret"),
        step("get_secret_value", REQUEST),
        step("restore_secret"),
        step("get_secret_value"),
        step("delete_secret", RecoveryWindowInDays=7),
        step(_PUT_SECRET, REQUEST, "user guide, delete a secret: it cannot be used", SecretString="2"),
    ),
    "a secret that is deleted": (
        FIRST,
        step("delete_secret", ForceDeleteWithoutRecovery=True),
        step("describe_secret", MISSING),
    ),
}


@pytest.fixture
def both(aws_session: boto3.Session) -> Iterator[tuple[Twin, Twin]]:
    """The fakes, and moto."""
    both = twins(aws_session)
    yield both
    both[1].drop()


@pytest.mark.parametrize("story", SECRETS)
def test_secrets_are_kept_as_moto_keeps_them(both: tuple[Twin, Twin], story: str) -> None:
    """Versions that never change and labels that move are what a rotation is made of."""
    for twin in both:
        twin.secrets.create_secret(Name=twin.name)
    for asked in SECRETS[story]:
        compare(both, "secrets", asked, _with_name if asked.method == "create_secret" else _with_secret, Twin.versions)


def _with_name(twin: Twin, asked: Asked) -> Asked:
    return {"Name": twin.name, **asked}


def _with_secret(twin: Twin, asked: Asked) -> Asked:
    return {"SecretId": twin.name, **asked}
