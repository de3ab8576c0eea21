"""What a run answers: one JSON object, the same keys always. Never holds a secret."""

from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from certificate_rotation.attempts import Attempts
from certificate_rotation.certificates import Chain
from certificate_rotation.decision import Policy, renew_at


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


def utc_text(moment: datetime) -> str:
    """An aware time as people and machines read it: to the second, with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_left(not_after: datetime, now: datetime) -> int:
    """Whole days until `not_after`; negative once it has passed."""
    return (not_after - now).days


def result(  # noqa: PLR0913 - one per thing it tells
    outcome: str, *, arn: str, cert_name: str | None, chain: Chain, attempts: Attempts, policy: Policy, now: datetime
) -> Result:
    """The keys every result has, about the certificate in use now."""
    next_at = attempts.next_at(now)
    return {
        "outcome": outcome,
        "secretId": arn,
        "certName": cert_name,
        "notAfter": utc_text(chain.not_after),
        "daysLeft": days_left(chain.not_after, now),
        "renewAt": utc_text(renew_at(chain.not_before, chain.not_after, policy)),
        "attemptsAvailable": attempts.available(now),
        "nextAttemptAt": utc_text(next_at) if next_at else None,
    }
