"""`device-id renew` against the function itself, AWS and the service."""

import io
import json
from contextlib import redirect_stdout
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from certificate_rotation.domain.errors import RotationError
from cli import renew_command
from cli.errors import ATTENTION, REFUSED
from cli.main import app
from cli.stack import Deployment
from tests.support.lambda_invoker import at_the_worlds_time, invoke
from tests.support.rotation_env import RotationEnv


class Lambda:
    """AWS Lambda, as far as a person invokes the function with it."""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """As boto3 does."""
        try:
            with redirect_stdout(io.StringIO()):  # where its metrics go
                answer, failed = invoke(json.loads(Payload)), {}
        except RotationError as error:
            answer, failed = (
                {"errorType": type(error).__name__, "errorMessage": str(error)},
                {"FunctionError": "Unhandled"},
            )
        assert FunctionName == "rotate-test"
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}


@pytest.fixture
def stack(function: RotationEnv, aws_session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> RotationEnv:
    """A deployed stack, and a customer whose certificate and API key are young."""
    at_the_worlds_time(function, monkeypatch)
    deployed = Deployment("device-id-certificate", "rotate-test", function.arn, "ledger", "topic", {})
    monkeypatch.setattr(renew_command, "deployment", lambda _: deployed)
    monkeypatch.setattr(
        renew_command, "client", lambda name, **_: Lambda() if name == "lambda" else aws_session.client(name)
    )
    return function


def typed(*options: str) -> Result:
    """Type it."""
    return CliRunner().invoke(app, ["renew", *options])


def test_both_halves_are_renewed_from_the_desk(stack: RotationEnv) -> None:
    """And a second time only when the loss of the one in use is accepted."""
    stack.onboard()
    would = typed("--dry-run", "--json")
    assert (would.exit_code, json.loads(would.stdout)["wouldDo"]) == (0, "rotate")
    assert len(stack.refreshes()) == 0
    before = stack.current()
    due = typed()
    assert (due.exit_code, "The certificate is renewed" in due.stdout) == (0, True), due.output
    assert stack.current()["certName"] != before["certName"]
    key = typed("--force", "--half", "apiKey")
    assert (key.exit_code, "The API key is renewed" in key.stdout) == (0, True), key.output
    assert stack.current()["apiKey"] != before["apiKey"]
    assert (typed().exit_code, len(stack.refreshes())) == (0, 1), "nothing is due"
    held = typed("--force")
    assert (held.exit_code, "--allow-eviction" in held.stdout, len(stack.refreshes())) == (ATTENTION, True, 1)
    assert typed("--force", "--allow-eviction", "--yes").exit_code == 0
    assert len(stack.refreshes()) == 2
    assert stack.accepted()


def test_a_service_that_is_down_is_refused_with_the_cure(stack: RotationEnv) -> None:
    """The same words as in the mail about it."""
    stack.onboard()
    stack.fault("unavailable")
    refused = typed("--force")
    assert refused.exit_code == REFUSED
    assert refused.stderr.startswith("Error: The function fails: ")
    assert refused.stdout.count("\n") == 1, "whose credential it is about, and no more"
