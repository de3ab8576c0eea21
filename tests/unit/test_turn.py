"""Which half a run is about: one acts at most, and neither keeps the other from its turn."""

from copy import replace
from datetime import timedelta

import pytest

from certificate_rotation.domain.decision import (
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
    Resume,
    Unanswered,
    Wait,
)
from certificate_rotation.domain.errors import CredentialExpired, InvalidCredential
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.rate_limit import UNUSED
from certificate_rotation.domain.state import HalfState
from certificate_rotation.domain.turn import whose_turn
from certificate_rotation.domain.verdict import Answer
from tests.support.factories import NOW

CERTIFICATE, API_KEY = HalfName.CERTIFICATE, HalfName.API_KEY
NOTHING = Command()
DAY = timedelta(days=1)

ISSUE, RESUME, DROP = Issue("why"), Resume("why"), Drop("why")
ACTING: list[Decision] = [ISSUE, RESUME, DROP]
# What none acts in, the one that people must hear of first at the beginning.
BUSY: Decision = Busy("why")
FAILURES: list[Decision] = [
    Expired("why", error=CredentialExpired("why")),
    Unanswered("why"),
    Failed("why", error=InvalidCredential("apiKeyExpiry in the secret is nothing.")),
]
HELD, LIMITED, YOUNG = Hold("why", None), Wait("why", NOW), NotDue("why")


def facts(days_left: dict[HalfName, float | None], in_use: Answer = Answer.NOT_ASKED) -> dict[HalfName, Facts]:
    """So many days are left of each; None where nobody knows."""
    return {
        half: Facts(
            half, Life() if left is None else Life(NOW + left * DAY), "f", HalfState(UNUSED[half]), in_use=in_use
        )
        for half, left in days_left.items()
    }


YEARS = facts({CERTIFICATE: 300, API_KEY: 300})


def turn(
    certificate: Decision,
    key: Decision,
    *,
    command: Command = NOTHING,
    last: HalfName | None = None,
    known: dict[HalfName, Facts] = YEARS,
) -> HalfName:
    """Whose it is."""
    return whose_turn({CERTIFICATE: certificate, API_KEY: key}, known, command, last, NOW)


@pytest.mark.parametrize("acting", ACTING)
@pytest.mark.parametrize("other", [*FAILURES, HELD, LIMITED, YOUNG])
@pytest.mark.parametrize("last", [None, *HalfName])
def test_the_one_that_can_act_does(acting: Decision, other: Decision, last: HalfName | None) -> None:
    """A held, limited or failing half never keeps the other from its turn, whoever acted last."""
    assert turn(acting, other, last=last) is CERTIFICATE
    assert turn(other, acting, last=last) is API_KEY


@pytest.mark.parametrize("one", ACTING)
@pytest.mark.parametrize("other", ACTING)
def test_of_two_that_can_act_it_is_the_others_turn(one: Decision, other: Decision) -> None:
    """One that waits to be accepted acts in every run: else the other half would end meanwhile."""
    assert turn(one, other, last=CERTIFICATE) is API_KEY
    assert turn(one, other, last=API_KEY) is CERTIFICATE


def test_two_that_are_due_have_both_acted_after_two_runs() -> None:
    """Both due means both are renewed in two runs at most."""
    last, acted = None, []
    for _ in range(2):
        last = turn(ISSUE, ISSUE, last=last)
        acted.append(last)
    assert set(acted) == set(HalfName)


