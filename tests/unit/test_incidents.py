"""When people are told about a failure that goes on."""

from copy import replace
from datetime import timedelta

import pytest

from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import Incident, State, Telling
from certificate_rotation.notifications.incidents import (
    LAST_DAY,
    REMIND_AFTER,
    THRESHOLDS,
    Notice,
    Told,
    level_of,
    notice,
)
from tests.support.factories import NOW

DAY = timedelta(days=1)
KNOWN = Incident("ServiceFailure", since=NOW, alerted_at=NOW, level=0)
TOLD: Told = {"ServiceFailure": Telling((NOW,), 0)}


def state(known: Incident | None, told: Told, half: HalfName = HalfName.CERTIFICATE) -> State:
    """What people know, of this half's failure too."""
    return replace(State(), told=told).having(half, replace(State().of(half), incident=known))


def again(
    known: Incident | None, told: Told, code: str = "ServiceFailure", *, hours: float = 0, left: timedelta = 20 * DAY
) -> Notice | None:
    """What is due so many hours after NOW."""
    return notice(state(known, told), HalfName.CERTIFICATE, code, left, NOW + timedelta(hours=hours))


def test_the_first_failure_is_told() -> None:
    """At once; and that it was is remembered, whether or not it is over soon."""
    assert again(None, {}) == Notice("begun", KNOWN, TOLD)


def test_what_people_know_is_not_told_again_within_a_day() -> None:
    """Twenty-four emails a day are none that anybody reads."""
    assert (
        notice(
            state(KNOWN, TOLD),
            HalfName.CERTIFICATE,
            "ServiceFailure",
            20 * DAY,
            NOW + REMIND_AFTER - timedelta(seconds=1),
        )
        is None
    )


def test_a_failure_that_lasts_is_told_every_day_with_its_beginning() -> None:
    """So that nobody takes it for new, or for over."""
    later = NOW + REMIND_AFTER
    reminded = Notice("reminder", replace(KNOWN, alerted_at=later), {"ServiceFailure": Telling((later,), 0)})
    assert again(KNOWN, TOLD, hours=24) == reminded


def test_another_failure_is_told_at_once() -> None:
    """Its cure is another one; since when it fails is older."""
    due = again(KNOWN, TOLD, "Unauthorized", hours=1)
    assert due is not None
    assert (due.reason, due.incident.code, due.incident.since) == ("changed", "Unauthorized", NOW)
    assert due.told == {**TOLD, "Unauthorized": Telling((NOW + timedelta(hours=1),), 0)}


def test_a_failure_that_comes_back_without_an_end_is_not_told_again_within_a_day() -> None:
    """Two in turn are two messages, not one at every change."""
    known = replace(KNOWN, code="Unauthorized")
    assert again(known, TOLD, hours=1) is None
    assert again(known, TOLD, hours=23.9) is None
    due = again(known, TOLD, hours=24)
    assert due is not None
    assert due.reason == "changed"


def test_a_failure_is_told_twice_a_day_and_the_second_time_only_after_its_end_was() -> None:
    """No incident stands for "its end was told". What comes and goes must not flood."""
    second = again(None, TOLD, hours=2)
    assert second is not None
    assert (second.reason, second.told) == ("begun", {"ServiceFailure": Telling((NOW, NOW + timedelta(hours=2)), 0)})
    assert again(None, second.told, hours=4) is None
    assert again(None, second.told, hours=23.9) is None
    third = again(None, second.told, hours=24)
    assert third is not None
    assert third.told == {"ServiceFailure": Telling((NOW + timedelta(hours=2), NOW + timedelta(hours=24)), 0)}


def test_each_failure_has_a_day_of_its_own() -> None:
    """That one was told twice keeps nobody from hearing of another."""
    due = again(None, {"Unauthorized": Telling((NOW, NOW), 0)}, hours=1)
    assert due is not None
    assert due.reason == "begun"


TWICE: Told = {"ServiceFailure": Telling((NOW, NOW), 0)}


def test_an_escalation_is_told_all_the_same_and_uses_up_nothing() -> None:
    """The end has come closer: that is other news, however often the failure was told."""
    due = again(KNOWN, TWICE, hours=3, left=7 * DAY)
    assert due is not None
    assert (due.reason, due.incident.level) == ("escalated", 2)
    assert due.told == {"ServiceFailure": Telling((NOW, NOW), 2)}


@pytest.mark.parametrize("known", [None, replace(KNOWN, code="Unauthorized", level=2)])
def test_a_threshold_passed_between_two_of_the_same_is_told_too(known: Incident | None) -> None:
    """Its end was told, or it became another one in between: the end has come closer since people heard of it."""
    due = again(known, TWICE, hours=3, left=7 * DAY)
    assert due is not None
    assert due.told["ServiceFailure"].level == 2
    assert again(known, due.told, hours=4, left=7 * DAY) is None


