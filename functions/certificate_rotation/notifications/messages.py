"""What people and programs read about one credential: a subject, a text, and an event's detail. Pure.

Every sentence that is sent stands here, so that one word means one thing in all of them; cures are in `errors`.
"""

import json
from collections.abc import Mapping
from copy import replace
from datetime import datetime, timedelta
from typing import Literal

from certificate_rotation.domain.errors import InvalidEvent, RotationError, StorageFailure, by_itself_of, cure_of
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.report import HalfReport, Report, Rotated
from certificate_rotation.domain.state import Incident, News
from certificate_rotation.domain.times import days_left, utc_text
from certificate_rotation.domain.verdict import Answer
from certificate_rotation.notifications.incidents import Reason

MAX_SUBJECT = 99  # SNS: printable ASCII, no line breaks, fewer than 100 characters
VERSION = 1  # of an event's detail: goes up when a key is taken away or means something else
ALONE = 5  # mails of one cause in a clock hour; the next one says that there are more

Severity = Literal["CRITICAL", "WARNING", "INFO"]
DetailType = Literal["Credential Rotated", "Rotation Failed", "Rotation Recovered", "Rotation Dropped"]


def failed(error: Exception, report: Report, incident: Incident, reason: Reason) -> News:
    """Tell of a failure: what happened, whether traffic works, what comes by itself, what a person can do."""
    named = error if isinstance(error, RotationError) else None
    # An error without a name of ours may quote anything: its message stays in the log.
    what = str(named) if named else "The function failed in a way it has no name for."
    urgent = incident.level > 0 or not report.halves or report.in_use.answer is Answer.REFUSED
    severity: Severity = "CRITICAL" if urgent and not isinstance(error, InvalidEvent) else "WARNING"
    cure = _REPORT
    if named:
        held = named.holds and isinstance(named, StorageFailure)
        cure = cure_of(type(named), report.secret, report.stack, report.half, held=held)
    return _message(
        severity,
        type(error).__name__,
        "Rotation Failed",
        report,
        body={
            "What happened": f"{_WHY_NOW[reason].format(since=utc_text(incident.since))}{what}",
            "Does traffic still work": _traffic(report),
            "What happens by itself": _by_itself(error, report),
            "What you can do": cure,
        },
        more={"reason": reason, "since": utc_text(incident.since)},
        commands=f"docs/incidents.md#{type(named).__name__.lower()}, in the release you deployed" if named else None,
    )


def rotated(told: Rotated, over: Incident | None, report: Report) -> News:
    """Tell that a new half is in use, and that an incident has ended with it."""
    rotation, what = told.rotation, report.half.words
    new = f"certificate, {rotation.name}," if report.half is HalfName.CERTIFICATE else "API key"
    body = {
        "What happened": f"A new {new} is in use (AWSCURRENT).",
        "Does traffic still work": _traffic(report),
        "What happens by itself": _next_renewal(report),
        "What you can do": _reload(told, what),
        **({"Also": f"This ends the incident {over.code} of {utc_text(over.since)}."} if over else {}),
    }
    more: dict[str, object] = {"previous": told.previous.answer.value, "reloadNow": told.reload_now}
    if report.half is HalfName.CERTIFICATE:
        more |= {"previousCertName": rotation.previous_name, "deletedCertName": rotation.deleted or None}
    unproven = report.in_use.answer in {Answer.REFUSED, Answer.NONE}
    severity: Severity = "WARNING" if told.reload_now or unproven else "INFO"
    return _message(severity, "rotated", "Credential Rotated", report, body=body, more=more)


def recovered(incident: Incident, report: Report) -> News:
    """Tell that an incident is over though nothing was rotated."""
    fine = "Renewal is not due." if report.halves else "Event and settings were good in this run."
    body = {
        "What happened": f"The incident {incident.code} of {utc_text(incident.since)} is over.",
        "Does traffic still work": _traffic(report),
        "What happens by itself": "Runs go on as scheduled.",
        "What you can do": f"Nothing. {fine}",
    }
    more = {"incident": incident.code}
    return _message("INFO", "recovered", "Rotation Recovered", report, body=body, more=more)


