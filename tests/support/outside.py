"""What can be seen of a run from outside: how it ended, what it asked the service, and what AWS made of its time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import RotationError
from simulator import Request, Tenant
from tests.support.exchanges import Killed
from tests.support.invariants import TALLY
from tests.support.rotation_env import RotationEnv

PROBE = "verdicts:statistics"
# Vendor: one request a second, which consumers may share. The rest is for the way there.
BETWEEN_PROBES = timedelta(seconds=1.1)


def ends(env: RotationEnv, **event: object) -> str:
    """How a run ends: a result's outcome, or the error's class name."""
    try:
        return env.run(**event)["outcome"]
    except RotationError as error:
        return type(error).__name__


def probes(env: RotationEnv) -> list[Request]:
    """The harmless questions that reached the service."""
    return env.simulator.requests_to(PROBE)


@contextmanager
def asking(env: RotationEnv) -> Iterator[list[Request]]:
    """The probes of the run that is made in the block: filled in at its end."""
    before, found = len(probes(env)), list[Request]()
    yield found
    found += probes(env)[before:]


def no_answer(env: RotationEnv, fault: str = "unavailable") -> None:
    """From now on the service has no answer to a probe; it still refuses what it does not know."""
    env.fault(fault, at=PROBE, times=None)


def slow(env: RotationEnv, operation: str, *, seconds: float, number: int | None = 1) -> None:
    """AWS, or the service, takes its time over an exchange: the one of this number from now on; None for each."""
    exchanges, seen = env.aws.exchanges, list[int]()
    exchanges.names.clear()

    def look() -> None:
        place = len(exchanges.names)
        if exchanges.names[-1] == operation and place not in seen:
            seen.append(place)
            if number in {len(seen), None}:
                env.advance(seconds=seconds)

    exchanges.look = look


def hanging(env: RotationEnv, *, seconds: float) -> None:
    """From now on a probe is answered by nothing, and that late; what the service does not know it still refuses."""
    no_answer(env, "drop-before-processing")
    slow(env, PROBE, seconds=seconds, number=None)


def kill_after(env: RotationEnv, rehearsed: RotationEnv, exchange: str) -> None:
    """Let a run come back from an exchange and die before the next. `rehearsed` made the same run to its end."""
    place = rehearsed.aws.exchanges.names.index(exchange) + 1
    env.aws.exchanges.kill(place, "before")
    with pytest.raises(Killed):
        env.run()
    env.aws.exchanges.revive()
    env.advance(minutes=4)


def waits(env: RotationEnv, *, left: timedelta) -> Tenant:
    """A certificate waits to be accepted, and the one in use has so long to live."""
    tenant = env.onboard(age=timedelta(days=62))
    env.fault("activation-delay", times=None)
    assert ends(env) == "CertificateNotAccepted"
    env.time.advance(env.credential().chain.not_after - left - env.time.now())
    return tenant


def rotates(env: RotationEnv) -> None:
    """The twin of a failure: the same env, with the one thing mended."""
    outcome = env.run()["outcome"]
    TALLY.check(7, outcome == "rotated", f"the mended twin of a failure is {outcome}")
    TALLY.count("TLS twins")
