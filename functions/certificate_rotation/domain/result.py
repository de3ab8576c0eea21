"""What a run answers: one JSON object, the same keys always. Never holds a secret."""

from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from certificate_rotation.domain.report import Report


class Result(TypedDict):
    """The contract's result; times are ISO 8601 with Z."""

    outcome: str
    secretId: str
    certName: str | None
    notAfter: str
    daysLeft: int
    renewAt: str
    attemptsAvailable: int
    nextAttemptAt: str | None
    previousCertName: NotRequired[str | None]
    deletedCertName: NotRequired[str | None]
    wouldDo: NotRequired[str]
    why: NotRequired[str]
    until: NotRequired[str]


def result_of(report: Report) -> Result:
    """The result of a run that did not fail.

    Raises:
        ValueError: it failed before the credential was known.
    """
    if report.not_after is None or report.renew_at is None or report.attempts is None:
        raise ValueError("there is no result")
    result: Result = {
        "outcome": report.outcome,
        "secretId": report.secret,
        "certName": report.cert_name,
        "notAfter": utc_text(report.not_after),
        "daysLeft": days_left(report.not_after, report.at),
        "renewAt": utc_text(report.renew_at),
        "attemptsAvailable": report.attempts,
        "nextAttemptAt": utc_text(report.next_attempt_at) if report.next_attempt_at else None,
    }
    if report.rotated:
        rotation = report.rotated.rotation
        result["previousCertName"] = rotation.previous_cert_name
        result["deletedCertName"] = rotation.deleted_cert_name or None
    if report.would_do:
        result["wouldDo"] = report.would_do
    if report.why:
        result["why"] = report.why
    if report.until:
        result["until"] = utc_text(report.until)
    return result


def utc_text(moment: datetime) -> str:
    """An aware time as people and machines read it: to the second, with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_left(not_after: datetime, now: datetime) -> int:
    """Whole days until `not_after`; negative once it has passed."""
    return (not_after - now).days