def dropped(names: str, report: Report) -> News:
    """Tell that what the service issued will not be used; `names` of it, empty where it has none."""
    what = report.half.words
    body = {
        "What happened": f"Somebody replaced the {what} in the secret while {names or f'a new {what}'} was being put "
        "into use. The service accepts the credential that is in the secret now, so that was left as it is, and what "
        "the service had issued was dropped.",
        "Does traffic still work": _traffic(report),
        "What happens by itself": "Renewal goes on from the new credential. Should that be of the same customer, and "
        f"issued before the dropped {what}, the next renewal deletes it, puts the new one into use at once, and tells "
        "you so.",
        "What you can do": "Nothing, if the replacement was meant.",
    }
    return _message("INFO", "dropped", "Rotation Dropped", report, body=body, more={"droppedCertName": names or None})


def and_more(message: News, report: Report) -> News:
    """The mail in place of the sixth one of its cause in an hour; no event, for each message has one."""
    until = report.at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    subject = _printable(f"[Device-ID] {message.severity}: {message.code[:50]} - more than {ALONE} credentials")
    body = {
        "What happened": f"More than {ALONE} credentials have the same to tell in this hour: {message.code}. One cause "
        "is more likely behind them, at the service or in this account, than one for each.",
        "What happens by itself": f"No more mails of {message.code} follow before {utc_text(until)}, but where a "
        "credential was deleted or is in its last day. Programs get every event.",
        "What you can do": f"See which ones: `device-id status --stack-name {report.stack} --all` shows each of "
        f"them, the worst first; the dashboard shows how many. The {ALONE} mails before this one say what to do.",
        "Details": f"Code: {message.code}\nNow: {utc_text(report.at)}",
    }
    return replace(message, subject=subject, text=_text(body), mail=True, detail="")


def late(text: str, at: datetime) -> str:
    """The text of a mail that AWS did not take when it was due."""
    return f"This mail is late: AWS did not take it at {utc_text(at)}. What it says was so then.\n\n{text}"


def short_name(secret: str) -> str:
    """A secret's name, with AWS's six characters, from its ARN; anything else as it is."""
    return secret.rpartition(":secret:")[2] or secret


_REPORT = "Read the run's log and report it to the maintainers."
_WHY_NOW: dict[Reason, str] = {
    "begun": "",
    "changed": "It fails in another way than before. ",
    "escalated": "It still fails, and the end has come closer (since {since}). ",
    "reminder": "It still fails (since {since}). ",
}


def _message(  # noqa: PLR0913 - one per part of it
    severity: Severity,
    code: str,
    detail_type: DetailType,
    report: Report,
    *,
    body: Mapping[str, str],
    more: Mapping[str, object],
    commands: str | None = None,
) -> News:
    subject, about = _subject(severity, code, report), report.concerned
    text = _text({**body, "Details": _details(code, report, commands)})
    detail = {
        "version": VERSION,
        "severity": severity,
        "code": code,
        "secretArn": report.secret,
        "renews": report.renews,
        "certName": report.cert_name,
        "serialNumber": report.serial or None,
        "notAfter": _ends(report, HalfName.CERTIFICATE),
        "apiKeyNotAfter": _ends(report, HalfName.API_KEY),
        "daysLeft": days_left(report.ends, report.at) if report.ends else None,
        "inUse": report.in_use.answer.value,
        "attemptsAvailable": about.attempts if about else None,
        "nextAttemptAt": utc_text(about.next_attempt_at) if about and about.next_attempt_at else None,
        "at": utc_text(report.at),
        "requestId": report.request_id,
        "logUrl": report.log_url or None,
        **more,
        "subject": subject,
        "text": text,
    }
    filters = (severity, code, report.secret, report.half)
    return News("", report.at, *filters, subject, text, True, detail_type, json.dumps(detail))


def _text(parts: Mapping[str, str]) -> str:
    """Parts under their titles. SNS refuses control characters and what is not Unicode: better a question mark."""
    text = "\n\n".join(f"{title}\n{part}" for title, part in parts.items())
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _subject(severity: Severity, code: str, report: Report) -> str:
    name = short_name(report.secret)
    left = f", {days_left(report.ends, report.at)} days left" if report.ends else ""
    half = f"{report.half.words}, " if report.half is HalfName.API_KEY else ""
    room = MAX_SUBJECT - len(f"[Device-ID] {severity}: {code} - {half}{left}")
    return _printable(f"[Device-ID] {severity}: {code} - {half}{name[:room]}{left}")


