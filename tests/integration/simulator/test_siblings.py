"""The three calls beside ``cert:refresh``."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer


def test_a_token_refresh_gives_a_second_key_and_keeps_the_first(acme: "Customer") -> None:
    """vendor: two valid tokens."""
    answer = acme.call("token:refresh").json()
    assert set(answer) == {"token", "expiry", "deletedToken"}
    assert answer["deletedToken"] == ""
    assert datetime.fromisoformat(answer["expiry"]) > datetime.now(UTC) + timedelta(days=300)
    assert acme.tenant.api_key == answer["token"]
    for key in (acme.api_key, answer["token"]):
        assert acme.call("verdicts:statistics", api_key=key).status_code == 200


def test_a_third_token_deletes_the_oldest_and_names_it(acme: "Customer") -> None:
    """The key in use can be deleted by a success, as the certificate can."""
    second = acme.call("token:refresh").json()["token"]
    assert acme.call("token:refresh").json()["deletedToken"] == acme.api_key
    assert acme.call("verdicts:statistics").status_code == 401
    assert acme.call("verdicts:statistics", api_key=second).status_code == 200


def test_tokens_expire(acme: "Customer") -> None:
    """An expired key is refused, however good the certificate is."""
    acme.simulator.sign_csr("acme", acme.csr(), lifetime=timedelta(days=1000))
    acme.simulator.clock.advance(timedelta(days=366))
    with pytest.raises(LookupError, match="no valid API key"):
        _ = acme.tenant.api_key
    assert not acme.tenant.accepts_key(acme.api_key)


def test_statistics_count_the_tenants_requests(acme: "Customer") -> None:
    """A harmless probe; vendor: counts of verdicts and requests."""
    acme.call("verdicts?pageLen=1")
    assert acme.call("verdicts:statistics").json() == {"verdictCount": 0, "requestCount": 2}


def test_verdicts_come_with_a_bookmark(acme: "Customer") -> None:
    """vendor: one verdict and a bookmark."""
    answer = acme.call("verdicts?pageLen=1").json()
    assert len(answer["verdicts"]) == 1
    assert answer["bookmark"]


@pytest.mark.parametrize("length", ["0", "-1", "many", "", "1001"])
def test_a_page_of_no_sensible_length_gets_400(acme: "Customer", length: str) -> None:
    """Errors have one shape at every call."""
    response = acme.call(f"verdicts?pageLen={length}")
    assert response.json()["code"] == 400
