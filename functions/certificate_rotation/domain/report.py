"""What a run found and did: its result, its metrics and its messages are made from this. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.state import LastRotation, State
from certificate_rotation.domain.verdict import NOT_ASKED, Answer, Verdict

Outcome = Literal["rotated", "not_due", "dry_run", "rate_limited", "held", "busy", "staged", "failed"]
"""The contract's outcomes; a run that failed has no result, but an error."""


class Rotated(NamedTuple):
    """A rotation as it is told.

    Attributes:
        rotation: what happened.
        previous: what the service says of the credential consumers hold, since the new half was issued.
        previous_ended: whether the half consumers hold has reached its date.
    """

    rotation: LastRotation
    previous: Verdict = NOT_ASKED
    previous_ended: bool = False

    @property
    def reload_now(self) -> bool:
        """Whether consumers may be locked out until they read the secret again."""
        answer = self.previous.answer
        unsure = bool(self.rotation.deleted) and answer is Answer.NOT_ASKED
        ended = self.previous_ended and answer is not Answer.ACCEPTED  # else its date was a stale note
        return unsure or answer in {Answer.REFUSED, Answer.NONE} or ended


class HalfReport(NamedTuple):
    """One half, as it was found.

    Attributes:
        life: when it ends and is due.
        held_until: when a hold over an open attempt ends by itself; None when it does not, or that is not known.
        attempts: how many requests may leave now.
        next_attempt_at: when one may, if none may now.
    """

    life: Life
    held_until: datetime | None
    attempts: int
    next_attempt_at: datetime | None


class Report(NamedTuple):
    """One run.

    Attributes:
        secret: name or ARN, or the function's name; also the key under which an incident is remembered.
        at: when the report was made, aware, UTC.
        outcome: how the run ended.
        of_function: it is about the function itself, before any credential was looked at.
        dry_run: whether nothing was to be changed, and nobody told.
        of_step: it is a step of Secrets Manager's own rotation, not of the schedule.
        renews: which half the outcome is about; None for none, or for the credential as a whole.
        cert_name: of the certificate in use; None when not known, or when the secret does not say.
        serial: of the same, hex; empty when not known.
        halves: what is known of each; empty when nothing is.
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
    of_step: bool = False
    renews: HalfName | None = None
    cert_name: str | None = None
    serial: str = ""
    halves: Mapping[HalfName, HalfReport] = MappingProxyType({})
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

    @property
    def half(self) -> HalfName:
        """The half it is about; of the credential as a whole, the certificate."""
        return self.renews or HalfName.CERTIFICATE

    @property
    def concerned(self) -> HalfReport | None:
        """What is known of that half."""
        return self.halves.get(self.half)

    @property
    def ends(self) -> datetime | None:
        """When the half it is about ends, or of the whole credential the first of both; None when not known."""
        return self._first_end([self.renews] if self.renews else self.halves)

    @property
    def first_end(self) -> datetime | None:
        """When the first of both ends; None when not known."""
        return self._first_end(self.halves)

    def _first_end(self, halves: Iterable[HalfName]) -> datetime | None:
        lives = [self.halves[half].life for half in halves if half in self.halves]
        refused = self.in_use.answer is Answer.REFUSED  # else a note that has passed is stale
        return min((one.ends for one in lives if one.ends and (refused or not one.is_stale(self.at))), default=None)


def begun(secret: str, run: Invocation) -> Report:
    """The report of a run before it knows anything."""
    return Report(secret, run.clock(), request_id=run.request_id, log_url=run.log_url, stack=run.stack)
