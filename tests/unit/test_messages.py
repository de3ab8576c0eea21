"""What people and programs read."""

from copy import replace
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
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.state import LastRotation, State
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Verdict
from certificate_rotation.notifications.alerts import Delivery
from tests.support.alert_memory import (
    ARN,
    KNOWN,
    NO_ANSWER,
    REPORT,
    Bus,
    Memory,
    Topic,
    alerts,
    known,
    run,
    with_certificate,
)
from tests.support.factories import NOW


def of_key(report: Report, ends: datetime | None, **changes: object) -> Report:
    """The report with something else known of its API key."""
    life = Life(ends, ends - timedelta(days=10)) if ends else Life()
    found = replace(report.halves[HalfName.API_KEY], life=life, **changes)  # type: ignore[arg-type]
    return replace(report, halves={**report.halves, HalfName.API_KEY: found})


ABOUT_KEY = replace(REPORT, renews=HalfName.API_KEY)  # whose end nobody knows


def test_a_failure_is_told_with_what_happened_whether_it_works_and_what_to_do() -> None:
    """In this order, in plain words."""
    topic, memory = Topic(), Memory(known(attempts=Attempts(1, NOW)))
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
    report = replace(REPORT, renews=HalfName.CERTIFICATE)
    alerts(topic, Memory(known(attempts=Attempts(0, NOW))), bus).failed(ServiceFailure("503"), report, run())
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
        "notAfter": "2026-12-14T12:00:00Z",
        "apiKeyNotAfter": None,
        "daysLeft": 20,
        "attemptsAvailable": 0,
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
    report = with_certificate(REPORT, held_until=NOW + timedelta(days=13))
    alerts(topic, Memory()).failed(OutcomeUnknown("The answer was lost."), report, run())
    assert "That is at 2026-12-07T12:00:00Z." in topic.text()


def test_a_hold_whose_end_is_past_names_no_date() -> None:
    """In the critical days nothing holds any more: a date of last week would only puzzle."""
    topic = Topic()
    report = with_certificate(REPORT, held_until=NOW - timedelta(days=1))
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
    report = with_certificate(replace(REPORT, at=NOW + after), NOW + after + left)
    alerts(topic, Memory(known(incident=KNOWN)), bus).failed(ServiceFailure("503"), report, run())
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
    report = (
        Report(ARN, NOW, in_use=in_use)
        if left is None
        else with_certificate(replace(REPORT, in_use=in_use), NOW + left)
    )
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
KEY_ENDS, KEY_ENDED = (sentence.replace("certificate", "API key") for sentence in (ENDS, ENDED))
NOBODY = "Nobody knows when the API key ends: apiKeyExpiry is not in the secret, cannot be read, or is not looked at."
YES = "Yes: the service accepted the certificate and the API key in use during this run."
NO = (
    "No: the service refused the certificate and the API key in use during this run. It judges them as a pair, and "
    "does not say which of the two it means."
)
NO_FOR = "No: the service refused the credential in use during this run, and its {} has ended."
NOT_KNOWN = "Not known: the service was asked in this run and gave no verdict (It answered 503.)."


@pytest.mark.parametrize(
    ("in_use", "ends", "key_ends", "sentence"),
    [
        (ACCEPTED, BEFORE, None, f"{YES} {ENDS} {NOBODY}"),
        (ACCEPTED, BEFORE, BEFORE, f"{YES} {ENDS} {KEY_ENDS}"),
        (ACCEPTED, AFTER, None, f"{YES} {ENDED} {NOBODY}"),
        (ACCEPTED, BEFORE, AFTER, f"{YES} {ENDS} {KEY_ENDED}"),
        (REFUSED, BEFORE, None, f"{NO} {ENDS} {NOBODY}"),
        (REFUSED, BEFORE, BEFORE, f"{NO} {ENDS} {KEY_ENDS}"),
        (REFUSED, AFTER, None, f"{NO_FOR.format('certificate')} {ENDED} {NOBODY}"),
        (REFUSED, BEFORE, AFTER, f"{NO_FOR.format('API key')} {ENDS} {KEY_ENDED}"),
        (NO_ANSWER, BEFORE, None, f"{NOT_KNOWN} {ENDS} {NOBODY}"),
        (NO_ANSWER, AFTER, BEFORE, f"{NOT_KNOWN} {ENDED} {KEY_ENDS}"),
        (NOT_ASKED, BEFORE, None, f"Not asked in this run. {ENDS} {NOBODY}"),
        (NOT_ASKED, AFTER, AFTER, f"Not asked in this run. {ENDED} {KEY_ENDED}"),
        (NOT_ASKED, None, None, "Not asked: this run did not come to know the credential in use."),
    ],
)
@pytest.mark.parametrize("renews", [None, *HalfName])
def test_a_mail_says_of_traffic_what_the_service_answered(
    in_use: Verdict, ends: datetime | None, key_ends: datetime | None, sentence: str, renews: HalfName | None
) -> None:
    """Whoever is woken up believes it. The dates stand beside it and never for it, nor silence for either."""
    report = replace(REPORT, in_use=in_use, renews=renews)
    report = of_key(with_certificate(report, ends), key_ends) if ends else replace(report, halves={})
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
    report = with_certificate(replace(REPORT, secret=secret), NOW + timedelta(days=3))
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


