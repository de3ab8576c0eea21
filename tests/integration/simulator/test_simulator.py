"""The simulator as a thing to start and stop, and its clock."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from simulator import Clock, Simulator
from simulator.server import CannotListenError

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer, Onboard


def test_stopping_frees_the_port_and_ends_the_thread(onboard: "Onboard") -> None:
    """The next test may ask for the same port."""
    before = threading.active_count()
    with Simulator.running() as simulator:
        customer = onboard(at=simulator)
        assert customer.call("verdicts:statistics").status_code == 200
        port = customer.port
    with pytest.raises(requests.exceptions.ConnectionError):
        customer.call("verdicts:statistics")
    with Simulator.running(port=port) as again:
        assert again.url == simulator.url
    assert threading.active_count() <= before


def test_stopping_cuts_off_what_is_still_in_progress(onboard: "Onboard") -> None:
    """A test that failed in the middle must not hang in its tidying up."""
    with Simulator.running() as simulator:
        customer = onboard(at=simulator)
        simulator.fault("endless-body")
        response = customer.refresh(stream=True)
        simulator.fault("slow", endpoint="verdicts", seconds=60)
        customer.timeout = 0.1
        with pytest.raises(requests.exceptions.ReadTimeout):
            customer.call("verdicts")
    response.close()


def test_stopping_does_not_wait_for_a_client_that_never_shakes_hands() -> None:
    """Port scanners and crashed clients leave such connections behind."""
    with Simulator.running() as simulator:
        connection = socket.create_connection(("127.0.0.1", int(simulator.url.rpartition(":")[2])))
    connection.close()


def test_a_port_in_use_is_refused_with_the_cure() -> None:
    """A traceback would not say what to do."""
    with Simulator.running() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(CannotListenError, match=rf"port {port} .* in use: stop the program"):
            _run(port=port)
        with pytest.raises(CannotListenError, match="in use"):
            _run(admin_port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104  - refused
def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    """It hands out credentials to whoever asks: not a thing to leave on a network by accident."""
    with pytest.raises(CannotListenError, match="--allow-non-loopback"):
        _run(host=host)


def test_an_address_that_others_can_reach_is_served_when_meant(onboard: "Onboard") -> None:
    """The twin: containers reach the machine by an address that is not the loopback's."""
    with Simulator.running(host="0.0.0.0", allow_non_loopback=True) as simulator:  # noqa: S104  - meant
        assert onboard(at=simulator).call("verdicts:statistics").status_code == 200


def test_an_address_of_another_machine_is_refused_with_the_cure() -> None:
    """The option allows an address; the machine must have it."""
    with pytest.raises(CannotListenError, match="not an address of this machine"):
        _run(host="192.0.2.1", allow_non_loopback=True)


def test_a_port_that_is_none_is_refused() -> None:
    """A mistyped port is answered with a sentence too."""
    with pytest.raises(CannotListenError, match="not a port"):
        _run(port=70000)


def test_simulators_are_isolated(acme: "Customer", onboard: "Onboard") -> None:
    """Each run has authorities of its own."""
    with Simulator.running() as other:
        with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            acme.call("verdicts:statistics", url=other.url)
        acme.trust(other.trusted_ca_pem)
        with pytest.raises(requests.exceptions.SSLError, match=r"(?i)unknown.ca"):
            acme.call("verdicts:statistics", url=other.url)
        assert other.requests == []


def test_onboarding_refuses_what_the_console_would(simulator: Simulator) -> None:
    """A refused onboarding leaves no tenant behind."""
    simulator.onboard("acme", key_algorithm=None)
    with pytest.raises(ValueError, match="onboarded already"):
        simulator.onboard("acme")
    with pytest.raises(ValueError, match="letters, digits and -"):
        simulator.onboard("no good")
    with pytest.raises(ValueError, match="PKCS#10"):
        simulator.onboard("other", csr_pem="nonsense")
    with pytest.raises(ValueError, match="no key algorithm"):
        simulator.onboard("other", key_algorithm="dsa")  # type: ignore[arg-type]  # wrong on purpose
    assert [tenant.name for tenant in simulator.tenants] == ["acme"]


def test_what_is_not_there_is_named(acme: "Customer") -> None:
    """A misspelt name in a test fails at once."""
    with pytest.raises(LookupError, match="no tenant is called 'nobody'"):
        acme.simulator.tenant("nobody")
    with pytest.raises(LookupError, match="has no certificate 'nothing'"):
        acme.simulator.tenant("acme").revoke("nothing")


def test_the_credential_is_the_secrets_json(onboard: "Onboard") -> None:
    """It can go into Secrets Manager as it is."""
    credential = onboard(cert_name="given-name", key_algorithm="rsa2048").tenant.credential
    assert set(credential) == {"apiKey", "cert", "privateKey", "certName"}
    assert credential["certName"] == "given-name"


def test_the_clock_is_moved_and_keeps_running() -> None:
    """Tests need months to pass in milliseconds."""
    clock = Clock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    clock.advance(timedelta(hours=1))
    assert abs(clock.now() - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=1)
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    clock.set(moment)
    assert moment <= clock.now() < moment + timedelta(seconds=1)
    assert clock.moved
    assert clock.reset() < moment


def test_a_clock_that_nobody_moved_says_so() -> None:
    """While it shows the machine's time, expired certificates are refused in the handshake."""
    clock = Clock()
    assert not clock.moved


def test_the_clock_stays_where_it_is_when_a_step_leads_nowhere() -> None:
    """A clock without a date would fail every later request."""
    clock = Clock()
    with pytest.raises(OverflowError):
        clock.advance(timedelta(days=10_000_000))
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_the_clock_takes_no_time_without_a_zone() -> None:
    """The clock cannot guess the zone."""
    with pytest.raises(ValueError, match="aware"):
        Clock().set(datetime(2030, 1, 1))  # noqa: DTZ001  - wrong on purpose


def _run(**choices: object) -> None:
    """Start and stop at once."""
    with Simulator.running(**choices):  # type: ignore[arg-type]  # whatever the test varies
        pass
