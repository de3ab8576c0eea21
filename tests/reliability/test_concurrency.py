"""Many invocations of one credential at the same moment, some of them killed: by chance, as a smoke test.

`test_second_run` leaves nothing to chance.
"""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import override

import pytest

from certificate_rotation.domain.errors import RotationError
from tests.support.convergence import settle
from tests.support.exchanges import Exchanges, Killed
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.situations import OF_CERTIFICATE, OF_KEY, Choices

AT_ONCE, KILLED = 50, 10


class PerContainer(Exchanges):
    """Each thread is a container of its own, and may be killed at its own place."""

    def __init__(self) -> None:
        super().__init__()
        self._own = threading.local()

    def here(self) -> Exchanges:
        """Those of the container this thread is."""
        if not hasattr(self._own, "exchanges"):
            self._own.exchanges = Exchanges()
        found: Exchanges = self._own.exchanges
        return found

    @override
    def before(self, name: str) -> None:
        self.here().before(name)

    @override
    def after(self) -> None:
        self.here().after()


def at_once(watch: InvariantChecker, dice: random.Random) -> Counter[str]:
    """Fifty containers start at the same moment; what became of each."""
    env, containers = watch.env, PerContainer()
    env.aws.exchanges = containers
    of_each = [env.dependencies(env.aws.clients()) for _ in range(AT_ONCE)]
    doomed = {index: dice.randrange(2, 18) for index in dice.sample(range(AT_ONCE), KILLED)}
    start = threading.Barrier(AT_ONCE)

    def run(index: int) -> str:
        if index in doomed:
            containers.here().kill(doomed[index], "before" if index % 2 else "after")
        start.wait(timeout=60)
        try:
            return env.run_with(of_each[index], {})["outcome"]
        except Killed:
            return "killed"
        except RotationError as error:
            return type(error).__name__

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = Counter(pool.map(run, range(AT_ONCE)))
    env.aws.exchanges = Exchanges()
    return outcomes


@pytest.mark.parametrize("due", [OF_CERTIFICATE, OF_KEY], ids=["certificate", "apiKey"])
@pytest.mark.parametrize("seed", range(2))
def test_fifty_invocations_at_once_make_one_request_and_one_promotion(
    watched: Watched, seed: int, due: Choices
) -> None:
    """The Scheduler may deliver twice, people press Test, and the lock is the ledger's: nothing in the process."""
    dice = random.Random(seed)  # noqa: S311 - chance, not a secret
    with watched() as watch:
        watch.env.over_tls = True
        watch.onboard(**due)
        for call in ("cert:refresh", "token:refresh"):
            watch.env.fault("slow", at=call, seconds=0.1)
        outcomes: Counter[str] = Counter()

        def all_of_them() -> str:
            outcomes.update(at_once(watch, dice))
            return "killed"  # some were, so that a mail may be repeated or missing

        watch.run(by=all_of_them)
        TALLY.count("invocations at once", outcomes.total())
        both = [*watch.env.refreshes(), *watch.env.key_refreshes()]
        requests = [r for r in both if r.tenant == watch.tenants[0].name]
        TALLY.check(4, len(requests) <= 1, f"{len(requests)} requests left")
        TALLY.check(4, outcomes["rotated"] <= 1, f"{outcomes}")
        settled = {"rotated", "busy", "not_due", "held", "killed"}
        TALLY.check(4, outcomes.keys() <= settled, f"{outcomes}")
        if not outcomes["rotated"]:
            assert outcomes["killed"] > 0
        watch.env.time.advance(timedelta(minutes=4))
        settle(watch)
        TALLY.check(4, watch.works, "the credential in use is not accepted")
