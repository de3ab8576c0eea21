"""Who gets through the TLS handshake, each beside the twin who does not."""

import select
import socket
import ssl
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests
import trustme

from simulator import Simulator
from simulator.tls import ServerCertificate

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer, Onboard


def test_a_tenants_certificate_is_let_in(acme: "Customer") -> None:
    """The success that the refusals below are twins of."""
    assert acme.call("verdicts:statistics").status_code == 200


def test_no_client_certificate_is_refused_with_an_alert(acme: "Customer") -> None:
    """Mutual TLS is the point, and a client must see a refusal rather than a lost connection."""
    with pytest.raises(requests.exceptions.SSLError, match=r"(?i)certificate.required"):
        acme.call("verdicts:statistics", with_certificate=False)
    assert acme.simulator.requests == []


def test_a_refusal_is_an_alert_in_tls_1_2_too(simulator: Simulator) -> None:
    """There the handshake itself fails; in 1.3 the client has sent its request by the time it hears of it."""
    context = ssl.create_default_context(cadata=simulator.trusted_ca_pem)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = int(simulator.url.rpartition(":")[2])
    with (
        socket.create_connection(("localhost", port)) as connection,
        pytest.raises(ssl.SSLError, match=r"(?i)alert.handshake.failure"),
    ):
        context.wrap_socket(connection, server_hostname="localhost")


def test_a_client_certificate_of_another_authority_is_refused_with_an_alert(acme: "Customer") -> None:
    """A certificate is worth nothing unless this service issued it."""
    stranger = trustme.CA().issue_cert("acme.example")
    acme.use(stranger.cert_chain_pems[0].bytes().decode(), stranger.private_key_pem.bytes().decode())
    with pytest.raises(requests.exceptions.SSLError, match=r"(?i)unknown.ca"):
        acme.call("verdicts:statistics")
    assert acme.simulator.requests == []


def test_an_expired_client_certificate_is_refused_with_an_alert(onboard: "Onboard") -> None:
    """This is how a customer who forgot to renew finds out."""
    late = onboard("late", age=timedelta(days=91), lifetime=timedelta(days=90))
    with pytest.raises(requests.exceptions.SSLError, match=r"(?i)certificate.expired"):
        late.call("verdicts:statistics")


def test_a_client_that_does_not_trust_the_server_hangs_up(acme: "Customer") -> None:
    """The API key must not go to a server that only claims to be the service."""
    acme.trust(trustme.CA().cert_pem.bytes().decode())
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        acme.call("verdicts:statistics")
    assert acme.simulator.requests == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_server_certificate_is_good_for_the_loopbacks_names(acme: "Customer", name: str) -> None:
    """Users write both names in settings."""
    assert acme.call("verdicts:statistics", url=acme.simulator.url.replace("localhost", name)).status_code == 200


def test_the_server_certificate_is_good_for_names_asked_for(onboard: "Onboard") -> None:
    """Containers reach the machine by a name of their own."""
    with Simulator.running(server_names=["host.docker.internal"]) as simulator:
        customer = onboard(at=simulator)
        with (
            socket.create_connection(("localhost", customer.port)) as connection,
            customer.tls_context().wrap_socket(connection, server_hostname="host.docker.internal") as session,
        ):
            assert session.version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("situation", "reason"), [("expired", "certificate has expired"), ("wrong-host", "(?i)hostname mismatch|match")]
)
def test_a_bad_server_certificate_makes_clients_hang_up(
    onboard: "Onboard", situation: ServerCertificate, reason: str
) -> None:
    """A client that accepts either would talk to anybody."""
    with Simulator.running(server_certificate=situation) as simulator:
        customer = onboard(at=simulator)
        with pytest.raises(requests.exceptions.SSLError, match=reason):
            customer.call("verdicts:statistics")
        assert simulator.requests == []


def test_a_server_with_tls_1_1_only_makes_modern_clients_hang_up(onboard: "Onboard") -> None:
    """Python's defaults refuse TLS 1.1; a client under test must not weaken them."""
    with Simulator.running(tls="1.1-only") as simulator:
        customer = onboard(at=simulator)
        with pytest.raises(requests.exceptions.SSLError):
            customer.call("verdicts:statistics")
        assert _agreed_version(customer, ssl.TLSVersion.TLSv1_1) == "TLSv1.1"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(acme: "Customer", version: ssl.TLSVersion) -> None:
    """The versions the project requires."""
    assert _agreed_version(acme, version) == version.name.replace("_", ".")


def test_tls_1_1_is_not_spoken(acme: "Customer") -> None:
    """The twin of the test above."""
    with pytest.raises(ssl.SSLError):
        _agreed_version(acme, ssl.TLSVersion.TLSv1_1)


def _agreed_version(customer: "Customer", version: ssl.TLSVersion) -> str | None:
    """Shake hands in exactly one version of TLS, however old."""
    context = customer.tls_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what some of these tests are about
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("localhost", customer.port)) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as session,
    ):
        return session.version()


def test_a_chain_is_let_in_with_its_intermediate_and_not_without(onboard: "Onboard") -> None:
    """Losing the intermediate on the way into the secret locks the customer out."""
    customer = onboard(chain=True)
    assert customer.call("verdicts:statistics").status_code == 200
    credential = customer.tenant.credential
    leaf = credential["cert"].partition("-----END CERTIFICATE-----\n")
    customer.use(leaf[0] + leaf[1], credential["privateKey"])
    with pytest.raises(requests.exceptions.SSLError, match=r"(?i)unknown.ca"):
        customer.call("verdicts:statistics")


@pytest.mark.parametrize("tickets", [True, False])
def test_a_session_ticket_follows_the_handshake_where_it_was_asked_for(onboard: "Onboard", *, tickets: bool) -> None:
    """Most servers send one; a client that waits for it must be tried against both kinds."""
    with Simulator.running(session_tickets=tickets) as simulator:
        customer = onboard(at=simulator)
        with (
            socket.create_connection(("localhost", customer.port)) as connection,
            customer.tls_context().wrap_socket(connection, server_hostname="localhost") as session,
        ):
            readable, _, _ = select.select([session], [], [], 2.0 if tickets else 0.2)
            assert bool(readable) is tickets


def test_a_session_ticket_lets_nobody_in(onboard: "Onboard") -> None:
    """A revoked certificate must not come back on the strength of an earlier handshake."""
    with Simulator.running(session_tickets=True) as simulator:
        customer = onboard(at=simulator)
        context, session = customer.tls_context(), None
        for _ in range(2):
            with (
                socket.create_connection(("localhost", customer.port)) as connection,
                context.wrap_socket(connection, server_hostname="localhost", session=session) as client,
            ):
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert client.recv(12).endswith(b" 404")
                assert not client.session_reused
                session = client.session
                assert session is not None
                assert session.has_ticket


def test_plain_http_gets_401(onboard: "Onboard") -> None:
    """Without TLS there is no client certificate, and the key alone is not enough."""
    with Simulator.running(tls="none") as simulator:
        assert simulator.url.startswith("http://localhost:")
        assert onboard(at=simulator).call("verdicts:statistics").status_code == 401
