"""What the tests' oracles can ask the service about API keys; they go by nothing else."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from simulator.faults import TOKEN_REFRESH
from simulator.tokens import token_digest
from tests.support.service_records import AtService

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer, Onboard


@pytest.fixture
def service(acme: "Customer") -> AtService:
    """Ask about the one customer."""
    records = AtService(acme.simulator)
    records.tenants.append(acme.tenant)
    return records


@pytest.fixture
def serial(acme: "Customer") -> int:
    """Name the customer by the certificate in use, as oracles do."""
    return acme.tenant.certificates[-1].serial


def _renew(customer: "Customer") -> str:
    key: str = customer.call(TOKEN_REFRESH, api_key=customer.tenant.api_key).json()["token"]
    return key


def test_the_newest_token_is_known_though_its_answer_was_lost(
    acme: "Customer", service: AtService, serial: int
) -> None:
    """An oracle compares what was made with what is in the secret."""
    acme.simulator.fault("drop-after-issuing", endpoint=TOKEN_REFRESH)
    with pytest.raises(requests.exceptions.ConnectionError):
        _renew(acme)
    newest = service.newest_token(serial)
    assert newest is not None
    assert newest.name == "token-2"
    assert [token.name for token in service.valid_tokens(serial)] == ["token-1", "token-2"]
    assert [token.name for token in service.younger_tokens(serial, acme.api_key)] == ["token-2"]


def test_deleted_and_expired_tokens_are_no_longer_valid(acme: "Customer", service: AtService, serial: int) -> None:
    """A deleted key is still known by its digest: the secret may hold it."""
    second, third = _renew(acme), _renew(acme)
    assert [token.digest for token in service.valid_tokens(serial)] == [token_digest(second), token_digest(third)]
    first = service.token(serial, acme.api_key)
    assert first is not None
    assert first.deleted
    assert service.token(serial, "a stranger's key") is None
    acme.simulator.clock.advance(timedelta(days=181))
    assert service.valid_tokens(serial) == []
    assert service.newest_token(serial) == service.token(serial, third)


def test_every_request_for_a_token_is_an_attempt(acme: "Customer", service: AtService, onboard: "Onboard") -> None:
    """The limit is the service's to judge; the oracle counts what arrived, whatever became of it."""
    onboard("other").call(TOKEN_REFRESH)
    acme.simulator.fault("unavailable", endpoint=TOKEN_REFRESH)
    for key in (acme.api_key, acme.api_key, "a stranger's key"):
        acme.call(TOKEN_REFRESH, api_key=key)
    acme.refresh()
    assert [request.status for request in service.token_attempts(acme.tenant)] == [503, 200, 401]


def test_a_key_that_waits_for_its_activation_may_come_to_work(
    acme: "Customer", service: AtService, serial: int
) -> None:
    """Nothing but time stands in its way; a deleted one waits for nothing."""
    acme.simulator.fault("activation-delay", endpoint=TOKEN_REFRESH)
    waiting = _renew(acme)
    assert not acme.tenant.accepts_key(waiting)
    assert service.may_come_to_work(serial, waiting)
    acme.tenant.revoke_token("token-2")
    assert not service.may_come_to_work(serial, waiting)


def test_answers_are_told_apart_by_key(acme: "Customer", service: AtService, serial: int) -> None:
    """A verdict is about a pair: the same certificate is let in with one key and refused with another."""
    acme.call("verdicts:statistics")
    acme.call("verdicts:statistics", api_key="a stranger's key")
    answers = service.answers_so_far()
    assert answers.about(serial) == ["accepted", "refused"]
    assert answers.about(serial, acme.api_key) == ["accepted"]
    assert answers.refused(serial, "a stranger's key")
    assert not answers.refused(serial, acme.api_key)


def test_an_answer_from_before_a_token_was_issued_is_out_of_date(
    acme: "Customer", service: AtService, serial: int
) -> None:
    """The new one may have deleted the key that was accepted a moment before."""
    _renew(acme)
    service.new_answers()
    acme.call("verdicts:statistics")
    _renew(acme)
    acme.call("verdicts:statistics")
    assert service.answers_so_far().about(serial) == ["accepted", "refused"]
    assert service.answers_so_far().up_to(None).about(serial) == ["refused"]
