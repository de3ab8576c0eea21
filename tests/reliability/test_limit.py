"""The vendor's limits, against a service that reads them in the harshest way: the first attempts never come back."""

import random
from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.support.exchanges import When
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.scenarios import FORCED_KEY, RENEW_KEY
from tests.support.situations import OF_BOTH

SCHEDULES, RUNS = 6, 45  # of each number; runs of each schedule
EVENTS: tuple[Mapping[str, object], ...] = (
    {},
    {"force": True},
    {"force": True, "allowEviction": True},
    RENEW_KEY,
    FORCED_KEY,
)
FAULTS = (
    "conflict",
    "unavailable",
    "bad-request",
    "too-many-requests",
    "too-many-requests-retry-after",
    "drop-before-processing",
    "server-error",
)
PLACES = ("TransactWriteItems", "cert:refresh", "token:refresh")  # around the counting, and around the request
KILLS: tuple[When, ...] = ("before", "after")


def live(watch: InvariantChecker, dice: random.Random) -> None:
    """Thirty runs as impatience, crashes and a failing service would have them."""
    watch.onboard(**OF_BOTH)
    good = watch.env.settings["SERVICE_URL"]
    for _ in range(RUNS):
        if dice.random() < 0.8:
            for call in ("cert:refresh", "token:refresh"):
                watch.env.fault(dice.choice(FAULTS), at=call)
        if dice.random() < 0.2:
            watch.env.aws.exchanges.kill(dice.choice(PLACES), dice.choice(KILLS))
        # Nobody listens there: nothing leaves, and the attempt is given back.
        watch.env.settings["SERVICE_URL"] = "https://localhost:1" if dice.random() < 0.1 else good
        watch.cold_start()
        watch.run(dice.choice(EVENTS), ahead=timedelta(seconds=dice.uniform(-60, 60)))
        watch.env.simulator.clear_faults()
        watch.env.time.advance(timedelta(minutes=dice.choice((1, 4, 20, 31, 59, 61))))
        both = [*watch.env.refreshes(), *watch.env.key_refreshes()]
        requests = [r for r in both if r.tenant == watch.tenants[0].name]
        refused = [r for r in requests if r.status == 429 and r.fault is None]
        TALLY.check(3, not refused, "the service itself counted one too many")


@pytest.mark.parametrize("number", range(4))
def test_no_schedule_of_runs_makes_a_request_too_many(watched: Watched, number: int) -> None:
    """Whatever repeats, crashes or is forced, and though each container's clock is up to a minute off."""
    for schedule in range(SCHEDULES):
        with watched() as watch:
            live(watch, random.Random(1000 * number + schedule))  # noqa: S311 - chance, not a secret
        TALLY.count("schedules against the limit")
