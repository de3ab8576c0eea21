"""docs/incidents.md: what it has people type for each error is what the mail about that error says, and it runs."""

import json
import re
import shlex
import subprocess
from copy import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import cure_of
from certificate_rotation.domain.half import HalfName
from certificate_rotation.events import command_from
from cli.invocation import Failure
from cli.main import app
from cli.needs import attention
from cli.renew import Order
from dev import render_incident_docs
from dev.render_alert_docs import named
from tests.support.contract import ERRORS
from tests.support.pages import anchors, blocks, text
from tests.unit.test_status import FINE

PAGE = "docs/incidents.md"
OF_ONE_HALF = {"Certificate": HalfName.CERTIFICATE, "ApiKey": HalfName.API_KEY}
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-AbCdEf"
# In place of the three programs: they say what they were given, and `aws` what the shell asks it for.
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >> "$TYPED"
case "$*" in
*describe-stacks*) case "$*" in *SecretArn*) echo {arn} ;; *) echo of-the-stack ;; esac ;;
*"lambda invoke"*) cat >> "$EVENTS"; echo >> "$EVENTS" ;;
*get-secret-value*) echo '{{"apiKey": "k", "apiKeyExpiry": "soon"}}' ;;
*put-secret-value*) cat >> "$STORED" ;;
esac
"""


class Typed(NamedTuple):
    """What came of a block of the page."""

    programs: list[str]
    events: list[dict[str, object]]
    stored: str


@pytest.fixture
def type_in(tmp_path: Path) -> "Shell":
    """A shell in which the page's first block was typed."""
    for name in ("aws", "device-id", "sam"):
        (tmp_path / name).write_text(PROGRAM.format(arn=ARN))
        (tmp_path / name).chmod(0o700)
    return Shell(tmp_path)


class Shell:
    """Types blocks of the page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, block: str) -> Typed:
        """One block, after the one that is typed once."""
        files = {name: self._folder / name.lower() for name in ("TYPED", "EVENTS", "STORED")}
        for file in files.values():
            file.write_text("")
        environment = {"PATH": f"{self._folder}:/usr/bin:/bin", **{name: str(file) for name, file in files.items()}}
        once = blocks(PAGE, "sh")[0]
        subprocess.run(["sh", "-eu", "-c", f"{once}\n: > $TYPED\n{block}"], env=environment, check=True, timeout=20)
        events = [json.loads(line) for line in files["EVENTS"].read_text().splitlines()]
        return Typed(files["TYPED"].read_text().splitlines(), events, files["STORED"].read_text())


def sections() -> dict[str, list[str]]:
    """The blocks of each error; of an error that differs for the two halves, those of both."""
    pieces = re.split(r"^## (.+)$", text(PAGE), flags=re.MULTILINE)
    return {
        name: re.findall(r"^```sh\n(.*?)^```", body, re.DOTALL | re.MULTILINE)
        for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def promised(name: str, half: HalfName) -> tuple[list[str], list[dict[str, object]]]:
    """The commands and the events that a mail about an error of one half holds."""
    cure = cure_of(getattr(errors, name), "SECRET", "STACK", half)
    return re.findall(r"`(device-id [^`]+)`", cure), [json.loads(one) for one in re.findall(r"\{[^{}]*\}", cure)]


def test_the_page_is_made_of_the_code() -> None:
    """`python -m dev.render_incident_docs` writes it anew."""
    assert render_incident_docs.PAGE.read_text() == render_incident_docs.page()


def test_each_error_has_an_entry_that_leads_to_what_to_think_and_back() -> None:
    """The runbook says what to check; neither page says both."""
    assert sections().keys() == ERRORS
    for name in ERRORS:
        assert f"(runbook.md#{name.lower()})" in text(PAGE)
        assert f"(incidents.md#{name.lower()})" in text("docs/runbook.md"), name
    assert {name.lower() for name in ERRORS} <= anchors(PAGE)
    thought = text("docs/runbook.md").partition("\n## Errors\n")[2].partition("### Any other code")[0]
    assert re.findall(r"`device-id [^`]*--(?:secret|tenant|own)\b|allowEviction\": true", thought) == []


@pytest.mark.parametrize("name", sorted(named()))
def test_the_mail_about_an_error_leads_to_its_commands(name: str) -> None:
    """Who is woken up has the mail and nothing else; `status` says the same."""
    place = f"What to type: {PAGE}#{name.lower()}"
    about_one = [mail for mail in blocks("docs/alerts.md", "text") if "more than 5 credentials" not in mail]
    mails = [mail for mail in about_one if f"\nCode: {name}\n" in mail]
    assert mails
    assert [mail for mail in mails if f"\n{place}, in the release you deployed\n" not in mail] == []
    (said,) = attention(replace(FINE, answer={}, failure=Failure(name, "It fails.")))
    assert said.endswith(f"{place}.")


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("name", ["OutcomeUnknown", "ApiKeyRejected", "CertificateRejected"])
def test_the_command_that_goes_ahead_does_what_the_event_does(name: str, half: HalfName) -> None:
    """A mail has both, for who has a console and for who has a terminal."""
    commands, (event,) = promised(name, half)
    (renew,) = (command.split() for command in commands if command.startswith("device-id renew"))
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    given = command.commands["renew"].make_context("renew", renew[2:]).params
    order = Order(given["dry_run"], given["force"], given["allow_eviction"], given["half"])
    assert (given["stack_name"], order.event(given["secret"])) == ("STACK", event)


@pytest.mark.parametrize("name", sorted(ERRORS))
@pytest.mark.parametrize("whose", ["own", "tenant"])
def test_what_the_mail_says_is_typed_as_it_stands_there(type_in: Shell, name: str, whose: str) -> None:
    """For the stack's own credential in the first block, for a tenant's in the second, and for no other one."""
    done = [type_in(block) for block in sections()[name][whose == "tenant" :: 2]]
    programs = [shlex.split(line) for typed in done for line in typed.programs]
    option, secret = (["--own"], None) if whose == "own" else (["--tenant", "acme"], "device-id/tenants/acme")
    events = [event for typed in done for event in typed.events]
    for event in events:
        assert event.get("secretId") == secret
        command_from(event)
    one = re.match("Certificate|ApiKey", name)
    for half in HalfName if one is None else [OF_ONE_HALF[one[0]]]:
        commands, invoked = promised(name, half)
        for command in commands:
            verb = command.split()[1]
            rest = command.partition("SECRET")[2].replace("FILE", "from-the-log.pem").split()
            assert ["device-id", verb, *option, *rest] in programs
        for expected in invoked:
            assert {**expected, "secretId": secret} in [{**event, "secretId": secret} for event in events]


def test_a_key_of_the_secret_is_changed_and_shown_nowhere(type_in: Shell) -> None:
    """The other keys stay, and the API key is never an argument, which everybody on the machine can read."""
    for block in sections()["InvalidCredential"]:
        for line in block.splitlines():
            if not line.startswith("edit "):
                continue
            typed = type_in(line)
            stored = json.loads(typed.stored)
            assert stored.pop("apiKey") == "k"
            assert stored in ({"apiKeyExpiry": "2027-01-31T00:00:00Z"}, {"apiKeyExpiry": "soon"}, {})
            assert not any('"k"' in one for one in typed.programs)
