"""`status`: how one credential is and what happens next, for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from certificate_rotation.results import utc_text
from certificate_rotation.secret_store import INTENT, PENDING
from certificate_rotation.state import OpenAttempt
from tools.onboarding.looking import Schedule, Seen, Subscription
from tools.onboarding.telling import done, fact, listed, plain

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


def show(seen: Seen, attention: Sequence[str]) -> None:
    """For people."""
    fact("Secret", seen.whose.secret)
    fact("Whose", seen.whose.owner)
    if seen.failure:
        fact("A run now", f"would fail. {seen.failure.message}")
    else:
        _show_answer(seen.answer)
    fact("Under way", _under_way(seen))
    last = seen.state.last_rotation
    deleted = f"; the service deleted {last.deleted_cert_name}" if last and last.deleted_cert_name else ""
    fact("Last rotation", f"{utc_text(last.at)}, to {last.cert_name}{deleted}" if last else "none yet")
    incident = seen.state.incident
    told = (
        f"{incident.code} since {utc_text(incident.since)}, last told {utc_text(incident.alerted_at)}"
        if incident
        else ""
    )
    fact("Incident", told or "none")
    for one in seen.subscriptions or (None,):
        fact("Alerts go to", _subscription(one))
    fact("Schedule", "rests (OwnCredential=false)" if seen.rests else _schedule(seen.schedule))
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


def _under_way(seen: Seen) -> str:
    attempt = seen.state.open_attempt
    where = {INTENT: "its key and request are stored", PENDING: "a new credential is staged"}
    stored = [what for label, what in where.items() if label in seen.labels]
    if attempt is None and not stored:
        return "nothing"
    outcome = "in use; the next run closes the rotation" if seen.closes else attempt and _OUTCOMES[attempt.outcome]
    asked = f"{attempt.cert_name}, {outcome} ({utc_text(attempt.started_at)})" if attempt else ""
    return "; ".join([*([asked] if asked else []), *stored])


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


def show_json(seen: Seen, attention: Sequence[str]) -> None:
    """For programs: one JSON object on standard output."""
    state = seen.state
    document = {
        "fine": not attention,
        "attention": list(attention),
        "secretId": seen.whose.secret,
        "dryRun": dict(seen.answer) or None,
        "failure": failure_json(seen),
        "labels": dict(seen.labels),
        "openAttempt": _attempt(state.open_attempt),
        "lastRotation": {
            "at": utc_text(state.last_rotation.at),
            "certName": state.last_rotation.cert_name,
            "previousCertName": state.last_rotation.previous_cert_name,
            "deletedCertName": state.last_rotation.deleted_cert_name or None,
        }
        if state.last_rotation
        else None,
        "incident": incident_json(seen),
        "subscriptions": [asdict(one) for one in seen.subscriptions],
        "schedule": _schedule_json(seen.schedule),
    }
    plain(json.dumps(document, indent=2))


def failure_json(seen: Seen) -> dict[str, object] | None:
    """Why the dry run failed, for programs."""
    if seen.failure is None:
        return None
    return {"errorType": seen.failure.error_type, "errorMessage": seen.failure.message}


def incident_json(seen: Seen) -> dict[str, object] | None:
    """What people were told of and is not over, for programs."""
    incident = seen.state.incident
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


def _attempt(attempt: OpenAttempt | None) -> dict[str, object] | None:
    if attempt is None:
        return None
    return {
        "startedAt": utc_text(attempt.started_at),
        "certName": attempt.cert_name,
        "outcome": attempt.outcome,
        "journalled": attempt.certificate is not None,
    }
