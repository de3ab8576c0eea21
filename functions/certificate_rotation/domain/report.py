"""What a run found and did: its result, its metrics and its messages are made from this. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from certificate_rotation.domain.state import LastRotation, State
from certificate_rotation.domain.verdict import NOT_ASKED, Answer, Verdict

Outcome = Literal["rotated", "not_due", "dry_run", "rate_limited", "held", "busy", "failed"]
"""The contract's outcomes; a run that failed has no result, but an error."""


@dataclass(frozen=True)
class Rotated:
    """A rotation as it is told.

    Attributes:
        rotation: what happened.
        previous: what the service says of the credential consumers hold, since the new certificate was issued.
        previous_ended: whether the certificate consumers hold has reached its date.
    """

    rotation: LastRotation
    previous: Verdict = NOT_ASKED
    previous_ended: bool = False

    @property
    def reload_now(self) -> bool:
        """Whether consumers may be locked out until they read the secret again."""
        answer = self.previous.answer
        unsure = bool(self.rotation.deleted_cert_name) and answer is Answer.NOT_ASKED
        return unsure or answer in {Answer.REFUSED, Answer.NONE} or self.previous_ended


@dataclass(frozen=True)
class Report:
    """One run.

    Attributes:
        secret: name or ARN, or the function's name; also the key under which an incident is remembered.
        at: when the report was made, aware, UTC.
        outcome: how the run ended.
        of_function: it is about the function itself, before any credential was looked at.
        dry_run: whether nothing was to be changed, and nobody told.
        cert_name: of the certificate in use; None when not known, or when the secret does not say.
        serial: of the same, hex; empty when not known.
        not_after: when that one ends; None when not known.
        renew_at: when it is due; None when not known.
        held_until: when a hold ends by itself; None when not known.
        attempts: how many requests may leave now, None when not known.
        next_attempt_at: when one may, if none may now.
        in_use: what the service said of the credential in use, in this run.
        why: of a hold or a dry run.
        until: when a hold, or a wait of a dry run, ends.
        would_do: of a dry run.
        rotated: of a rotation.
        error: of a run that failed.
        mails_refused: how many mails of this run AWS did not take.
        function_state: what the ledger remembers of the function itself, where it was read along.
        request_id: Lambda's, to find the run's log.
        log_url: where that log is in the console; empty when not known.
        stack: the stack's name, for the commands people copy.
    """

    secret: str
    at: datetime
    outcome: Outcome = "failed"
    of_function: bool = False
    dry_run: bool = False
    cert_name: str | None = None
    serial: str = ""
    not_after: datetime | None = None
    renew_at: datetime | None = None
    held_until: datetime | None = None
    attempts: int | None = None
    next_attempt_at: datetime | None = None
    in_use: Verdict = NOT_ASKED
    why: str | None = None
    until: datetime | None = None
    would_do: str | None = None
    rotated: Rotated | None = None
    error: Exception | None = None
    mails_refused: int = 0
    function_state: State | None = None
    request_id: str = ""
    log_url: str = ""
    stack: str = ""
