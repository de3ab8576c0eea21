"""What to do, as a table of facts in and decision out."""

from copy import replace
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
    Failed,
    Hold,
    Issue,
    NotDue,
    Policy,
    Progress,
    Resume,
    Unanswered,
    Wait,
    decide,
)
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.rate_limit import API_KEY_LIMIT, MARGIN, UNUSED, Attempts
from certificate_rotation.domain.state import HalfState, LastRotation, Lease, OpenAttempt, Outcome
from certificate_rotation.domain.verdict import Answer
from tests.support.factories import NOW

LIFE = timedelta(days=90)
POLICY = Policy(renew_before=timedelta(0), critical=timedelta(days=7), cutover_grace=timedelta(hours=24))
NOTHING = Command()
FORCE = Command(force=True)
EVICT = Command(force=True, allow_eviction=True)
NO_ATTEMPT = Attempts(burst_left=0, last_at=NOW)


def facts(age_days: float, **state: object) -> Facts:
    """A certificate of that age out of 90 days, due after 60."""
    begins = NOW - timedelta(days=age_days)
    life = Life(begins + LIFE, begins + LIFE * 2 / 3)
    known = replace(HalfState(UNUSED[HalfName.CERTIFICATE]), **state)  # type: ignore[arg-type]
    return Facts(HalfName.CERTIFICATE, life, "in use", known)


def short_lived(age_days: float, **state: object) -> Facts:
    """One of 15 days: due after ten, within CriticalDays after eight."""
    begins = NOW - timedelta(days=age_days)
    return replace(facts(age_days, **state), life=Life(begins + timedelta(days=15), begins + timedelta(days=10)))


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
            f"{ASKED} has no known outcome: one may have been issued, and {RISK}",
        ),
        (
            facts(60, open_attempt=attempt("rejected")),
            NOTHING,
            f"{ASKED} brought one that cannot be used; {RISK}",
        ),
        (
            facts(60, open_attempt=attempt("issued")),
            NOTHING,
            f"{ASKED} brought one that cannot be read any more, for what it needs is gone; {RISK}",
        ),
        (
            facts(60, last_rotation=rotated(timedelta(hours=1))),
            NOTHING,
            "Consumers may still hold the previous certificate, and another one would delete it.",
        ),
        (replace(facts(60), lease=LEASED), NOTHING, "Another invocation is at work on this credential."),
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
    assert type(decide(replace(given, lease=lease), POLICY, NOTHING, NOW, owner="we")) is expected


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
    given = replace(facts(60), lease=Lease(owner, NOW - ended))
    assert type(decide(given, POLICY, NOTHING, NOW, owner="we")) is expected


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
    ends = NOW + timedelta(days=90 - age)
    late = replace(facts(age, open_attempt=attempt()), life=Life(ends, ends - timedelta(days=3)))
    decision = decide(late, POLICY, command, NOW)
    assert isinstance(decision, expected)
    if isinstance(decision, Hold):
        assert decision.until == ends - timedelta(days=3)


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


KEY_LIMITED = Attempts(burst_left=0, last_at=NOW, limit=API_KEY_LIMIT)


def key(days_left: float | None, **state: object) -> Facts:
    """An API key that is due thirty days before its end; None where nobody knows when that is."""
    life = Life()
    if days_left is not None:
        ends = NOW + timedelta(days=days_left)
        life = Life(ends, ends - timedelta(days=30), by_note=True)
    known = replace(HalfState(UNUSED[HalfName.API_KEY]), **state)  # type: ignore[arg-type]
    return Facts(HalfName.API_KEY, life, "in use", known)


def key_attempt(outcome: Outcome = "unknown") -> OpenAttempt:
    """An attempt of an hour ago, which has no name."""
    return replace(attempt(outcome), name="")


