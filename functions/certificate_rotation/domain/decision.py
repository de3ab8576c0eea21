"""What to do about one half of a credential: facts in, decision out. Pure, and the standard library only.

The service keeps two of each half per tenant, and a third deletes the oldest. So the order of the questions below
matters: finish what is half done; never ask for one that may cost the one in use, unless losing it to its own end is
the worse harm or a person accepts it. Every question is in this module, because their order decides. Which of the two
halves comes first is asked in `turn`.
"""

from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from certificate_rotation.domain.errors import CredentialExpired, RotationError
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.state import HalfState, Lease, OpenAttempt
from certificate_rotation.domain.verdict import Answer

# A lease is the holder's clock, ours may be this far ahead of it: do not take it over too early.
LEASE_SKEW = timedelta(minutes=1)
# While one in hand is not accepted yet, another one is asked for only ...
LAST_DAY = timedelta(days=1)  # ... in the last day of the one in use: a third one deletes it
SETTLING = timedelta(hours=1)  # ... and this long after the one in hand was asked for: it may only need a moment


class Policy(NamedTuple):
    """The owner's settings that decide.

    Attributes:
        renew_before: how long before its end a certificate is renewed; zero for the last third of its life.
        critical: from how long before the end expiry is a worse harm than losing the one in use.
        cutover_grace: how long after a rotation consumers may still hold the previous one.
        renew_api_key: whether the API key's end is looked at.
        api_key_renew_before: how long before its end an API key is renewed, if its life is not too short for that.
    """

    renew_before: timedelta
    critical: timedelta
    cutover_grace: timedelta
    renew_api_key: bool = True
    api_key_renew_before: timedelta = timedelta(days=30)


StepName = Literal["createSecret", "setSecret", "testSecret", "finishSecret"]


class Step(NamedTuple):
    """One of the four steps of Secrets Manager's own rotation, and its token: the id of the version it works on."""

    name: StepName
    token: str


class Command(NamedTuple):
    """What the event asks for.

    Attributes:
        secret_id: name or ARN of the secret; None for the stack's.
        dry_run: report, change nothing.
        force: renew though it is not due.
        allow_eviction: accept that the one in use may be deleted at once.
        half: which one `force` and `allow_eviction` are about.
        step: of Secrets Manager's own rotation; None for a run of ours.
    """

    secret_id: str | None = None
    dry_run: bool = False
    force: bool = False
    allow_eviction: bool = False
    half: HalfName = HalfName.CERTIFICATE
    step: Step | None = None

    @property
    def evicts(self) -> bool:
        """Whether a person wants another one though that may delete the one in use."""
        return self.force and self.allow_eviction

    def about(self, half: HalfName) -> "Command":
        """What it asks for of that half."""
        return self if half is self.half else replace(self, force=False, allow_eviction=False)


class Progress(StrEnum):
    """How far a rotation that an earlier run left behind has come, as far as it can be carried on."""

    NONE = "none"
    STALE = "stale"  # made for one that is no longer in use
    ISSUED = "issued"  # the answer is in the ledger, what it needs is in the intent
    STAGED = "staged"  # the whole credential is in a version of its own
    PROMOTED = "promoted"  # and in use; only tidying is left


class Facts(NamedTuple):
    """All a decision about one half needs.

    Attributes:
        half: which one.
        life: of the one in use.
        fingerprint: of the one in use.
        state: what the ledger remembers.
        lease: who is at work on the credential.
        progress: of a rotation under way.
        in_use: what the service said in this run of the credential in use.
        in_hand: how many wait to replace the one in use, and have not ended.
        all_ended: whether there were some, and each has ended meanwhile.
        failure: why nothing more is known of this half in this run.
    """

    half: HalfName
    life: Life
    fingerprint: str
    state: HalfState
    lease: Lease | None = None
    progress: Progress = Progress.NONE
    in_use: Answer = Answer.NOT_ASKED
    in_hand: int = 0
    all_ended: bool = False
    failure: RotationError | None = None


