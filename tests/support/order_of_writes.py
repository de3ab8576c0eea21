"""The order of writes of the design, exchange by exchange, and a run that ends in the middle of it."""

from datetime import timedelta

import pytest

from tests.support.exchanges import Killed, When
from tests.support.rotation_env import TIMEOUT, RotationEnv

ORDER_OF_EXCHANGES = (
    "GetItem",  # gather
    "GetSecretValue",
    "DescribeSecret",
    "UpdateItem",  # claim
    "PutSecretValue",  # intend
    "TransactWriteItems",  # charge
    "cert:refresh",  # issue
    "TransactWriteItems",  # journal
    "PutSecretValue",  # stage
    "verdicts:statistics",  # probe
    "UpdateSecretVersionStage",  # promote
    "UpdateSecretVersionStage",  # close: both labels off, mail, event, ledger and lease
    "UpdateSecretVersionStage",
    "Publish",
    "PutEvents",
    "TransactWriteItems",
)
CLAIM, CHARGE, ISSUE, JOURNAL, PROBE, PROMOTE = 3, 5, 6, 7, 9, 10
ISSUED = '"issued"'  # in the body of the write that journals the answer


def kill(env: RotationEnv, index: int, when: When) -> None:
    """Run until killed there; then time passes until nothing of that process can be left."""
    env.aws.exchanges.kill(index, when)
    with pytest.raises(Killed):
        env.run()
    env.aws.exchanges.revive()
    env.time.advance(TIMEOUT + timedelta(minutes=2))
