"""`status`: what a person has to see to, and what is shown."""

import json
from copy import replace
from datetime import timedelta
from typing import Any

import pytest

from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import UNUSED
from certificate_rotation.domain.state import HalfState, Incident, LastRotation, Lease, News, OpenAttempt, State
from certificate_rotation.domain.times import utc_text
from cli.errors import cure
from cli.invocation import Failure
from cli.needs import attention, notes
from cli.status import CredentialStatus, Schedule, Subscription
from cli.status_view import show, show_json
from cli.target import Target
from tests.support.factories import NOW
from tests.unit.test_cli_whose import assert_complete

ANSWER = {
    "outcome": "dry_run",
    "renews": None,
    "secretId": "arn",
    "certName": "onboarded",
    "notAfter": utc_text(NOW + timedelta(days=60)),
    "daysLeft": 60,
    "renewAt": utc_text(NOW + timedelta(days=30)),
    "attemptsAvailable": 3,
    "nextAttemptAt": None,
    "apiKeyNotAfter": utc_text(NOW + timedelta(days=90)),
    "apiKeyRenewAt": utc_text(NOW + timedelta(days=60)),
    "apiKeyAttemptsAvailable": 5,
    "apiKeyNextAttemptAt": None,
    "wouldDo": "nothing",
    "why": "The certificate in use is young enough.",
}
OWN = Target("arn:own", "the stack mine's own", ("--own",), "mine", own=True)
ACME = Target("arn:acme", "the tenant acme's", ("--tenant", "acme"), "mine", tenant="acme")
POLICY = Policy(renew_before=timedelta(), critical=timedelta(days=7), cutover_grace=timedelta(days=1))
FINE = CredentialStatus(
    target=ACME,
    at=NOW,
    empty=False,
    answer=ANSWER,
    failure=None,
    labels={},
    state=State(),
    topic_arn="arn:aws:sns:us-east-1:123456789012:alerts",
    subscriptions=(Subscription("email", "ops@example.com", confirmed=True),),
    schedule=Schedule("rate(1 hour)", "UTC", enabled=True),
    policy=POLICY,
)
ATTEMPT = OpenAttempt(NOW, "intent", "fingerprint", "device-id-1", answer="-----BEGIN CERTIFICATE-----")
EARLIER = OpenAttempt(NOW - timedelta(days=1), "earlier", "fingerprint", "device-id-0", outcome="issued")
NEWS = News(
    "n1",
    NOW - timedelta(hours=2),
    "CRITICAL",
    "Unauthorized",
    "arn",
    "certificate",
    "Unauthorized",
    "text",
    True,
    "",
    "",
)
INCIDENT = Incident("ServiceFailure", since=NOW - timedelta(hours=2), alerted_at=NOW, level=0)


def answering(**changes: object) -> CredentialStatus:
    """As FINE, with another answer of the dry run; about the certificate, if it would do anything."""
    about = {} if changes.get("wouldDo", "nothing") == "nothing" else {"renews": "certificate"}
    return replace(FINE, answer={**ANSWER, **about, **changes})


def remembering(half: HalfName = HalfName.CERTIFICATE, **changes: Any) -> CredentialStatus:  # noqa: ANN401
    """A field of HalfState each. As FINE, with another record of a half in the ledger."""
    return replace(FINE, state=State().having(half, HalfState(UNUSED[half], **changes)))


def of_key(**changes: object) -> CredentialStatus:
    """As `answering`, about the API key."""
    return answering(renews="apiKey", **changes)


CERTIFICATE, API_KEY = HalfName
KEY_ATTEMPT = OpenAttempt(NOW, "intent", "fingerprint", "", answer="sealed")
DAY = timedelta(days=1)
UNTOLD = replace(FINE, state=State(news=(NEWS,)))
NO_END = {"apiKeyNotAfter": None, "apiKeyRenewAt": None}


def test_nothing_needs_a_person_when_all_is_well() -> None:
    """A check that always cries is not read."""
    assert attention(FINE) == []


