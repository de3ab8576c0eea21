"""docs/onboarding.md: every command's help, what each first mistake is answered, and with which codes a verb ends.

All of it is run, and what is printed has to stand on the page.
"""

import os
from pathlib import Path
from typing import NoReturn

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.main import get_command
from typer.testing import CliRunner

from cli.errors import REFUSED, WRONG_USE
from cli.main import app
from tests.support.transcript import Transcript
from tests.unit.test_cli_exit_codes import VERBS, leaves

VERB_NAMES = [name for name, _ in leaves(get_command(app))]
PLAIN = {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
REFUSALS = {  # as AWS words them
    "expired token": ("ExpiredToken", "The security token included in the request is expired"),
    "wrong account": ("ValidationError", "Stack with id device-id-certificate does not exist"),
    "no right": (
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: cloudformation:DescribeStacks",
    ),
    "throttled": ("Throttling", "Rate exceeded"),
}


class Refusing:
    """AWS, which answers every call so."""

    meta = type("Meta", (), {"region_name": "us-east-1"})

    def __init__(self, code: str, message: str) -> None:
        """As AWS names and words it."""
        self._error = {"Error": {"Code": code, "Message": message}}

    def __getattr__(self, call: str) -> object:
        """Any call."""
        name = "".join(part.capitalize() for part in call.split("_"))

        def refuse(**_: object) -> NoReturn:
            raise ClientError(self._error, name)  # type: ignore[arg-type]  # as much of it as is read

        return refuse


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Somebody's, on the first day: no setting of AWS."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return monkeypatch


def typed(*words: str) -> tuple[int, str]:
    """How a command ends, and what it prints."""
    done = CliRunner().invoke(app, words, env=PLAIN, prog_name="device-id")
    return done.exit_code, done.output


def test_the_help_of_every_command_is_on_the_page() -> None:
    """Where somebody looks before they install anything."""
    transcript = Transcript()
    for name in ("", *VERB_NAMES, "tenant"):
        code, printed = typed(*name.split(), "--help")
        assert code == 0
        command = " ".join(["device-id", *name.split(), "--help"])
        transcript.take(f"help {name}".strip(), command, "\n".join(line.rstrip() for line in printed.splitlines()))
    transcript.compare()


def test_each_first_mistake_is_answered_as_the_page_shows(desk: pytest.MonkeyPatch) -> None:
    """They are everybody's first five minutes; boto3 itself says the first two."""
    transcript = Transcript()

    def answered(mistake: str) -> None:
        code, printed = typed("status")
        assert code == REFUSED
        transcript.take(mistake, "device-id status", f"{printed}$ echo $?\n{code}")

    answered("no region")
    desk.setenv("AWS_REGION", "us-east-1")
    answered("no credentials")
    for mistake, refusal in REFUSALS.items():
        desk.setattr(boto3, "client", lambda *_, said=refusal, **__: Refusing(*said))
        answered(mistake)
    transcript.compare()


@pytest.mark.makes_key_files
@pytest.mark.usefixtures("signed")
def test_the_codes_each_verb_ends_with_are_on_the_page(desk: pytest.MonkeyPatch) -> None:
    """A script is written from there: none of them differs from the others."""
    desk.setattr(boto3, "client", lambda *_, **__: Refusing(*REFUSALS["throttled"]))
    rows = []
    for name in VERB_NAMES:
        helped, wrong = typed(*name.split(), "--help")[0], typed(*name.split(), "--no-such-option")[0]
        refused = str(typed(*VERBS[name])[0]) if name in VERBS else "-"  # `csr` asks nobody
        assert (helped, wrong, refused) == (0, WRONG_USE, str(REFUSED) if name in VERBS else "-")
        rows.append(f"{name:<14} {helped:>6} {wrong:>17} {refused:>12}")
    transcript = Transcript()
    heads = f"{'VERB':<14} {'--help':>6} {'--no-such-option':>17} {'AWS refuses':>12}"
    transcript.take("exit codes", "echo $?  # after each", "\n".join([heads, *rows]))
    transcript.compare()
