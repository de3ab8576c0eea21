"""What to do, as a table of facts in and decision out."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from certificate_rotation.domain.decision import (
    LAST_DAY,
    LEASE_SKEW,
    SETTLING,
    Ask,
    Busy,
    Command,
    Decision,
    Drop,
    Expired,
    Facts,
    Hold,
    Issue,
    NotDue,
    Policy,
    Progress,
    Resume,
    Unanswered,
    Wait,
    decide,
    renew_at,
)
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.state import LastRotation, Lease, OpenAttempt, Outcome, State
from certificate_rotation.domain.verdict import Answer
from tests.support.factories import NOW

LIFE = timedelta(days=90)
POLICY = Policy(renew_before=timedelta(0), critical=timedelta(days=7), cutover_grace=timedelta(hours=24))
NOTHING = Command()
FORCE = Command(force=True)
EVICT = Command(force=True, allow_eviction=True)
NO_ATTEMPT = Attempts(burst_left=0, last_at=NOW)


def facts(age_days: float, **state: object) -> Facts:
    """A certificate of that age out of 90 days."""
    begins = NOW - timedelta(days=age_days)
    return Facts(begins, begins + LIFE, "in use", replace(State(), **state))  # type: ignore[arg-type]


def short_lived(age_days: float, **state: object) -> Facts:
    """One of 15 days: due after ten, within CriticalDays after eight."""
    return replace(facts(age_days, **state), not_after=NOW + timedelta(days=15 - age_days))


def attempt(outcome: Outcome = "unknown") -> OpenAttempt:
    """An attempt of an hour ago."""
    return OpenAttempt(NOW - timedelta(hours=1), "version", "in use", "device-id-1", outcome=outcome)


def rotated(ago: timedelta, fingerprint: str = "in use", previous: str = "before") -> LastRotation:
    """A promotion some time ago."""
    return LastRotation(NOW - ago, "device-id-0", fingerprint, previous)


@pytest.mark.parametrize(
    ("given", "command", "expected"),
    [
        # by age alone
        (facts(0), NOTHING, NotDue),
        (facts(59.9), NOTHING, NotDue),
        (facts(60), NOTHING, Issue),
        (facts(89.9), NOTHING, Issue),
        # it has ended: only the service knows whether it still opens anything
        (facts(90), NOTHING, Ask),
        (facts(90), EVICT, Ask),
        (facts(90, open_attempt=attempt()), NOTHING, Ask),
        (replace(facts(90), in_use=Answer.REFUSED), NOTHING, Expired),
        (replace(facts(90), in_use=Answer.REFUSED), EVICT, Expired),
        (replace(facts(90), in_use=Answer.NONE), NOTHING, Unanswered),
        (replace(facts(90), in_use=Answer.NONE), EVICT, Unanswered),
        (replace(facts(90), in_use=Answer.ACCEPTED), NOTHING, Issue),
        (replace(facts(90, attempts=NO_ATTEMPT), in_use=Answer.ACCEPTED), NOTHING, Wait),
        (replace(facts(90, open_attempt=attempt()), in_use=Answer.ACCEPTED), NOTHING, Issue),
        # what the service says of one that has not ended decides nothing here: the run tells it
        (replace(facts(60), in_use=Answer.REFUSED), NOTHING, Issue),
        (replace(facts(10), in_use=Answer.REFUSED), NOTHING, NotDue),
        (replace(facts(10), in_use=Answer.NONE), NOTHING, NotDue),
        # asked for
        (facts(10), FORCE, Issue),
        (facts(10), Command(allow_eviction=True), NotDue),
        # the vendor's limit, which nothing passes
        (facts(60, attempts=NO_ATTEMPT), NOTHING, Wait),
        (facts(10, attempts=NO_ATTEMPT), FORCE, Wait),
        (facts(10, attempts=NO_ATTEMPT), EVICT, Wait),
        (facts(89, attempts=NO_ATTEMPT), EVICT, Wait),
        (facts(10, attempts=NO_ATTEMPT), NOTHING, NotDue),
        # an attempt of unknown outcome, or one that brought what cannot be used
        (facts(60, open_attempt=attempt()), NOTHING, Hold),
        (facts(60, open_attempt=attempt("rejected")), NOTHING, Hold),
        (facts(60, open_attempt=attempt("issued")), NOTHING, Hold),  # its key is gone
        (facts(10, open_attempt=attempt()), NOTHING, Hold),  # a person should know, though renewal is not due
        (facts(60, open_attempt=attempt()), FORCE, Hold),
        (facts(60, open_attempt=attempt()), Command(allow_eviction=True), Hold),
        (facts(60, open_attempt=attempt()), EVICT, Issue),
        (facts(82.9, open_attempt=attempt()), NOTHING, Hold),
        (facts(83, open_attempt=attempt()), NOTHING, Issue),
        (facts(83, open_attempt=attempt(), attempts=NO_ATTEMPT), NOTHING, Wait),
        (short_lived(9, open_attempt=attempt()), NOTHING, Hold),  # critical already, and not due yet
        (short_lived(9, open_attempt=attempt()), EVICT, Issue),
        (short_lived(10, open_attempt=attempt()), NOTHING, Issue),
        # consumers may hold the previous certificate
        (facts(60, last_rotation=rotated(timedelta(hours=23))), NOTHING, Hold),
        (facts(60, last_rotation=rotated(timedelta(hours=23))), FORCE, Hold),
        (facts(60, last_rotation=rotated(timedelta(hours=23))), EVICT, Issue),
        (facts(60, last_rotation=rotated(timedelta(hours=23))), Command(allow_eviction=True), Issue),
        (facts(60, last_rotation=rotated(timedelta(hours=24))), NOTHING, Issue),
        (facts(60, last_rotation=rotated(timedelta(hours=1), "another", "in use")), NOTHING, Hold),  # put back
        (facts(60, last_rotation=rotated(timedelta(hours=1), "another")), NOTHING, Issue),  # onboarded anew
        (facts(1, last_rotation=rotated(timedelta(hours=1))), NOTHING, NotDue),
        # waiting for the grace would outlast the certificate itself
        (facts(89.5, last_rotation=rotated(timedelta(hours=1))), NOTHING, Issue),
        (facts(89, last_rotation=rotated(timedelta(0))), NOTHING, Issue),
    ],
)
def test_what_to_do(given: Facts, command: Command, expected: type[Decision]) -> None:
    """Every row is a promise: to renew in time, and never to risk the certificate in use without need or leave."""
    assert type(decide(given, POLICY, command, NOW)) is expected


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (Progress.ISSUED, Resume),
        (Progress.STAGED, Resume),
        (Progress.PROMOTED, Resume),
        (Progress.STALE, Drop),
    ],
)
@pytest.mark.parametrize("age", [1, 60, 85, 95])
def test_what_is_half_done_is_finished_first(progress: Progress, expected: type[Decision], age: float) -> None:
    """Another request would part with the certificate in hand, which cannot be had again."""
    given = replace(facts(age, open_attempt=attempt("issued"), attempts=NO_ATTEMPT), progress=progress)
    assert type(decide(given, POLICY, NOTHING, NOW)) is expected


# What the service says of a credential in use that is not the one this rotation was made for, before and after its end.
OF_ANOTHER = [
    (60, Answer.NOT_ASKED, Ask),
    (60, Answer.ACCEPTED, Drop),
    (60, Answer.REFUSED, Resume),
    (60, Answer.NONE, Unanswered),
    (95, Answer.NOT_ASKED, Ask),
    (95, Answer.ACCEPTED, Drop),
    (95, Answer.REFUSED, Resume),
    (95, Answer.NONE, Resume),
]


@pytest.mark.parametrize(("age", "in_use", "expected"), OF_ANOTHER)
@pytest.mark.parametrize("in_hand", [1, 2])
def test_what_is_in_hand_is_given_up_only_for_one_that_the_service_accepts(
    in_hand: int, age: float, in_use: Answer, expected: type[Decision]
) -> None:
    """Somebody put another one into the secret: it may be a better one, or one that the service has deleted."""
    given = replace(facts(age, open_attempt=attempt("issued")), progress=Progress.STALE, in_use=in_use)
    decision = decide(replace(given, in_hand=in_hand), POLICY, NOTHING, NOW)
    assert type(decision) is expected
    assert getattr(decision, "another", False) is False


@pytest.mark.parametrize("in_use", Answer)
def test_an_attempt_that_brought_nothing_is_dropped_without_a_question(in_use: Answer) -> None:
    """There is nothing to lose with it."""
    given = replace(facts(60, open_attempt=attempt()), progress=Progress.STALE, in_use=in_use)
    assert type(decide(given, POLICY, NOTHING, NOW)) is Drop


SOON = 90 - LAST_DAY / timedelta(days=1)  # the age at which the last day begins


def waiting(since: timedelta, **state: object) -> dict[str, object]:
    """The state of a credential whose new certificate was asked for that long ago."""
    return {"open_attempt": replace(attempt("issued"), started_at=NOW - since), **state}


@pytest.mark.parametrize(
    ("age", "state", "another"),
    [
        (60, waiting(SETTLING), False),
        (83, waiting(timedelta(days=7)), False),  # CriticalDays alone is no reason: the service would delete one for it
        (SOON - 0.01, waiting(SETTLING), False),
        (SOON, waiting(SETTLING), True),
        (SOON, waiting(SETTLING - timedelta(seconds=1)), False),
        (SOON, waiting(SETTLING, attempts=NO_ATTEMPT), False),
        (SOON, waiting(SETTLING, attempts=Attempts(burst_left=1)), True),
        (SOON, waiting(SETTLING, earlier=attempt("issued")), False),  # once
        (SOON, {}, False),  # the ledger's record is gone: nobody knows since when it waits
        (95, waiting(SETTLING), True),
    ],
)
@pytest.mark.parametrize("progress", [Progress.ISSUED, Progress.STAGED])
def test_another_one_is_asked_for_only_in_the_last_day_and_once(
    progress: Progress, age: float, state: dict[str, object], *, another: bool
) -> None:
    """The one in hand may be accepted any hour, and a third one has the service delete the one in use."""
    given = replace(facts(age, **state), progress=progress, in_hand=1)
    assert decide(given, POLICY, NOTHING, NOW) == Resume(
        "A new certificate is in hand, waiting to be put into use.", another=another
    )


@pytest.mark.parametrize(
    ("given", "until"),
    [
        (facts(60, open_attempt=attempt()), NOW + timedelta(days=23)),
        (short_lived(9, open_attempt=attempt()), NOW + timedelta(days=1)),
        (facts(60, last_rotation=rotated(timedelta(hours=23))), NOW + timedelta(hours=1)),
        (facts(60, attempts=NO_ATTEMPT), NOW + timedelta(minutes=62)),
    ],
)
def test_whoever_must_wait_is_told_until_when(given: Facts, until: datetime) -> None:
    """At 3 a.m. "later" is no answer."""
    decision = decide(given, POLICY, NOTHING, NOW)
    assert isinstance(decision, Hold | Wait)
    assert decision.until == until


STALE = replace(facts(60), progress=Progress.STALE, in_hand=1)
LEASED = Lease("another", NOW + timedelta(seconds=1))
ASKED = "The attempt of 2026-11-24T11:00:00Z (certificate device-id-1)"
ENDED = "The certificate in use ended at 2026-11-24T12:00:00Z"
REPLACED = "The certificate in use is not the one this rotation was started for: somebody replaced it"
RISK = "another one may delete the certificate in use."


@pytest.mark.parametrize(
    ("given", "command", "why"),
    [
        (facts(0), NOTHING, "The certificate in use is young enough."),
        (facts(60), NOTHING, "Renewal is due."),
        (facts(60), FORCE, "Renewal is due."),
        (facts(10), FORCE, "Renewal was asked for."),
        (facts(90), NOTHING, f"{ENDED}. Does the service still accept it?"),
        (replace(facts(90), in_use=Answer.REFUSED), NOTHING, f"{ENDED}, and the service refuses it."),
        (
            replace(facts(90), in_use=Answer.NONE),
            NOTHING,
            f"{ENDED}, and the service gave no answer whether it still accepts it.",
        ),
        (facts(60, attempts=NO_ATTEMPT), NOTHING, "The vendor's limit on certificate requests leaves no attempt."),
        (
            facts(60, open_attempt=attempt()),
            NOTHING,
            f"{ASKED} has no known outcome: a certificate may have been issued, and {RISK}",
        ),
        (
            facts(60, open_attempt=attempt("rejected")),
            NOTHING,
            f"{ASKED} brought a certificate that cannot be used; {RISK}",
        ),
        (
            facts(60, open_attempt=attempt("issued")),
            NOTHING,
            f"{ASKED} brought a certificate whose private key is gone; {RISK}",
        ),
        (
            facts(60, last_rotation=rotated(timedelta(hours=1))),
            NOTHING,
            "Consumers may still hold the previous certificate, and another one would delete it.",
        ),
        (facts(60, lease=LEASED), NOTHING, "Another invocation is at work on this credential."),
        (replace(facts(60), progress=Progress.STALE), NOTHING, f"{REPLACED}."),
        (STALE, NOTHING, f"{REPLACED}. Does the service accept it?"),
        (replace(STALE, in_use=Answer.ACCEPTED), NOTHING, f"{REPLACED}, and the service accepts it."),
        (
            replace(STALE, in_use=Answer.NONE),
            NOTHING,
            f"{REPLACED}, and the service gave no answer whether it accepts it.",
        ),
        (
            replace(STALE, in_use=Answer.REFUSED),
            NOTHING,
            f"{REPLACED}, and the service does not accept it: what is in hand is used.",
        ),
        (
            replace(facts(60), progress=Progress.PROMOTED),
            NOTHING,
            "The new certificate is in use already; what is left is to tidy up and tell.",
        ),
        (
            replace(facts(60), progress=Progress.ISSUED),
            NOTHING,
            "A new certificate is in hand, waiting to be put into use.",
        ),
    ],
)
def test_every_decision_says_why(given: Facts, command: Command, why: str) -> None:
    """A person reads it in the result, in the log and in the mail, and decides by it whether to step in."""
    assert decide(given, POLICY, command, NOW).why == why


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (facts(60), Busy),
        (facts(1), NotDue),
        (facts(1, open_attempt=attempt()), Busy),  # the other one has just asked: no hold, no alert
        (facts(60, attempts=NO_ATTEMPT), Wait),
        (replace(facts(60), progress=Progress.STAGED), Busy),
        (replace(facts(60), progress=Progress.STALE), Busy),
        (STALE, Busy),  # it may be the other one's own: no question is spent on it
        (facts(90), Busy),
        (replace(facts(90), in_use=Answer.REFUSED), Expired),
    ],
)
def test_while_another_invocation_is_at_work_nothing_is_begun(given: Facts, expected: type[Decision]) -> None:
    """One request in flight per credential."""
    lease = Lease("another", NOW + timedelta(seconds=1))
    leased = replace(given, state=replace(given.state, lease=lease))
    assert type(decide(leased, POLICY, NOTHING, NOW, owner="we")) is expected


@pytest.mark.parametrize(
    ("owner", "ended", "expected"),
    [
        ("another", timedelta(0), Busy),
        ("another", LEASE_SKEW - timedelta(seconds=1), Busy),  # its clock may be behind ours
        ("another", LEASE_SKEW, Issue),
        ("we", timedelta(seconds=-60), Issue),
    ],
)
def test_a_lease_ends_with_its_holder(owner: str, ended: timedelta, expected: type[Decision]) -> None:
    """A killed invocation must not block the credential for ever, nor be overtaken while it lives."""
    given = facts(60, lease=Lease(owner, NOW - ended))
    assert type(decide(given, POLICY, NOTHING, NOW, owner="we")) is expected


@pytest.mark.parametrize(
    ("before_days", "age_at_renewal"),
    [(0, 60), (1, 89), (30, 60), (89, 1), (90, 60), (3650, 60)],
)
def test_a_certificate_is_renewed_in_its_last_third_or_when_the_owner_says(
    before_days: int, age_at_renewal: float
) -> None:
    """A margin as long as the whole life would rotate without end, so it counts as none."""
    policy = replace(POLICY, renew_before=timedelta(days=before_days))
    assert renew_at(NOW, NOW + LIFE, policy) == NOW + timedelta(days=age_at_renewal)


@pytest.mark.parametrize(
    ("age", "command", "expected"),
    [
        (84, NOTHING, Hold),  # within CriticalDays, and renewal is due only three days before the end
        (84, FORCE, Issue),
        (87, NOTHING, Issue),
    ],
)
def test_a_hold_lasts_until_renewal_is_due_too(age: float, command: Command, expected: type[Decision]) -> None:
    """With RenewBeforeDays below CriticalDays, "not due" would say that all is well while an attempt is open."""
    late = replace(POLICY, renew_before=timedelta(days=3))
    given = facts(age, open_attempt=attempt())
    decision = decide(given, late, command, NOW)
    assert isinstance(decision, expected)
    if isinstance(decision, Hold):
        assert decision.until == given.not_after - timedelta(days=3)


@pytest.mark.parametrize(
    ("progress", "in_use", "expected"),
    [
        (Progress.STALE, Answer.NOT_ASKED, Drop),
        (Progress.STAGED, Answer.NOT_ASKED, Ask),
        (Progress.STAGED, Answer.REFUSED, Expired),
        (Progress.ISSUED, Answer.REFUSED, Expired),
    ],
)
def test_what_is_in_hand_and_has_ended_is_of_no_use(
    progress: Progress, in_use: Answer, expected: type[Decision]
) -> None:
    """It would be refused as ended by every run, for ever, and nobody would hear what to do."""
    ended = replace(facts(91, open_attempt=attempt("issued")), progress=progress, in_use=in_use, all_ended=True)
    assert type(decide(ended, POLICY, NOTHING, NOW)) is expected