def test_a_failure_without_a_date_does_not_forget_how_near_the_end_is() -> None:
    """Of a secret that cannot be read none is known; the failure before it is no news for that."""
    near = replace(KNOWN, level=2)
    blind = notice(
        state(near, {"ServiceFailure": Telling((NOW,), 2)}), HalfName.CERTIFICATE, "StorageFailure", None, NOW
    )
    assert blind is not None
    assert (blind.reason, blind.incident.level) == ("changed", 2)
    assert again(blind.incident, blind.told, hours=1, left=7 * DAY) is None


def test_what_was_told_is_remembered_for_a_day() -> None:
    """The record must not grow with the years."""
    an_hour_ago = NOW - timedelta(hours=1)
    old = {"Unauthorized": Telling((NOW - 2 * DAY,), 3), "RefreshConflict": Telling((NOW - DAY, an_hour_ago), 1)}
    due = again(None, old)
    assert due is not None
    assert due.told == {**TOLD, "RefreshConflict": Telling((an_hour_ago,), 1)}


def test_a_threshold_passed_while_people_think_all_is_well_is_told() -> None:
    """Told twice today, and over twice: that the end came closer meanwhile is news all the same."""
    twice = {"ServiceFailure": Telling((NOW, NOW), 3)}
    assert again(None, twice, hours=1, left=2 * DAY) is None
    assert again(None, twice, hours=1, left=DAY) is not None


def test_a_failure_without_a_date_takes_back_no_level() -> None:
    """What is met before the certificate was read knows no days: the failure before it is no news again."""
    known, told = replace(KNOWN, level=3), {"ServiceFailure": Telling((NOW,), 3)}
    blind = notice(state(known, told), HalfName.CERTIFICATE, "StorageFailure", None, NOW + timedelta(hours=1))
    assert blind is not None
    assert blind.incident.level == 3
    assert again(blind.incident, blind.told, hours=2, left=2 * DAY) is None


@pytest.mark.parametrize(
    ("left", "level"),
    [
        (None, 0),
        (20 * DAY, 0),
        (14 * DAY + timedelta(seconds=1), 0),
        (14 * DAY, 1),
        (7 * DAY, 2),
        (3 * DAY, 3),
        (DAY, 4),
        (timedelta(0), 5),
        (-DAY, 5),
    ],
)
def test_thresholds_count_from_at_or_below(left: timedelta | None, level: int) -> None:
    """A run that was missed must not hide one."""
    assert level_of(left) == level


def test_every_threshold_that_is_passed_is_told_once() -> None:
    """What could wait at fourteen days cannot at three."""
    known, told = KNOWN, []
    for hours in range(20 * 24):
        left = 20 * DAY - timedelta(hours=hours)
        due = notice(state(replace(known, alerted_at=NOW), TOLD), HalfName.CERTIFICATE, "ServiceFailure", left, NOW)
        if due:
            known = due.incident
            told.append((due.reason, 20 * 24 - hours))
    assert told == [("escalated", days * 24) for days in (14, 7, 3, 1)]


def test_a_renewed_certificate_does_not_escalate() -> None:
    """More life left is no reason to write."""
    assert notice(state(replace(KNOWN, level=3), TOLD), HalfName.CERTIFICATE, "ServiceFailure", 80 * DAY, NOW) is None


def test_the_last_day_is_the_level_from_which_each_is_told_on_its_own() -> None:
    """A day is too short to wait for anything."""
    assert [level_of(threshold) >= LAST_DAY for threshold in THRESHOLDS] == [False, False, False, True, True]


def test_each_half_has_a_day_of_its_own() -> None:
    """The halves fail each by itself: that the certificate's was told keeps nobody from hearing of the key's."""
    due = notice(state(None, TWICE), HalfName.API_KEY, "ServiceFailure", 20 * DAY, NOW)
    assert due is not None
    assert (due.reason, due.incident) == ("begun", KNOWN)
    assert due.told == {**TWICE, "apiKey/ServiceFailure": Telling((NOW,), 0)}
    both = {**due.told, "apiKey/ServiceFailure": Telling((NOW, NOW), 0)}
    assert notice(state(None, both), HalfName.API_KEY, "ServiceFailure", 20 * DAY, NOW) is None
    of_key = {"apiKey/ServiceFailure": Telling((NOW, NOW), 0)}
    assert again(None, of_key) == Notice("begun", KNOWN, {**of_key, **TOLD})


def test_a_key_whose_end_nobody_knows_never_escalates_by_itself() -> None:
    """There is no date that comes closer; once a day is what is left."""
    for hours in range(1, 24):
        at = NOW + timedelta(hours=hours)
        told = {"apiKey/OutcomeUnknown": Telling((NOW,), 0)}
        assert (
            notice(
                state(replace(KNOWN, code="OutcomeUnknown"), told, HalfName.API_KEY),
                HalfName.API_KEY,
                "OutcomeUnknown",
                None,
                at,
            )
            is None
        )
