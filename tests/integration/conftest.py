"""A local AWS and a running service for every test, and the check that no test made the code give a secret away."""

import logging
from collections.abc import Callable, Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from certificate_rotation import transport
from simulator import Simulator
from tests.integration.aws import LocalAws
from tests.integration.canary import given_away
from tests.integration.world import World

type MakeWorld = Callable[[Simulator], World]


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """AWS over HTTP, for the whole session: every test makes what it needs under names of its own."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(scope="session")
def aws_session() -> boto3.Session:
    """Credentials that open nothing anywhere."""
    return boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")  # noqa: S106


@pytest.fixture(autouse=True)
def handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for a refusal after the handshake: the simulator sends no session tickets, so each request would wait.

    `test_tls`, where servers do refuse, waits as long as the code does.
    """
    monkeypatch.setattr(transport, "_VERDICT_SECONDS", 0.03)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """The service, without the one limit that goes by real time."""
    with Simulator.running(statistics_limit=False) as running:
        yield running


@pytest.fixture
def make_world(moto_url: str, aws_session: boto3.Session, caplog: pytest.LogCaptureFixture) -> Iterator[MakeWorld]:
    """Make a world around a simulator; at the end of the test, nothing it said may hold an API key or a private key."""
    caplog.set_level(logging.DEBUG, logger="certificate_rotation")
    worlds: list[World] = []

    def make(simulator: Simulator) -> World:
        aws = LocalAws(moto_url, aws_session)
        worlds.append(World(aws, simulator, lambda: caplog.get_records("setup") + caplog.get_records("call")))
        return worlds[-1]

    yield make
    assert [given_away(world) for world in worlds] == [set()] * len(worlds)


@pytest.fixture
def world(make_world: MakeWorld, simulator: Simulator) -> World:
    """A world around a service that works; nobody is onboarded yet."""
    return make_world(simulator)
