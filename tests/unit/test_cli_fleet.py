"""`status --all`: the worst first, and no more words than a person reads."""

import json
from copy import replace
from datetime import timedelta

import pytest

from certificate_rotation.domain.state import Incident, State
from cli.fleet_status import SHOWN, Row, show, show_json
from cli.invocation import Failure
from cli.needs import about_the_credential
from cli.status import CredentialStatus
from cli.target import Target
from tests.support.factories import NOW
from tests.unit.test_status import POLICY, remembering

ANSWER = {
    "secretId": "arn",
    "notAfter": "2027-01-23T12:00:00Z",
    "daysLeft": 60,
    "renewAt": "2026-12-24T12:00:00Z",
    "apiKeyNotAfter": "2027-02-22T12:00:00Z",
    "apiKeyRenewAt": "2027-01-23T12:00:00Z",
    "renews": None,
    "wouldDo": "nothing",
    "why": "The certificate in use is young enough.",
}
ACME = Target("arn:acme", "the tenant acme's", ("--tenant", "acme"), "mine", tenant="acme")
FINE = CredentialStatus.of_tenant(ACME, NOW, (ANSWER, None), State(), POLICY)
BROKEN = replace(FINE, answer={}, failure=Failure("InvalidCredential", "cert is missing."))
NEAR = replace(
    FINE, answer={**ANSWER, "apiKeyNotAfter": "2026-11-27T12:00:00Z", "renews": "apiKey", "wouldDo": "rotate"}
)
OPEN = replace(FINE, state=remembering(incident=Incident("Unauthorized", NOW - timedelta(hours=2), NOW, 0)).state)
UNKNOWN = replace(FINE, answer={**ANSWER, "apiKeyNotAfter": None, "apiKeyRenewAt": None})


def row(name: str, status: CredentialStatus, *, paused: bool = False) -> Row:
    """One tenant as the command sees them."""
    return Row(name, paused, status, tuple(about_the_credential(status)))


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
    assert lines[0] == ["TENANT", "DAYS", "ENDS", "FIRST", "NEEDS", "YOU", "A", "RUN", "NOW", "SCHEDULE"]
    assert lines[1] == ["broken", "?", "?", "InvalidCredential", "fails", "on"]
    assert " ".join(lines[2]) == "near 3 API key 3 days left (API key) rotate (API key) on", (
        "the nearer end of the two, and which half"
    )
    assert lines[3] == ["open", "60", "certificate", "Unauthorized", "not", "due", "on"], (
        "a refused one is not called nothing"
    )
    assert lines[4] == ["paused", "60", "certificate", "-", "not", "due", "paused"]
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
    assert with_incident["incidents"]["certificate"]["code"] == "Unauthorized"
    assert with_incident["incidents"]["apiKey"] is None
    assert fine["endsFirst"] == {"renews": "certificate", "at": "2027-01-23T12:00:00Z", "daysLeft": 60}
    assert broken["endsFirst"] is None
    assert (fine["attention"], fine["dryRun"], fine["paused"]) == ([], ANSWER, False)


def test_keys_nobody_renews_are_named_in_one_line_and_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is harmed today, and a fleet has many of them at first."""
    rows = [row(f"tenant-{number}", UNKNOWN) for number in range(SHOWN + 2)] + [row("fine", FINE)]
    show(rows, [])
    said = capsys.readouterr().out
    assert said.count("Note: ") == 1
    assert "Nobody renews the API key of tenant-0, tenant-1," in said
    assert "tenant-19 and 2 more, because nobody knows when it ends." in said
    assert "23 looked at. All is well." in said
    show_json(rows, [])
    document = json.loads(capsys.readouterr().out)
    assert (document["fine"], len(document["notes"])) == (True, 1)
