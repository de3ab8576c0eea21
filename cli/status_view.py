"""`status`: how one credential is and what happens next, for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from certificate_rotation.adapters.secret_store import EARLIER, INTENT, PENDING
from certificate_rotation.domain.result import utc_text
from certificate_rotation.domain.state import News, OpenAttempt
from cli.console import done, fact, listed, plain
from cli.status import CredentialStatus, Schedule, Subscription

_WOULD = {
    "nothing": "would do nothing",
    "rotate": "would rotate",
    "resume": "would carry on",
    "drop": "would give up a rotation of an earlier credential",
    "hold": "would hold",
    "wait": "would wait",
    "fail": "would fail",
}
_OUTCOMES = {
    "unknown": "asked for, and no answer is known",
    "issued": "issued, and not in use yet",
    "rejected": "issued, and cannot be used",
}


def show(status: CredentialStatus, attention: Sequence[str]) -> None:
    """For people."""
    fact("Secret", status.target.secret)
    fact("Whose", status.target.owner)
    if status.failure:
        fact("A run now", f"would fail. {status.failure.message}")
    else:
        _show_answer(status.answer)
    fact("Under way", _under_way(status))
    last = status.state.last_rotation
    deleted = f"; the service deleted {last.deleted_cert_name}" if last and last.deleted_cert_name else ""
    fact("Last rotation", f"{utc_text(last.at)}, to {last.cert_name}{deleted}" if last else "none yet")
    incident = status.state.incident
    told = (
        f"{incident.code} since {utc_text(incident.since)}, last told {utc_text(incident.alerted_at)}"
        if incident
        else ""
    )
    fact("Incident", told or "none")
    for news in status.state.news:
        fact("Not told yet", f"{news.subject} ({utc_text(news.at)})")
    for one in status.subscriptions or (None,):
        fact("Alerts go to", _subscription(one))
    fact("Schedule", "rests (OwnCredential=false)" if status.rests else _schedule(status.schedule))
    if attention:
        listed("This needs you:", attention, style="bold red")
    else:
        done("All is well.")


def _show_answer(answer: Mapping[str, Any]) -> None:
    name = answer["certName"] or "(no name)"
    fact("Certificate", f"{name}, ends {answer['notAfter']}, {answer['daysLeft']} days left")
    fact("Renewal", f"due from {answer['renewAt']} on")
    until = f" Until {answer['until']}." if "until" in answer else ""
    fact("A run now", f"{_WOULD.get(answer['wouldDo'], answer['wouldDo'])}. {answer['why']}{until}")
    free, next_at = answer["attemptsAvailable"], answer["nextAttemptAt"]
    fact("Attempts", f"{free} left" if next_at is None else f"none left, the next one at {next_at}")


def _under_way(status: CredentialStatus) -> str:
    attempt, earlier = status.state.open_attempt, status.state.earlier
    asked = [_asked(status, attempt)] if attempt else []
    waits = [f"beside it {_asked(status, earlier)}"] if earlier else []
    where = {
        INTENT: "its key and request are stored",
        EARLIER: "the key and request of the earlier one are stored",
        PENDING: "a new credential is staged",
    }
    stored = [what for label, what in where.items() if label in status.labels]
    return "; ".join([*asked, *waits, *stored]) or "nothing"


def _asked(status: CredentialStatus, attempt: OpenAttempt) -> str:
    in_use = attempt == status.promoted
    outcome = "in use; the next run closes the rotation" if in_use else _OUTCOMES[attempt.outcome]
    return f"{attempt.cert_name}, {outcome} ({utc_text(attempt.started_at)})"


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


def show_json(status: CredentialStatus, attention: Sequence[str]) -> None:
    """For programs: one JSON object on standard output."""
    state = status.state
    document = {
        "fine": not attention,
        "attention": list(attention),
        "secretId": status.target.secret,
        "dryRun": dict(status.answer) or None,
        "failure": failure_json(status),
        "labels": dict(status.labels),
        "openAttempt": _attempt(state.open_attempt),
        "earlierAttempt": _attempt(state.earlier),
        "lastRotation": {
            "at": utc_text(state.last_rotation.at),
            "certName": state.last_rotation.cert_name,
            "previousCertName": state.last_rotation.previous_cert_name,
            "deletedCertName": state.last_rotation.deleted_cert_name or None,
        }
        if state.last_rotation
        else None,
        "incident": incident_json(status),
        "untoldNews": [_news(one) for one in state.news],
        "subscriptions": [asdict(one) for one in status.subscriptions],
        "schedule": _schedule_json(status.schedule),
    }
    plain(json.dumps(document, indent=2))


def failure_json(status: CredentialStatus) -> dict[str, object] | None:
    """Why the dry run failed, for programs."""
    if status.failure is None:
        return None
    return {"errorType": status.failure.error_type, "errorMessage": status.failure.message}


def incident_json(status: CredentialStatus) -> dict[str, object] | None:
    """What people were told of and is not over, for programs."""
    incident = status.state.incident
    if incident is None:
        return None
    return {
        "code": incident.code,
        "since": utc_text(incident.since),
        "alertedAt": utc_text(incident.alerted_at),
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
        "certName": attempt.cert_name,
        "outcome": attempt.outcome,
        "journalled": attempt.certificate is not None,
    }
