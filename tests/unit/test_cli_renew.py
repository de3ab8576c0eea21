"""`renew`: what the function is sent, what came of it in words, and what a script is told."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from certificate_rotation.events import command_from
from cli import console, renew_command
from cli.errors import ATTENTION, REFUSED, WRONG_USE, cure
from cli.main import app
from cli.stack import Deployment
from tests.unit.test_cli_whose import ACME, MANY, ONLY_TENANTS, OWN, SECRETS, SINGLE
from tests.unit.test_status import ANSWER

UNTIL = "2026-11-25T12:00:00Z"


class Function:
    """Lambda, with one answer to everything."""

    def __init__(self) -> None:
        """It has nothing to do."""
        self.answer: Mapping[str, Any] = {**ANSWER, "outcome": "not_due"}
        self.raises = False
        self.events: list[dict[str, Any]] = []

    def invoke(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3 does
        """As boto3 does."""
        self.events.append(json.loads(asked["Payload"]))
        failed = {"FunctionError": "Unhandled"} if self.raises else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **failed}


@pytest.fixture
def function() -> Function:
    """The deployed one."""
    return Function()


type Typed = Callable[..., Result]


@pytest.fixture
def typed(function: Function, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Type `renew` beside a stack."""

    def type_it(*arguments: str, stack: Deployment = SINGLE) -> Result:
        monkeypatch.setattr(renew_command, "deployment", lambda _: stack)
        monkeypatch.setattr(renew_command, "client", lambda name, **_: function if name == "lambda" else SECRETS)
        return CliRunner().invoke(app, ["renew", *arguments])

    return type_it


@pytest.mark.parametrize(
    ("options", "event"),
    [
        ((), {}),
        (("--dry-run",), {"dryRun": True}),
        (("--force",), {"force": True}),
        (("--force", "--half", "apiKey"), {"force": True, "renew": "apiKey"}),
        (("--force", "--half", "certificate", "--dry-run"), {"force": True, "renew": "certificate", "dryRun": True}),
        (("--allow-eviction", "--yes"), {"allowEviction": True}),
        (("--dry-run", "--allow-eviction"), {"dryRun": True, "allowEviction": True}),
    ],
)
def test_the_options_are_the_events_keys(
    typed: Typed, function: Function, options: tuple[str, ...], event: Mapping[str, Any]
) -> None:
    """And nothing else is sent: what is not asked for is not in the event."""
    assert typed(*options).exit_code == 0
    assert function.events == [{"secretId": OWN, **event}]
    command_from(function.events[0])  # the function takes it


def test_a_tenants_is_renewed_and_nobody_guesses_whose(typed: Typed, function: Function) -> None:
    """As with every command that changes something."""
    assert "(the tenant acme's in the stack mine)" in typed("--tenant", "acme", stack=MANY).stdout
    assert typed("--own", stack=MANY).exit_code == 0
    assert [event["secretId"] for event in function.events] == [ACME, OWN]
    for stack in (MANY, ONLY_TENANTS):
        refused = typed(stack=stack)
        assert (refused.exit_code, "Say it with --tenant NAME" in refused.stderr) == (WRONG_USE, True)
    assert len(function.events) == 2


def test_a_half_without_force_is_refused_before_anything_is_asked(typed: Typed, function: Function) -> None:
    """The function would refuse it as an InvalidEvent, and mail that."""
    refused = typed("--half", "apiKey")
    assert (refused.exit_code, "Add --force" in refused.stderr) == (WRONG_USE, True)
    assert function.events == []


