"""`status --all`: the worst first, and no more words than a person reads."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from certificate_rotation.domain.state import Incident, State
from cli.fleet_status import SHOWN, Row, show, show_json
from cli.needs import about_the_credential
from cli.status import CredentialStatus, Failure
from cli.target import Target
from tests.support.factories import NOW

ANSWER = {
    "secretId": "arn",
    "notAfter": "2027-01-23T12:00:00Z",
    "daysLeft": 60,
    "renewAt": "2026-12-24T12:00:00Z",
    "wouldDo": "nothing",
    "why": "The certificate in use is young enough.",
}
ACME = Target("arn:acme", "the tenant acme's", ("--tenant", "acme"), "mine", tenant="acme")
FINE = CredentialStatus.of_tenant(ACME, ANSWER, None, State(), 7)
BROKEN = CredentialStatus.of_tenant(ACME, {}, Failure("InvalidCredential", "cert is missing."), State(), 7)
NEAR = replace(FINE, answer={**ANSWER, "daysLeft": 3})
OPEN = replace(FINE, state=State(incident=Incident("Unauthorized", NOW - timedelta(hours=2), NOW, 0)))


def row(name: str, status: CredentialStatus, *, paused: bool = False) -> Row:
    """One tenant as the command sees them."""
    return Row(name, paused, status, tuple(about_the_credential(status, NOW)))


ROWS = [
    row("fine", FINE),
    row("paused", FINE, paused=True),
    row("open", OPEN),
    row("near", NEAR),
    row("broken", BROKEN),
]


def test_who_needs_somebody_most_comes_first() -> None:
    """Nobody reads a list of hundreds to its end."""
    names = [found.name for found in sorted(ROWS, key=lambda one: one.badness)]
    assert names == ["broken", "near", "open", "paused", "fine"]


def test_a_person_reads_a_table_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each, one sentence for each that needs it."""
    show(sorted(ROWS, key=lambda one: one.badness), ["Nobody is subscribed."])
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert lines[0] == ["TENANT", "DAYS", "NEEDS", "YOU", "A", "RUN", "NOW", "SCHEDULE"]
    assert lines[1] == ["broken", "?", "InvalidCredential", "fails", "on"]
    assert lines[3] == ["open", "60", "Unauthorized", "not", "due", "on"], "a refused one is not called nothing"
    assert lines[4] == ["paused", "60", "-", "not", "due", "paused"]
    assert "Note: Nobody is subscribed." in said
    assert "3 of 5 need you:" in said
    assert "- broken: The function fails: cert is missing." in said
    assert "- open: Unauthorized is open since 2026-11-24T10:00:00Z. Check in the Cloud Identity Engine" in said
    show([row("fine", FINE)], [])
    assert "1 looked at. All is well." in capsys.readouterr().out


def test_the_sentences_end_where_nobody_would_read_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has them all, and JSON the sentences."""
    show([row(f"broken-{number}", BROKEN) for number in range(SHOWN + 5)], [])
    said = capsys.readouterr().out
    assert said.count(": The function fails:") == SHOWN
    assert "5 more need you; --json has the sentences of all." in said


def test_a_program_reads_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names of the function's own result."""
    show_json([row("broken", BROKEN), row("open", OPEN), row("fine", FINE)], [])
    document = json.loads(capsys.readouterr().out)
    assert (document["fine"], document["count"]) == (False, 3)
    broken, with_incident, fine = document["tenants"]
    assert broken["failure"] == {"errorType": "InvalidCredential", "errorMessage": "cert is missing."}
    assert with_incident["incident"]["code"] == "Unauthorized"
    assert (fine["attention"], fine["dryRun"], fine["paused"]) == ([], ANSWER, False)
