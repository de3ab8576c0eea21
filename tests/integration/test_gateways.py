"""What may stand between us and the service, and have a say in who gets the keys."""

import socket
import ssl
from collections.abc import Iterable
from pathlib import Path

import pytest

from certificate_rotation.domain.errors import RefreshRejected, ServiceFailure
from certificate_rotation.domain.key_pair import show
from tests.support.invariants import TALLY
from tests.support.outside import rotates
from tests.support.raw_server import Answer, RawServer, answer
from tests.support.rotation_env import RotationEnv


def test_the_environment_has_no_say_in_who_is_spoken_to(
    env: RotationEnv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy, a login or another trust store from a variable would be one more party to the keys."""
    (tmp_path / "netrc").write_text("machine localhost login me password mine\n")
    with RawServer.running(b"") as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.setenv(name, "/nowhere")
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        env.onboard()
        rotates(env)
        TALLY.check(7, proxy.connections == 0, "a proxy of the environment was spoken to")
        TALLY.check(7, not (tmp_path / "keys").exists(), "the keys of the connection were written down")
    with RawServer.running(answer("503 Service Unavailable")) as server:
        env.settings.update(server.settings)
        env.fails(ServiceFailure, force=True, allowEviction=True)
        TALLY.check(7, b"authorization" not in server.received[0].lower(), "a login of the environment was sent")


@pytest.mark.parametrize("kept", [False, True], ids=["drops-the-body", "keeps-the-body"])
def test_a_gateway_that_drops_the_body_of_a_get_is_told_as_a_rejection(env: RotationEnv, *, kept: bool) -> None:
    """HTTP gives such a body no meaning, and some gateways throw it away: the service then answers 400."""
    env.onboard()
    with RawServer.running(_forwarding(env, kept=kept)) as gateway:
        env.settings.update(gateway.settings)
        if kept:
            rotates(env)
        else:
            assert "the body is not JSON" in str(env.fails(RefreshRejected))
            assert env.state().certificate.open_attempt is None


def _forwarding(env: RotationEnv, *, kept: bool) -> Answer:
    """A gateway in front of the service, which shows the service the customer's certificate."""
    context = ssl.create_default_context(cadata=env.simulator.trusted_ca_pem)
    show(context, env.credential().key, env.credential().chain)
    port = int(env.simulator.url.rpartition(":")[2])

    def forward(request: bytes) -> Iterable[bytes]:
        head, _, body = request.partition(b"\r\n\r\n")
        names = [b"connection", *([] if kept else [b"content-length", b"content-type"])]
        lines = [line for line in head.split(b"\r\n") if line.partition(b":")[0].lower() not in names]
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body if kept else b""]))
            while piece := tls.recv(65_536):
                yield piece

    return forward
