"""`status`: what a person has to see to, and what is shown."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certificate_rotation.domain.result import utc_text
from certificate_rotation.domain.state import Incident, LastRotation, Lease, News, OpenAttempt, State
from cli.errors import cure
from cli.needs import attention
from cli.status import CredentialStatus, Failure, Schedule, Subscription
from cli.status_view import show, show_json
from cli.target import Target
from tests.support.factories import NOW
from tests.unit.test_cli_whose import assert_complete

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
OWN = Target("arn:own", "the stack mine's own", ("--own",), "mine", own=True)
ACME = Target("arn:acme", "the tenant acme's", ("--tenant", "acme"), "mine", tenant="acme")
FINE = CredentialStatus(
    target=ACME,
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
EARLIER = OpenAttempt(NOW - timedelta(days=1), "earlier", "fingerprint", "device-id-0", outcome="issued")
NEWS = News("n1", NOW - timedelta(hours=2), "CRITICAL", "Unauthorized", "arn", "Unauthorized", "text", True, "", "")
INCIDENT = Incident("ServiceFailure", since=NOW - timedelta(hours=2), alerted_at=NOW, level=0)


def answering(**changes: object) -> CredentialStatus:
    """As FINE, with another answer of the dry run."""
    return replace(FINE, answer={**ANSWER, **changes})


def remembering(**changes: Any) -> CredentialStatus:  # noqa: ANN401 - a field of State each
    """As FINE, with another record in the ledger."""
    return replace(FINE, state=State(**changes))


def test_nothing_needs_a_person_when_all_is_well() -> None:
    """A check that always cries is not read."""
    assert attention(FINE, NOW) == []


NEEDS = {
    "an empty secret": (
        replace(FINE, empty=True),
        "`device-id csr --tenant acme --stack-name mine`, then `device-id store --tenant acme --stack-name mine`.",
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
    "news that AWS did not take": (
        remembering(news=(NEWS,)),
        "did not take what people or programs should have been told: Unauthorized (2026-11-24T10:00:00Z).",
    ),
    "a mail address that was not confirmed": (
        replace(FINE, subscriptions=(Subscription("email", "ops@example.com", confirmed=False),)),
        "ops@example.com has not confirmed",
    ),
    "no reader": (replace(FINE, subscriptions=()), "Nobody is subscribed"),
    "no schedule": (replace(FINE, schedule=None), "`device-id tenant add acme --stack-name mine` makes it."),
    "a disabled schedule": (
        replace(FINE, schedule=Schedule("rate(1 hour)", "UTC", enabled=False)),
        "`device-id tenant resume acme --stack-name mine` enables it.",
    ),
    "the own, disabled": (
        replace(FINE, target=OWN, schedule=Schedule("rate(1 hour)", "UTC", enabled=False)),
        "Enable it in EventBridge Scheduler",
    ),
    "the own, without a schedule": (replace(FINE, target=OWN, schedule=None), "Deploy the stack again"),
    "nobody's": (replace(FINE, target=Target("arn:else", "nobody's"), schedule=None), "No schedule of the stack"),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_needs_a_person_is_said_with_what_to_do(name: str) -> None:
    """One sentence each, complete for this credential, and nothing else is said beside it."""
    status, expected = NEEDS[name]
    (said,) = attention(status, NOW)
    assert expected in said
    assert said.endswith((".", "ADDRESS", "TOKEN"))
    assert "mail about" not in said, "who reads this may not have it"
    assert_complete(said, status.target)


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


def test_two_certificates_that_wait_are_both_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """In its last day one more is asked for; which of the two is taken is up to the service."""
    waiting = replace(
        remembering(open_attempt=replace(ATTEMPT, outcome="issued"), earlier=EARLIER),
        labels={"ROTATION_INTENT": "a", "ROTATION_EARLIER": "b"},
    )
    show(waiting, [])
    assert (
        "device-id-1, issued, and not in use yet (2026-11-24T12:00:00Z); "
        "beside it device-id-0, issued, and not in use yet (2026-11-23T12:00:00Z); "
        "its key and request are stored; the key and request of the earlier one are stored"
    ) in capsys.readouterr().out
    show(replace(waiting, answer={**ANSWER, "wouldDo": "resume", "certName": "device-id-0"}), [])
    assert (
        "device-id-1, issued, and not in use yet (2026-11-24T12:00:00Z); beside it device-id-0, in use; the next run"
    ) in capsys.readouterr().out
    show_json(waiting, [])
    document = json.loads(capsys.readouterr().out)
    assert (document["openAttempt"]["certName"], document["earlierAttempt"]["certName"]) == (
        "device-id-1",
        "device-id-0",
    )


def test_once_the_earlier_one_is_in_use_the_later_one_needs_nobody() -> None:
    """The next run closes both."""
    either = replace(
        answering(wouldDo="resume", certName="device-id-0"), state=State(open_attempt=ATTEMPT, earlier=EARLIER)
    )
    assert attention(either, NOW) == []


def test_news_that_waits_is_shown_with_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks at night is told here what no mail told them."""
    show(remembering(news=(NEWS,)), [])
    assert "Not told yet   Unauthorized (2026-11-24T10:00:00Z)" in capsys.readouterr().out
    show_json(remembering(news=(NEWS,)), [])
    (untold,) = json.loads(capsys.readouterr().out)["untoldNews"]
    assert untold == {
        "at": "2026-11-24T10:00:00Z",
        "severity": "CRITICAL",
        "code": "Unauthorized",
        "subject": "Unauthorized",
        "mail": True,
        "event": False,
    }


def test_what_was_told_to_rest_needs_nobody() -> None:
    """OwnCredential=false is a choice: the secret is empty, the schedule is disabled, and all is well."""
    off = Schedule("rate(1 hour)", "UTC", enabled=False)
    resting = replace(
        FINE, target=OWN, empty=True, answer={}, failure=Failure("InvalidCredential", "No."), schedule=off, rests=True
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
    status = replace(
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
    show(status, attention(status, NOW))
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
