"""The two calls beside the refreshes."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer


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
