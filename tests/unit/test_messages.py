"""What people and programs read."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from certificate_rotation.domain.errors import (
    InvalidEvent,
    OutcomeUnknown,
    ServiceFailure,
    ServiceUnreachable,
    Unauthorized,
    cure_of,
)
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.state import LastRotation, State
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Verdict
from certificate_rotation.notifications.alerts import Delivery
from tests.support.alert_memory import ARN, KNOWN, NO_ANSWER, REPORT, Bus, Memory, Topic, alerts, run
from tests.support.factories import NOW


def test_a_failure_is_told_with_what_happened_whether_it_works_and_what_to_do() -> None:
    """In this order, in plain words."""
    topic, memory = Topic(), Memory(State(attempts=Attempts(1, NOW)))
    alerts(topic, memory).failed(ServiceFailure("The service answered 503."), REPORT, run())
    (message,) = topic.published
    assert message["Subject"] == "[Device-ID] WARNING: ServiceFailure - device-id-AbCdEf, 20 days left"
    titles = ["What happened", "Does traffic still work", "What happens by itself", "What you can do", "Details"]
    places = [topic.text().index(f"{title}\n") for title in titles]
    assert places == sorted(places)
    assert "The service answered 503." in topic.text()
    assert cure_of(ServiceFailure, ARN, "stack") in topic.text()
    assert ServiceFailure.by_itself in topic.text()
    assert "Log: https://log" in topic.text()
    assert "The certificate ends at 2026-12-14T12:00:00Z, in 20 days." in topic.text()
    assert "Attempts left: 1" in topic.text(), "as it is now, not as it was at the start of the run"
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "severity": "WARNING",
        "code": "ServiceFailure",
        "secret": ARN,
    }
    assert memory.remembered() == KNOWN


def test_programs_get_the_same_as_an_event_with_a_version() -> None:
    """A queue or a function need not take a text apart."""
    topic, bus = Topic(), Bus()
    alerts(topic, Memory(State(attempts=Attempts(0, NOW))), bus).failed(ServiceFailure("503"), REPORT, run())
    assert "MessageStructure" not in topic.published[0], "SNS delivers attributes with a plain text alone"
    ((kind, detail, resource),) = bus.put_events
    assert (kind, resource) == ("Rotation Failed", ARN)
    assert (detail["subject"], detail["text"]) == (topic.published[0]["Subject"], topic.text())
    expected = {
        "version": 1,
        "code": "ServiceFailure",
        "severity": "WARNING",
        "secretArn": ARN,
        "renews": "certificate",
        "daysLeft": 20,
        "inUse": "accepted",
        "reason": "begun",
        "since": "2026-11-24T12:00:00Z",
        "nextAttemptAt": "2026-11-24T13:02:00Z",
        "requestId": "request-1",
        "logUrl": "https://log",
    }
    assert detail.items() >= expected.items()
    assert "The next attempt is free at 2026-11-24T13:02:00Z" in topic.text()


def test_a_hold_says_when_it_ends_by_itself() -> None:
    """The first question at 3 a.m. is whether it can wait."""
    topic = Topic()
    report = replace(REPORT, held_until=NOW + timedelta(days=13))
    alerts(topic, Memory()).failed(OutcomeUnknown("The answer was lost."), report, run())
    assert "That is at 2026-12-07T12:00:00Z." in topic.text()


def test_a_hold_whose_end_is_past_names_no_date() -> None:
    """In the critical days nothing holds any more: a date of last week would only puzzle."""
    topic = Topic()
    report = replace(REPORT, held_until=NOW - timedelta(days=1))
    alerts(topic, Memory()).failed(OutcomeUnknown("The answer was lost."), report, run())
    assert "That is at" not in topic.text()


@pytest.mark.parametrize(
    ("after", "left", "reason", "words"),
    [
        (timedelta(days=1), timedelta(days=20), "reminder", "It still fails (since"),
        (timedelta(hours=1), timedelta(days=14), "escalated", "the end has come closer"),
    ],
)
def test_a_message_says_why_it_comes_again(after: timedelta, left: timedelta, reason: str, words: str) -> None:
    """Else a reminder reads like something new."""
    topic, bus = Topic(), Bus()
    report = replace(REPORT, at=NOW + after, not_after=NOW + after + left)
    alerts(topic, Memory(State(incident=KNOWN)), bus).failed(ServiceFailure("503"), report, run())
    assert bus.detail()["reason"] == reason
    assert words in topic.text()


def test_what_sns_would_refuse_is_told_all_the_same() -> None:
    """It takes no control character and nothing that is not Unicode: better a question mark than no message."""
    topic = Topic()
    error = ServiceFailure("AWS said \x00\ud800.\nSecond line.")
    alerts(topic, Memory()).failed(error, replace(REPORT, cert_name="a\x1bb"), run())
    assert "AWS said ??.\nSecond line." in topic.text()
    assert "Certificate: a?b" in topic.text()


@pytest.mark.parametrize(
    ("left", "in_use", "severity"),
    [
        (timedelta(days=15), ACCEPTED, "WARNING"),
        (timedelta(days=15), NO_ANSWER, "WARNING"),
        (timedelta(days=15), NOT_ASKED, "WARNING"),
        (timedelta(days=300), REFUSED, "CRITICAL"),
        (timedelta(days=14), ACCEPTED, "CRITICAL"),
        (timedelta(0), ACCEPTED, "CRITICAL"),
        (None, NOT_ASKED, "CRITICAL"),
    ],
)
def test_how_bad_it_is_follows_from_the_life_that_is_left_and_from_what_the_service_said(
    left: timedelta | None, in_use: Verdict, severity: str
) -> None:
    """People sort by it."""
    topic = Topic()
    report = Report(ARN, NOW, not_after=None if left is None else NOW + left, in_use=in_use)
    alerts(topic, Memory()).failed(ServiceFailure("503"), report, run())
    assert topic.published[0]["MessageAttributes"]["severity"]["StringValue"] == severity


def test_a_bad_event_is_never_critical() -> None:
    """Somebody mistyped it, and nothing else is wrong."""
    topic = Topic()
    alerts(topic, Memory()).failed(InvalidEvent("unknown key"), Report("function", NOW, of_function=True), run())
    assert topic.published[0]["Subject"].startswith("[Device-ID] WARNING: InvalidEvent")


BEFORE, AFTER = NOW + timedelta(days=20), NOW - timedelta(days=1)
ENDS, ENDED = (
    "The certificate ends at 2026-12-14T12:00:00Z, in 20 days.",
    "The certificate ended at 2026-11-23T12:00:00Z.",
)
YES = "Yes: the service accepted the certificate and the API key in use during this run."
NO = "No: the service refused the certificate and the API key in use during this run."
NOT_KNOWN = "Not known: the service was asked in this run and gave no verdict (It answered 503.)."


@pytest.mark.parametrize(
    ("in_use", "ends", "sentence"),
    [
        (ACCEPTED, BEFORE, f"{YES} {ENDS}"),
        (ACCEPTED, AFTER, f"{YES} {ENDED}"),
        (
            REFUSED,
            BEFORE,
            f"{NO} It judges them as a pair, and does not say which of the two it means. {ENDS}",
        ),
        (REFUSED, AFTER, f"No: the service refused the certificate in use during this run. {ENDED}"),
        (NO_ANSWER, BEFORE, f"{NOT_KNOWN} {ENDS}"),
        (NO_ANSWER, AFTER, f"{NOT_KNOWN} {ENDED}"),
        (NOT_ASKED, BEFORE, f"Not asked in this run. {ENDS}"),
        (NOT_ASKED, AFTER, f"Not asked in this run. {ENDED}"),
        (NOT_ASKED, None, "Not asked: this run did not come to know the credential in use."),
    ],
)
def test_a_mail_says_of_traffic_what_the_service_answered(
    in_use: Verdict, ends: datetime | None, sentence: str
) -> None:
    """Whoever is woken up believes it. The date stands beside it and never for it, nor silence for either."""
    report = replace(REPORT, in_use=in_use, not_after=ends)
    topic, bus = Topic(), Bus()
    told = alerts(topic, Memory(), bus)
    told.failed(ServiceUnreachable("No connection."), report, run())
    told.recovered(KNOWN, report, State(), run())
    told.dropped("new", report, State(), run())
    told.rotated(Rotated(LastRotation(NOW, "new", "f", "p"), NOT_ASKED), report, State(), run(), announce=True)
    for number in range(4):
        assert f"Does traffic still work\n{sentence}\n\n" in topic.text(number)
        assert bus.detail(number)["inUse"] == in_use.answer


def test_of_the_function_itself_nobody_was_asked() -> None:
    """What it fails at, or has mended, is no credential's."""
    topic, bus = Topic(), Bus()
    report = Report("function", NOW, of_function=True)
    told = alerts(topic, Memory(), bus)
    told.failed(InvalidEvent("unknown key"), report, run())
    told.recovered(replace(KNOWN, code="InvalidEvent"), report, State(), run())
    for number in range(2):
        assert "Not asked: this is about the function, not about a credential." in topic.text(number)
    assert "Nothing. Event and settings were good in this run." in topic.text(1)
    assert (bus.detail()["renews"], bus.detail()["secretArn"]) == (None, "function")


