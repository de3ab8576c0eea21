"""What to do about one credential: facts in, decision out. Pure, and the standard library only.

The service keeps two certificates per tenant, and a third deletes the oldest. So the order of the questions below
matters: finish what is half done; never ask for a certificate that may cost the one in use, unless losing it to
its own end is the worse harm or a person accepts it. Every question is in this module, because their order decides.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certificate_rotation.domain.state import Lease, OpenAttempt, State
from certificate_rotation.domain.verdict import Answer

# A lease is the holder's clock, ours may be this far ahead of it: do not take it over too early.
LEASE_SKEW = timedelta(minutes=1)
# While a certificate in hand is not accepted yet, another one is asked for only ...
LAST_DAY = timedelta(days=1)  # ... in the last day of the one in use: a third one deletes it
SETTLING = timedelta(hours=1)  # ... and this long after the one in hand was asked for: it may only need a moment


@dataclass(frozen=True)
class Policy:
    """The owner's settings that decide.

    Attributes:
        renew_before: how long before its end a certificate is renewed; zero for the last third of its life.
        critical: from how long before the end expiry is a worse harm than losing the certificate in use.
        cutover_grace: how long after a rotation consumers may still hold the previous certificate.
    """

    renew_before: timedelta
    critical: timedelta
    cutover_grace: timedelta


@dataclass(frozen=True)
class Command:
    """What the event asks for.

    Attributes:
        secret_id: name or ARN of the secret; None for the stack's.
        dry_run: report, change nothing.
        force: renew though it is not due.
        allow_eviction: accept that the certificate in use may be deleted at once.
    """

    secret_id: str | None = None
    dry_run: bool = False
    force: bool = False
    allow_eviction: bool = False


class Progress(StrEnum):
    """How far a rotation that an earlier run left behind has come, as far as it can be carried on."""

    NONE = "none"
    STALE = "stale"  # made for a certificate that is no longer the one in use
    ISSUED = "issued"  # the certificate is in the ledger, its key in the intent
    STAGED = "staged"  # both are in a version labelled AWSPENDING
    PROMOTED = "promoted"  # and in use; only tidying is left


@dataclass(frozen=True)
class Facts:
    """All a decision needs. Times are aware, UTC; the first three are the certificate's in use.

    `in_use` is what the service said of that one in this run; `in_hand` is how many certificates wait to replace it,
    `all_ended` that there were some, and that each has ended meanwhile.
    """

    not_before: datetime
    not_after: datetime
    fingerprint: str
    state: State
    progress: Progress = Progress.NONE
    in_use: Answer = Answer.NOT_ASKED
    in_hand: int = 0
    all_ended: bool = False


@dataclass(frozen=True)
class NotDue:
    """Nothing to do."""

    why: str


@dataclass(frozen=True)
class Ask:
    """Ask the service whether it accepts the credential in use, then decide again."""

    why: str


@dataclass(frozen=True)
class Issue:
    """Ask the service for a certificate."""

    why: str


@dataclass(frozen=True)
class Resume:
    """Carry on a rotation whose certificate is in hand; no attempt is used.

    `another`: if the service still does not accept it, ask for one more and try both.
    """

    why: str
    another: bool = False


@dataclass(frozen=True)
class Drop:
    """Give up a rotation that was made for a certificate no longer in use, then decide again."""

    why: str


@dataclass(frozen=True)
class Hold:
    """Wait, because going ahead may delete the certificate in use."""

    why: str
    until: datetime


@dataclass(frozen=True)
class Wait:
    """Wait, because the vendor's limit leaves no attempt before `until`."""

    why: str
    until: datetime


@dataclass(frozen=True)
class Busy:
    """Another invocation is at work on this credential."""

    why: str


@dataclass(frozen=True)
class Unanswered:
    """What to do hangs on whether the service accepts the credential in use, and it does not say. Nothing is done."""

    why: str


@dataclass(frozen=True)
class Expired:
    """Too late: the certificate in use has ended, and the service refuses it."""

    why: str


Decision = NotDue | Ask | Issue | Resume | Drop | Hold | Wait | Busy | Unanswered | Expired


def renew_at(not_before: datetime, not_after: datetime, policy: Policy) -> datetime:
    """When renewal of a certificate that is valid from `not_before` to `not_after` becomes due.

    A `renew_before` as long as the certificate's whole life would renew without end, so it counts as zero.
    """
    life = not_after - not_before
    return not_after - (policy.renew_before if timedelta(0) < policy.renew_before < life else life / 3)


def held_until(not_before: datetime, not_after: datetime, policy: Policy) -> datetime:
    """When a hold over an open attempt ends by itself: the end is near, and renewal is due."""
    return max(not_after - policy.critical, renew_at(not_before, not_after, policy))


