"""``token:refresh``: a new API key beside the one in use."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from simulator import Simulator, TokenRules
from simulator.expiry import READABLE
from simulator.tokens import token_digest

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer, Onboard

DAY = timedelta(days=1)


def _status(customer: "Customer", key: str) -> int:
    return customer.call("verdicts:statistics", api_key=key).status_code


def test_a_token_refresh_gives_a_second_key_and_keeps_the_first(acme: "Customer") -> None:
    """vendor: two valid tokens."""
    answer = acme.call("token:refresh").json()
    assert set(answer) == {"token", "expiry", "deletedToken"}
    assert answer["deletedToken"] == ""
    left = datetime.fromisoformat(answer["expiry"]) - datetime.now(UTC)
    assert timedelta(days=179) < left <= timedelta(days=180)
    assert acme.tenant.api_key == answer["token"]
    assert [_status(acme, key) for key in (acme.api_key, answer["token"])] == [200, 200]


def test_a_third_token_deletes_the_oldest_and_names_it(acme: "Customer") -> None:
    """The key in use can be deleted by a success, as the certificate can; from then on no call takes it."""
    second = acme.call("token:refresh").json()["token"]
    third = acme.call("token:refresh").json()
    assert third["deletedToken"] == "token-1"
    for endpoint in ("verdicts:statistics", "verdicts", "cert:refresh", "token:refresh"):
        assert acme.call(endpoint, json={}).status_code == 401
    assert [_status(acme, key) for key in (second, third["token"])] == [200, 200]


def test_a_deleted_token_may_be_told_by_the_key_itself(acme: "Customer") -> None:
    """vendor: "the name of the token", but nobody gives one a name; a client must show it nowhere."""
    acme.simulator.token_rules = TokenRules(deleted="key")
    acme.call("token:refresh")
    assert acme.call("token:refresh").json()["deletedToken"] == acme.api_key


def test_an_expired_key_does_not_count_among_the_two(acme: "Customer", onboard: "Onboard") -> None:
    """vendor: two *valid* tokens; one that has ended is refused, and costs none of the others its place."""
    customer = onboard("other", api_key_left=DAY)
    second = customer.call("token:refresh").json()["token"]
    customer.simulator.clock.advance(2 * DAY)
    assert _status(customer, customer.api_key) == 401
    assert customer.call("token:refresh", api_key=second).json()["deletedToken"] == ""
    assert [record.valid for record in customer.tenant.tokens] == [False, True, True]
    assert _status(acme, acme.api_key) == 200


def test_the_life_of_tokens_is_chosen(acme: "Customer") -> None:
    """The vendor does not say how long they live."""
    acme.simulator.token_rules = TokenRules(lifetime=2 * DAY)
    key = acme.call("token:refresh").json()["token"]
    acme.simulator.clock.advance(DAY)
    assert _status(acme, key) == 200
    acme.simulator.clock.advance(DAY)
    assert _status(acme, key) == 401


def test_without_a_valid_key_nothing_is_made(acme: "Customer") -> None:
    """A key that has ended cannot renew itself: somebody must onboard again."""
    acme.simulator.sign_csr("acme", acme.csr(), lifetime=1000 * DAY)
    acme.simulator.clock.advance(366 * DAY)
    with pytest.raises(LookupError, match="no valid API key"):
        _ = acme.tenant.api_key
    assert not acme.tenant.accepts_key(acme.api_key)


@pytest.mark.parametrize("form", READABLE)
def test_an_expiry_is_written_in_each_form_that_names_a_moment(acme: "Customer", form: str) -> None:
    """The vendor says "the expiration date" and shows none; all forms mean the same moment."""
    acme.simulator.token_rules = TokenRules(expiry=form)  # type: ignore[arg-type]  # a key of the table
    said = acme.call("token:refresh").json()["expiry"]
    true_end = acme.tenant.tokens[-1].expires
    if form.startswith("iso"):
        assert datetime.fromisoformat(said) == true_end
        assert said.endswith("Z") == (form == "iso-z")
    else:
        assert isinstance(said, str) == form.endswith("-text")
        assert int(said) == true_end.timestamp() * (1000 if form.startswith("milli") else 1)


@pytest.mark.parametrize("wrong", [{"expiry": "runes"}, {"deleted": "both"}])
def test_rules_that_cannot_be_are_refused(wrong: dict[str, str]) -> None:
    """A misspelt rule would make a test pass that proves nothing."""
    with pytest.raises(ValueError, match=r"runes|both"):
        TokenRules(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_a_service_is_started_with_its_rules(onboard: "Onboard") -> None:
    """They are chosen at the start as the other rules are."""
    with Simulator.running(token_rules=TokenRules(expiry="seconds")) as simulator:
        assert isinstance(onboard(at=simulator).call("token:refresh").json()["expiry"], int)


def test_the_handed_out_keys_end_is_told_where_it_is_chosen(onboard: "Onboard") -> None:
    """A secret may or may not hold ``apiKeyExpiry``; the key itself ends as it says."""
    told, untold = onboard("told", api_key_left=3 * DAY), onboard("untold")
    (record,) = told.tenant.tokens
    assert datetime.fromisoformat(told.tenant.credential["apiKeyExpiry"]) == record.expires
    assert "apiKeyExpiry" not in untold.tenant.credential
    assert told.tenant.accepts_key(told.api_key)
    told.simulator.clock.advance(3 * DAY)
    assert not told.tenant.accepts_key(told.api_key)


def test_the_record_of_a_key_never_holds_it(acme: "Customer") -> None:
    """Records are printed by failing tests and by the admin API."""
    key = acme.call("token:refresh").json()["token"]
    first, second = acme.tenant.tokens
    assert (first.name, second.name) == ("token-1", "token-2")
    assert (first.digest, second.digest) == (token_digest(acme.api_key), token_digest(key))
    assert first.issued < second.issued < second.expires
    assert key not in repr((acme.tenant.tokens, acme.tenant.add_token()))


def test_a_key_is_deleted_by_somebody_in_the_console(acme: "Customer") -> None:
    """People tidy up, and may delete the one in use."""
    acme.tenant.revoke_token("token-1")
    assert acme.call("verdicts:statistics").status_code == 401
    assert [record.deleted for record in acme.tenant.tokens] == [True]
    with pytest.raises(LookupError, match="no API key 'token-9'"):
        acme.tenant.revoke_token("token-9")


def test_the_journal_tells_keys_apart_by_digest(acme: "Customer") -> None:
    """Oracles must see which key was used, made and deleted without holding one."""
    second = acme.call("token:refresh").json()["token"]
    third = acme.call("token:refresh", api_key=second).json()["token"]
    acme.call("token:refresh", api_key="a stranger's")
    first = acme.api_key
    told = [(r.token, r.issued_token, r.deleted_token, r.status) for r in acme.simulator.requests_to("token:refresh")]
    assert told == [
        (token_digest(first), token_digest(second), None, 200),
        (token_digest(second), token_digest(third), token_digest(first), 200),
        (token_digest("a stranger's"), None, None, 401),
    ]
    assert all(key not in repr(acme.simulator.requests) for key in (first, second, third))
