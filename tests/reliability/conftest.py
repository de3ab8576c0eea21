"""Environments that are made fast and watched: one service for a whole test, a customer and a secret for every case."""

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from certificate_rotation.adapters import device_id_api, mtls
from certificate_rotation.domain.credential import Credential
from simulator import Simulator
from tests.support.bad_secrets import Secrets
from tests.support.canary import Canary
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.local_aws import LocalAws
from tests.support.log_capture import Log
from tests.support.rotation_env import RotationEnv

REMEMBERED = 500  # requests


@pytest.fixture
def service(trust_anchors: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """The service at its harshest: attempts never come back. What waits for real time waits less.

    And a text that was read as a credential once is not read again: it would come out the same.
    """
    monkeypatch.setattr(Credential, "parse", functools.lru_cache(64)(Credential.parse))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", trust_anchors)
    monkeypatch.setattr(mtls, "VERDICT_SECONDS", 0)  # with its clock moved, the service refuses by 401
    monkeypatch.setattr(device_id_api, "ANSWER_SECONDS", 0.2)
    with _harsh_service() as simulator:
        yield simulator


@pytest.fixture
def watched(service: Simulator) -> Iterator[Watched]:
    """Make an env of its own for one case. The service is a new one now and then: the checks read all it remembers."""
    with ExitStack() as stack:
        at, in_use = service, 0

        @contextmanager
        def make() -> Iterator[InvariantChecker]:
            nonlocal at, in_use
            if len(at.requests) > REMEMBERED and not in_use:
                stack.close()
                at = stack.enter_context(_harsh_service())
            at.clear_faults()
            at.clock.reset()
            in_use += 1
            try:
                with Log.listening() as log:
                    env = RotationEnv(LocalAws(), at, lambda: log.records)
                    env.settings["WATCH_IN_USE"] = "true"  # as the template has it
                    env.over_tls = False
                    yield InvariantChecker(env, log)
            finally:
                in_use -= 1

        yield make


def _harsh_service() -> AbstractContextManager[Simulator]:
    return Simulator.running(rate="strict", statistics_limit=False)


@pytest.fixture
def canary(secrets: Secrets) -> Canary:
    """Looks for the keys of the good secret."""
    canary = Canary()
    canary.watch_for(api_key=str(secrets.good["apiKey"]), private_key_pem=str(secrets.good["privateKey"]))
    return canary


@pytest.fixture(scope="session")
def secrets() -> Secrets:
    """A good secret and what can become of it."""
    return Secrets.of_nobody()
