"""Who the code speaks to and sends its keys to: each success of TLS beside the failure that differs in one thing."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from copy import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certificate_rotation.adapters import mtls
from certificate_rotation.domain.errors import RotationError, ServiceFailure, ServiceUnreachable, Unauthorized
from certificate_rotation.domain.x509 import Chain, new_csr_pem, new_private_key, private_key_pem
from simulator import Simulator
from tests.support.factories import certificate
from tests.support.invariants import TALLY
from tests.support.outside import rotates
from tests.support.raw_server import RawServer, answer
from tests.support.rotation_env import RotationEnv

if TYPE_CHECKING:
    from simulator.ca import KeyAlgorithm


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
            TALLY.check(7, server.requests == [], f"a request left over {request.param}")
        else:
            yield {
                "unknown-ca": {"TRUSTED_CA_PEM": trustme.CA().cert_pem.bytes().decode()},
                "no-ca": {"TRUSTED_CA_PEM": ""},
                "nobody-listens": {"SERVICE_URL": _nobodys_port()},
                "no-such-name": {"SERVICE_URL": "https://nowhere.invalid"},
            }[request.param]


def test_a_request_that_cannot_leave_costs_nothing_and_holds_nothing(
    env: RotationEnv, unreachable: dict[str, str]
) -> None:
    """A broken network must not use up the vendor's limit; and once it is mended, all goes on at once."""
    env.onboard()
    good = dict(env.settings)
    env.settings.update(unreachable)
    for _ in range(4):
        env.fails(ServiceUnreachable)
    TALLY.check(7, env.simulator.requests == [], "a request left over a connection that is not trusted")
    assert env.state().certificate.attempts.available(env.time.now()) == 3
    assert env.state().certificate.open_attempt is None
    assert env.codes() == ["ServiceUnreachable"]
    assert env.cure(ServiceUnreachable) in env.emails()[0].body

    env.settings.update(good)
    rotates(env)


@pytest.fixture
def stranger(env: RotationEnv) -> RotationEnv:
    """A customer whose certificate another authority signed; the API key is right."""
    tenant = env.onboard()
    pair = trustme.CA().issue_cert("stranger.example")
    cert, key = pair.cert_chain_pems[0].bytes().decode(), pair.private_key_pem.bytes().decode()
    env.put({**tenant.credential, "cert": cert, "privateKey": key})
    return env


def test_a_client_certificate_refused_in_the_handshake_is_not_an_unknown_outcome(stranger: RotationEnv) -> None:
    """In TLS 1.3 the refusal comes after the client thinks all is well: a race, if one sends at once."""
    credential = stranger.credential()
    key = new_private_key("ec256", like=credential.key)
    csr = new_csr_pem(key, like=credential.chain.leaf)
    service = stranger.dependencies().api
    for attempt in range(20):
        with pytest.raises(Unauthorized):
            service.refresh_certificate(credential, csr, f"name-{attempt}")
        assert not service.accepts(credential)
    TALLY.check(7, stranger.simulator.requests == [], "a request left without a certificate that the service knows")


def test_a_run_whose_client_certificate_is_refused_goes_on_when_it_is_replaced(stranger: RotationEnv) -> None:
    """Nothing was issued, so nothing is held."""
    error = stranger.fails(Unauthorized, force=True)
    assert "handshake" in str(error)
    assert stranger.state().certificate.open_attempt is None
    stranger.onboard(name=f"{stranger.aws.name}-2")
    rotates(stranger)


