"""Every order in which two runs of one credential can make their exchanges, with at most so many switches.

No chance: an order that fails prints itself, and `ORDER="due: A5 B7 A"` plays that one alone.
"""

import itertools
import os

import pytest

from tests.support.explorer import explore, play, telling
from tests.support.invariant_checker import Watched
from tests.support.invariants import TALLY
from tests.support.meetings import LATE_OF_THREE, MEETINGS
from tests.support.native_meetings import EVERY_MEETING
from tests.support.orders import Order

LONGER = "SOAK" in os.environ  # `make soak` plays all of them
NAME, _, ORDER = os.environ.get("ORDER", "").partition(": ")


NAMES = [name for name, meeting in EVERY_MEETING.items() if LONGER or meeting.at_once is not None]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [NAME] if ORDER else NAMES)
def test_no_order_of_two_runs_breaks_an_invariant(watched: Watched, name: str) -> None:
    """The Scheduler delivers twice, people press Test, and AWS promises nothing about which of two comes first."""
    meeting = EVERY_MEETING[name]
    if ORDER:
        with watched() as watch:
            play(watch, meeting, Order.parse(ORDER))
        return
    short = meeting.at_once or 0
    explore(watched, name, most=meeting.most if LONGER else short, killing=meeting.most if LONGER else 1)


@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(ORDER), reason="one order is replayed")
def test_a_run_that_wakes_up_late_takes_no_label_off_that_another_has_set_since(watched: Watched) -> None:
    """A closed rotation and a new one later: what keeps the new one's key from deletion is a label of the same name."""
    meeting = MEETINGS[LATE_OF_THREE]
    with watched() as watch:
        names = [name for _, name in play(watch, meeting, Order((), "A"))[0]]
    promoted = names.index("UpdateSecretVersionStage")
    for place, other in itertools.product((promoted + 1, promoted + 2), range(1, promoted)):
        order = Order((("A", place), ("B", len(names)), ("C", other)), "A", kills=True)
        with telling(LATE_OF_THREE, order), watched() as watch:
            play(watch, meeting, order)
        TALLY.count("orders explored")
