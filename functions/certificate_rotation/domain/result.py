"""What a run answers: one JSON object, the same keys always. Never holds a secret."""

from datetime import datetime
from typing import NotRequired, TypedDict

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.report import Report
from certificate_rotation.domain.times import days_left, utc_text


class Result(TypedDict):
    """The contract's result; times are ISO 8601 with Z."""

    outcome: str
    renews: str | None
    secretId: str
    certName: str | None
    notAfter: str
    daysLeft: int
    renewAt: str
    attemptsAvailable: int
    nextAttemptAt: str | None
    apiKeyNotAfter: str | None
    apiKeyRenewAt: str | None
    apiKeyAttemptsAvailable: int
    apiKeyNextAttemptAt: str | None
    previousCertName: NotRequired[str | None]
    deletedCertName: NotRequired[str | None]
    wouldDo: NotRequired[str]
    why: NotRequired[str]
    until: NotRequired[str | None]


def result_of(report: Report) -> Result:
    """The result of a run that did not fail.

    Raises:
        ValueError: it failed before the credential was known.
    """
    certificate, key = report.halves.get(HalfName.CERTIFICATE), report.halves.get(HalfName.API_KEY)
    if not (certificate and key and certificate.life.ends and certificate.life.renew_at):
        raise ValueError("there is no result")
    result: Result = {
        "outcome": report.outcome,
        "renews": report.renews,
        "secretId": report.secret,
        "certName": report.cert_name,
        "notAfter": utc_text(certificate.life.ends),
        "daysLeft": days_left(certificate.life.ends, report.at),
        "renewAt": utc_text(certificate.life.renew_at),
        "attemptsAvailable": certificate.attempts,
        "nextAttemptAt": _text(certificate.next_attempt_at),
        "apiKeyNotAfter": _text(key.life.ends),
        "apiKeyRenewAt": _text(key.life.renew_at),
        "apiKeyAttemptsAvailable": key.attempts,
        "apiKeyNextAttemptAt": _text(key.next_attempt_at),
    }
    if report.rotated and report.renews is HalfName.CERTIFICATE:
        result["previousCertName"] = report.rotated.rotation.previous_name
        result["deletedCertName"] = report.rotated.rotation.deleted or None
    if report.would_do:
        result["wouldDo"] = report.would_do
    if report.why:
        result["why"] = report.why
    if report.until or report.outcome == "held":
        result["until"] = _text(report.until)
    return result


def _text(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None
