"""What people and programs read about one credential: a subject, a text, and the same as a JSON document. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from certificate_rotation import errors
from certificate_rotation.digest import Batch
from certificate_rotation.errors import InvalidEvent, RotationError
from certificate_rotation.incidents import Reason
from certificate_rotation.results import days_left, utc_text
from certificate_rotation.state import Incident, LastRotation

MAX_SUBJECT = 99  # SNS: printable ASCII, no line breaks, fewer than 100 characters
VERSION = 1  # of the JSON document: goes up when a key is taken away or means something else

Severity = Literal["CRITICAL", "WARNING", "INFO"]


@dataclass(frozen=True)
class Situation:
    """What is known of the credential a message is about.

    Attributes:
        secret: name or ARN, or the function's name; also the key under which an incident is remembered.
        cert_name: of the certificate in use; None when not known.
        serial: of the same, hex; empty when not known.
        not_after: when that one ends; None when not known.
        held_until: when a hold ends by itself; None when not known.
        attempts: how many requests may leave now, None when not known.
        next_attempt_at: when one may, if none may now.
        request_id: Lambda's, to find the run's log.
        log_url: where that log is in the console; empty when not known.
        of_function: it is about the function itself, before any credential was looked at.
    """

    secret: str
    cert_name: str | None = None
    serial: str = ""
    not_after: datetime | None = None
    held_until: datetime | None = None
    attempts: int | None = None
    next_attempt_at: datetime | None = None
    request_id: str = ""
    log_url: str = ""
    of_function: bool = False


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        severity: how bad it is; people sort by it.
        code: an error's class name, or `rotated`, `recovered` or `dropped`.
        subject: of the email.
        text: of the email.
        document: the same for programs, ready for JSON.
    """

    severity: Severity
    code: str
    subject: str
    text: str
    document: dict[str, object]


def failed(error: Exception, situation: Situation, incident: Incident, reason: Reason, now: datetime) -> Message:
    """Tell of a failure: what happened, whether traffic works, what comes by itself, what a person can do."""
    named = error if isinstance(error, RotationError) else None
    # An error without a name of ours may quote anything: its message stays in the log.
    what = str(named) if named else "The function failed in a way it has no name for."
    urgent = incident.level > 0 or situation.not_after is None
    severity: Severity = "CRITICAL" if urgent and not isinstance(error, InvalidEvent) else "WARNING"
    return _message(
        severity,
        type(error).__name__,
        situation,
        body={
            "What happened": f"{_WHY_NOW[reason].format(since=utc_text(incident.since))}{what}",
            "Does traffic still work": _traffic(situation, now),
            "What happens by itself": _by_itself(error, situation),
            "What you can do": named.cure if named else "Read the run's log and report it to the maintainers.",
        },
        more={"reason": reason, "since": utc_text(incident.since)},
        now=now,
    )


def rotated(rotation: LastRotation, situation: Situation, over: Incident | None, now: datetime) -> Message:
    """Tell that a new certificate is in use, and that the incident `over` has ended."""
    evicted = may_be_evicted(rotation)
    body = {
        "What happened": f"A new certificate, {rotation.cert_name}, is in use (AWSCURRENT).",
        "Does traffic still work": _traffic(situation, now),
        "What happens by itself": "It is renewed again in the last third of its life, or as RenewBeforeDays says.",
        "What you can do": _reload(rotation),
        **({"Also": f"This ends the incident {over.code} of {utc_text(over.since)}."} if over else {}),
    }
    more = {
        "previousCertName": rotation.previous_cert_name,
        "deletedCertName": rotation.deleted_cert_name or None,
        "reloadNow": evicted,
    }
    return _message("WARNING" if evicted else "INFO", "rotated", situation, body=body, more=more, now=now)


def recovered(incident: Incident, situation: Situation, now: datetime) -> Message:
    """Tell that an incident is over though no certificate was rotated."""
    fine = "The certificate in use is fine and renewal is not due." if situation.not_after else "It works again."
    body = {
        "What happened": f"The incident {incident.code} of {utc_text(incident.since)} is over.",
        "Does traffic still work": _traffic(situation, now),
        "What happens by itself": "Runs go on as scheduled.",
        "What you can do": f"Nothing. {fine}",
    }
    return _message("INFO", "recovered", situation, body=body, more={"incident": incident.code}, now=now)


