"""What the ledger remembers of one credential between runs, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from certificate_rotation.domain.rate_limit import Attempts

Outcome = Literal["unknown", "issued", "rejected"]
"""Of an attempt that was counted: no verdict yet, a certificate came back, or one came back and cannot be used."""


@dataclass(frozen=True)
class OpenAttempt:
    """A counted attempt whose certificate is not in use yet, or whose outcome nobody knows.

    Attributes:
        started_at: when it was counted; names its record in the history.
        intent_version: the secret version that holds its private key, CSR and name.
        based_on: fingerprint of the certificate that was in use when it was made.
        cert_name: the name the service was asked to give the certificate.
        previous_cert_name: the name of the one it is to replace; None when the secret does not say.
        outcome: what is known of it.
        certificate: the service's answer, PEM (public data); None until it came.
        deleted_cert_name: which certificate the service says it deleted; empty for none.
    """

    started_at: datetime
    intent_version: str
    based_on: str
    cert_name: str
    previous_cert_name: str | None = None
    outcome: Outcome = "unknown"
    certificate: str | None = None
    deleted_cert_name: str = ""


@dataclass(frozen=True)
class Lease:
    """The right of one invocation to act on the credential, no longer than it may live."""

    owner: str
    until: datetime


@dataclass(frozen=True)
class LastRotation:
    """The last promotion: consumers may hold the previous certificate for a while after it.

    `fingerprint` and `previous_fingerprint` tell whether the certificate in use is still one of the two.
    """

    at: datetime
    cert_name: str
    fingerprint: str
    previous_fingerprint: str
    previous_cert_name: str | None = None
    deleted_cert_name: str = ""


@dataclass(frozen=True)
class Incident:
    """A failure people were told about and that is not over.

    Attributes:
        code: the error's class name.
        since: when it was first seen.
        alerted_at: when the last message about it went out.
        level: how many thresholds of remaining life were passed at that message; see `incidents`.
        seen_at: when it was last seen, where that is remembered: of the function's own, for its quiet day.
    """

    code: str
    since: datetime
    alerted_at: datetime
    level: int
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Telling:
    """When people were told of a failure in the last day, and at which level at last; see `incidents`."""

    at: tuple[datetime, ...]
    level: int


@dataclass(frozen=True)
class News:
    """A message, complete, that AWS did not take: it is told later as it was.

    Attributes:
        name: of its attribute in the ledger; also the order in which news is told.
        at: when it should have gone out.
        severity: for filters.
        code: for filters.
        secret: for filters.
        subject: of the mail.
        text: of the mail.
        mail: whether the topic still has to take it.
        detail_type: of the event.
        detail: of the event, JSON; empty when the bus has it, or where the message is a mail alone.
    """

    name: str
    at: datetime
    severity: str
    code: str
    secret: str
    subject: str
    text: str
    mail: bool
    detail_type: str
    detail: str


@dataclass(frozen=True)
class State:
    """The `state` record. `revision` counts its changes, so that a decision made on an older one cannot be claimed.

    `earlier` is the attempt before the open one, whose certificate still waits to be accepted by the service: both
    are tried. `told` says when people were told of which failure, by its code, whether or not it is over.
    """

    revision: int = 0
    attempts: Attempts = Attempts()
    lease: Lease | None = None
    open_attempt: OpenAttempt | None = None
    earlier: OpenAttempt | None = None
    last_rotation: LastRotation | None = None
    incident: Incident | None = None
    told: Mapping[str, Telling] = field(default_factory=dict)
    news: tuple[News, ...] = ()
