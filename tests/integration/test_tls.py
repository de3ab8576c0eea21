"""Who the code speaks to, who it sends its keys to, and what a broken conversation proves."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
import trustme
from cryptography import x509

from certificate_rotation import device_id_service
from certificate_rotation.certificates import new_csr_pem, new_private_key
from certificate_rotation.errors import (
    OutcomeUnknown,
    RefreshFailed,
    ServiceFailure,
    ServiceUnreachable,
    TooManyRequests,
    Unauthorized,
)
from simulator import Simulator
from tests.integration.raw_server import RawServer
from tests.integration.world import World


def _nobodys_port() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"https://localhost:{listener.getsockname()[1]}"


@pytest.fixture
def handshakes() -> None:
    """Here they are the point, so none is shortened."""


@pytest.fixture(
    params=["unknown-ca", "no-ca", "wrong-host", "expired", "tls-1.1", "plain-http", "nobody-listens", "no-such-name"]
)
def unreachable(request: pytest.FixtureRequest, simulator: Simulator) -> Iterator[dict[str, str]]:
    """Settings with which no connection to the service can come about."""
    with ExitStack() as stack:
        other = {
            "wrong-host": {"server_certificate": "wrong-host"},
            "expired": {"server_certificate": "expired"},
            "tls-1.1": {"tls": "1.1-only"},
            "plain-http": {"tls": "none"},
        }.get(request.param)
        if other:
            server = stack.enter_context(Simulator.running(**other))  # type: ignore[arg-type]
            yield {"SERVICE_URL": server.url.replace("http:", "https:"), "TRUSTED_CA_PEM": server.trusted_ca_pem}
            assert server.requests == [] or request.param == "plain-http"
        else:
            yield {
                "unknown-ca": {"TRUSTED_CA_PEM": trustme.CA().cert_pem.bytes().decode()},
                "no-ca": {"TRUSTED_CA_PEM": ""},
                "nobody-listens": {"SERVICE_URL": _nobodys_port()},
                "no-such-name": {"SERVICE_URL": "https://nowhere.invalid"},
            }[request.param]


def test_a_request_that_cannot_leave_costs_nothing_and_holds_nothing(world: World, unreachable: dict[str, str]) -> None:
    """A broken network must not use up the vendor's limit; and once it is mended, all goes on at once."""
    world.onboard()
    good = dict(world.settings)
    world.settings.update(unreachable)
    for _ in range(4):
        world.fails(ServiceUnreachable)
    assert world.simulator.requests == []
    assert world.state().attempts.available(world.time.now()) == 3
    assert world.state().open_attempt is None
    assert world.codes() == ["ServiceUnreachable"]
    assert ServiceUnreachable.cure in world.emails()[0].body

    world.settings.update(good)
    assert world.run()["outcome"] == "rotated"


@pytest.fixture
def stranger(world: World) -> World:
    """A customer whose certificate another authority signed; the API key is right."""
    tenant = world.onboard()
    pair = trustme.CA().issue_cert("stranger.example")
    certificate, key = pair.cert_chain_pems[0].bytes().decode(), pair.private_key_pem.bytes().decode()
    world.put({**tenant.credential, "cert": certificate, "privateKey": key})
    return world


def test_a_client_certificate_refused_in_the_handshake_is_not_an_unknown_outcome(stranger: World) -> None:
    """In TLS 1.3 the refusal comes after the client thinks all is well: a race, if one sends at once."""
    credential = stranger.credential()
    key = new_private_key("ec256", like=credential.key)
    csr = new_csr_pem(key, like=credential.chain.leaf)
    service = stranger.parts().service
    for attempt in range(20):
        with pytest.raises(Unauthorized):
            service.refresh(credential, csr, f"name-{attempt}")
        assert not service.accepts(credential)
    assert stranger.simulator.requests == []


def test_a_run_whose_client_certificate_is_refused_goes_on_when_it_is_replaced(stranger: World) -> None:
    """Nothing was issued, so nothing is held."""
    error = stranger.fails(Unauthorized, force=True)
    assert "handshake" in str(error)
    assert stranger.state().open_attempt is None
    stranger.onboard(name=f"{stranger.aws.name}-2")
    assert stranger.run()["outcome"] == "rotated"


def test_a_certificate_revoked_at_the_service_is_unauthorized(world: World) -> None:
    """The handshake works, the service itself says no."""
    tenant = world.onboard()
    tenant.revoke("onboarded-1")
    assert "401" in str(world.fails(Unauthorized))
    (email,) = world.emails()
    assert "onboard again" in email.body


def test_a_redirect_is_not_followed(world: World) -> None:
    """The API key and the client key go to the configured host alone."""
    world.onboard()
    with RawServer.running(b"") as elsewhere:
        for location in (f"{elsewhere.url}/steal", f"{world.simulator.url}/steal"):
            world.fault("redirect", location=location)
            world.fails(ServiceFailure)
        assert elsewhere.connections == 0
    assert [request.path for request in world.simulator.requests] == ["/api/v1/token/cert:refresh"] * 2