def dropped(cert_name: str, situation: Situation, now: datetime) -> Message:
    """Tell that a certificate the service issued will not be used."""
    body = {
        "What happened": f"Somebody replaced the credential while {cert_name} was being put into use. That certificate "
        "was dropped; the credential in the secret was left as it is.",
        "Does traffic still work": _traffic(situation, now),
        "What happens by itself": "Renewal goes on from the new credential. Should that be of the same customer, and "
        "signed before the dropped certificate, the next renewal deletes it, puts the new one into use at once, and "
        "tells you so.",
        "What you can do": "Nothing, if the replacement was meant.",
    }
    return _message("INFO", "dropped", situation, body=body, more={"droppedCertName": cert_name}, now=now)


def digest(cause: str, batch: Batch, now: datetime) -> Message:
    """Tell of many credentials at once: the same failure, or that it is over."""
    told = _OF_MANY.get(cause) or _failure_of_many(cause)
    severity: Severity = "INFO" if cause in _OF_MANY else "CRITICAL" if batch.urgent else "WARNING"
    names, those = sorted(batch.names), f"{batch.count} more credential{'' if batch.count == 1 else 's'}"
    listed = "\n".join(short_name(name) for name in names)
    more = f"\nand {batch.more} more, for whom this list has no room" if batch.more else ""
    body = {
        "What happened": f"In the hour from {utc_text(batch.since)} on, {those} {told.what}. Those who had a mail of "
        "their own are not counted here.",
        "Does traffic still work": told.traffic,
        "What happens by itself": told.by_itself,
        "What you can do": told.cure,
        "Which ones": f"{listed}{more}",
        "Details": f"Code: {cause}\nCredentials: {batch.count}\nNow: {utc_text(now)}",
    }
    document: dict[str, object] = {
        "version": VERSION,
        "severity": severity,
        "code": cause,
        "secretId": None,
        "count": batch.count,
        "secrets": names,
        "since": utc_text(batch.since),
        "at": utc_text(now),
    }
    subject = _printable(f"[Device-ID] {severity}: {cause[:50]} - {those}")
    return _complete(severity, cause, subject, body, document)


def short_name(secret: str) -> str:
    """A secret's name, with AWS's six characters, from its ARN; anything else as it is."""
    return secret.rpartition(":secret:")[2] or secret


def may_be_evicted(rotation: LastRotation) -> bool:
    """Whether the service deleted the certificate consumers hold, as far as names can tell."""
    # A secret without certName does not tell whether the deleted one is the one it held.
    return bool(rotation.deleted_cert_name) and rotation.previous_cert_name in (None, rotation.deleted_cert_name)


@dataclass(frozen=True)
class _OfMany:
    """The sentences of a digest; `what` goes on after "In the hour from ... on, so many more credentials"."""

    what: str
    traffic: str
    by_itself: str
    cure: str


_LOOK = '`make status ARGS="--all"` shows each of them, the worst first.'
_OF_MANY = {
    "recovered": _OfMany(
        "came to the end of an incident",
        "Yes, as far as their runs can tell.",
        "Runs go on as scheduled.",
        f"Nothing. {_LOOK}",
    ),
    "rotated": _OfMany(
        "got a new certificate into use (AWSCURRENT), which ends an incident of each",
        "Yes, as far as their runs can tell.",
        "They are renewed again in the last third of their life, or as RenewBeforeDays says.",
        f"Consumers should read AWSCURRENT again in the next hours. The previous certificates still work. {_LOOK}",
    ),
}


def _failure_of_many(cause: str) -> _OfMany:
    kind = getattr(errors, cause, None)
    named = kind if isinstance(kind, type) and issubclass(kind, RotationError) else None
    return _OfMany(
        f"failed with {cause}",
        f"As long as their certificates are valid and known to the service. {_LOOK}",
        named.by_itself if named else "The next run of each tries again.",
        f"{named.cure if named else 'Read the log of a run and report it to the maintainers.'} If one cause is behind "
        "all of them, it is more likely at the service or in this account than with the tenants.",
    )


