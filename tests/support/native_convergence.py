"""How a case of Secrets Manager's own rotation ends: its repeats and the schedule bring it to rest, in either order."""

import uuid

from tests.support.convergence import settle
from tests.support.fake_aws.service import Refused
from tests.support.invariant_checker import InvariantChecker
from tests.support.invariants import TALLY
from tests.support.native_rotation import STEPS, step


def settle_both_ways(watch: InvariantChecker, *, schedule_first: bool, repeats: bool) -> None:
    """Go on as both do until nothing is left; then the next `RotateSecret` can begin.

    Args:
        watch: where.
        schedule_first: the scheduled run comes before Secrets Manager's repeat.
        repeats: whether Secrets Manager comes again at all.

    Raises:
        ViolatedError: it never settles, leaves something behind, or leaves AWSPENDING in the way.
    """
    if schedule_first:
        watch.run()
    if repeats:
        _repeat(watch)
    settle(watch)
    TALLY.check(2, "AWSPENDING" not in watch.env.labels(), f"AWSPENDING was left: {watch.env.labels()}")
    _begin(watch, str(uuid.uuid4()))


def _repeat(watch: InvariantChecker) -> None:
    """Secrets Manager tries once more, with the same token, what it saw no end of.

    API reference, "RotateSecret": a rotation whose AWSPENDING is on another version than AWSCURRENT's is reattempted.
    """
    labels = watch.env.labels()
    token = labels.get("AWSPENDING")
    if token is None or token == labels["AWSCURRENT"]:
        return
    _begin(watch, token)
    for name in STEPS:
        if watch.run(step(name, token))[0].isupper():
            break


def _begin(watch: InvariantChecker, token: str) -> None:
    try:
        watch.env.aws.begin_rotation(token)
    except Refused as error:
        TALLY.check(2, holds=False, otherwise=f"AWS refuses the next rotation: {error}")
