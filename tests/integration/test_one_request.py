"""What a broken conversation proves, and that it is never begun again."""

import json
import ssl

import pytest
from cryptography import x509

from certificate_rotation.domain.errors import (
    OutcomeUnknown,
    RefreshFailed,
    ServiceFailure,
    ServiceUnreachable,
    TooManyRequests,
    Unauthorized,
)
from tests.support.raw_server import RawServer, answer
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory

ANSWERS = {
    "403": (answer("403 Forbidden"), Unauthorized),
    "404": (answer("404 Not Found"), ServiceFailure),
    "405": (answer("405 Method Not Allowed"), ServiceFailure),
    "408": (answer("408 Request Timeout", "Retry-After: 0"), ServiceFailure),
    "413-retry-after": (answer("413 Content Too Large", "Retry-After: 0"), ServiceFailure),
    "429-retry-after": (answer("429 Too Many Requests", "Retry-After: 0"), TooManyRequests),
    "503-retry-after": (answer("503 Service Unavailable", "Retry-After: 0"), ServiceFailure),
    "504": (answer("504 Gateway Timeout"), OutcomeUnknown),
    "204": (answer("204 No Content"), OutcomeUnknown),
    "cut-short": (answer("200 OK", body="x" * 99)[:-9], OutcomeUnknown),
    "no-http": (b"220 mail.example ESMTP\r\n\r\n", OutcomeUnknown),
    "nothing": (b"", OutcomeUnknown),
    "proxy-login": (answer("407 Proxy Authentication Required"), ServiceFailure),
    "an-array": (answer("200 OK", body="[1]"), OutcomeUnknown),
    "not-utf-8": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe", OutcomeUnknown),
    "wrong-gzip": (answer("200 OK", "Content-Encoding: gzip", body="no gzip"), OutcomeUnknown),
}


@pytest.fixture(autouse=True)
def handshakes() -> None:
    """Here they are as long as the code lets them be."""


@pytest.mark.parametrize(("sent", "error"), ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls-1.2", "tls-1.3"])
def test_an_attempt_is_one_connection_and_one_request_whatever_the_answer(
    env: RotationEnv, sent: bytes, error: type[RefreshFailed], newest: ssl.TLSVersion
) -> None:
    """Libraries repeat a GET on their own, and here each one issues a certificate."""
    tenant = env.onboard()
    with RawServer.running(sent, newest) as server:
        env.settings.update(server.settings)
        env.fails(error)
        assert server.connections == 1
        (request,) = server.received
    head, _, body = request.decode().partition("\r\n\r\n")
    assert head.startswith("GET /api/v1/token/cert:refresh HTTP/1.1\r\n")
    assert f"\r\napiKey: {tenant.credential['apiKey']}\r\n" in f"{head}\r\n"
    document = json.loads(body)
    assert set(document) == {"pemCsr", "certName"}
    assert x509.load_pem_x509_csr(document["pemCsr"].encode()).is_signature_valid
    assert env.current()["certName"] == "onboarded-1"


def test_a_server_that_hangs_up_after_the_handshake_got_no_request(env: RotationEnv) -> None:
    """What never left can be given back."""
    env.onboard()
    with RawServer.running(None) as server:
        env.settings.update(server.settings)
        env.fails(ServiceUnreachable)
        assert (server.connections, server.received) == (1, [])
    assert env.state().certificate.attempts.available(env.time.now()) == 3


def test_the_key_of_the_api_is_not_repeated_when_the_service_echoes_it(env: RotationEnv) -> None:
    """A message of the service goes into emails."""
    tenant = env.onboard()
    body = json.dumps({"code": 400, "message": f"bad key {tenant.credential['apiKey']}\nsecond line"})
    with RawServer.running(answer("400 Bad Request", body=body)) as server:
        env.settings.update(server.settings)
        with pytest.raises(RefreshFailed, match=r"bad key \[apiKey\] second line"):
            env.run()