_WHY_NOW: dict[Reason, str] = {
    "begun": "",
    "changed": "It fails in another way than before. ",
    "escalated": "It still fails, and the end has come closer (since {since}). ",
    "reminder": "It still fails (since {since}). ",
}


def _message(  # noqa: PLR0913 - one per part of it
    severity: Severity,
    code: str,
    situation: Situation,
    *,
    body: Mapping[str, str],
    more: Mapping[str, object],
    now: datetime,
) -> Message:
    subject = _subject(severity, code, situation, now)
    parts = {**body, "Details": _details(code, situation, now)}
    document = {
        "version": VERSION,
        "severity": severity,
        "code": code,
        "secretId": situation.secret,
        "certName": situation.cert_name,
        "serialNumber": situation.serial or None,
        "notAfter": utc_text(situation.not_after) if situation.not_after else None,
        "daysLeft": days_left(situation.not_after, now) if situation.not_after else None,
        "attemptsAvailable": situation.attempts,
        "nextAttemptAt": utc_text(situation.next_attempt_at) if situation.next_attempt_at else None,
        "at": utc_text(now),
        "requestId": situation.request_id,
        "logUrl": situation.log_url or None,
        **more,
    }
    return _complete(severity, code, subject, parts, document)


def _complete(
    severity: Severity, code: str, subject: str, parts: Mapping[str, str], document: dict[str, object]
) -> Message:
    text = _sendable("\n\n".join(f"{title}\n{part}" for title, part in parts.items()))
    return Message(severity, code, subject, text, {**document, "subject": subject, "text": text})


def _sendable(text: str) -> str:
    """SNS refuses control characters and what is not Unicode: better a question mark than no message."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _subject(severity: Severity, code: str, situation: Situation, now: datetime) -> str:
    name = short_name(situation.secret)
    left = f", {days_left(situation.not_after, now)} days left" if situation.not_after else ""
    room = MAX_SUBJECT - len(f"[Device-ID] {severity}: {code} - {left}")
    return _printable(f"[Device-ID] {severity}: {code} - {name[:room]}{left}")


def _printable(text: str) -> str:
    """SNS: a subject is printable ASCII."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


def _traffic(situation: Situation, now: datetime) -> str:
    if situation.of_function:
        return "Not known: this run did not come to look at a credential."
    if situation.not_after is None:
        return "Not known: the certificate in use could not be read."
    if situation.not_after <= now:
        return f"No. The certificate in use ended at {utc_text(situation.not_after)}."
    left = days_left(situation.not_after, now)
    return f"As far as this run can tell, until {utc_text(situation.not_after)} ({left} days)."


def _by_itself(error: Exception, situation: Situation) -> str:
    if not isinstance(error, RotationError):
        return "The next run tries again."
    if error.holds:
        when = f" That is at {utc_text(situation.held_until)}." if situation.held_until else ""
        return f"{error.by_itself}{when}"
    if situation.next_attempt_at:
        return f"{error.by_itself} The next attempt is free at {utc_text(situation.next_attempt_at)}."
    return error.by_itself


def _reload(rotation: LastRotation) -> str:
    deleted = rotation.deleted_cert_name
    if deleted and deleted == rotation.previous_cert_name:
        return f"Consumers must reload now: the service deleted {deleted}, the one they hold."
    if deleted and rotation.previous_cert_name is None:
        return f"The service deleted {deleted}. If that is the one consumers hold, they must reload now."
    return "Consumers should read AWSCURRENT again in the next hours. The previous certificate still works."


def _details(code: str, situation: Situation, now: datetime) -> str:
    lines = {
        "Function" if situation.of_function else "Secret": situation.secret,
        "Certificate": situation.cert_name,
        "Serial number": situation.serial,
        "Code": code,
        "Now": utc_text(now),
        "Attempts left": situation.attempts,
        "Request id": situation.request_id,
        "Log": situation.log_url,
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value not in (None, ""))
