"""A second container runs as a whole at every exchange of the first: no chance, no threads, every place there is.

The second one is told to go ahead whatever it may cost, so that nothing but the lease of the first stands in its way:
neither a hold nor a date. Fifty threads that meet by chance are in `test_concurrency`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from certificate_rotation.adapters.mtls import Response
from tests.support.convergence import settle
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.scenarios import FORCED, FORCED_KEY, SCENARIOS, exchanges

OVERLAPPED = (
    "due",
    "an intent is left",
    "an answer was lost, and somebody goes ahead",
    "killed with a certificate in the ledger",
    "a certificate waits, accepted now",
    "a key is due",
    "a key was lost, and somebody goes ahead",
    "killed with a key sealed",
    "a key waits, accepted now",
    "both are due",
)
ASKING = ("due", "an intent is left", "an answer was lost, and somebody goes ahead", "a key is due", "both are due")
IN_FLIGHT = "while the request is in flight"
NOW = timedelta(0)


def leased(names: list[str]) -> range:
    """From right after the claim up to the write that gives the lease back."""
    claim = names.index("UpdateItem")
    return range(claim + 1, len(names) - names[::-1].index("TransactWriteItems"))


def requests(watch: InvariantChecker) -> int:
    """How many left, for either half."""
    return len(watch.env.refreshes()) + len(watch.env.key_refreshes())


def forced(name: str) -> Mapping[str, object]:
    """What the second run is told: to go ahead with the half the first one renews."""
    return FORCED_KEY if "key" in name else FORCED


def overlapped(watch: InvariantChecker, name: str, arrange: Callable[[InvariantChecker], None]) -> int:
    """Make both runs; how many requests left in them."""
    scenario = SCENARIOS[name]
    scenario(watch)
    before = requests(watch)
    arrange(watch)
    watch.run(scenario.event)
    left = requests(watch) - before
    watch.env.time.advance(timedelta(hours=1, minutes=4))
    settle(watch)
    TALLY.count("second runs placed in the middle of a first")
    return left


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", OVERLAPPED)
def test_a_second_run_at_any_exchange_of_the_first_asks_for_nothing(watched: Watched, name: str) -> None:
    """The Scheduler delivers twice, people press Test, and the lock is the ledger's: nothing in the process."""
    names = exchanges(watched, name)
    alone = names.count("cert:refresh") + names.count("token:refresh")
    for place in range(len(names)):

        def arrange(watch: InvariantChecker, place: int = place) -> None:
            watch.meanwhile(place, lambda: watch.another_run(forced(name), NOW))

        with watched() as watch:
            left = overlapped(watch, name, arrange)
        # Outside the lease they follow one another, and each may have its own.
        most = alone if place in leased(names) else alone + 1
        TALLY.check(4, left <= most, f"{left} requests left, the second run at {place}, {names[place]}")


@pytest.mark.parametrize("name", ASKING)
def test_a_second_run_while_a_request_is_in_flight_sends_none(watched: Watched, name: str) -> None:
    """The service has the request and has not answered: the moment in which two would cost the most."""
    met = []

    def arrange(watch: InvariantChecker) -> None:
        def meets(answer: Response) -> Response:
            watch.env.on_its_way = lambda later: later
            watch.during_a_run(lambda: watch.another_run(forced(name), NOW))
            met.append(IN_FLIGHT)
            return answer

        watch.env.on_its_way = meets
        watch.cold_start()

    with watched() as watch:
        left = overlapped(watch, name, arrange)
    assert met
    TALLY.check(4, left == 1, f"{left} requests left, the second {IN_FLIGHT}")
