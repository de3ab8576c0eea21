"""Lambda may stop a run between any two instructions: each place there is, found by watching the run."""

import itertools
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from tests.support.convergence import settle
from tests.support.exchanges import When
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.scenarios import NAMES, SCENARIOS

FIRST: tuple[When, ...] = ("before", "after")
LATER: tuple[When, ...] = ("after",)
NOTHING_OF_IT_IS_LEFT = timedelta(minutes=4)  # the lease of a killed run ends with its deadline, and a minute later


def places(watched: Watched, name: str) -> range:
    """The exchanges of the run, by number. Between two of them nothing changes outside: to die there is one case."""
    scenario = SCENARIOS[name]
    seen: list[object] = []
    with watched() as watch:
        watch.env.over_tls = True
        scenario(watch)
        # Not the service's own list of requests: it may still be at work on one that the code gave up waiting for.
        watch.env.aws.exchanges.look = lambda: seen.append(watch.env.stored_and_sent())
        watch.run(scenario.event)
        watch.env.aws.exchanges.look = lambda: None
        for after, before in zip(seen[1::2], seen[2::2], strict=False):
            assert after == before
            TALLY.count("moments between two exchanges, in which nothing changes outside")
        names = watch.exchanges
        settle(watch)
    return range(names.index(scenario.differs_from) if scenario.differs_from else 0, len(names))


def kill(watch: InvariantChecker, place: int, when: When, event: Mapping[str, object]) -> None:
    """Run until killed there."""
    watch.env.aws.exchanges.kill(place, when)
    watch.run(event)
    watch.env.time.advance(NOTHING_OF_IT_IS_LEFT)


def survive(watched: Watched, name: str, kills: Sequence[tuple[int, When]], counted: str) -> None:
    """Kill the run of a scenario at the first place, and each run that follows at the next one.

    Counted when that many were killed: a run that has less to do may not come to its place.
    """
    scenario = SCENARIOS[name]
    with watched() as watch:
        scenario(watch)
        before = watch.outcomes.count("killed")
        for number, (place, when) in enumerate(kills):
            kill(watch, place, when, {} if number else scenario.event)
        settle(watch)
        TALLY.count(counted, int(watch.outcomes.count("killed") - before == len(kills)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_a_run_killed_anywhere_is_carried_on(watched: Watched, name: str) -> None:
    """Between any two exchanges with AWS and with the service, in every situation."""
    found = places(watched, name)
    TALLY.count("scenarios")
    for place in found:
        # Right before an exchange it leaves what it does right after the one before: `places` has seen to that.
        for when in FIRST if place == found[0] else LATER:
            survive(watched, name, [(place, when)], "crash points")


TWICE = (
    "due",
    "an answer was lost, and somebody goes ahead",
    "killed with a certificate in the ledger",
    "a certificate waits, accepted now",
    "the one in use is deleted",
    "onboarded anew over a waiting certificate",
    "two certificates wait in the last day, the earlier accepted now",
    "a key is due",
    "a key was lost, and somebody goes ahead",
    "killed with a key sealed",
    "the key in use is deleted",
    "both are due",
    "a certificate waits, and the key is due",
)
_STRIDE, _LONGEST = 7, 16  # coprime: over the first places, the second ones are spread over the whole of a run


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", TWICE)
def test_a_run_that_mends_a_crash_may_be_killed_too(watched: Watched, name: str) -> None:
    """Pairs: for every place of the first crash, one of the run that follows it."""
    for place in places(watched, name):
        survive(watched, name, [(place, "after"), ((place * _STRIDE) % _LONGEST, "before")], "pairs of crashes")


THRICE = ("due", "the one in use is deleted", "a key is due", "both are due")
_OTHER_STRIDE = 5  # coprime to _LONGEST, too


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", THRICE)
def test_a_third_run_may_be_killed_as_well(watched: Watched, name: str) -> None:
    """Triples: for every place of the first crash one of each run after it; in `make soak` every three places."""
    for place in places(watched, name):
        spread = [((place * _STRIDE) % _LONGEST, (place * _OTHER_STRIDE) % _LONGEST)]
        for second, third in itertools.product(range(_LONGEST), repeat=2) if "SOAK" in os.environ else spread:
            kills: list[tuple[int, When]] = [(place, "after"), (second, "before"), (third, "before")]
            survive(watched, name, kills, "triples of crashes")