def test_the_environment_has_no_say_in_who_is_spoken_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy, a login or another trust store from a variable would be one more party to the keys."""
    monkeypatch.setenv("HTTPS_PROXY", _nobodys_port())
    monkeypatch.setenv("ALL_PROXY", _nobodys_port())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    world.onboard()
    assert world.run()["outcome"] == "rotated"


def _answer(status: str, *headers: str, body: str = "{}") -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body)
    return "\r\n".join(lines).encode()


ANSWERS = {
    "403": (_answer("403 Forbidden"), Unauthorized),
    "404": (_answer("404 Not Found"), ServiceFailure),
    "405": (_answer("405 Method Not Allowed"), ServiceFailure),
    "408": (_answer("408 Request Timeout", "Retry-After: 0"), ServiceFailure),
    "413-retry-after": (_answer("413 Content Too Large", "Retry-After: 0"), ServiceFailure),
    "429-retry-after": (_answer("429 Too Many Requests", "Retry-After: 0"), TooManyRequests),
    "503-retry-after": (_answer("503 Service Unavailable", "Retry-After: 0"), ServiceFailure),
    "504": (_answer("504 Gateway Timeout"), OutcomeUnknown),
    "204": (_answer("204 No Content"), OutcomeUnknown),
    "cut-short": (_answer("200 OK", body="x" * 99)[:-9], OutcomeUnknown),
    "no-http": (b"220 mail.example ESMTP\r\n\r\n", OutcomeUnknown),
    "nothing": (b"", OutcomeUnknown),
    "proxy-login": (_answer("407 Proxy Authentication Required"), ServiceFailure),
    "an-array": (_answer("200 OK", body="[1]"), OutcomeUnknown),
    "not-utf-8": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe", OutcomeUnknown),
    "wrong-gzip": (_answer("200 OK", "Content-Encoding: gzip", body="no gzip"), OutcomeUnknown),
}


@pytest.mark.parametrize(("answer", "error"), ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls-1.2", "tls-1.3"])
def test_an_attempt_is_one_connection_and_one_request_whatever_the_answer(
    world: World, answer: bytes, error: type[RefreshFailed], newest: ssl.TLSVersion
) -> None:
    """Libraries repeat a GET on their own, and here each one issues a certificate."""
    tenant = world.onboard()
    with RawServer.running(answer, newest) as server:
        world.settings.update({"SERVICE_URL": server.url, "TRUSTED_CA_PEM": server.trusted_ca_pem})
        world.fails(error)
        assert server.connections == 1
        (request,) = server.received
    head, _, body = request.decode().partition("\r\n\r\n")
    assert head.startswith("GET /api/v1/token/cert:refresh HTTP/1.1\r\n")
    assert f"\r\napiKey: {tenant.credential['apiKey']}\r\n" in f"{head}\r\n"
    document = json.loads(body)
    assert set(document) == {"pemCsr", "certName"}
    assert x509.load_pem_x509_csr(document["pemCsr"].encode()).is_signature_valid
    assert world.current()["certName"] == "onboarded-1"


def test_a_server_that_hangs_up_after_the_handshake_got_no_request(world: World) -> None:
    """What never left can be given back."""
    world.onboard()
    with RawServer.running(None) as server:
        world.settings.update({"SERVICE_URL": server.url, "TRUSTED_CA_PEM": server.trusted_ca_pem})
        world.fails(ServiceUnreachable)
        assert (server.connections, server.received) == (1, [])
    assert world.state().attempts.available(world.time.now()) == 3


def test_the_key_of_the_api_is_not_repeated_when_the_service_echoes_it(world: World) -> None:
    """A message of the service goes into emails."""
    tenant = world.onboard()
    body = json.dumps({"code": 400, "message": f"bad key {tenant.credential['apiKey']}\nsecond line"})
    with RawServer.running(_answer("400 Bad Request", body=body)) as server:
        world.settings.update({"SERVICE_URL": server.url, "TRUSTED_CA_PEM": server.trusted_ca_pem})
        with pytest.raises(RefreshFailed, match=r"bad key \[apiKey\] second line"):
            world.run()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("slow_part", ["headers", "body"])
def test_an_answer_that_drips_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch, slow_part: str) -> None:
    """Each byte comes in time and the last one never: Lambda would end the run before it told anybody."""
    monkeypatch.setattr(device_id_service, "ANSWER_SECONDS", 0.6)
    world.onboard()
    answer = b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if slow_part == "body" else b"X-Padding: ") + b"x" * 1000
    with RawServer.running(answer, pause=0.1) as server:
        world.settings.update({"SERVICE_URL": server.url, "TRUSTED_CA_PEM": server.trusted_ca_pem})
        world.fails(OutcomeUnknown)