NEEDS = {
    "an empty secret": (
        replace(FINE, empty=True),
        "`device-id csr --tenant acme --stack-name mine`, then `device-id store --tenant acme --stack-name mine`.",
    ),
    "a failure with a name": (
        replace(FINE, answer={}, failure=Failure("InvalidCredential", "cert is missing.")),
        f"cert is missing. {cure('InvalidCredential', 'arn:acme', 'mine')} What to type: docs/incidents.md#invalid",
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
        answering(wouldDo="fail", why="It ended.", notAfter=utc_text(NOW - DAY)),
        cure("CredentialExpired", "arn:acme", "mine"),
    ),
    "few days left, and renewal to come": (
        answering(notAfter=utc_text(NOW + 7 * DAY), wouldDo="rotate"),
        "A run would go ahead: `device-id renew --tenant acme --stack-name mine` says what is in the way.",
    ),
    "few days left, and a hold": (
        answering(notAfter=utc_text(NOW + 7 * DAY), wouldDo="hold", until="2026-12-01T00:00:00Z"),
        "reload: `device-id renew --force --allow-eviction --tenant acme --stack-name mine`.",
    ),
    "few days left, and no attempt": (
        answering(notAfter=utc_text(NOW + 7 * DAY), wouldDo="wait", until="2026-12-01T00:00:00Z"),
        "The service takes no request before 2026-12-01T00:00:00Z",
    ),
    "few days in all": (answering(notAfter=utc_text(NOW + 7 * DAY)), "CriticalDays is too large"),
    "renewal that does not come": (
        answering(wouldDo="rotate", renewAt=utc_text(NOW - timedelta(days=2))),
        "Renewal of the certificate has been due since 2026-11-22",
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
        "brought one that cannot be used",
    ),
    "an API key that has ended": (
        of_key(wouldDo="fail", why="It ended.", apiKeyNotAfter=utc_text(NOW - DAY)),
        cure("CredentialExpired", "arn:acme", "mine"),
    ),
    "an API key with few days left, and renewal to come": (
        of_key(apiKeyNotAfter=utc_text(NOW + 7 * DAY), wouldDo="rotate"),
        "Only 7 days are left of the API key. A run would go ahead",
    ),
    "an API key with few days left, and a hold": (
        of_key(apiKeyNotAfter=utc_text(NOW + 7 * DAY), wouldDo="hold", until="2026-12-01T00:00:00Z"),
        "reload: `device-id renew --force --half apiKey --allow-eviction --tenant acme --stack-name mine`.",
    ),
    "an API key with few days in all": (
        answering(apiKeyNotAfter=utc_text(NOW + 7 * DAY)),
        "CriticalDays is too large for so short a life of the API key",
    ),
    "an API key with few days left, and a run that is about the certificate": (
        answering(apiKeyNotAfter=utc_text(NOW + 7 * DAY), wouldDo="rotate"),
        "Only 7 days are left of the API key. A run would go ahead",
    ),
    "renewal of the API key that does not come": (
        of_key(wouldDo="rotate", apiKeyRenewAt=utc_text(NOW - 2 * DAY)),
        "Renewal of the API key has been due since 2026-11-22",
    ),
    "a note of the end that cannot be read, before anybody was told": (
        of_key(wouldDo="fail", why="apiKeyExpiry in the secret is no date.", **NO_END),
        "A run would fail: apiKeyExpiry in the secret is no date.",
    ),
    "a note of the end that cannot be read": (
        replace(
            of_key(wouldDo="fail", why="apiKeyExpiry in the secret is no date.", **NO_END),
            state=remembering(API_KEY, incident=replace(INCIDENT, code="InvalidCredential")).state,
        ),
        "is open since 2026-11-24T10:00:00Z. apiKeyExpiry in the secret is no date. "
        + cure("InvalidCredential", "arn:acme", "mine", API_KEY),
    ),
    "an API key that is not accepted": (
        remembering(API_KEY, incident=replace(INCIDENT, code="ApiKeyNotAccepted")),
        cure("ApiKeyNotAccepted", "arn:acme", "mine", API_KEY),
    ),
    "an API key's attempt without an outcome": (
        remembering(API_KEY, open_attempt=KEY_ATTEMPT),
        '"force": true, "allowEviction": true, "renew": "apiKey"}',
    ),
    "an API key that cannot be used": (
        remembering(API_KEY, open_attempt=replace(KEY_ATTEMPT, outcome="rejected")),
        cure("ApiKeyRejected", "arn:acme", "mine", API_KEY),
    ),
    "an API key that is held and has no known end": (
        replace(
            remembering(API_KEY, open_attempt=KEY_ATTEMPT), answer=of_key(wouldDo="hold", why="-", **NO_END).answer
        ),
        "Nobody knows when the API key in use ends, so this has no end by itself. Waiting is safe.",
    ),
    "an API key that is held, and whose note is stale": (
        replace(
            remembering(API_KEY, open_attempt=KEY_ATTEMPT),
            answer=of_key(wouldDo="hold", why="-", apiKeyNotAfter=utc_text(NOW - DAY)).answer,
        ),
        "Nobody knows when the API key in use ends, so this has no end by itself. Waiting is safe.",
    ),
    "news that AWS did not take": (
        UNTOLD,
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
    (said,) = attention(status)
    assert expected in said
    assert said.endswith((".", "ADDRESS", "TOKEN"))
    assert "mail about" not in said, "who reads this may not have it"
    assert_complete(said, status.target)


RECOVERED = replace(answering(wouldDo="resume", certName="device-id-1"), state=remembering(open_attempt=ATTEMPT).state)


def test_after_a_recovery_nobody_is_told_to_recover(capsys: pytest.CaptureFixture[str]) -> None:
    """The certificate is in use; the next run closes the rotation, and the incident with it."""
    assert attention(RECOVERED) == []
    show(RECOVERED, [])
    assert "device-id-1, in use; the next run closes the rotation" in capsys.readouterr().out
    for code in ("OutcomeUnknown", "StorageFailure"):
        state = remembering(open_attempt=ATTEMPT, incident=replace(INCIDENT, code=code)).state
        (said,) = attention(replace(RECOVERED, state=state))
        assert "recover" not in said
        assert_complete(said, ACME)
        assert "to have that now: `device-id renew --tenant acme --stack-name mine`." in said


def test_a_key_in_use_is_known_by_its_version_for_it_has_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    """A rotation of the function's, or of `recover`, names the version after the intent's."""
    state = remembering(API_KEY, open_attempt=KEY_ATTEMPT, incident=replace(INCIDENT, code="OutcomeUnknown")).state
    promoted = replace(answering(wouldDo="rotate"), state=state, version="intent-0a1b")
    (said,) = attention(promoted)
    assert "and the new API key is in use already" in said
    show(promoted, [])
    assert "Key under way  one, in use; the next run closes the rotation" in capsys.readouterr().out
    (said,) = attention(replace(promoted, version="another"))
    assert "in use already" not in said


def test_a_key_nobody_renews_is_said_and_needs_nobody_today(capsys: pytest.CaptureFixture[str]) -> None:
    """Traffic works, and a check that cries for ever is not read; but one day the key ends."""
    status = answering(**NO_END)
    assert attention(status) == []
    (note,) = notes(status)
    assert note.startswith("Nobody renews the API key, because nobody knows when it ends.")
    assert "`device-id renew --force --half apiKey --tenant acme --stack-name mine`" in note
    assert_complete(note, ACME)
    show(status, [], [note])
    said = capsys.readouterr().out
    for expected in ("API key        end not known", "Note: Nobody renews the API key", "All is well."):
        assert expected in said
    assert "Key renewal" not in said
    show_json(status, [], [note])
    document = json.loads(capsys.readouterr().out)
    assert (document["fine"], document["notes"]) == (True, [note])


UNASKED = replace(POLICY, renew_api_key=False)
NOTED = {
    "an end that is known": FINE,
    "nobody wants it renewed": replace(answering(**NO_END), policy=UNASKED),
    "a run that failed": NEEDS["a failure with a name"][0],
    "a note that cannot be read": NEEDS["a note of the end that cannot be read"][0],
    "a credential that rests": replace(answering(**NO_END), rests=True),
}


@pytest.mark.parametrize("name", NOTED)
def test_nothing_is_noted_where_the_end_is_known_or_not_wanted(name: str) -> None:
    """A sentence that does not apply teaches people to skip them."""
    assert notes(NOTED[name]) == []


def test_a_key_that_is_not_to_be_renewed_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever comes after the one who chose it learns the parameter's name."""
    show(NOTED["nobody wants it renewed"], [])
    assert "API key        is not looked at (RenewApiKey=false)" in capsys.readouterr().out


def test_what_is_under_way_with_the_key_is_shown_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Even sealed, it is nobody's business but the secret's and the ledger's."""
    last = LastRotation(NOW - DAY, "", "a", "b", deleted="an older API key")
    status = replace(
        remembering(
            API_KEY,
            open_attempt=replace(KEY_ATTEMPT, outcome="issued"),
            earlier=replace(KEY_ATTEMPT, started_at=NOW - DAY, outcome="issued"),
            last_rotation=last,
            incident=replace(INCIDENT, code="ApiKeyNotAccepted"),
        ),
        labels={"API_KEY_INTENT": "a", "API_KEY_EARLIER": "b", "API_KEY_STAGED": "c"},
        answer=of_key(
            wouldDo="resume", why="One is in hand.", apiKeyAttemptsAvailable=0, apiKeyNextAttemptAt="T"
        ).answer,
    )
    show(status, [])
    show_json(status, [])
    said = capsys.readouterr().out
    for expected in (
        "A run now      would carry on with the API key. One is in hand.",
        "Key attempts   none left, the next one at T",
        "Key under way  one, issued, and not in use yet (2026-11-24T12:00:00Z); beside it one, issued, and not in use",
        "what opens its answer is stored; what opens the answer of the earlier one is stored; a new credential is",
        "Key rotation   2026-11-23T12:00:00Z; the service deleted an older API key",
        "Key incident   ApiKeyNotAccepted since 2026-11-24T10:00:00Z, last told 2026-11-24T12:00:00Z",
        "Under way      nothing",
        "Incident       none",
    ):
        assert expected in said
    document = json.loads(said[said.index("{") :])
    assert document["apiKey"]["openAttempt"]["journalled"] is True
    assert document["apiKey"]["incident"]["code"] == "ApiKeyNotAccepted"
    assert document["certificate"]["openAttempt"] is None
    assert "sealed" not in said


def test_what_has_ended_is_not_said_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    """A number of days below zero is a puzzle."""
    show(of_key(wouldDo="rotate", apiKeyNotAfter=utc_text(NOW - DAY)), [])
    assert "API key        ended 2026-11-23T12:00:00Z\n" in capsys.readouterr().out


def test_a_hold_without_an_end_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody should wait for a time that does not come."""
    show(NEEDS["an API key that is held and has no known end"][0], [])
    assert "A run now      would hold the API key. - This has no end by itself." in capsys.readouterr().out


def test_two_certificates_that_wait_are_both_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """In its last day one more is asked for; which of the two is taken is up to the service."""
    waiting = replace(
        remembering(open_attempt=replace(ATTEMPT, outcome="issued"), earlier=EARLIER),
        labels={"CERTIFICATE_INTENT": "a", "CERTIFICATE_EARLIER": "b"},
    )
    show(waiting, [])
    assert (
        "device-id-1, issued, and not in use yet (2026-11-24T12:00:00Z); "
        "beside it device-id-0, issued, and not in use yet (2026-11-23T12:00:00Z); "
        "its key and request are stored; the key and request of the earlier one are stored"
    ) in capsys.readouterr().out
    show(replace(waiting, answer=answering(wouldDo="resume", certName="device-id-0").answer), [])
    assert (
        "device-id-1, issued, and not in use yet (2026-11-24T12:00:00Z); beside it device-id-0, in use; the next run"
    ) in capsys.readouterr().out
    show_json(waiting, [])
    document = json.loads(capsys.readouterr().out)
    assert document["certificate"]["openAttempt"]["name"] == "device-id-1"
    assert document["certificate"]["earlierAttempt"]["name"] == "device-id-0"


def test_once_the_earlier_one_is_in_use_the_later_one_needs_nobody() -> None:
    """The next run closes both."""
    state = remembering(open_attempt=ATTEMPT, earlier=EARLIER).state
    either = replace(answering(wouldDo="resume", certName="device-id-0"), state=state)
    assert attention(either) == []


def test_news_that_waits_is_shown_with_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks at night is told here what no mail told them."""
    show(UNTOLD, [])
    assert "Not told yet   Unauthorized (2026-11-24T10:00:00Z)" in capsys.readouterr().out
    show_json(UNTOLD, [])
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
    assert attention(resting) == []
    assert len(attention(replace(resting, subscriptions=()))) == 1


LEAVES_ALONE = {
    "a run at work": replace(
        FINE,
        state=replace(remembering(open_attempt=ATTEMPT).state, lease=Lease("a run", NOW + timedelta(minutes=1))),
    ),
    "a certificate that the next run puts into use": remembering(open_attempt=replace(ATTEMPT, outcome="issued")),
    "renewal that is due since an hour": answering(wouldDo="rotate", renewAt=utc_text(NOW - timedelta(hours=1))),
    "an API key that works though its note is past": of_key(wouldDo="rotate", apiKeyNotAfter=utc_text(NOW - DAY)),
    "a wait for the vendor's limit": answering(wouldDo="wait", until=utc_text(NOW + timedelta(hours=1))),
}


@pytest.mark.parametrize("name", LEAVES_ALONE)
def test_what_passes_by_itself_needs_nobody(name: str) -> None:
    """The next run sees to it."""
    assert attention(LEAVES_ALONE[name]) == []


def test_a_person_reads_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, days, attempts, what comes next and who is told."""
    last = LastRotation(NOW, "device-id-1", "a", "b", deleted="onboarded")
    show(remembering(last_rotation=last), [])
    said = capsys.readouterr().out
    for expected in (
        "Certificate    onboarded, ends 2027-01-23T12:00:00Z, 60 days left",
        "A run now      would do nothing. The certificate in use is young enough.",
        "Attempts       3 left",
        "Under way      nothing",
        "API key        ends 2027-02-22T12:00:00Z, 90 days left",
        "Key renewal    due from 2027-01-23T12:00:00Z on",
        "Key attempts   5 left",
        "Key under way  nothing",
        "Key rotation   none yet",
        "Key incident   none",
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
        state=remembering(open_attempt=ATTEMPT, incident=INCIDENT).state,
        labels={"CERTIFICATE_INTENT": "a", "CERTIFICATE_STAGED": "b"},
        subscriptions=(),
        schedule=Schedule("cron(0 * * * ? *)", "UTC", enabled=True),
    )
    show(status, attention(status))
    said = capsys.readouterr().out
    for expected in (
        "A run now      would hold the certificate. Careful. Until 2026-12-01T00:00:00Z.",
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
    show_json(remembering(open_attempt=ATTEMPT, incident=INCIDENT), ["See to it."])
    said = capsys.readouterr().out
    document = json.loads(said)
    assert document["fine"] is False
    assert document["attention"] == ["See to it."]
    assert document["dryRun"] == ANSWER
    assert document["certificate"]["openAttempt"]["journalled"] is True
    assert document["certificate"]["incident"]["code"] == "ServiceFailure"
    assert document["schedule"] == {"expression": "rate(1 hour)", "timeZone": "UTC", "enabled": True}
    assert "BEGIN" not in said
    show_json(replace(remembering(last_rotation=LastRotation(NOW, "one", "a", "b")), schedule=None), [])
    document = json.loads(capsys.readouterr().out)
    assert (document["fine"], document["schedule"]) == (True, None)
    assert document["certificate"]["lastRotation"]["name"] == "one"