@pytest.mark.parametrize(
    ("given", "command", "expected"),
    [
        # by its end alone
        (key(30.1), NOTHING, NotDue),
        (key(30), NOTHING, Issue),
        (key(0.1), NOTHING, Issue),
        # nobody knows the end: nothing by itself, whatever the service says
        (key(None), NOTHING, NotDue),
        (replace(key(None), in_use=Answer.REFUSED), NOTHING, NotDue),
        (replace(key(None), in_use=Answer.NONE), NOTHING, NotDue),
        (key(None, attempts=KEY_LIMITED), NOTHING, NotDue),
        (key(None, last_rotation=rotated(timedelta(hours=1))), NOTHING, NotDue),
        (key(None), Command(allow_eviction=True), NotDue),
        (key(None), FORCE, Issue),
        (key(None, attempts=KEY_LIMITED), FORCE, Wait),
        (key(None, attempts=KEY_LIMITED), EVICT, Wait),
        # ... and then a hold ends by a person alone
        (key(None, open_attempt=key_attempt()), NOTHING, Hold),
        (key(None, open_attempt=key_attempt("rejected")), NOTHING, Hold),
        (key(None, open_attempt=key_attempt("issued")), NOTHING, Hold),  # its sealing key is gone
        (key(None, open_attempt=key_attempt()), FORCE, Hold),
        (key(None, open_attempt=key_attempt()), Command(allow_eviction=True), Hold),
        (key(None, open_attempt=key_attempt()), EVICT, Issue),
        (key(None, open_attempt=key_attempt(), attempts=KEY_LIMITED), EVICT, Wait),
        # with an end, it ends by itself as a certificate's does
        (key(7.1, open_attempt=key_attempt()), NOTHING, Hold),
        (key(7, open_attempt=key_attempt()), NOTHING, Issue),
        (key(60, open_attempt=key_attempt()), NOTHING, Hold),
        (key(60, open_attempt=key_attempt()), EVICT, Issue),
        # consumers may hold the previous key
        (key(20, last_rotation=rotated(timedelta(hours=23))), NOTHING, Hold),
        (key(20, last_rotation=rotated(timedelta(hours=24))), NOTHING, Issue),
        (key(None, last_rotation=rotated(timedelta(hours=23))), FORCE, Hold),
        (key(None, last_rotation=rotated(timedelta(hours=23))), EVICT, Issue),
        (key(None, last_rotation=rotated(timedelta(hours=1), "another")), FORCE, Issue),  # onboarded anew
        # its note says that it has ended: only the service knows whether it has
        (key(0), NOTHING, Ask),
        (key(-400), NOTHING, Ask),
        (key(0), EVICT, Ask),
        (replace(key(-1), in_use=Answer.REFUSED), NOTHING, Expired),
        (replace(key(-1), in_use=Answer.REFUSED), EVICT, Expired),
        (replace(key(-1), in_use=Answer.NONE), NOTHING, Unanswered),
        (replace(key(-1), in_use=Answer.NONE), EVICT, Unanswered),
        # ... and one that it accepts is a stale note
        (replace(key(-1), in_use=Answer.ACCEPTED), NOTHING, Issue),
        (replace(key(-400), in_use=Answer.ACCEPTED), NOTHING, Issue),
        (replace(key(-1, attempts=KEY_LIMITED), in_use=Answer.ACCEPTED), NOTHING, Wait),
        (replace(key(-1, open_attempt=key_attempt()), in_use=Answer.ACCEPTED), EVICT, Issue),
    ],
)
def test_what_to_do_about_an_api_key(given: Facts, command: Command, expected: type[Decision]) -> None:
    """The same questions in the same order; but of its end a note tells, or nobody."""
    assert type(decide(given, POLICY, command, NOW)) is expected


def test_of_an_api_key_five_attempts_leave_and_then_one_in_half_an_hour() -> None:
    """The vendor's limit, which nothing passes: not `force`, not an end that is near."""
    given, free = key(1), []
    for minute in range(3 * 60):
        now = NOW + timedelta(minutes=minute)
        if isinstance(decide(given, POLICY, EVICT, now), Issue):
            free.append(minute)
            given = replace(given, state=replace(given.state, attempts=given.state.attempts.charged(now)))
    apart = int((API_KEY_LIMIT.spacing + MARGIN) / timedelta(minutes=1))
    assert (free[:5], apart) == ([0, 1, 2, 3, 4], 32)
    assert free[5:] == list(range(4 + apart, 3 * 60, apart))


@pytest.mark.parametrize(
    ("given", "until"),
    [
        (key(None, open_attempt=key_attempt()), None),
        (key(20, open_attempt=key_attempt()), NOW + timedelta(days=13)),
        (key(60, open_attempt=key_attempt()), NOW + timedelta(days=53)),
        (key(20, last_rotation=rotated(timedelta(hours=23))), NOW + timedelta(hours=1)),
        (key(20, attempts=KEY_LIMITED), NOW + timedelta(minutes=32)),
    ],
)
def test_whoever_must_wait_for_an_api_key_is_told_until_when(given: Facts, until: datetime | None) -> None:
    """None says that it has no end by itself."""
    decision = decide(given, POLICY, NOTHING, NOW)
    assert isinstance(decision, Hold | Wait)
    assert decision.until == until