def test_a_cure_names_the_credential_it_is_for() -> None:
    """Followed literally, it must not lead to another one."""
    topic = Topic()
    told = alerts(topic, Memory())
    told.failed(OutcomeUnknown("The answer was lost."), REPORT, run())
    told.failed(Unauthorized("401"), REPORT, run())
    assert f'{{"secretId": "{ARN}", "force": true, "allowEviction": true}}' in topic.text()
    assert f"device-id store --stack-name stack --secret {ARN}" in topic.text(1)


def test_an_error_without_a_name_is_told_without_its_text() -> None:
    """It may quote anything, a key among it."""
    topic = Topic()
    alerts(topic, Memory()).failed(RuntimeError("-----BEGIN PRIVATE KEY-----"), REPORT, run())
    (message,) = topic.published
    assert "RuntimeError" in message["Subject"]
    assert "PRIVATE KEY" not in topic.text()


@pytest.mark.parametrize(
    "secret",
    ["x" * 500, "Zürich", "line\nbreak", "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + "y" * 512],
)
def test_a_subject_is_what_sns_accepts(secret: str) -> None:
    """Printable ASCII, no line breaks, at most 99 characters: SNS refuses anything else, and nobody is told."""
    topic = Topic()
    report = Report(secret, NOW, not_after=NOW + timedelta(days=3))
    alerts(topic, Memory()).failed(ServiceFailure("503"), report, run())
    subject = topic.published[0]["Subject"]
    assert len(subject) <= 99
    assert subject.isascii()
    assert subject.isprintable()
    assert subject.endswith("3 days left")


CALM = "Consumers should read AWSCURRENT again in the next hours"
HURRY = "Consumers must reload now"


@pytest.mark.parametrize(
    ("deleted", "previous", "ended", "advice"),
    [
        ("", NOT_ASKED, False, f"{CALM}. The service said of no certificate that it was deleted; whether it still"),
        ("", ACCEPTED, False, f"{CALM}: what they hold is still accepted."),
        ("", NO_ANSWER, False, f"{HURRY}, to be safe: whether the service still accepts what they hold"),
        ("", NO_ANSWER, True, f"{HURRY}: the certificate they hold has ended."),
        ("", REFUSED, False, f"{HURRY}: the service refuses the certificate they hold."),
        ("", NOT_ASKED, True, f"{HURRY}: the certificate they hold has ended."),
        ("older", ACCEPTED, False, f"{CALM}: what they hold is still accepted. It deleted older when it issued"),
        ("old", REFUSED, False, f"{HURRY}: the service refuses the certificate they hold. It deleted old when"),
        (
            "old",
            NO_ANSWER,
            False,
            f"{HURRY}, to be safe: whether the service still accepts what they hold could not be",
        ),
        (
            "old",
            NOT_ASKED,
            False,
            f"{HURRY}, to be safe: there was no time to ask about what they hold. It deleted old",
        ),
        ("old", NO_ANSWER, True, f"{HURRY}: the certificate they hold has ended. It deleted old when it issued"),
    ],
)
def test_a_rotation_tells_consumers_when_to_reload(
    deleted: str, previous: Verdict, advice: str, *, ended: bool
) -> None:
    """When the one they hold is dead, every minute counts: the service says what works, not a name."""
    topic, bus = Topic(), Bus()
    what = Rotated(LastRotation(NOW, "new", "f", "p", "old", deleted), previous, previous_ended=ended)
    told = alerts(topic, Memory(), bus).rotated(what, REPORT, State(), run(), announce=True)
    assert told == Delivery()
    assert f"What you can do\n{advice}" in topic.text()
    hurry = advice.startswith(HURRY)
    severity = topic.published[0]["MessageAttributes"]["severity"]["StringValue"]
    assert (what.reload_now, bus.detail()["reloadNow"], severity) == (hurry, hurry, "WARNING" if hurry else "INFO")
    assert (bus.detail()["deletedCertName"], bus.detail()["previous"]) == (deleted or None, previous.answer)


@pytest.mark.parametrize(
    ("in_use", "severity"), [(ACCEPTED, "INFO"), (NOT_ASKED, "INFO"), (NO_ANSWER, "WARNING"), (REFUSED, "WARNING")]
)
def test_a_rotation_to_what_was_not_accepted_is_a_warning(in_use: Verdict, severity: str) -> None:
    """It was used because nothing else was left; somebody should look."""
    topic = Topic()
    what = Rotated(LastRotation(NOW, "new", "f", "p"), NOT_ASKED)
    alerts(topic, Memory()).rotated(what, replace(REPORT, in_use=in_use), State(), run(), announce=False)
    assert [message["MessageAttributes"]["severity"]["StringValue"] for message in topic.published] == (
        [severity] if severity == "WARNING" else []
    )
