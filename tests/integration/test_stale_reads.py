"""Secrets Manager may not show yet what was written a moment ago: that is not gone, and what follows is not left."""

import pytest

from tests.support.order_of_writes import PROMOTE, kill
from tests.support.rotation_env import World

INTENT, STAGED = 3, 4  # the exchanges in which a run that carries on reads the two


@pytest.mark.parametrize(("place", "behind"), [(INTENT, 3), (STAGED, 2)])
def test_a_version_that_is_not_seen_at_once_is_looked_for_again(world: World, place: int, behind: int) -> None:
    """Taken for gone, the labels of the rotation would not be its own, and AWSPENDING would stay on for ever."""
    world.onboard()
    kill(world, PROMOTE, "after")
    world.aws.exchanges.meanwhile(place, lambda: world.aws.stale.next_read_lags(behind))
    assert world.run()["outcome"] == "rotated"
    assert world.aws.stale.told == 1
    assert world.tidy()
