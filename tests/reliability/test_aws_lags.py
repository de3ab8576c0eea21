"""AWS at its least helpful at every exchange: a read that lags behind, a write refused, or done and never confirmed.

Each alone, at every place there is in every situation, found by watching; the schedule has to bring it to rest.
"""

import os
from collections.abc import Callable

import pytest

from tests.support.convergence import settle
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.scenarios import NAMES, SCENARIOS, places
from tests.support.stale_reads import FURTHEST, READS

LONGER = "SOAK" in os.environ  # `make soak` tries all of it
WRITES = ("PutSecretValue", "UpdateSecretVersionStage", "UpdateItem", "TransactWriteItems", "Publish", "PutEvents")
# Where `make test` lets every write fail; and by how many writes a read lags behind in it.
IN_SHORT = (
    "due",
    "an answer was lost, and somebody goes ahead",
    "killed with a certificate in the ledger",
    "a certificate waits, accepted now",
    "the one in use is deleted",
    "answers 400",
    "a key is due",
    "killed with a key sealed",
    "the key in use is deleted",
    "both are due",
)
LAGS = range(1, FURTHEST + 1) if LONGER else (1,)
# What the code sees, and the figure it counts for.
FAILURES = {
    "throttled": "throttled writes",
    "unreachable": "timeouts before effect",
    "answer lost": "timeouts after effect",
}


def live(
    watched: Watched, name: str, place: int, what: str, arrange: Callable[[InvariantChecker], object]
) -> InvariantChecker:
    """One life of a scenario, in which something is arranged right before an exchange."""
    scenario = SCENARIOS[name]
    try:
        with watched() as watch:
            scenario(watch)
            watch.env.aws.exchanges.meanwhile(place, lambda: arrange(watch))
            watch.run(scenario.event)
            watch.env.aws.failures.clear()
            watch.env.simulator.clear_faults()  # else nobody can say that the failure is over
            settle(watch)
    except BaseException as error:
        error.add_note(f"In {name}, at exchange {place}: {what}")
        raise
    return watch


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", NAMES)
def test_a_read_that_lags_behind_breaks_nothing(watched: Watched, name: str) -> None:
    """AWS promises no read-your-writes across `DescribeSecret` and `GetSecretValue`, nor between two containers."""
    for place, exchange in places(watched, name):
        for behind in LAGS if exchange in READS else ():

            def arrange(watch: InvariantChecker, behind: int = behind) -> None:
                watch.env.aws.stale.next_read_lags(behind)

            watch = live(watched, name, place, f"{exchange} lags {behind} writes behind", arrange)
            TALLY.count("stale reads", watch.env.aws.stale.told)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", NAMES if LONGER else IN_SHORT)
def test_a_write_that_fails_or_seems_to_fail_breaks_nothing(watched: Watched, name: str) -> None:
    """Refused, never arrived, or done without a word of it: the code sees the last two as the same."""
    for place, exchange in places(watched, name):
        for failure, figure in FAILURES.items() if exchange in WRITES else ():

            def arrange(watch: InvariantChecker, failure: str = failure, exchange: str = exchange) -> None:
                watch.env.aws.failures.set(failure, exchange)

            live(watched, name, place, f"{exchange} {failure}", arrange)
            TALLY.count(figure)


@pytest.mark.parametrize("name", NAMES if LONGER else IN_SHORT)
def test_a_move_of_a_label_that_cannot_be_seen_yet_is_made_good(watched: Watched, name: str) -> None:
    """After a lost answer the code looks where the label is, and that look may lag behind the very move."""
    for place, exchange in places(watched, name):
        if exchange != "UpdateSecretVersionStage":
            continue

        def arrange(watch: InvariantChecker) -> None:
            watch.env.aws.failures.set("answer lost", "UpdateSecretVersionStage")
            watch.env.aws.stale.next_read_lags(1)

        watch = live(watched, name, place, "its answer is lost, and its effect not seen", arrange)
        TALLY.count("stale reads", watch.env.aws.stale.told)
        TALLY.count("timeouts after effect")
