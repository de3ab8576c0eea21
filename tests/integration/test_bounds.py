"""Answers without an end, and none at all: each is cut off, long before Lambda would end the run without a word."""

import itertools
import socket
import time
import zlib
from collections.abc import Iterable

import pytest

from certificate_rotation.adapters import device_id_api, mtls
from certificate_rotation.domain.errors import OutcomeUnknown, ServiceUnreachable
from tests.support.invariants import TALLY
from tests.support.raw_server import Answer, RawServer
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory

SECONDS = 0.5  # instead of ANSWER_SECONDS
PATIENCE = 10.0  # seconds: what a loaded machine may add to it
MOST_BYTES = 8_000_000  # what may lie in sockets between the two, and nobody reads
BLOCK = b"x" * 65_536


def dripping(whole: bytes) -> Answer:
    """Each byte comes in time, and the last one never."""

    def drip(_: bytes) -> Iterable[bytes]:
        for byte in itertools.chain(whole, itertools.repeat(ord("x"))):
            time.sleep(0.05)
            yield bytes([byte])

    return drip


def endless(head: bytes, again: bytes) -> Answer:
    """As fast as it is read, for ever."""
    return lambda _: itertools.chain([head], itertools.repeat(again))


def silent(_: bytes) -> Iterable[bytes]:
    """Nothing, for longer than anybody waits."""
    time.sleep(2)
    return []


def bomb(_: bytes) -> Iterable[bytes]:
    """A little that becomes a gigabyte when it is unpacked."""
    packer = zlib.compressobj(wbits=31)
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    for _block in range(16_384):
        yield packer.compress(BLOCK)
    yield packer.flush()


OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS: dict[str, Answer] = {
    "no answer": silent,
    "status line, byte by byte": dripping(b"HTTP/1.1 200 "),
    "headers, byte by byte": dripping(OK + b"X: "),
    "body, byte by byte": dripping(OK + b"\r\n"),
    "pieces, byte by byte": dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "status line": endless(b"HTTP/1.1 200 ", BLOCK),
    "one header": endless(OK + b"X: ", BLOCK),
    "headers": endless(OK, b"X: y\r\n" * 1000),
    "a body": endless(OK + b"\r\n", BLOCK),
    "a body of many pieces": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
    "the length of a piece": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 1000),
    "a piece's remarks": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", BLOCK),
    "trailers": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 1000),
    "go on": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a redirect's body": endless(b"HTTP/1.1 307 ?\r\nLocation: https://elsewhere.invalid/\r\n\r\n", BLOCK),
    "an unavailable service's body": endless(b"HTTP/1.1 503 ?\r\n\r\n", BLOCK),
    "what unpacks to a gigabyte": bomb,
    "a length of petabytes": lambda _: [OK + b"Content-Length: 9999999999999999\r\n\r\n", BLOCK],
}


THROWN_AWAY = (ENDLESS["trailers"], ENDLESS["go on"])  # line by line, until the time is up


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait no longer than a test may."""
    monkeypatch.setattr(device_id_api, "ANSWER_SECONDS", SECONDS)
    monkeypatch.setattr(device_id_api, "PROBE_SECONDS", SECONDS)
    monkeypatch.setattr(mtls, "CONNECT_SECONDS", SECONDS)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("sent", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_an_end_is_cut_off(env: RotationEnv, impatient: None, sent: Answer) -> None:
    """In size as in time, wherever in the answer it happens; and a person is told."""
    env.onboard()
    with RawServer.running(sent) as server:
        env.settings.update(server.settings)
        began = time.monotonic()
        env.fails(OutcomeUnknown)
        assert time.monotonic() - began < SECONDS + PATIENCE
        assert server.connections == 1
        assert server.sent < MOST_BYTES or sent in THROWN_AWAY
    assert env.codes() == ["OutcomeUnknown"]
    TALLY.count("answers without an end")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["no answer", "headers, byte by byte", "a body"])
def test_the_probe_is_cut_off_too(env: RotationEnv, impatient: None, name: str) -> None:
    """It says neither yes nor no then, and is asked again."""
    env.onboard()
    with RawServer.running(ENDLESS[name]) as server:
        env.settings.update(server.settings)
        with pytest.raises(ServiceUnreachable):
            env.dependencies().api.accepts(env.credential())
        assert server.sent < MOST_BYTES
    TALLY.count("answers without an end")


@pytest.mark.timeout(60)
def test_a_handshake_that_never_ends_costs_no_attempt(env: RotationEnv, impatient: None) -> None:
    """Nothing was sent, so the attempt is given back."""
    env.onboard()
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the system accepts, and nobody speaks
        env.settings["SERVICE_URL"] = f"https://localhost:{listener.getsockname()[1]}"
        env.fails(ServiceUnreachable)
    assert env.state().certificate.attempts.available(env.time.now()) == 3
