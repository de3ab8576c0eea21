"""The commands as they are typed: which credential each comes to, and what it says before it changes one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import fleet_status, main, recover, recover_api_key, stack, status_command
from cli.errors import WRONG_USE
from cli.recover import Place
from cli.stack import Deployment
from cli.target import Target
from tests.unit.test_cli_whose import ACME, MANY, ONLY_TENANTS, OWN, SECRETS, SINGLE
from tests.unit.test_status import FINE

type Typed = Callable[..., Result]


@pytest.fixture
def recovered(monkeypatch: pytest.MonkeyPatch) -> list[Target]:
    """Whose certificates were brought back."""
    found: list[Target] = []
    monkeypatch.setattr(recover, "recover", lambda place, *_: found.append(_whose(place)))
    return found


def _whose(place: Place) -> Target:
    return place.target


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Type a command beside a stack."""

    def type_it(stack: Deployment, *arguments: str) -> Result:
        monkeypatch.setattr(main, "deployment", lambda _: stack)
        monkeypatch.setattr(main, "client", lambda _: SECRETS)
        monkeypatch.setattr(status_command, "deployment", lambda _: stack)
        monkeypatch.setattr(status_command, "client", lambda _: SECRETS)
        return CliRunner().invoke(main.app, list(arguments))

    return type_it


@pytest.mark.parametrize("stack", [MANY, ONLY_TENANTS, replace(SINGLE, own_credential=False)])
def test_recover_does_not_guess(stack: Deployment, typed: Typed, recovered: list[Target]) -> None:
    """A tenant's incident once led to the stack's own credential."""
    refused = typed(stack, "recover")
    assert (refused.exit_code, recovered) == (WRONG_USE, [])
    assert "Say it with --tenant NAME" in refused.stderr


def test_whose_it_is_about_is_said_before_it_is_changed(typed: Typed, recovered: list[Target]) -> None:
    """There is still time for Ctrl-C."""
    said = [
        typed(SINGLE, "recover").stdout,
        typed(MANY, "recover", "--own").stdout,
        typed(MANY, "recover", "--tenant", "acme").stdout,
        typed(MANY, "recover", "--secret", ACME).stdout,
    ]
    assert said == [
        "This is about the secret CredentialSecret-x (the stack device-id-certificate's own).\n",
        "This is about the secret CredentialSecret-x (the stack mine's own).\n",
        *["This is about the secret device-id/tenants/acme (the tenant acme's in the stack mine).\n"] * 2,
    ]
    assert [target.secret for target in recovered] == [OWN, OWN, ACME, ACME]


def test_an_api_key_is_brought_back_when_told_so(
    typed: Typed, recovered: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then nothing is said about a certificate: of which half it is, nobody guesses."""
    keys: list[Target] = []
    monkeypatch.setattr(recover_api_key, "recover_api_key", lambda place, *_: keys.append(_whose(place)))
    assert typed(SINGLE, "recover", "--api-key").exit_code == 0
    assert ([target.secret for target in keys], recovered) == ([OWN], [])
    for other in (("--cert", "file"), ("--cert-name", "name"), ("--other-subject",)):
        refused = typed(SINGLE, "recover", "--api-key", *other)
        assert refused.exit_code == WRONG_USE
        assert "--api-key is about no certificate" in refused.stderr
    assert len(keys) == 1


def test_a_stack_told_to_look_after_tenants_alone_shows_them(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own secret is empty and its own schedule off, by choice: that must not be red for ever."""
    monkeypatch.setattr(fleet_status, "look_at_all", lambda *_: ([], []))
    shown = typed(ONLY_TENANTS, "status")
    assert (shown.exit_code, "Nobody is a tenant yet." in shown.stdout) == (0, True)


def test_its_own_is_shown_as_resting_when_it_is_asked_for(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told to undo the choice."""
    monkeypatch.setattr(
        status_command,
        "status_of",
        lambda _, target, __: replace(FINE, target=target, rests=True, empty=True, schedule=None),
    )
    shown = typed(ONLY_TENANTS, "status", "--own")
    assert shown.exit_code == 0
    assert "Schedule       rests (OwnCredential=false)" in shown.stdout


def test_a_key_nobody_renews_is_a_note_and_no_reason_to_end_red(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check in a pipeline goes by the exit code, a person by the line."""
    unknown = {**FINE.answer, "apiKeyNotAfter": None, "apiKeyRenewAt": None}
    monkeypatch.setattr(status_command, "status_of", lambda _, target, __: replace(FINE, target=target, answer=unknown))
    shown = typed(SINGLE, "status")
    assert (shown.exit_code, "Note: Nobody renews the API key" in shown.stdout) == (0, True)


@pytest.mark.parametrize(("given", "expected"), [("true", True), ("false", False), (None, True)])
def test_the_choice_is_read_from_the_stack(
    monkeypatch: pytest.MonkeyPatch, given: str | None, *, expected: bool
) -> None:
    """An older stack does not have the parameter."""
    outputs = {name: name for name in ("FunctionName", "SecretArn", "LedgerTableName", "AlertTopicArn")}
    described = {
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        "Parameters": [{"ParameterKey": "OwnCredential", "ParameterValue": given}] if given else [],
    }

    class Aws:
        """CloudFormation, and Lambda."""

        def describe_stacks(self, **_: str) -> dict[str, Any]:
            """As boto3 does."""
            return {"Stacks": [described]}

        def get_function_configuration(self, **_: str) -> dict[str, Any]:
            """As boto3 does."""
            return {}

    monkeypatch.setattr(stack, "client", lambda _: Aws())
    assert stack.deployment("mine").own_credential is expected
