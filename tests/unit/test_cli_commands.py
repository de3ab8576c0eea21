"""The commands as they are typed: which credential each comes to, and what it says before it changes one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import fleet_status, main, recover, stack
from cli.errors import FAILED
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
        return CliRunner().invoke(main.app, list(arguments))

    return type_it


@pytest.mark.parametrize("stack", [MANY, ONLY_TENANTS, replace(SINGLE, own_credential=False)])
def test_recover_does_not_guess(stack: Deployment, typed: Typed, recovered: list[Target]) -> None:
    """A tenant's incident once led to the stack's own credential."""
    refused = typed(stack, "recover")
    assert (refused.exit_code, recovered) == (FAILED, [])
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


def test_a_stack_told_to_look_after_tenants_alone_shows_them(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own secret is empty and its own schedule off, by choice: that must not be red for ever."""
    monkeypatch.setattr(fleet_status, "look_at_all", lambda *_: ([], []))
    shown = typed(ONLY_TENANTS, "status")
    assert (shown.exit_code, "Nobody is a tenant yet." in shown.stdout) == (0, True)


def test_its_own_is_shown_as_resting_when_it_is_asked_for(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told to undo the choice."""
    monkeypatch.setattr(
        main, "status_of", lambda _, target: replace(FINE, target=target, rests=True, empty=True, schedule=None)
    )
    shown = typed(ONLY_TENANTS, "status", "--own")
    assert shown.exit_code == 0
    assert "Schedule       rests (OwnCredential=false)" in shown.stdout


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