def decide(facts: Facts, policy: Policy, command: Command, now: datetime, owner: str = "") -> Decision:
    """Decide what to do at `now` (aware, UTC).

    Args:
        facts: what was gathered.
        policy: the owner's settings.
        command: what the event asks for; `force` and `allow_eviction` never pass the rate limit.
        now: aware, UTC.
        owner: who asks, so that its own lease does not count as another's.
    """
    decision = _decide(facts, policy, command, now)
    under_way = isinstance(decision, Ask | Issue | Resume | Drop) or bool(facts.state.open_attempt)
    if under_way and _taken(facts.state.lease, owner, now):
        return Busy("Another invocation is at work on this credential.")
    return decision


def _decide(facts: Facts, policy: Policy, command: Command, now: datetime) -> Decision:  # noqa: PLR0911 - a row each
    state = facts.state
    ended = now >= facts.not_after
    critical = now >= facts.not_after - policy.critical
    due_at = renew_at(facts.not_before, facts.not_after, policy)
    due = now >= due_at or command.force

    match facts.progress:
        case Progress.STALE:
            return _about_a_stale_one(facts, ended=ended)
        case Progress.PROMOTED:
            return Resume("The new certificate is in use already; what is left is to tidy up and tell.")
        case Progress.ISSUED | Progress.STAGED if not facts.all_ended:
            return Resume(
                "A new certificate is in hand, waiting to be put into use.", another=_wants_another(facts, now)
            )
        case _:
            pass
    if ended and facts.in_use is not Answer.ACCEPTED:
        return _about_an_ended_one(facts)
    if state.open_attempt and not (critical and due) and not (command.force and command.allow_eviction):
        return Hold(_why_held(state.open_attempt), held_until(facts.not_before, facts.not_after, policy))
    if not due:
        return NotDue("The certificate in use is young enough.")
    grace_ends = _grace_ends(facts, policy)
    if grace_ends and now < grace_ends < facts.not_after and not command.allow_eviction:
        return Hold("Consumers may still hold the previous certificate, and another one would delete it.", grace_ends)
    next_at = state.attempts.next_at(now)
    if next_at:
        return Wait("The vendor's limit on certificate requests leaves no attempt.", next_at)
    return Issue("Renewal is due." if now >= due_at else "Renewal was asked for.")


def _about_a_stale_one(facts: Facts, *, ended: bool) -> Decision:
    """Somebody replaced the certificate in use. What is in hand is given up only for one the service accepts."""
    replaced = "The certificate in use is not the one this rotation was started for: somebody replaced it"
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


def _about_an_ended_one(facts: Facts) -> Decision:
    ended = f"The certificate in use ended at {facts.not_after:%Y-%m-%dT%H:%M:%SZ}"
    match facts.in_use:
        case Answer.NOT_ASKED:
            return Ask(f"{ended}. Does the service still accept it?")
        case Answer.REFUSED:
            return Expired(f"{ended}, and the service refuses it.")
        case _:
            return Unanswered(f"{ended}, and the service gave no answer whether it still accepts it.")


def _wants_another(facts: Facts, now: datetime) -> bool:
    """Whether the end of the one in use is so near that a second one is worth what it may cost: once."""
    attempt = facts.state.open_attempt
    return (
        attempt is not None
        and facts.state.earlier is None
        and now >= facts.not_after - LAST_DAY
        and now >= attempt.started_at + SETTLING
        and facts.state.attempts.available(now) > 0
    )


def _taken(lease: Lease | None, owner: str, now: datetime) -> bool:
    return lease is not None and lease.owner != owner and now < lease.until + LEASE_SKEW


def _grace_ends(facts: Facts, policy: Policy) -> datetime | None:
    """Until when consumers may hold the other certificate of the last rotation.

    Also after somebody put the previous one back; not after they onboarded anew, which left that rotation behind.
    """
    last = facts.state.last_rotation
    if last is None or facts.fingerprint not in {last.fingerprint, last.previous_fingerprint}:
        return None
    return last.at + policy.cutover_grace


def _why_held(attempt: OpenAttempt) -> str:
    asked = f"The attempt of {attempt.started_at:%Y-%m-%dT%H:%M:%SZ} (certificate {attempt.cert_name})"
    risk = "another one may delete the certificate in use."
    match attempt.outcome:
        case "rejected":
            return f"{asked} brought a certificate that cannot be used; {risk}"
        case "issued":
            return f"{asked} brought a certificate whose private key is gone; {risk}"
        case "unknown":
            return f"{asked} has no known outcome: a certificate may have been issued, and {risk}"
