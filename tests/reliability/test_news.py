"""A topic and a bus that take nothing, all along: everything goes as it would, and is told in the end."""

import pytest

from tests.support.convergence import settle
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.scenarios import NAMES, SCENARIOS


def lived(watch: InvariantChecker, name: str) -> list[str]:
    """How every run of a scenario ends, until nothing is left to do."""
    scenario = SCENARIOS[name]
    scenario(watch)
    watch.run(scenario.event)
    settle(watch)
    return watch.outcomes


@pytest.mark.parametrize("name", [name for name in NAMES if "news refused" not in name])
def test_refused_news_changes_no_run_and_is_told_in_the_end(watched: Watched, name: str) -> None:
    """Not a renewal, not a hold, not a retry: who cannot be told is no reason to do anything else."""
    with watched() as watch:
        expected = lived(watch, name)
    with watched() as watch:
        for operation in ("Publish", "PutEvents"):
            watch.env.aws.failures.set("denied", operation, times=None)
        outcomes = lived(watch, name)
    TALLY.check(12, outcomes[: len(expected)] == expected, f"with news refused {outcomes}, without {expected}")
    TALLY.check(12, not watch.news_waits, "news was never told")
    TALLY.count("scenarios with all news refused")