def test_without_a_client_certificate_nobody_is_let_in(env: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API key alone opens nothing."""
    env.onboard()
    with monkeypatch.context() as anonymous:
        anonymous.setattr(mtls, "show", lambda *_: None)
        assert "handshake" in str(env.fails(Unauthorized))
        TALLY.check(7, env.simulator.requests == [], "a request left without a client certificate")
    rotates(env)


def test_every_certificate_is_shown_by_itself(env: RotationEnv) -> None:
    """What TLS has read is kept from call to call: it must show neither the one before nor choose among several."""
    kinds: tuple[KeyAlgorithm, ...] = ("rsa2048", "ec256", "rsa2048", "ec256", "ec384", "ec256", "ec256")
    tenants = [
        env.simulator.onboard(f"{env.aws.name}-{number}", key_algorithm=kind, chain=number % 2 == 0)
        for number, kind in enumerate(kinds)
    ]
    service = env.dependencies().api
    for tenant in (*tenants, *reversed(tenants)):
        accepted = service.accepts(env.parse(tenant.credential))
        TALLY.check(7, accepted, "the certificate of another credential was shown")


def test_a_certificate_that_tls_cannot_take_up_leaves_none_of_it_behind(env: RotationEnv) -> None:
    """Half of it would stay beside the certificate of before."""
    good, other = (env.parse(env.simulator.onboard(f"{env.aws.name}-{n}").credential) for n in range(2))
    service = env.dependencies().api
    assert service.accepts(good)
    with pytest.raises(ValueError, match="cannot be used by TLS"):
        service.accepts(replace(other, key=new_private_key("same", like=other.key)))
    assert service.accepts(good)


def test_the_public_trust_anchors_are_read_once_for_all_certificates_of_a_kind(
    env: RotationEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read them takes longer than a whole exchange: neither a warm check nor a rotation's probe must do it again."""
    env.onboard()
    service = env.dependencies().api
    assert service.accepts(env.credential())
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", "/nowhere")
    assert service.accepts(env.credential())
    env.onboard(name=f"{env.aws.name}-2")
    assert service.accepts(env.credential())


def test_a_certificate_revoked_at_the_service_is_unauthorized(env: RotationEnv) -> None:
    """The handshake works, the service itself says no."""
    tenant = env.onboard()
    tenant.revoke("onboarded-1")
    assert "401" in str(env.fails(Unauthorized))
    (email,) = env.emails()
    assert "onboard again" in email.body
    env.onboard(name=f"{env.aws.name}-2")
    rotates(env)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls-1.2", "tls-1.3"])
def test_a_certificate_revoked_in_the_handshake_is_unauthorized(
    env: RotationEnv, tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    """A server may look into the list of revoked ones before it reads a request."""
    tenant = env.onboard()
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(key, begins=env.time.now() - timedelta(days=80), ends=env.time.now() + timedelta(days=10))
    env.put({**tenant.credential, "cert": Chain((leaf,)).pem, "privateKey": private_key_pem(key)})
    for revoked, error, arrived in ((True, Unauthorized, 0), (False, ServiceFailure, 1)):
        clients = tmp_path / f"{revoked}.pem"  # the certificate signed itself, so it is its own authority
        clients.write_bytes(Chain((leaf,)).pem.encode() + _revoking(key, leaf, env.time.now(), revoked=revoked))
        with RawServer.running(answer("503 Service Unavailable"), newest, clients) as server:
            env.settings.update(server.settings)
            assert revoked == ("REVOKED" in str(env.fails(error)))
            TALLY.check(7, len(server.received) == arrived, f"{len(server.received)} requests arrived")


def _revoking(key: ec.EllipticCurvePrivateKey, leaf: x509.Certificate, now: datetime, *, revoked: bool) -> bytes:
    """A list of revoked certificates, signed with the key."""
    serial = leaf.serial_number if revoked else leaf.serial_number + 1
    entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(days=1)).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(leaf.subject).add_revoked_certificate(entry)
    builder = builder.last_update(now - timedelta(days=1)).next_update(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_redirect_is_not_followed(env: RotationEnv) -> None:
    """The API key and the client key go to the configured host alone."""
    env.onboard()
    with RawServer.running(b"") as elsewhere:
        for location in (f"{elsewhere.url}/steal", f"{env.simulator.url}/steal"):
            env.fault("redirect", location=location)
            with pytest.raises(RotationError) as caught:
                env.run()
            TALLY.check(7, elsewhere.connections == 0, "a redirect to another host was followed")
            assert type(caught.value) is ServiceFailure
    paths = [request.path for request in env.simulator.requests]
    TALLY.check(7, paths == ["/api/v1/token/cert:refresh"] * 2, f"a redirect was followed: {paths}")
    rotates(env)
