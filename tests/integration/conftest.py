"""A local AWS and a running service for every test."""

import logging
from collections.abc import Iterator

import boto3
import pytest

from certificate_rotation.adapters import mtls
from simulator import Simulator
from tests.support.lambda_invoker import cold_start
from tests.support.leak_detector import HYGIENE
from tests.support.local_aws import LocalAws
from tests.support.rotation_env import MakeEnv, RotationEnv


@pytest.fixture(autouse=True)
def handshakes(trust_anchors: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for a refusal after the handshake: the simulator sends no session tickets, so each request would wait.

    `test_tls`, where servers do refuse, waits as long as the code does, and trusts what the code trusts: elsewhere no
    server is signed by a public authority, and reading all of those takes longer than the rest of an exchange.
    """
    monkeypatch.setattr(mtls, "VERDICT_SECONDS", 0.03)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", trust_anchors)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """The service, without the one limit that goes by real time."""
    with Simulator.running(statistics_limit=False) as running:
        yield running


@pytest.fixture
def make_env(
    request: pytest.FixtureRequest, aws_session: boto3.Session, caplog: pytest.LogCaptureFixture
) -> Iterator[MakeEnv]:
    """Make an env around a simulator; at the end of the test, what it said is searched for keys."""
    in_memory = request.node.get_closest_marker("in_memory")
    caplog.set_level(logging.DEBUG, logger="certificate_rotation")
    envs: list[RotationEnv] = []

    def make(simulator: Simulator) -> RotationEnv:
        aws = LocalAws() if in_memory else LocalAws(aws_session)
        envs.append(RotationEnv(aws, simulator, lambda: caplog.get_records("setup") + caplog.get_records("call")))
        return envs[-1]

    yield make
    for env in envs:
        HYGIENE.hear(env.told())
        env.aws.close()


@pytest.fixture
def env(make_env: MakeEnv, simulator: Simulator) -> RotationEnv:
    """An env around a service that works; nobody is onboarded yet."""
    return make_env(simulator)


@pytest.fixture
def function(env: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> Iterator[RotationEnv]:
    """An env whose function is about to start cold, in the environment that the stack sets; `invoking` invokes it."""
    with cold_start(env, monkeypatch):
        yield env
