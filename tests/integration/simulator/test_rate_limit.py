"""How often the service lets itself be asked."""

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from simulator import Simulator

if TYPE_CHECKING:
    import requests

    from tests.integration.simulator.conftest import Customer, Onboard

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def _attempt(customer: "Customer") -> int:
    """Spend an attempt without issuing anything."""
    return customer.call("cert:refresh", json={}).status_code


def test_three_attempts_then_429(acme: "Customer") -> None:
    """vendor: three attempts; failed ones count, which is the careful reading."""
    assert [_attempt(acme) for _ in range(4)] == [400, 400, 400, 429]
    response = acme.refresh()
    assert response.json()["code"] == 429
    assert "Retry-After" not in response.headers
    assert len(acme.tenant.certificates) == 1


def test_one_attempt_comes_back_every_hour(acme: "Customer") -> None:
    """vendor: once they are used up, one more an hour."""
    for _ in range(3):
        _attempt(acme)
    acme.simulator.clock.advance(HOUR - MINUTE)
    assert _attempt(acme) == 429
    acme.simulator.clock.advance(MINUTE)
    assert [_attempt(acme), _attempt(acme)] == [400, 429]


def test_a_bucket_fills_up_to_three(acme: "Customer") -> None:
    """Project's reading: the three come back in three hours, and no more than three ever wait."""
    for _ in range(3):
        _attempt(acme)
    acme.simulator.clock.advance(24 * HOUR)
    assert [_attempt(acme) for _ in range(4)] == [400, 400, 400, 429]


def test_strictly_the_three_never_come_back(onboard: "Onboard") -> None:
    """The harshest reading of the vendor's sentence, to prove that a client survives it."""
    with Simulator.running(rate="strict") as simulator:
        customer = onboard(at=simulator)
        assert [_attempt(customer) for _ in range(4)] == [400, 400, 400, 429]
        simulator.clock.advance(24 * HOUR)
        assert [_attempt(customer), _attempt(customer)] == [400, 429]
        simulator.clock.advance(HOUR - MINUTE)
        assert _attempt(customer) == 429
        simulator.clock.advance(MINUTE)
        assert _attempt(customer) == 400


def test_a_request_that_does_not_authenticate_costs_nothing(acme: "Customer") -> None:
    """Strangers must not use up a tenant's attempts."""
    for _ in range(5):
        assert acme.call("cert:refresh", json={}, api_key="wrong").status_code == 401
    assert _attempt(acme) == 400


def test_attempts_are_counted_per_tenant(acme: "Customer", onboard: "Onboard") -> None:
    """Tenants are isolated."""
    for _ in range(4):
        _attempt(acme)
    assert _attempt(onboard("other")) == 400


def test_a_second_refresh_while_one_is_running_gets_409_and_costs_an_attempt(acme: "Customer") -> None:
    """vendor: another update or delete job is running."""
    acme.simulator.fault("slow", seconds=0.5)
    first: list[requests.Response] = []
    thread = threading.Thread(target=lambda: first.append(acme.refresh()))
    thread.start()
    _wait_for_request(acme.simulator)
    second = acme.refresh()
    at_work = acme.simulator.tenants[0].working
    thread.join()
    assert second.status_code == 409
    assert second.json()["code"] == 409
    assert first[0].status_code == 200
    assert (at_work, acme.simulator.tenants[0].working) == (True, False)
    assert [_attempt(acme), _attempt(acme)] == [400, 429]


def test_the_job_ends_with_its_request(acme: "Customer") -> None:
    """A customer must not be locked out by a refresh that failed."""
    acme.simulator.fault("server-error")
    assert acme.refresh().status_code == 500
    assert acme.refresh().status_code == 200


