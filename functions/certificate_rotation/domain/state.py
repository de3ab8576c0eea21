"""What the ledger remembers of one credential between runs, as plain values."""

from collections.abc import Mapping
from copy import replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import UNUSED, Attempts

Outcome = Literal["unknown", "issued", "rejected"]
"""Of an attempt that was counted: no verdict yet, a new half came back, or one came back and cannot be used."""


class OpenAttempt(NamedTuple):
    """A counted attempt whose new half is not in use yet, or whose outcome nobody knows.

    Attributes:
        started_at: when it was counted; names its record in the history.
        intent_version: the secret version that holds what its answer needs.
        based_on: fingerprint of the half that was in use when it was made.
        name: what the service was asked to call the certificate; empty for an API key, which nobody names.
        previous_name: the name of the one it is to replace; None when the secret does not say, or there are none.
        outcome: what is known of it.
        answer: the service's, as the intent journals it: a PEM as it came, an API key sealed; None until it came.
        deleted: what the service says it deleted, as people may read it; empty for nothing.
    """

    started_at: datetime
    intent_version: str
    based_on: str
    name: str
    previous_name: str | None = None
    outcome: Outcome = "unknown"
    answer: str | None = None
    deleted: str = ""


class Lease(NamedTuple):
    """The right of one invocation to act on the credential, no longer than it may live."""

    owner: str
    until: datetime


class LastRotation(NamedTuple):
    """The last promotion of a half: consumers may hold the previous one for a while after it.

    `fingerprint` and `previous_fingerprint` tell whether the one in use is still one of the two; the names and
    `deleted` are as in `OpenAttempt`.
    """

    at: datetime
    name: str
    fingerprint: str
    previous_fingerprint: str
    previous_name: str | None = None
    deleted: str = ""


class Incident(NamedTuple):
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


class Telling(NamedTuple):
    """When people were told of a failure in the last day, and at which level at last; see `incidents`."""

    at: tuple[datetime, ...]
    level: int


class News(NamedTuple):
    """A message, complete. What AWS does not take of it is kept, and told later as it was.

    Attributes:
        name: of its attribute in the ledger; also the order in which news is told. Empty until it is to be sent.
        at: when it should have gone out.
        severity: how bad it is; people sort by it.
        code: an error's class name, or `rotated`, `recovered` or `dropped`.
        secret: for filters.
        half: which one it is about; of the credential or the function as a whole, the certificate.
        subject: of the mail.
        text: of the mail.
        mail: whether the topic still has to take it.
        detail_type: of the event.
        detail: of the event: the same for programs, JSON; empty when the bus has it, or for a mail alone.
    """

    name: str
    at: datetime
    severity: str
    code: str
    secret: str
    half: str
    subject: str
    text: str
    mail: bool
    detail_type: str
    detail: str


type NewsChanges = Mapping[str, News | None]
"""What changes of the news that waits: under its name each message to keep, None for each to forget."""


class HalfState(NamedTuple):
    """What is remembered of one half.

    Attributes:
        attempts: what is left of its limit.
        open_attempt: the one that is not over.
        earlier: the attempt before that one, whose answer still waits to be accepted by the service: both are tried.
        last_rotation: the last promotion.
        incident: a failure of this half that is not over; the certificate's also of the credential as a whole.
    """

    attempts: Attempts
    open_attempt: OpenAttempt | None = None
    earlier: OpenAttempt | None = None
    last_rotation: LastRotation | None = None
    incident: Incident | None = None


class State(NamedTuple):
    """The `state` record.

    Attributes:
        revision: counts its changes, so that a decision made on an older one cannot be claimed.
        lease: who is at work on the credential, or was killed at it.
        last_acted: the half that acted last.
        rotation_token: of Secrets Manager's own rotation, until it is over; empty for none.
        certificate: of that half.
        api_key: of that half.
        told: when people were told of which failure (`incidents`), whether or not it is over.
        news: what AWS did not take.
    """

    revision: int = 0
    lease: Lease | None = None
    last_acted: HalfName | None = None
    rotation_token: str = ""
    certificate: HalfState = HalfState(UNUSED[HalfName.CERTIFICATE])
    api_key: HalfState = HalfState(UNUSED[HalfName.API_KEY])
    told: Mapping[str, Telling] = MappingProxyType({})
    news: tuple[News, ...] = ()

    def of(self, half: HalfName) -> HalfState:
        """What is remembered of that half."""
        return self.certificate if half is HalfName.CERTIFICATE else self.api_key

    def having(self, half: HalfName, state: HalfState) -> "State":
        """The same, with something else known of that half."""
        return replace(self, certificate=state) if half is HalfName.CERTIFICATE else replace(self, api_key=state)
