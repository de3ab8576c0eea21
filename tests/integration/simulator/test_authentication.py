"""Who is answered after the handshake: vendor, every request needs an active certificate and its tenant's key."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer, Onboard


@pytest.mark.parametrize("api_key", [None, "wrong", "ünknown"])
def test_a_missing_or_wrong_api_key_gets_401(acme: "Customer", api_key: str | None) -> None:
    """The certificate alone is not enough."""
    response = acme.call("verdicts:statistics", api_key=api_key and api_key.encode().decode("latin-1"))
    assert response.status_code == 401
    assert response.json()["code"] == 401
    assert "apiKey" in response.json()["message"]


def test_the_api_key_of_another_tenant_gets_401(acme: "Customer", onboard: "Onboard") -> None:
    """The key and the certificate must belong to the same tenant."""
    other = onboard("other")
    assert acme.call("verdicts:statistics", api_key=other.api_key).status_code == 401
    assert acme.call("verdicts:statistics").status_code == 200


def test_a_revoked_certificate_gets_401(acme: "Customer") -> None:
    """Somebody deleted it in the console; it still passes the handshake."""
    acme.tenant.revoke("onboarded-1")
    response = acme.call("verdicts:statistics")
    assert response.status_code == 401
    assert "deleted" in response.json()["message"]


def test_an_evicted_certificate_gets_401(acme: "Customer") -> None:
    """The hazard this project is built around: the certificate in use can be deleted by a success."""
    acme.refresh()
    assert acme.call("verdicts:statistics").status_code == 200
    assert acme.refresh().json()["deletedCertName"] == "onboarded-1"
    assert acme.call("verdicts:statistics").status_code == 401


def test_a_certificate_that_expires_as_the_clock_moves_gets_401(acme: "Customer") -> None:
    """While the clock is moved the service checks the dates itself, and says so in JSON."""
    acme.simulator.clock.advance(timedelta(days=9))
    assert acme.call("verdicts:statistics").status_code == 200
    acme.simulator.clock.advance(timedelta(days=2))
    response = acme.call("verdicts:statistics")
    assert response.status_code == 401
    assert "expired" in response.json()["message"]


def test_a_certificate_issued_in_a_simulated_future_is_let_in(acme: "Customer") -> None:
    """Tests of renewals need certificates from a simulated future."""
    acme.simulator.clock.advance(timedelta(days=5))
    acme.renew()
    assert acme.call("verdicts:statistics").status_code == 200


def test_a_certificate_whose_life_has_not_begun_gets_401(acme: "Customer") -> None:
    """Tests move the clock back as well."""
    acme.simulator.clock.advance(timedelta(days=-81))
    response = acme.call("verdicts:statistics")
    assert response.status_code == 401
    assert "not active yet" in response.json()["message"]


def test_a_tenant_may_have_no_certificate_yet(onboard: "Onboard") -> None:
    """During onboarding by CSR, a tenant has its API key first."""
    customer = onboard(key_algorithm=None)
    assert set(customer.tenant.credential) == {"apiKey"}
    assert customer.tenant.certificates == []


@pytest.mark.sends_key_in_url
def test_the_journal_holds_no_api_key(acme: "Customer") -> None:
    """A failing test prints the journal."""
    acme.call("verdicts:statistics")
    acme.call(f"{acme.api_key}/cert:refresh")
    acme.call(f"/somewhere/{acme.api_key}/else")
    acme.call(f"verdicts?apiKey={acme.api_key}")
    acme.refresh()
    assert len(acme.simulator.requests) == 5
    assert acme.api_key not in repr(acme.simulator.requests)


def test_the_journal_says_who_called_with_what(acme: "Customer") -> None:
    """Other tests count requests by it."""
    acme.refresh("second")
    (request,) = acme.simulator.requests_to("cert:refresh")
    first, second = acme.tenant.certificates
    assert (request.tenant, request.method, request.path) == ("acme", "GET", "/api/v1/token/cert:refresh")
    assert (request.cert_name, request.cert_serial) == ("onboarded-1", first.serial)
    assert (request.status, request.fault, request.issued_cert_name) == (200, None, second.name)