def test_a_mail_about_the_api_key_says_so_in_words() -> None:
    """Who knows certificates alone would look for one that fails."""
    topic, memory, bus = Topic(), Memory(), Bus()
    report = of_key(ABOUT_KEY, NOW + timedelta(days=9))
    alerts(topic, memory, bus).failed(ServiceUnreachable("No connection."), report, run())
    subject = topic.published[0]["Subject"]
    assert subject == "[Device-ID] CRITICAL: ServiceUnreachable - API key, device-id-AbCdEf, 9 days left"
    assert "no request for a new API key was sent" in topic.text()
    assert "Half: API key\n" in topic.text()
    expected = {
        "renews": "apiKey",
        "certName": "device-id-1",
        "notAfter": "2026-12-14T12:00:00Z",
        "apiKeyNotAfter": "2026-12-03T12:00:00Z",
        "daysLeft": 9,
        "attemptsAvailable": 5,
        "nextAttemptAt": None,
    }
    assert bus.detail().items() >= expected.items()


@pytest.mark.parametrize(
    ("renews", "key_ends", "days"),
    [
        (HalfName.CERTIFICATE, 9, 20),
        (HalfName.API_KEY, 9, 9),
        (HalfName.API_KEY, None, None),
        (None, 9, 9),  # of the credential as a whole, the nearer end
        (None, 30, 20),
        (None, None, 20),
    ],
)
def test_the_days_of_a_mail_are_those_of_what_it_is_about(
    renews: HalfName | None, key_ends: float | None, days: int | None
) -> None:
    """How bad it is hangs on them: the other half's end is no reason to be woken for this one."""
    topic, bus = Topic(), Bus()
    ends = NOW + timedelta(days=key_ends) if key_ends else None
    alerts(topic, Memory(), bus).failed(ServiceFailure("503"), of_key(replace(REPORT, renews=renews), ends), run())
    assert bus.detail()["daysLeft"] == days
    assert (f"{days} days left" in topic.published[0]["Subject"]) is (days is not None)
    assert bus.detail()["severity"] == ("CRITICAL" if days == 9 else "WARNING")


def test_a_hold_without_an_end_by_itself_says_so_and_how_to_go_on() -> None:
    """Nobody knows when the key ends, so nothing comes to its rescue; and this is the only mail about it."""
    topic = Topic()
    alerts(topic, Memory()).failed(OutcomeUnknown("The answer was lost."), ABOUT_KEY, run())
    assert "Rotation of the API key is held, and because nobody knows when it ends, the hold has no end" in topic.text()
    assert "CriticalDays" not in topic.text()
    assert f'{{"secretId": "{ARN}", "force": true, "allowEviction": true, "renew": "apiKey"}}' in topic.text()


def test_a_hold_of_a_key_with_an_end_names_it() -> None:
    """The first question at 3 a.m. is whether it can wait."""
    topic = Topic()
    report = of_key(ABOUT_KEY, NOW + timedelta(days=20), held_until=NOW + timedelta(days=13))
    alerts(topic, Memory()).failed(OutcomeUnknown("The answer was lost."), report, run())
    assert "Rotation of the API key is held until the one in use is within CriticalDays of its end" in topic.text()
    assert "That is at 2026-12-07T12:00:00Z." in topic.text()


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (NOW + timedelta(days=90), "It is renewed again from 2027-02-12T12:00:00Z on."),
        (
            None,
            "Nobody knows when it ends, so nothing renews it by itself: the service's expiry was past or not readable,",
        ),
    ],
)
def test_a_new_api_key_is_told_without_a_name_and_with_what_is_known_of_its_end(
    ends: datetime | None, words: str
) -> None:
    """An end that nobody knows is one that nobody renews: a person has to know it from the first day on."""
    topic, bus = Topic(), Bus()
    what = Rotated(LastRotation(NOW, "", "f", "p", None, "an older API key"), ACCEPTED)
    alerts(topic, Memory(), bus).rotated(what, of_key(ABOUT_KEY, ends), State(), run(), announce=True)
    assert "What happened\nA new API key is in use (AWSCURRENT).\n" in topic.text()
    assert f"What happens by itself\n{words}" in topic.text()
    assert "It deleted an older API key when it issued the new one." in topic.text()
    assert "API key, " in topic.published[0]["Subject"]
    assert bus.detail()["renews"] == "apiKey"
    assert not {"previousCertName", "deletedCertName"} & bus.detail().keys()


@pytest.mark.parametrize(
    ("previous", "ended", "advice"),
    [
        (REFUSED, False, f"{HURRY}: the service refuses the API key they hold."),
        (NO_ANSWER, True, f"{HURRY}: the API key they hold has ended."),
        (NOT_ASKED, False, f"{CALM}. The service said of no API key that it was deleted;"),
    ],
)
def test_a_new_api_key_tells_consumers_when_to_reload(previous: Verdict, advice: str, *, ended: bool) -> None:
    """The old one works until the next but one, or it does not: the service says so, and the mail repeats it."""
    topic = Topic()
    what = Rotated(LastRotation(NOW, "", "f", "p"), previous, previous_ended=ended)
    alerts(topic, Memory()).rotated(what, ABOUT_KEY, State(), run(), announce=True)
    assert f"What you can do\n{advice}" in topic.text()
    assert "certificate they hold" not in topic.text()


def test_a_dropped_api_key_has_no_name() -> None:
    """What is told of it must read as a sentence all the same."""
    topic, bus = Topic(), Bus()
    alerts(topic, Memory(), bus).dropped("", ABOUT_KEY, State(), run())
    assert "Somebody replaced the API key in the secret while a new API key was being put into use." in topic.text()
    assert "issued before the dropped API key, the next renewal deletes it" in topic.text()
    assert (bus.detail()["droppedCertName"], bus.detail()["renews"]) == (None, "apiKey")
