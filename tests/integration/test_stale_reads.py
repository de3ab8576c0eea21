"""Secrets Manager may not show yet what was written a moment ago: that is not gone, and what follows is not left."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import RefreshConflict
from tests.support.order_of_writes import PROMOTE, kill
from tests.support.outside import ends, waits
from tests.support.rotation_env import RotationEnv

INTENT, STAGED = 3, 4  # the exchanges in which a run that carries on reads the two


@pytest.mark.parametrize(("place", "behind"), [(INTENT, 3), (STAGED, 2)])
def test_a_version_that_is_not_seen_at_once_is_looked_for_again(env: RotationEnv, place: int, behind: int) -> None:
    """Taken for gone, the labels of the rotation would not be its own, and the last one would stay on for ever."""
    env.onboard()
    kill(env, PROMOTE, "after")
    env.aws.exchanges.meanwhile(place, lambda: env.aws.stale.next_read_lags(behind))
    assert env.run()["outcome"] == "rotated"
    assert env.aws.stale.told == 1
    assert env.tidy()


LABELS = 10  # the exchange in which a run that uses the earlier of two looks where the label is, after the put


def test_a_label_that_only_seems_to_have_moved_is_taken_off_the_later_of_two(env: RotationEnv) -> None:
    """AWS ignores the put of what was staged before, and the look after it lags: the label would stay on for ever."""
    tenant = waits(env, left=timedelta(hours=23))
    env.advance(hours=2)
    assert ends(env) == "CertificateNotAccepted"  # one more was asked for
    tenant.activate(tenant.certificates[1].name)
    env.aws.exchanges.meanwhile(LABELS, lambda: env.aws.stale.next_read_lags(2))
    assert ends(env) == "rotated"
    assert env.aws.stale.told == 1
    assert env.credential().chain.leaf.serial_number == tenant.certificates[1].serial
    assert env.tidy()


CURRENT = 1  # the exchange in which a run reads what is in use


def test_a_credential_that_was_replaced_a_moment_ago_raises_no_alarm(env: RotationEnv) -> None:
    """The label is where somebody put it, and the value lags behind: the service is not asked about the old one."""
    tenant = env.onboard(age=timedelta(days=1), api_key_left=timedelta(days=20))
    env.settings["WATCH_IN_USE"] = "true"
    env.fault("conflict", at="token:refresh")
    env.fails(RefreshConflict)
    key, token, _ = tenant.add_token()
    env.put({**env.current(), "apiKey": key, "apiKeyExpiry": token.expires.isoformat()})
    tenant.revoke_token(tenant.tokens[0].name)
    env.advance(hours=1)
    env.aws.exchanges.meanwhile(CURRENT, lambda: env.aws.stale.next_read_lags(1))
    assert env.run()["outcome"] == "not_due"
    assert env.aws.stale.told == 1