def test_other_tenants_and_other_calls_are_answered_meanwhile(acme: "Customer", onboard: "Onboard") -> None:
    """The job is the tenant's own, and reading needs none."""
    other = onboard("other")
    acme.simulator.fault("slow", tenant="acme", seconds=0.5)
    thread = threading.Thread(target=acme.refresh)
    thread.start()
    _wait_for_request(acme.simulator)
    assert acme.call("verdicts:statistics").status_code == 200
    assert other.refresh().status_code == 200
    thread.join()


def test_five_token_refreshes_then_two_an_hour(acme: "Customer") -> None:
    """vendor: another limit than that of certificates, and counted apart from it."""
    answers = [acme.call("token:refresh", api_key=acme.tenant.api_key).status_code for _ in range(6)]
    assert answers == [200, 200, 200, 200, 200, 429]
    acme.simulator.clock.advance(timedelta(minutes=30))
    answers = [acme.call("token:refresh", api_key=acme.tenant.api_key).status_code for _ in range(2)]
    assert answers == [200, 429]


def test_strictly_the_five_never_come_back(onboard: "Onboard") -> None:
    """The harshest reading of the vendor's sentence: one request in each half hour since the last."""
    with Simulator.running(rate="strict") as simulator:
        customer = onboard(at=simulator)
        simulator.fault("bad-request", endpoint="token:refresh", times=None)
        assert [customer.call("token:refresh").status_code for _ in range(6)] == [400] * 5 + [429]
        simulator.clock.advance(24 * HOUR)
        assert [customer.call("token:refresh").status_code for _ in range(2)] == [400, 429]
        simulator.clock.advance(29 * MINUTE)
        assert customer.call("token:refresh").status_code == 429
        simulator.clock.advance(MINUTE)
        assert customer.call("token:refresh").status_code == 400


def test_the_two_limits_are_counted_apart(acme: "Customer") -> None:
    """A certificate's spent attempts must not keep the key from its turn, nor the other way round."""
    assert [_attempt(acme) for _ in range(4)] == [400, 400, 400, 429]
    acme.simulator.fault("bad-request", endpoint="token:refresh", times=None)
    assert [acme.call("token:refresh").status_code for _ in range(6)] == [400] * 5 + [429]
    acme.simulator.clock.advance(HOUR)
    assert [_attempt(acme) for _ in range(2)] == [400, 429]
    assert [acme.call("token:refresh").status_code for _ in range(3)] == [400, 400, 429]


def test_one_job_at_a_time_whichever_half_it_is_for(acme: "Customer") -> None:
    """vendor: another update or delete job is running; the careful reading is that there is one for both halves."""
    acme.simulator.fault("slow", seconds=0.5)
    thread = threading.Thread(target=acme.refresh)
    thread.start()
    _wait_for_request(acme.simulator)
    meanwhile = acme.call("token:refresh").status_code
    thread.join()
    assert (meanwhile, acme.call("token:refresh").status_code) == (409, 200)
    assert len(acme.tenant.tokens) == 2


def test_statistics_are_answered_once_a_second(onboard: "Onboard") -> None:
    """vendor: one request a second; a probe that repeats faster than that is told so."""
    with Simulator.running() as simulator:
        customer = onboard(at=simulator)
        answers = [customer.call("verdicts:statistics").status_code for _ in range(2)]
        assert answers == [200, 429]
        simulator.clock.advance(HOUR)  # it goes by real time, as the waiting client does
        assert customer.call("verdicts:statistics").status_code == 429
        time.sleep(1)
        assert customer.call("verdicts:statistics").status_code == 200


def test_the_limit_per_second_can_be_switched_off(acme: "Customer") -> None:
    """Tests that ask often would have to sleep."""
    assert {acme.call("verdicts:statistics").status_code for _ in range(5)} == {200}


def _wait_for_request(simulator: Simulator) -> None:
    """Return when a cert:refresh has met its fault, that is when its job has begun."""
    deadline = time.monotonic() + 5
    while not any(request.fault for request in simulator.requests_to("cert:refresh")):
        if time.monotonic() > deadline:
            pytest.fail("the request never arrived")
        time.sleep(0.01)
