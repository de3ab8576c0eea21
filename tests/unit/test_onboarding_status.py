"""`status`: what a person has to see to, and what is shown."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certificate_rotation.results import utc_text
from certificate_rotation.state import Incident, LastRotation, Lease, OpenAttempt, State
from tests.unit.made import NOW
from tests.unit.test_onboarding_whose import assert_complete
from tools.onboarding.attention import attention
from tools.onboarding.cures import cure
from tools.onboarding.looking import Failure, Schedule, Seen, Subscription
from tools.onboarding.status import show, show_json
from tools.onboarding.whose import Whose

ANSWER = {
    "outcome": "dry_run",
    "secretId": "arn",
    "certName": "onboarded",
    "notAfter": utc_text(NOW + timedelta(days=60)),
    "daysLeft": 60,
    "renewAt": utc_text(NOW + timedelta(days=30)),
    "attemptsAvailable": 3,
    "nextAttemptAt": None,
    "wouldDo": "nothing",
    "why": "The certificate in use is young enough.",
}
OWN = Whose("arn:own", "the stack mine's own", ("--own",), "mine", own=True)
ACME = Whose("arn:acme", "the tenant acme's", ("--tenant", "acme"), "mine", tenant="acme")
FINE = Seen(
    whose=ACME,
    empty=False,
    answer=ANSWER,
    failure=None,
    labels={},
    state=State(),
    topic_arn="arn:aws:sns:us-east-1:123456789012:alerts",
    subscriptions=(Subscription("email", "ops@example.com", confirmed=True),),
    schedule=Schedule("rate(1 hour)", "UTC", enabled=True),
    critical_days=7,
)
ATTEMPT = OpenAttempt(NOW, "intent", "fingerprint", "device-id-1", certificate="-----BEGIN CERTIFICATE-----")
INCIDENT = Incident("ServiceFailure", since=NOW - timedelta(hours=2), alerted_at=NOW, level=0)


def answering(**changes: object) -> Seen:
    """As FINE, with another answer of the dry run."""
    return replace(FINE, answer={**ANSWER, **changes})


def remembering(**changes: Any) -> Seen:  # noqa: ANN401 - a field of State each
    """As FINE, with another record in the ledger."""
    return replace(FINE, state=State(**changes))


def test_nothing_needs_a_person_when_all_is_well() -> None:
    """A check that always cries is not read."""
    assert attention(FINE, NOW) == []


NEEDS = {
    "an empty secret": (
        replace(FINE, empty=True),
        '`make csr ARGS="--tenant acme --stack-name mine"`, then `make store ARGS="',
    ),
    "a failure with a name": (
        replace(FINE, answer={}, failure=Failure("InvalidCredential", "cert is missing.")),
        f"cert is missing. {cure('InvalidCredential', 'arn:acme', 'mine')}",
    ),
    "a failure without one": (
        replace(FINE, answer={}, failure=Failure("Runtime.ExitError", "It ended.")),
        "It ended. Read the log of this run",
    ),
    "a word of Python's for an error": (
        replace(FINE, answer={}, failure=Failure("Iterator", "It ended.")),
        "Read the log of this run",
    ),
    "an expired certificate": (
        answering(wouldDo="fail", why="It ended.", daysLeft=-1),
        cure("CredentialExpired", "arn:acme", "mine"),
    ),
    "few days left, and renewal to come": (
        answering(daysLeft=7, wouldDo="rotate"),
        'A run would go ahead: invoke the function (Lambda console > the function > Test) with {"secretId": "arn:acme',
    ),
    "few days left, and a hold": (
        answering(daysLeft=7, wouldDo="hold", until="2026-12-01T00:00:00Z"),
        'with {"secretId": "arn:acme", "force": true, "allowEviction": true}.',
    ),
    "few days left, and no attempt": (
        answering(daysLeft=7, wouldDo="wait", until="2026-12-01T00:00:00Z"),
        "The service takes no request before 2026-12-01T00:00:00Z",
    ),
    "few days in all": (answering(daysLeft=7), "CriticalDays is too large"),
    "renewal that does not come": (
        answering(wouldDo="rotate", renewAt=utc_text(NOW - timedelta(days=2))),
        "Renewal has been due since 2026-11-22",
    ),
    "an incident": (remembering(incident=INCIDENT), "ServiceFailure is open since 2026-11-24T10:00:00Z"),
    "a refused credential": (
        remembering(incident=replace(INCIDENT, code="Unauthorized")),
        cure("Unauthorized", "arn:acme", "mine"),
    ),
    "a failure that has been told": (
        replace(
            remembering(incident=replace(INCIDENT, code="InvalidCredential")),
            answer={},
            failure=Failure("InvalidCredential", "cert is missing."),
        ),
        "The function fails: cert is missing.",
    ),
    "an attempt without an outcome": (remembering(open_attempt=ATTEMPT), "(device-id-1) has no known outcome"),
    "an attempt without an outcome that has been told": (
        remembering(open_attempt=ATTEMPT, incident=replace(INCIDENT, code="OutcomeUnknown")),
        cure("OutcomeUnknown", "arn:acme", "mine"),
    ),
    "a certificate that cannot be used": (
        remembering(open_attempt=replace(ATTEMPT, outcome="rejected")),
        "brought a certificate that cannot be used",
    ),
    "a mail address that was not confirmed": (
        replace(FINE, subscriptions=(Subscription("email", "ops@example.com", confirmed=False),)),
        "ops@example.com has not confirmed",
    ),
    "no reader": (replace(FINE, subscriptions=()), "Nobody is subscribed"),
    "no schedule": (replace(FINE, schedule=None), '`make tenant ARGS="add acme --stack-name mine"` makes it.'),
    "a disabled schedule": (
        replace(FINE, schedule=Schedule("rate(1 hour)", "UTC", enabled=False)),
        '`make tenant ARGS="resume acme --stack-name mine"` enables it.',
    ),
    "the own, disabled": (
        replace(FINE, whose=OWN, schedule=Schedule("rate(1 hour)", "UTC", enabled=False)),
        "Enable it in EventBridge Scheduler",
    ),
    "the own, without a schedule": (replace(FINE, whose=OWN, schedule=None), "Deploy the stack again"),
    "nobody's": (replace(FINE, whose=Whose("arn:else", "nobody's"), schedule=None), "No schedule of the stack"),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_needs_a_person_is_said_with_what_to_do(name: str) -> None:
    """One sentence each, complete for this credential, and nothing else is said beside it."""
    seen, expected = NEEDS[name]
    (said,) = attention(seen, NOW)
    assert expected in said
    assert said.endswith((".", "ADDRESS", "TOKEN"))
    assert "mail about" not in said, "who reads this may not have it"
    assert_complete(said, seen.whose)


RECOVERED = replace(answering(wouldDo="resume", certName="device-id-1"), state=State(open_attempt=ATTEMPT))


def test_after_a_recovery_nobody_is_told_to_recover(capsys: pytest.CaptureFixture[str]) -> None:
    """The certificate is in use; the next run closes the rotation, and the incident with it."""
    assert attention(RECOVERED, NOW) == []
    show(RECOVERED, [])
    assert "device-id-1, in use; the next run closes the rotation" in capsys.readouterr().out
    for code in ("OutcomeUnknown", "StorageFailure"):
        state = State(open_attempt=ATTEMPT, incident=replace(INCIDENT, code=code))
        (said,) = attention(replace(RECOVERED, state=state), NOW)
        assert "recover" not in said
        assert_complete(said, ACME)
        assert 'Test) with {"secretId": "arn:acme"}.' in said


def test_what_was_told_to_rest_needs_nobody() -> None:
    """OwnCredential=false is a choice: the secret is empty, the schedule is disabled, and all is well."""
    off = Schedule("rate(1 hour)", "UTC", enabled=False)
    resting = replace(
        FINE, whose=OWN, empty=True, answer={}, failure=Failure("InvalidCredential", "No."), schedule=off, rests=True
    )
    assert attention(resting, NOW) == []
    assert len(attention(replace(resting, subscriptions=()), NOW)) == 1


LEAVES_ALONE = {
    "a run at work": remembering(open_attempt=ATTEMPT, lease=Lease("a run", NOW + timedelta(minutes=1))),
    "a certificate that the next run puts into use": remembering(open_attempt=replace(ATTEMPT, outcome="issued")),
    "renewal that is due since an hour": answering(wouldDo="rotate", renewAt=utc_text(NOW - timedelta(hours=1))),
    "a wait for the vendor's limit": answering(wouldDo="wait", until=utc_text(NOW + timedelta(hours=1))),
}


@pytest.mark.parametrize("name", LEAVES_ALONE)
def test_what_passes_by_itself_needs_nobody(name: str) -> None:
    """The next run sees to it."""
    assert attention(LEAVES_ALONE[name], NOW) == []


def test_a_person_reads_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, days, attempts, what comes next and who is told."""
    last = LastRotation(NOW, "device-id-1", "a", "b", deleted_cert_name="onboarded")
    show(replace(FINE, state=State(last_rotation=last)), [])
    said = capsys.readouterr().out
    for expected in (
        "Certificate    onboarded, ends 2027-01-23T12:00:00Z, 60 days left",
        "A run now      would do nothing. The certificate in use is young enough.",
        "Attempts       3 left",
        "Under way      nothing",
        "2026-11-24T12:00:00Z, to device-id-1; the service deleted onboarded",
        "Alerts go to   ops@example.com (email), confirmed",
        "rate(1 hour), the next run comes within 1 hour",
        "All is well.",
    ):
        assert expected in said


