"""The four exit codes, the same for every verb; and what AWS, or the way to it, refuses is a sentence with its cure."""

import re
from collections.abc import Iterator
from typing import NoReturn

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from cli import status_command
from cli.commands import EXIT_CODES
from cli.errors import ATTENTION, REFUSED, WRONG_USE, exit_code_of
from cli.main import app
from tests.support.pages import text

# Each verb as it is typed, up to where it first asks AWS; `csr` asks nobody.
VERBS = {
    "init": ("init", "--cert", "device-id.pem", "--api-key-file", "api-key"),
    "store": ("store", "--api-key-file", "api-key"),
    "recover": ("recover",),
    "status": ("status",),
    "renew": ("renew",),
    "tenant add": ("tenant", "add", "acme"),
    "tenant pause": ("tenant", "pause", "acme"),
    "tenant resume": ("tenant", "resume", "acme"),
    "tenant remove": ("tenant", "remove", "acme"),
    "tenant list": ("tenant", "list"),
}


class RefusesAll:
    """AWS, which says the same to everybody."""

    def __init__(self, code: str) -> None:
        """`code` as AWS names it."""
        self._code = code

    def __getattr__(self, call: str) -> object:
        """Any call."""

        def refuse(**_: object) -> NoReturn:
            raise ClientError({"Error": {"Code": self._code, "Message": "no, because\nof this"}}, call)

        return refuse


def leaves(command: object, name: str = "") -> Iterator[tuple[str, TyperCommand]]:
    """Each verb."""
    if isinstance(command, TyperGroup):
        for below, one in command.commands.items():
            yield from leaves(one, f"{name} {below}".strip())
    elif isinstance(command, TyperCommand):
        yield name, command


def test_every_verb_is_tried_here() -> None:
    """A new one has the same exit codes, or this table grows a hole."""
    assert {name for name, _ in leaves(get_command(app))} == {*VERBS, "csr"}


@pytest.mark.makes_key_files
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("AccessDeniedException", "Use a profile that may do this"),
        ("ExpiredToken", "Sign in first"),
        ("UnrecognizedClientException", "Sign in first"),
        ("ThrottlingException", "try again in a minute"),
        ("InvalidSignatureException", "Set this machine's clock"),
        ("ResourceNotFoundException", "aws sts get-caller-identity"),
        ("ValidationError", "There is no stack"),
        ("SomethingNew", "try again in a minute"),
    ],
)
def test_what_aws_refuses_is_a_sentence_and_ends_with_three(
    signed: None, monkeypatch: pytest.MonkeyPatch, verb: str, code: str, cure: str
) -> None:
    """A script tells a right it does not have from an option it mistyped. `init` deploys a stack that is not there."""
    if (verb, code) == ("init", "ValidationError"):
        verb = "status"
    refusing = RefusesAll(code)
    refusing.meta = type("Meta", (), {"region_name": "us-east-1"})  # type: ignore[attr-defined]
    monkeypatch.setattr(boto3, "client", lambda *_, **__: refusing)
    done = CliRunner().invoke(app, VERBS[verb])
    assert (done.exit_code, done.stdout) == (REFUSED, "")
    assert done.stderr.startswith("Error: ")
    assert cure in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("typed", [("status", "--no-such"), ("csr", "--key-algorithm", "dsa"), ("no-such-verb",), ()])
def test_what_cannot_be_typed_ends_with_two(typed: tuple[str, ...]) -> None:
    """Typer's own code for it, so that ours is the same."""
    assert CliRunner().invoke(app, typed).exit_code == WRONG_USE


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells count it, so that a loop of a script ends too."""

    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(status_command, "deployment", interrupted)
    assert CliRunner().invoke(app, ["status"]).exit_code == 130


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("InvalidCredential", ATTENTION),
        ("CredentialExpired", ATTENTION),
        ("InvalidSettings", ATTENTION),
        ("InvalidEvent", WRONG_USE),
        ("Unauthorized", REFUSED),
        ("StorageFailure", REFUSED),
        ("Runtime.ExitError", REFUSED),
    ],
)
def test_an_error_of_the_function_has_the_code_of_whose_turn_it_is(name: str, expected: int) -> None:
    """A person's, whoever typed the command's, or AWS's and the service's."""
    assert exit_code_of(name) == expected


def plain(printed: str) -> str:
    """Without colours, which typer prints into pipes too where GitHub Actions runs it."""
    return re.sub(r"\x1b\[[\d;]*m", "", printed)


def test_every_help_has_an_example_and_the_exit_codes() -> None:
    """Who types --help wants a line to change, not a grammar."""
    for name, command in leaves(get_command(app)):
        assert re.search(rf"Example: device-id {name}\b", command.epilog or ""), name
        assert (command.epilog or "").endswith(EXIT_CODES), name
        done = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"})
        assert (done.exit_code, EXIT_CODES in plain(done.stdout)) == (0, True), name
    assert EXIT_CODES in plain(CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout)


def test_the_reference_has_the_same_table() -> None:
    """A script is written from there."""
    rows = dict(re.findall(r"^\| (\d+) \| (.+?) \|", text("docs/reference.md"), re.MULTILINE))
    assert list(rows) == ["0", "1", "2", "3", "130"]
    for number, words in re.findall(r"(\d) ([^,.]+)", EXIT_CODES):
        assert words.split()[0].lower() in rows[number].lower(), number
