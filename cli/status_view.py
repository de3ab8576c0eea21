"""`status`: how one credential is and what happens next, for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import LastRotation, News, OpenAttempt
from certificate_rotation.domain.times import days_left, utc_text
from certificate_rotation.halves import HALVES
from cli.console import done, fact, listed, plain, remark
from cli.half_status import HalfStatus
from cli.invocation import would
from cli.status import CredentialStatus, Schedule, Subscription

_OUTCOMES = {
    "unknown": "asked for, and no answer is known",
    "issued": "issued, and not in use yet",
    "rejected": "issued, and cannot be used",
}
# What lies under a half's labels, in their order.
_STORED = {
    HalfName.CERTIFICATE: (
        "its key and request are stored",
        "the key and request of the earlier one are stored",
        "a new credential is staged",
    ),
    HalfName.API_KEY: (
        "what opens its answer is stored",
        "what opens the answer of the earlier one is stored",
        "a new credential is staged",
    ),
}


def show(status: CredentialStatus, attention: Sequence[str], notes: Sequence[str] = ()) -> None:
    """For people."""
    fact("Secret", status.target.secret)
    fact("Whose", status.target.owner)
    fact("A run now", _run_now(status))
    certificate, key = status.halves
    name = status.answer.get("certName") or "(no name)"
    fact("Certificate", f"{name}, {_ends(certificate, status)}")
    _show_half(status, certificate, "")
    fact("API key", _ends(key, status) if status.policy.renew_api_key else "is not looked at (RenewApiKey=false)")
    _show_half(status, key, "Key ")
    for news in status.state.news:
        fact("Not told yet", f"{news.subject} ({utc_text(news.at)})")
    for one in status.subscriptions or (None,):
        fact("Alerts go to", _subscription(one))
    fact("Schedule", "rests (OwnCredential=false)" if status.rests else _schedule(status.schedule))
    for note in notes:
        remark(note)
    if attention:
        listed("This needs you:", attention, style="bold red")
    else:
        done("All is well.")


def _run_now(status: CredentialStatus) -> str:
    return f"would fail. {status.failure.message}" if status.failure else would(status.answer)


def _ends(half: HalfStatus, status: CredentialStatus) -> str:
    if half.life.ends is None:
        return "end not known"
    if half.life.has_ended(status.at):
        return f"ended {utc_text(half.life.ends)}"
    return f"ends {utc_text(half.life.ends)}, {days_left(half.life.ends, status.at)} days left"


def _show_half(status: CredentialStatus, half: HalfStatus, which: str) -> None:
    def said(name: str, value: str) -> None:
        fact(f"{which}{name}".capitalize(), value)

    if half.life.renew_at:
        said("renewal", f"due from {utc_text(half.life.renew_at)} on")
    if half.attempts is not None:
        free, next_at = half.attempts, half.next_attempt_at
        said("attempts", f"{free} left" if next_at is None else f"none left, the next one at {next_at}")
    said("under way", _under_way(status, half))
    last, incident = half.state.last_rotation, half.state.incident
    said("last rotation" if not which else "rotation", _rotation(last) if last else "none yet")
    told = "none"
    if incident:
        told = f"{incident.code} since {utc_text(incident.since)}, last told {utc_text(incident.alerted_at)}"
    said("incident", told)


def _rotation(last: LastRotation) -> str:
    name = f", to {last.name}" if last.name else ""
    deleted = f"; the service deleted {last.deleted}" if last.deleted else ""
    return f"{utc_text(last.at)}{name}{deleted}"


def _under_way(status: CredentialStatus, half: HalfStatus) -> str:
    attempt, earlier = half.state.open_attempt, half.state.earlier
    asked = [_asked(half, attempt)] if attempt else []
    waits = [f"beside it {_asked(half, earlier)}"] if earlier else []
    where = zip(HALVES[half.name].labels, _STORED[half.name], strict=True)
    stored = [what for label, what in where if label in status.labels]
    return "; ".join([*asked, *waits, *stored]) or "nothing"


def _asked(half: HalfStatus, attempt: OpenAttempt) -> str:
    in_use = attempt == half.promoted
    outcome = "in use; the next run closes the rotation" if in_use else _OUTCOMES[attempt.outcome]
    return f"{attempt.name or 'one'}, {outcome} ({utc_text(attempt.started_at)})"


def _subscription(one: Subscription | None) -> str:
    if one is None:
        return "nobody"
    return f"{one.endpoint} ({one.protocol}), {'confirmed' if one.confirmed else 'NOT confirmed'}"


def _schedule(schedule: Schedule | None) -> str:
    if schedule is None:
        return "none"
    if not schedule.enabled:
        return f"{schedule.expression}, DISABLED"
    when = f"the next run comes within {schedule.every}" if schedule.every else f"time zone {schedule.time_zone}"
    return f"{schedule.expression}, {when}"


def show_json(status: CredentialStatus, attention: Sequence[str], notes: Sequence[str] = ()) -> None:
    """For programs: one JSON object on standard output."""
    document = {
        "fine": not attention,
        "attention": list(attention),
        "notes": list(notes),
        "secretId": status.target.secret,
        "dryRun": dict(status.answer) or None,
        "failure": failure_json(status),
        "labels": dict(status.labels),
        **{half.name.value: _half(half) for half in status.halves},
        "untoldNews": [_news(one) for one in status.state.news],
        "subscriptions": [asdict(one) for one in status.subscriptions],
        "schedule": _schedule_json(status.schedule),
    }
    plain(json.dumps(document, indent=2))


def failure_json(status: CredentialStatus) -> dict[str, object] | None:
    """Why the dry run failed, for programs."""
    if status.failure is None:
        return None
    return {"errorType": status.failure.error_type, "errorMessage": status.failure.message}


def incident_json(half: HalfStatus) -> dict[str, object] | None:
    """What people were told of a half and is not over, for programs."""
    incident = half.state.incident
    if incident is None:
        return None
    return {
        "code": incident.code,
        "since": utc_text(incident.since),
        "alertedAt": utc_text(incident.alerted_at),
    }


def _half(half: HalfStatus) -> dict[str, object]:
    last = half.state.last_rotation
    return {
        "openAttempt": _attempt(half.state.open_attempt),
        "earlierAttempt": _attempt(half.state.earlier),
        "lastRotation": {
            "at": utc_text(last.at),
            "name": last.name or None,
            "previousName": last.previous_name,
            "deleted": last.deleted or None,
        }
        if last
        else None,
        "incident": incident_json(half),
    }


def _schedule_json(schedule: Schedule | None) -> dict[str, object] | None:
    if schedule is None:
        return None
    return {"expression": schedule.expression, "timeZone": schedule.time_zone, "enabled": schedule.enabled}


def _news(news: News) -> dict[str, object]:
    return {
        "at": utc_text(news.at),
        "severity": news.severity,
        "code": news.code,
        "subject": news.subject,
        "mail": news.mail,
        "event": bool(news.detail),
    }


def _attempt(attempt: OpenAttempt | None) -> dict[str, object] | None:
    if attempt is None:
        return None
    return {
        "startedAt": utc_text(attempt.started_at),
        "name": attempt.name or None,
        "outcome": attempt.outcome,
        "journalled": attempt.answer is not None,
    }
