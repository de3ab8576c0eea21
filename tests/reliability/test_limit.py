"""The vendor's limit, against a service that reads it in the harshest way: three for ever, then one an hour."""

import random
from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.support.exchanges import When
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.scenarios import DUE

SCHEDULES, RUNS = 6, 30  # of each number; runs of each schedule
EVENTS: tuple[Mapping[str, object], ...] = ({}, {"force": True}, {"force": True, "allowEviction": True})
FAULTS = (
    "conflict",
    "unavailable",
    "bad-request",
    "too-many-requests",
    "too-many-requests-retry-after",
    "drop-before-processing",
    "server-error",
)
PLACES = ("TransactWriteItems", "cert:refresh")  # around the counting, and around the request
KILLS: tuple[When, ...] = ("before", "after")


def live(watch: InvariantChecker, dice: random.Random) -> None:
    """Thirty runs as impatience, crashes and a failing service would have them."""
    watch.onboard(age=DUE)
    good = watch.env.settings["SERVICE_URL"]
    for _ in range(RUNS):
        if dice.random() < 0.8:
            watch.env.simulator.fault(dice.choice(FAULTS), times=1, endpoint="cert:refresh", tenant=None)
        if dice.random() < 0.2:
            watch.env.aws.exchanges.kill(dice.choice(PLACES), dice.choice(KILLS))
        # Nobody listens there: nothing leaves, and the attempt is given back.
        watch.env.settings["SERVICE_URL"] = "https://localhost:1" if dice.random() < 0.1 else good
        watch.cold_start()
        watch.run(dice.choice(EVENTS), ahead=timedelta(seconds=dice.uniform(-60, 60)))
        watch.env.simulator.clear_faults()
        watch.env.time.advance(timedelta(minutes=dice.choice((1, 4, 20, 59, 61))))
        requests = [r for r in watch.env.refreshes() if r.tenant == watch.tenants[0].name]
        refused = [r for r in requests if r.status == 429 and r.fault is None]
        TALLY.check(3, not refused, "the service itself counted one too many")


@pytest.mark.parametrize("number", range(4))
def test_no_schedule_of_runs_makes_a_request_too_many(watched: Watched, number: int) -> None:
    """Whatever repeats, crashes or is forced, and though each container's clock is up to a minute off."""
    for schedule in range(SCHEDULES):
        with watched() as watch:
            live(watch, random.Random(1000 * number + schedule))  # noqa: S311 - chance, not a secret
        TALLY.count("schedules against the limit")