KEY_ASKED = "The attempt of 2026-11-24T11:00:00Z (API key)"
KEY_RISK = "another one may delete the API key in use."


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (key(60), "The API key in use is young enough."),
        (key(None), "Nobody knows when the API key in use ends."),
        (key(0), "The API key in use ended at 2026-11-24T12:00:00Z. Does the service still accept it?"),
        (key(20, attempts=KEY_LIMITED), "The vendor's limit on API key requests leaves no attempt."),
        (
            key(20, open_attempt=key_attempt()),
            f"{KEY_ASKED} has no known outcome: one may have been issued, and {KEY_RISK}",
        ),
        (key(20, open_attempt=key_attempt("rejected")), f"{KEY_ASKED} brought one that cannot be used; {KEY_RISK}"),
        (
            key(20, last_rotation=rotated(timedelta(hours=1))),
            "Consumers may still hold the previous API key, and another one would delete it.",
        ),
        (
            replace(key(20), progress=Progress.PROMOTED),
            "The new API key is in use already; what is left is to tidy up and tell.",
        ),
        (replace(key(20), progress=Progress.STAGED), "A new API key is in hand, waiting to be put into use."),
    ],
)
def test_a_decision_about_an_api_key_speaks_of_an_api_key(given: Facts, why: str) -> None:
    """Read beside the certificate's in one log, each must say what it is about."""
    assert decide(given, POLICY, NOTHING, NOW).why == why


@pytest.mark.parametrize(("days_left", "another"), [(None, False), (1.1, False), (1, True), (-1, False)])
def test_another_key_is_asked_for_only_where_the_end_is_known_and_near(
    days_left: float | None, *, another: bool
) -> None:
    """Of a key without a known end nothing presses; the one in hand may be accepted any hour."""
    waits = replace(key_attempt("issued"), started_at=NOW - SETTLING)
    given = replace(key(days_left, open_attempt=waits), progress=Progress.STAGED, in_hand=1)
    assert decide(given, POLICY, NOTHING, NOW) == Resume(
        "A new API key is in hand, waiting to be put into use.", another=another
    )


@pytest.mark.parametrize("command", [NOTHING, FORCE, EVICT])
@pytest.mark.parametrize("progress", Progress)
def test_of_a_half_that_cannot_be_read_nothing_is_decided(progress: Progress, command: Command) -> None:
    """What AWS refuses to read now is not gone, and a note that means nothing is no leave to guess."""
    failure = InvalidCredential("apiKeyExpiry in the secret is nothing.")
    given = replace(key(None, open_attempt=key_attempt()), progress=progress, failure=failure)
    assert decide(given, POLICY, command, NOW) == Failed(str(failure), error=failure)


def test_force_is_about_the_half_it_names() -> None:
    """An eviction that a person accepts for one half must not cost the other."""
    command = Command("secret", force=True, allow_eviction=True, half=HalfName.API_KEY)
    assert command.about(HalfName.API_KEY) == command
    of_the_other = command.about(HalfName.CERTIFICATE)
    assert (of_the_other.force, of_the_other.allow_eviction, of_the_other.secret_id) == (False, False, "secret")
    given = facts(10)
    assert type(decide(given, POLICY, of_the_other, NOW)) is NotDue


@pytest.mark.parametrize(
    ("state", "until"),
    [
        ({"open_attempt": key_attempt()}, None),
        ({"open_attempt": key_attempt("rejected")}, None),
        ({"last_rotation": rotated(timedelta(hours=1))}, NOW + timedelta(hours=23)),
    ],
)
def test_a_stale_note_ends_no_hold(state: dict[str, object], until: datetime | None) -> None:
    """The service accepts the key, so nobody knows when it ends: no worse harm comes nearer than its deletion."""
    decision = decide(replace(key(-1, **state), in_use=Answer.ACCEPTED), POLICY, NOTHING, NOW)
    assert isinstance(decision, Hold)
    assert decision.until == until
