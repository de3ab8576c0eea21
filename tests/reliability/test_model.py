"""Hypothesis looks for a sequence of events, whatever it may be, that breaks an invariant."""

import itertools
import os
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.invariant_checker import Watched
from tests.support.invariants import TALLY
from tests.support.model import Model

# Steps of each shard, at least: 20,000 together. `make soak` takes ten times as many.
SHARDS, SHARE = 16, 1_250
LONGER = int(os.environ.get("SOAK", "1"))  # by how much: `make soak` sets it
FIRST = int(os.environ.get("SEED", "1"))

HUNT = settings(
    # Short hunts with many seeds: from its tenth sequence on, Hypothesis mostly varies those it has tried.
    max_examples=9,
    stateful_step_count=60,
    deadline=None,  # a step may wait for the service, or do the work of four runs
    database=None,  # the number in the test's name is what brings a failure back
    report_multiple_bugs=False,  # one at a time; looking for others takes minutes
    phases=(Phase.generate, Phase.shrink) if "SHRINK" in os.environ else (Phase.generate,),
    suppress_health_check=list(HealthCheck),  # they warn of slow and of large examples, which these must be
)


@pytest.mark.timeout(900 * LONGER)
@pytest.mark.parametrize("number", range(FIRST, FIRST + SHARDS))
def test_no_sequence_of_events_breaks_an_invariant(watched: Watched, number: int) -> None:
    """The crashes, faults and hands that nobody thought of together; the same ones in every run with this number."""
    hunts = itertools.count()
    enough = TALLY.figures["steps of the model"] + SHARE * LONGER
    while (lacking := enough - TALLY.figures["steps of the model"]) > 0:
        machine = seed(next(hunts) * 1_000_000 + number)(partial(Model, watched, over_tls=bool(number % 2)))
        hunt = settings(HUNT, max_examples=min(HUNT.max_examples, 2 + lacking // HUNT.stateful_step_count))
        run_state_machine_as_test(machine, settings=hunt)  # type: ignore[arg-type]  # documented: whatever makes one