def test_the_loss_of_the_one_in_use_is_asked_first(
    typed: Typed, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be undone. A script says --yes, or is told so."""
    refused = typed("--force", "--allow-eviction")
    assert (refused.exit_code, "Give it with --yes." in refused.stderr) == (WRONG_USE, True)
    assert function.events == []
    asked: list[str] = []

    def no(question: str, **_: object) -> str:
        asked.append(question)
        return "no"

    monkeypatch.setattr(console, "ask", no)
    refused = typed("--force", "--half", "apiKey", "--allow-eviction")
    assert (refused.exit_code, "Nothing was done" in refused.stderr) == (WRONG_USE, True)
    assert "may delete the API key in use of the secret CredentialSecret-x" in asked[0]
    assert function.events == []
    monkeypatch.setattr(console, "ask", lambda *_, **__: "yes")
    assert typed("--force", "--allow-eviction").exit_code == 0
    assert len(function.events) == 1


OUTCOMES = {
    "a new certificate": (
        {
            "outcome": "rotated",
            "renews": "certificate",
            "certName": "new",
            "previousCertName": "onboarded",
            "deletedCertName": "old",
        },
        0,
        ["The certificate is renewed, and the new one is in use (AWSCURRENT): new.", "old, by the service"],
    ),
    "a new API key": (
        {"outcome": "rotated", "renews": "apiKey"},
        0,
        ["The API key is renewed, and the new one is in use (AWSCURRENT).", "ends 2027-02-22T12:00:00Z"],
    ),
    "nothing": ({"outcome": "not_due"}, 0, ["Nothing is due", "device-id renew --force"]),
    "a dry run": (
        {"outcome": "dry_run", "wouldDo": "rotate", "renews": "apiKey", "why": "Renewal is due."},
        0,
        ["would rotate the API key. Renewal is due."],
    ),
    "a dry run that would fail": (
        {"outcome": "dry_run", "wouldDo": "fail", "renews": "apiKey", "why": "It has ended."},
        ATTENTION,
        ["would fail over the API key. It has ended."],
    ),
    "a hold": (
        {"outcome": "held", "renews": "certificate", "why": "It is young.", "until": UNTIL},
        ATTENTION,
        [f"the certificate is held. It is young. Until {UNTIL}.", "device-id renew --force --allow-eviction\n"],
    ),
    "a hold without an end": (
        {"outcome": "held", "renews": "apiKey", "why": "No answer.", "until": None},
        ATTENTION,
        ["This has no end by itself.", "device-id renew --force --half apiKey --allow-eviction\n"],
    ),
    "the limit": (
        {"outcome": "rate_limited", "renews": "certificate", "nextAttemptAt": UNTIL},
        ATTENTION,
        [f"no request for a new certificate before {UNTIL}"],
    ),
    "the API key's limit": (
        {"outcome": "rate_limited", "renews": "apiKey", "apiKeyNextAttemptAt": UNTIL},
        ATTENTION,
        [f"no request for a new API key before {UNTIL}"],
    ),
    "another run": ({"outcome": "busy"}, ATTENTION, ["another run is at work", "device-id status\n"]),
}


@pytest.mark.parametrize(("changes", "code", "expected"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_came_of_it_is_said_in_words(
    typed: Typed, function: Function, changes: Mapping[str, Any], code: int, expected: list[str]
) -> None:
    """A script goes by the code, a person by the words, and neither reads JSON for it."""
    function.answer = {**ANSWER, **changes}
    shown = typed()
    assert shown.exit_code == code, shown.output
    assert [words for words in expected if words not in shown.stdout] == []
    programs = typed("--output", "json")
    assert (programs.exit_code, json.loads(programs.stdout)) == (code, dict(function.answer))


@pytest.mark.parametrize(
    ("name", "code"), [("InvalidCredential", ATTENTION), ("Unauthorized", REFUSED), ("Runtime.ExitError", REFUSED)]
)
def test_a_failure_is_told_with_its_cure(typed: Typed, function: Function, name: str, code: int) -> None:
    """With the same words as its mail, and for the half it was about."""
    function.raises, function.answer = True, {"errorType": name, "errorMessage": "It is so."}
    shown = typed("--force", "--half", "apiKey")
    assert shown.exit_code == code
    assert shown.stderr.startswith("Error: The function fails: It is so. ")
    programs = typed("--json")
    assert json.loads(programs.stdout) == {"failure": {"errorType": name, "errorMessage": "It is so."}}
    assert cure(name, OWN, SINGLE.stack) in programs.stderr
