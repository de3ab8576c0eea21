"""Secrets Manager may not show yet what was written a moment ago: that is not gone, and what follows is not left."""

import pytest

from tests.support.order_of_writes import PROMOTE, kill
from tests.support.rotation_env import RotationEnv

INTENT, STAGED = 3, 4  # the exchanges in which a run that carries on reads the two


@pytest.mark.parametrize(("place", "behind"), [(INTENT, 3), (STAGED, 2)])
def test_a_version_that_is_not_seen_at_once_is_looked_for_again(env: RotationEnv, place: int, behind: int) -> None:
    """Taken for gone, the labels of the rotation would not be its own, and AWSPENDING would stay on for ever."""
    env.onboard()
    kill(env, PROMOTE, "after")
    env.aws.exchanges.meanwhile(place, lambda: env.aws.stale.next_read_lags(behind))
    assert env.run()["outcome"] == "rotated"
    assert env.aws.stale.told == 1
    assert env.tidy()