def test_a_person_reads_what_is_under_way_and_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """This is the day they look."""
    seen = replace(
        answering(
            attemptsAvailable=0,
            nextAttemptAt="2026-11-24T13:00:00Z",
            wouldDo="hold",
            why="Careful.",
            until="2026-12-01T00:00:00Z",
        ),
        state=State(open_attempt=ATTEMPT, incident=INCIDENT),
        labels={"ROTATION_INTENT": "a", "AWSPENDING": "b"},
        subscriptions=(),
        schedule=Schedule("cron(0 * * * ? *)", "UTC", enabled=True),
    )
    show(seen, attention(seen, NOW))
    said = capsys.readouterr().out
    for expected in (
        "A run now      would hold. Careful. Until 2026-12-01T00:00:00Z.",
        "Attempts       none left, the next one at 2026-11-24T13:00:00Z",
        "device-id-1, asked for, and no answer is known",
        "its key and request are stored; a new credential is staged",
        "Incident       ServiceFailure since 2026-11-24T10:00:00Z, last told 2026-11-24T12:00:00Z",
        "Alerts go to   nobody",
        "cron(0 * * * ? *), time zone UTC",
        "This needs you:",
    ):
        assert expected in said
    show(NEEDS["a failure with a name"][0], ["It fails."])
    assert "would fail. cert is missing." in capsys.readouterr().out


def test_a_program_reads_json_without_the_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    """Small, and the same names as the function's own result."""
    show_json(replace(FINE, state=State(open_attempt=ATTEMPT, incident=INCIDENT)), ["See to it."])
    said = capsys.readouterr().out
    document = json.loads(said)
    assert document["fine"] is False
    assert document["attention"] == ["See to it."]
    assert document["dryRun"] == ANSWER
    assert document["openAttempt"]["journalled"] is True
    assert document["incident"]["code"] == "ServiceFailure"
    assert document["schedule"] == {"expression": "rate(1 hour)", "timeZone": "UTC", "enabled": True}
    assert "BEGIN" not in said
    show_json(replace(FINE, state=State(last_rotation=LastRotation(NOW, "one", "a", "b")), schedule=None), [])
    document = json.loads(capsys.readouterr().out)
    assert (document["fine"], document["lastRotation"]["certName"], document["schedule"]) == (True, "one", None)
