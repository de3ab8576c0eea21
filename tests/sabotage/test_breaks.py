"""That the breaks still fit the code: `make sabotage` takes minutes, and is not made at every change."""

from pathlib import Path

import pytest

from tests.sabotage.breaks import BREAKS, Break
from tests.support.invariants import INVARIANTS

ROOT = Path(__file__).parents[2]


def test_every_invariant_has_a_break() -> None:
    """A check that was never seen to fail shows nothing."""
    assert {one.invariant for one in BREAKS} == set(INVARIANTS)


def test_every_break_is_told_by_its_name() -> None:
    """An invariant may be broken in several ways."""
    assert len({one.name for one in BREAKS}) == len(BREAKS)


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_what_a_break_replaces_stands_in_the_code_once(one: Break) -> None:
    """Else it breaks nothing, or more than it says."""
    assert [(ROOT / file).read_text().count(old) for file, old, _ in one.changes] == [1] * len(one.changes)