def _printable(text: str) -> str:
    """SNS: a subject is printable ASCII."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


def _traffic(report: Report) -> str:
    """What the service said in this run, and beside it what the date says: neither stands for the other."""
    if report.of_function:
        return "Not asked: this is about the function, not about a credential."
    if not report.halves:
        return "Not asked: this run did not come to know the credential in use."
    ended = [half.words for half, known in report.halves.items() if known.life.has_ended(report.at)]
    said = {
        Answer.ACCEPTED: "Yes: the service accepted the certificate and the API key in use during this run.",
        Answer.REFUSED: f"No: the service refused the credential in use during this run, and its {ended[0]} has ended."
        if ended
        else "No: the service refused the certificate and the API key in use during this run. It judges them as a "
        "pair, and does not say which of the two it means.",
        Answer.NONE: f"Not known: the service was asked in this run and gave no verdict ({report.in_use.error}).",
        Answer.NOT_ASKED: "Not asked in this run.",
    }[report.in_use.answer]
    return " ".join([said, *(_date(half, known, report.at) for half, known in report.halves.items())])


def _date(half: HalfName, known: HalfReport, now: datetime) -> str:
    """What the date says of a half, beside what the service says: neither stands for the other."""
    if known.life.ends is None:
        return (
            f"Nobody knows when the {half.words} ends: apiKeyExpiry is not in the secret, cannot be read, or is not "
            "looked at."
        )
    until = utc_text(known.life.ends)
    if known.life.has_ended(now):
        return f"The {half.words} ended at {until}."
    return f"The {half.words} ends at {until}, in {days_left(known.life.ends, now)} days."


def _ends(report: Report, half: HalfName) -> str | None:
    ends = report.halves[half].life.ends if half in report.halves else None
    return utc_text(ends) if ends else None


def _next_renewal(report: Report) -> str:
    about = report.concerned
    if about and about.life.renew_at:
        return f"It is renewed again from {utc_text(about.life.renew_at)} on."
    return (
        "Nobody knows when it ends, so nothing renews it by itself: the service's expiry was past or not readable, or "
        "RenewApiKey is false. Put apiKeyExpiry into the secret if you know it."
    )


def _by_itself(error: Exception, report: Report) -> str:
    if not isinstance(error, RotationError):
        return "The next run tries again."
    said, about = by_itself_of(error, report.half), report.concerned
    until = about.held_until if about else None
    if error.holds and about and report.half is HalfName.API_KEY and (until is None or about.life.has_ended(report.at)):
        return (
            "Rotation of the API key is held, and because nobody knows when it ends, the hold has no end by itself. "
            "No daily reminder follows. The right apiKeyExpiry in the secret gives the hold an end; another "
            "apiKey there, or the event below, ends it at once."
        )
    if error.holds:
        return f"{said} That is at {utc_text(until)}." if until and until > report.at else said
    if about and about.next_attempt_at:
        return f"{said} The next attempt is free at {utc_text(about.next_attempt_at)}."
    return said


_HURRY = "Consumers must reload now"
_AT_LEISURE = "Consumers should read AWSCURRENT again in the next hours"


def _reload(told: Rotated, what: str) -> str:
    deleted = f" It deleted {told.rotation.deleted} when it issued the new one." if told.rotation.deleted else ""
    match told.previous.answer:
        case Answer.REFUSED:
            return f"{_HURRY}: the service refuses the {what} they hold.{deleted}"
        case Answer.ACCEPTED:
            return f"{_AT_LEISURE}: what they hold is still accepted.{deleted}"
        case _ if told.previous_ended:
            return f"{_HURRY}: the {what} they hold has ended.{deleted}"
        case Answer.NONE:
            unsure = "whether the service still accepts what they hold could not be found out"
            return f"{_HURRY}, to be safe: {unsure}.{deleted}"
        case _ if deleted:
            return f"{_HURRY}, to be safe: there was no time to ask about what they hold.{deleted}"
        case _:
            unsure = f"The service said of no {what} that it was deleted; whether it still accepts the previous one"
            return f"{_AT_LEISURE}. {unsure} was not asked."


def _details(code: str, report: Report, commands: str | None) -> str:
    lines = {
        "Function" if report.of_function else "Secret": report.secret,
        "Certificate": report.cert_name,
        "Serial number": report.serial,
        "Code": code,
        "What to type": commands,
        "Now": utc_text(report.at),
        "Half": report.renews.words if report.renews else None,
        "Attempts left": report.concerned.attempts if report.concerned else None,
        "Request id": report.request_id,
        "Log": report.log_url,
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value not in (None, ""))