@dataclass(frozen=True)
class Decision:
    """What to do about one half. Each kind is a class of its own.

    Attributes:
        why: what people read.
        until: when the waiting ends, of what waits; None where that has no end by itself.
    """

    why: str
    until: datetime | None = None


class NotDue(Decision):
    """Nothing to do."""


class Ask(Decision):
    """Ask the service whether it accepts the credential in use, then decide again."""


class Issue(Decision):
    """Ask the service for a new one."""


@dataclass(frozen=True)
class Resume(Decision):
    """Carry on a rotation whose new half is in hand; no attempt is used.

    `another`: if the service still does not accept it, ask for one more and try both.
    """

    another: bool = False


class Drop(Decision):
    """Give up a rotation that was made for one no longer in use, then decide again."""


class Hold(Decision):
    """Wait, because going ahead may delete the one in use."""


class Wait(Decision):
    """Wait, because the vendor's limit leaves no attempt before `until`."""


class Busy(Decision):
    """Another invocation is at work on this credential."""


class Unanswered(Decision):
    """What to do hangs on whether the service accepts the credential in use, and it does not say. Nothing is done."""


@dataclass(frozen=True)
class Failed(Decision):
    """Nothing can be decided about this half now."""

    error: RotationError = field(kw_only=True)


class Expired(Failed):
    """Too late: the one in use has ended, and the service refuses it."""


# If no half acts: who is at work elsewhere will tell of it; a failure comes before a hold, and that before a limit.
TOLD_FIRST: tuple[type[Decision], ...] = (Busy, Expired, Unanswered, Failed, Hold, Wait, NotDue, Issue)


def decide(facts: Facts, policy: Policy, command: Command, now: datetime, owner: str = "") -> Decision:
    """Decide what to do about one half at `now` (aware, UTC).

    Args:
        facts: what was gathered.
        policy: the owner's settings.
        command: what the event asks for of this half; `force` and `allow_eviction` never pass the rate limit.
        now: aware, UTC.
        owner: who asks, so that its own lease does not count as another's.
    """
    decision = _decide(facts, policy, command, now)
    under_way = isinstance(decision, Ask | Issue | Resume | Drop) or bool(facts.state.open_attempt)
    if under_way and _taken(facts.lease, owner, now):
        return Busy("Another invocation is at work on this credential.")
    return decision


def _decide(facts: Facts, policy: Policy, command: Command, now: datetime) -> Decision:  # noqa: PLR0911 - a row each
    life, what = facts.life, facts.half.words
    if facts.failure:
        return Failed(str(facts.failure), error=facts.failure)
    match facts.progress:
        case Progress.STALE:
            return _about_a_stale_one(facts, ended=life.has_surely_ended(now))
        case Progress.PROMOTED:
            return Resume(f"The new {what} is in use already; what is left is to tidy up and tell.")
        case Progress.ISSUED | Progress.STAGED if not facts.all_ended:
            another = _wants_another(facts, now) or (command.evicts and facts.state.attempts.available(now) > 0)
            return Resume(f"A new {what} is in hand, waiting to be put into use.", another=another)
        case _ if life.has_ended(now) and facts.in_use is not Answer.ACCEPTED:
            return _about_an_ended_one(facts)
        case _ if life.is_stale(now):  # it is due, and when it ends nobody knows
            return _about_a_new_one(replace(facts, life=Life(renew_at=life.renew_at)), policy, command, now)
        case _:
            return _about_a_new_one(facts, policy, command, now)