@pytest.mark.parametrize(
    ("certificate_days", "key_days", "first"),
    [
        (10, 5, API_KEY),
        (5, 10, CERTIFICATE),
        (5, 5, CERTIFICATE),
        (300, None, CERTIFICATE),  # what nobody knows is no end that comes nearer
        (None, 5, CERTIFICATE),
        (None, None, CERTIFICATE),
    ],
)
@pytest.mark.parametrize("acting", ACTING)
def test_at_first_the_nearer_end_comes_first(
    acting: Decision, certificate_days: float | None, key_days: float | None, first: HalfName
) -> None:
    """Nobody knows who acted last: what there is less time for goes first."""
    assert turn(acting, acting, known=facts({CERTIFICATE: certificate_days, API_KEY: key_days})) is first


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("last", [None, *HalfName])
@pytest.mark.parametrize("own", [*ACTING, *FAILURES, HELD, LIMITED, BUSY])
@pytest.mark.parametrize("other", [*ACTING, *FAILURES, HELD, LIMITED, YOUNG, BUSY])
def test_force_names_its_own(half: HalfName, last: HalfName | None, own: Decision, other: Decision) -> None:
    """Who asks for a half must hear what becomes of that one, and not get another deleted."""
    decisions = {half: own, half.other: other}
    assert whose_turn(decisions, YEARS, Command(force=True, half=half), last, NOW) is half


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("less", [HELD, LIMITED, YOUNG])
def test_a_failure_is_reported_before_what_merely_waits(failure: Decision, less: Decision) -> None:
    """It is raised, and the console shows red; of the other the same run tells beside it."""
    assert turn(failure, less) is CERTIFICATE
    assert turn(less, failure) is API_KEY


@pytest.mark.parametrize(
    ("more", "less"),
    [(HELD, LIMITED), (HELD, YOUNG), (LIMITED, YOUNG), (FAILURES[0], FAILURES[2]), (FAILURES[1], FAILURES[2])],
)
def test_a_hold_is_reported_before_a_limit_and_that_before_nothing(more: Decision, less: Decision) -> None:
    """A hold wants a person to decide; a limit ends by itself within the hour."""
    assert turn(more, less) is CERTIFICATE
    assert turn(less, more) is API_KEY


@pytest.mark.parametrize("other", [*FAILURES, HELD, LIMITED, YOUNG])
def test_while_another_run_is_at_work_this_one_says_so(other: Decision) -> None:
    """The other run tells people: told here as well, they would read everything twice."""
    assert turn(BUSY, other) is CERTIFICATE
    assert turn(other, BUSY) is API_KEY


@pytest.mark.parametrize("alike", [BUSY, *FAILURES, HELD, LIMITED, YOUNG])
def test_of_two_that_are_alike_the_certificate_is_reported(alike: Decision) -> None:
    """It is the one people know."""
    assert turn(alike, alike) is CERTIFICATE


ENDED_KEY: dict[HalfName, float | None] = {CERTIFICATE: 5, API_KEY: 0}


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.NONE, Answer.NOT_ASKED])
@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_asked_for_with_a_half_that_may_be_dead(answer: Answer, half: HalfName, *, force: bool) -> None:
    """The service issues only to a pair that it accepts: an attempt would be wasted on a failure of another name."""
    command = Command(force=force, allow_eviction=force, half=half)
    known = facts({half: 5, half.other: 0}, answer)
    assert (
        whose_turn(
            {half: ISSUE, half.other: Expired("why", error=CredentialExpired("why"))}, known, command, half.other, NOW
        )
        is half.other
    )


@pytest.mark.parametrize("command", [NOTHING, Command(force=True)])
def test_a_half_whose_end_is_a_stale_note_keeps_nobody_from_asking(command: Command) -> None:
    """The service accepts the pair: asked, never inferred."""
    known = facts(ENDED_KEY, Answer.ACCEPTED)
    assert turn(ISSUE, LIMITED, command=command, known=known) is CERTIFICATE
    assert turn(ISSUE, ISSUE, command=command, last=API_KEY, known=known) is CERTIFICATE


@pytest.mark.parametrize("in_hand", [RESUME, DROP])
def test_what_is_in_hand_is_carried_on_beside_a_half_that_may_be_dead(in_hand: Decision) -> None:
    """It takes no attempt, and may be what brings the credential back."""
    known = facts(ENDED_KEY, Answer.REFUSED)
    assert turn(in_hand, Expired("why", error=CredentialExpired("why")), known=known) is CERTIFICATE
    assert turn(ISSUE, in_hand, last=API_KEY, known=known) is API_KEY


def test_a_half_that_cannot_be_read_withholds_nothing() -> None:
    """Nobody was asked whether its date is a stale note: a failing half never keeps the other from its turn."""
    failed = FAILURES[2]
    assert isinstance(failed, Failed)
    known = facts(ENDED_KEY)
    known[API_KEY] = replace(known[API_KEY], failure=failed.error)
    assert turn(ISSUE, failed, known=known) is CERTIFICATE
