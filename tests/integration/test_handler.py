"""The function as Lambda calls it: environment in, result or error out."""

import base64
import json
from datetime import timedelta

import boto3
import pytest

from certificate_rotation.domain.errors import InvalidCredential, InvalidEvent, InvalidSettings, StorageFailure
from tests.support.contract import RESULT
from tests.support.lambda_invoker import Context, forget, invoke
from tests.support.local_aws import WatchedSession
from tests.support.rotation_env import RotationEnv


def test_the_function_rotates_and_a_warm_start_looks_again(
    function: RotationEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything together, as it is deployed, by the real clock."""
    tenant = function.onboard()
    result = invoke({})
    assert isinstance(result, dict)
    assert result["outcome"] == "rotated"
    assert json.loads(json.dumps(result)) == result
    assert function.accepted()
    assert set(function.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    warm = invoke({})
    assert isinstance(warm, dict)
    assert (warm["outcome"], set(warm)) == ("not_due", RESULT)

    printed = capsys.readouterr()
    lines = [json.loads(line) for line in (printed.out + printed.err).splitlines()]
    assert tenant.credential["apiKey"] not in printed.out + printed.err
    assert "PRIVATE KEY" not in printed.out + printed.err
    logged = [line for line in lines if "level" in line]
    assert {line["correlation_id"] for line in logged} == {Context.aws_request_id}
    assert "certificate: Issue. Renewal is due." in [line["message"] for line in logged]


def test_a_check_makes_the_two_clients_it_needs_and_each_once(function: RotationEnv) -> None:
    """To make a client takes longer than a whole check, and most runs have nothing to tell anybody."""
    session: object = boto3.DEFAULT_SESSION
    assert isinstance(session, WatchedSession)
    function.onboard(age=timedelta(days=1))
    for _ in range(2):
        invoke({})
    assert sorted(session.made) == ["dynamodb", "secretsmanager"]
    invoke({"force": True})
    assert sorted(session.made) == ["dynamodb", "events", "secretsmanager", "sns"]


def test_an_event_with_unknown_keys_is_told(function: RotationEnv) -> None:
    """A typing mistake such as dryrun must not rotate."""
    function.onboard()
    with pytest.raises(InvalidEvent, match="dryrun"):
        invoke({"dryrun": True})
    assert function.simulator.requests == []
    (email,) = function.emails()
    assert (email.code, email.attributes["secret"]) == ("InvalidEvent", "rotate-test")


def test_settings_that_cannot_be_used_are_told_once(function: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack deployed with a mistake fails every hour."""
    monkeypatch.setenv("SERVICE_URL", "http://plain.example")
    for _ in range(2):
        with pytest.raises(InvalidSettings, match="SERVICE_URL must be https"):
            invoke({})
    assert function.codes() == ["InvalidSettings"]


def test_mended_settings_end_the_incident(function: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incident that is never closed swallows the next alert about the same thing."""
    function.onboard(age=timedelta(days=1))
    with monkeypatch.context() as broken:
        broken.setenv("CRITICAL_DAYS", "soon")
        with pytest.raises(InvalidSettings):
            invoke({})
    invoke({})
    assert function.codes()[0] == "InvalidSettings"
    with monkeypatch.context() as broken:
        broken.setenv("CRITICAL_DAYS", "later")
        forget()  # changed settings are another cold start
        with pytest.raises(InvalidSettings):
            invoke({})
    assert function.codes().count("InvalidSettings") == 2


READS = ["TransactGetItems", "GetSecretValue"]


def calls(function: RotationEnv) -> list[str]:
    """What was asked of AWS since this was asked last."""
    asked = [call.operation for call in function.aws.calls]
    function.aws.calls.clear()
    return asked


def test_a_check_makes_two_calls_in_a_new_container_too(function: RotationEnv) -> None:
    """Once an hour nearly every container is a new one, which does not know whether the function's incident is over."""
    function.onboard(age=timedelta(days=1))
    invoke({})
    assert calls(function) == READS
    invoke({})
    assert calls(function) == ["GetItem", "GetSecretValue"]


def test_what_somebody_writes_at_that_moment_is_read_by_itself(function: RotationEnv) -> None:
    """DynamoDB refuses to read several items as one while one of them changes: no reason to alarm anybody."""
    function.onboard(age=timedelta(days=1))
    function.aws.failures.set("in conflict", "TransactGetItems")
    invoke({})
    assert calls(function) == [READS[0], "GetItem", "GetItem", "GetSecretValue"]
    assert function.codes() == []


def test_a_ledger_that_cannot_be_read_in_a_new_container_is_told(function: RotationEnv) -> None:
    """As in any other: only a conflict is passed over."""
    function.onboard(age=timedelta(days=1))
    function.aws.failures.set("denied", "TransactGetItems")
    with pytest.raises(StorageFailure, match="reading the ledger"):
        invoke({})
    assert function.codes() == ["StorageFailure"]


def test_settings_that_work_end_their_incident_though_the_secret_does_not(
    function: RotationEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two things were wrong, and one is mended: its alert must not wait for the other."""
    with monkeypatch.context() as broken:
        broken.setenv("CRITICAL_DAYS", "soon")
        with pytest.raises(InvalidSettings):
            invoke({})
    forget()
    with pytest.raises(InvalidCredential):
        invoke({})
    assert function.codes() == ["InvalidSettings", "InvalidCredential", "recovered"]


def test_a_dry_run_with_unusable_settings_tells_only_who_asked(
    function: RotationEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run changes nothing and writes to nobody."""
    monkeypatch.setenv("CRITICAL_DAYS", "soon")
    with pytest.raises(InvalidSettings):
        invoke({"dryRun": True})
    assert function.emails() == []


def test_a_failure_is_raised_and_told_once(function: RotationEnv) -> None:
    """Raised, so that the console shows red and the Errors metric counts."""
    for _ in range(2):
        with pytest.raises(InvalidCredential, match="is empty"):
            invoke({})
    (email,) = function.emails()
    assert email.attributes["code"] == "InvalidCredential"
    assert Context.aws_request_id in email.body
    # The console's own quoting: every reserved character twice, with $ for %.
    assert (
        "log-group/$252Faws$252Flambda$252Frotate-test/log-events/2026$252F11$252F24$252F$255B$2524LATEST$255D0123"
        in (email.body)
    )


def test_a_trust_anchor_on_one_line_is_as_good_as_pem(function: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """The console's parameter fields drop line breaks."""
    one_line = base64.b64encode(function.simulator.trusted_ca_pem.encode()).decode()
    monkeypatch.setenv("TRUSTED_CA_PEM", one_line)
    function.onboard()
    result = invoke({})
    assert isinstance(result, dict)
    assert result["outcome"] == "rotated"