def _about_a_new_one(facts: Facts, policy: Policy, command: Command, now: datetime) -> Decision:
    """Nothing is in hand: whether to ask for one."""
    state, life, what = facts.state, facts.life, facts.half.words
    due_by_itself = life.renew_at is not None and now >= life.renew_at
    due = due_by_itself or command.force
    if facts.half is HalfName.API_KEY and not (policy.renew_api_key or command.force):
        return NotDue("RenewApiKey is false.")
    if state.open_attempt and not (life.is_within(policy.critical, now) and due) and not command.evicts:
        return Hold(_why_held(state.open_attempt, what, ended=facts.all_ended), life.held_until(policy.critical))
    if not due:
        known = f"The {what} in use is young enough." if life.ends else f"Nobody knows when the {what} in use ends."
        return NotDue(known)
    grace_ends = _grace_ends(facts, policy)
    if grace_ends and now < grace_ends and not command.allow_eviction and not life.has_ended(grace_ends):
        return Hold(f"Consumers may still hold the previous {what}, and another one would delete it.", grace_ends)
    next_at = state.attempts.next_at(now)
    if next_at:
        return Wait(f"The vendor's limit on {what} requests leaves no attempt.", next_at)
    return Issue("Renewal is due." if due_by_itself else "Renewal was asked for.")


def _about_a_stale_one(facts: Facts, *, ended: bool) -> Decision:
    """Somebody replaced the one in use. What is in hand is given up only for one the service accepts."""
    replaced = f"The {facts.half.words} in use is not the one this rotation was started for: somebody replaced it"
    if not facts.in_hand:
        return Drop(f"{replaced}.")
    match facts.in_use:
        case Answer.NOT_ASKED:
            return Ask(f"{replaced}. Does the service accept it?")
        case Answer.ACCEPTED:
            return Drop(f"{replaced}, and the service accepts it.")
        case Answer.NONE if not ended:
            return Unanswered(f"{replaced}, and the service gave no answer whether it accepts it.")
        case _:
            return Resume(f"{replaced}, and the service does not accept it: what is in hand is used.")


def is_dead(life: Life, in_use: Answer, now: datetime) -> bool:
    """Whether the service lets the credential in use in no more, for all we know: then it cannot renew anything."""
    return in_use is Answer.REFUSED or (in_use is not Answer.ACCEPTED and life.has_surely_ended(now))


def _about_an_ended_one(facts: Facts) -> Decision:
    ended = f"The {facts.half.words} in use ended at {facts.life.ends:%Y-%m-%dT%H:%M:%SZ}"
    match facts.in_use:
        case Answer.NOT_ASKED:
            return Ask(f"{ended}. Does the service still accept it?")
        case Answer.REFUSED:
            why = f"{ended}, and the service refuses it."
            return Expired(why, error=CredentialExpired(why))
        case _:
            return Unanswered(f"{ended}, and the service gave no answer whether it still accepts it.")


def _wants_another(facts: Facts, now: datetime) -> bool:
    """Whether the end of the one in use is so near that a second one is worth what it may cost: once."""
    attempt = facts.state.open_attempt
    return (
        attempt is not None
        and facts.state.earlier is None
        and facts.life.is_within(LAST_DAY, now)
        and not facts.life.is_stale(now)
        and now >= attempt.started_at + SETTLING
        and facts.state.attempts.available(now) > 0
    )


def _taken(lease: Lease | None, owner: str, now: datetime) -> bool:
    return lease is not None and lease.owner != owner and now < lease.until + LEASE_SKEW


def _grace_ends(facts: Facts, policy: Policy) -> datetime | None:
    """Until when consumers may hold the other one of the last rotation.

    Also after somebody put the previous one back; not after they onboarded anew, which left that rotation behind.
    """
    last = facts.state.last_rotation
    if last is None or facts.fingerprint not in {last.fingerprint, last.previous_fingerprint}:
        return None
    return last.at + policy.cutover_grace


def _why_held(attempt: OpenAttempt, what: str, *, ended: bool) -> str:
    asked = f"The attempt of {attempt.started_at:%Y-%m-%dT%H:%M:%SZ} ({' '.join(filter(None, (what, attempt.name)))})"
    risk = f"another one may delete the {what} in use."
    match attempt.outcome:
        case "rejected":
            return f"{asked} brought one that cannot be used; {risk}"
        case "issued" if ended:
            return f"{asked} brought one that has ended since; {risk}"
        case "issued":
            return f"{asked} brought one that cannot be read any more, for what it needs is gone; {risk}"
        case "unknown":
            return f"{asked} has no known outcome: one may have been issued, and {risk}"
