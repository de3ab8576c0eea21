"""The faults of ``token:refresh``, as a client sees them and as the service remembers them."""

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from simulator import FAULTS, TokenRules
from simulator.expiry import UNREADABLE
from simulator.faults import TOKEN_REFRESH, faults_at
from simulator.tokens import NOT_A_TOKEN, token_digest

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer

QUICKLY: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 0.05},
    "huge-body": {"megabytes": 1},
    "drip": {"seconds": 0.0001},
}


def _asked_with(customer: "Customer", fault: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  - as a fault takes
    customer.simulator.fault(fault, endpoint=TOKEN_REFRESH, **parameters)
    answer: dict[str, Any] = customer.call(TOKEN_REFRESH).json()
    return answer


def _status(customer: "Customer", key: str) -> int:
    return customer.call("verdicts:statistics", api_key=key).status_code


@pytest.mark.parametrize("name", faults_at(TOKEN_REFRESH))
def test_a_fault_is_met_once_and_issues_exactly_when_its_description_says_so(acme: "Customer", name: str) -> None:
    """The same promise as at ``cert:refresh``: what was made is on record, whether or not the answer arrived."""
    acme.simulator.fault(name, endpoint=TOKEN_REFRESH, **QUICKLY.get(name, {}))
    try:
        acme.call(TOKEN_REFRESH, stream=True).close()
    except requests.exceptions.ConnectionError:
        assert name.startswith("drop-")
    issued = "nothing is" not in FAULTS[name] and "nothing issued" not in FAULTS[name]
    assert len(acme.tenant.tokens) == (2 if issued else 1)
    (request,) = acme.simulator.requests_to(TOKEN_REFRESH)
    assert request.fault == name
    assert request.issued_token == (acme.tenant.tokens[-1].digest if issued else None)
    assert (request.status is None) == name.startswith("drop-")
    assert acme.call(TOKEN_REFRESH).status_code == 200


def test_a_lost_token_is_lost(acme: "Customer") -> None:
    """The hazard of ``cert:refresh``: it counts among the two, and nobody has it."""
    acme.simulator.fault("drop-after-issuing", endpoint=TOKEN_REFRESH)
    with pytest.raises(requests.exceptions.ConnectionError):
        acme.call(TOKEN_REFRESH)
    assert acme.tenant.api_key != acme.api_key
    assert acme.call(TOKEN_REFRESH).json()["deletedToken"] == "token-1"


@pytest.mark.parametrize("form", NOT_A_TOKEN)
def test_a_token_may_be_missing_or_something_else(acme: "Customer", form: str) -> None:
    """A key was made, and nobody has it."""
    answer = _asked_with(acme, "no-token", form=form)
    assert ("token" in answer) == (form != "missing")
    assert not isinstance(answer.get("token"), str)
    assert len(acme.tenant.tokens) == 2


def test_an_empty_token_is_no_key(acme: "Customer") -> None:
    """Put into the secret it would stop verdicts."""
    assert _asked_with(acme, "empty-token")["token"] == ""
    assert acme.call("verdicts:statistics", api_key=None).status_code == 401


def test_an_unknown_token_is_refused_by_every_call(acme: "Customer") -> None:
    """Only a probe finds it out."""
    assert _status(acme, _asked_with(acme, "unknown-token")["token"]) == 401


def test_the_token_in_use_comes_back_with_its_own_end(acme: "Customer") -> None:
    """Nothing was renewed; taken for a renewal, its end would come as a surprise."""
    answer = _asked_with(acme, "same-token")
    assert answer["token"] == acme.api_key
    (record,) = acme.tenant.tokens
    assert datetime.fromisoformat(answer["expiry"]) == record.expires


@pytest.mark.parametrize(("line_break", "characters"), [("crlf", "\r\n"), ("lf", "\n"), ("cr", "\r")])
@pytest.mark.parametrize("place", ["inside", "end"])
def test_a_token_with_a_line_break_cannot_stand_in_a_header(
    acme: "Customer", line_break: str, characters: str, place: str
) -> None:
    """What follows the break would be a header of its own; without the break it is another key."""
    token = _asked_with(acme, "line-break-token", line_break=line_break, place=place)["token"]
    assert token.endswith(characters) == (place == "end")
    assert token_digest(token) == acme.tenant.tokens[-1].digest
    assert _status(acme, token.replace(characters, "")) == 401
    assert _status(acme, token.split(characters)[0]) == 401


@pytest.mark.parametrize("length", [43, 1000, 100_000])
def test_a_long_token_is_as_long_as_asked(acme: "Customer", length: int) -> None:
    """A key like any other while it fits into a header; one that does not fit would fail every request."""
    token = _asked_with(acme, "long-token", length=length)["token"]
    assert len(token) == length
    if length <= 1000:
        assert _status(acme, token) == 200


def test_a_past_expiry_says_nothing_of_the_key(acme: "Customer") -> None:
    """It may be a mistake, or local time: the key lives as any other."""
    answer = _asked_with(acme, "past-expiry", seconds=7200)
    ago = acme.simulator.clock.now() - datetime.fromisoformat(answer["expiry"])
    assert abs(ago - timedelta(hours=2)) < timedelta(seconds=5)
    assert _status(acme, answer["token"]) == 200


@pytest.mark.parametrize("form", UNREADABLE)
def test_an_unreadable_expiry_says_nothing_of_the_key(acme: "Customer", form: str) -> None:
    """Each form names no moment; the key lives as any other."""
    answer = _asked_with(acme, "unreadable-expiry", form=form)
    assert ("expiry" in answer) == (form != "missing")
    said: Any = answer.get("expiry")
    if form == "lifetime":
        assert timedelta(seconds=said) > timedelta(days=179)
    elif form in {"local", "date"}:
        assert datetime.fromisoformat(said).tzinfo is None
    elif isinstance(said, str) and said and form != "lifetime-text":
        with pytest.raises(ValueError, match="Invalid isoformat"):
            datetime.fromisoformat(said)
    assert _status(acme, answer["token"]) == 200


def test_a_key_that_is_issued_expired_is_refused(acme: "Customer") -> None:
    """Here the past ``expiry`` is true, and only asking tells the two apart."""
    answer = _asked_with(acme, "expired")
    assert datetime.fromisoformat(answer["expiry"]) < acme.simulator.clock.now()
    assert _status(acme, answer["token"]) == 401


def test_a_shorter_lived_key_ends_before_the_newest_one(acme: "Customer") -> None:
    """A renewal must not shorten the time that is left."""
    acme.simulator.token_rules = TokenRules(lifetime=timedelta(days=1000))  # so that only the fault shortens it
    _asked_with(acme, "shorter-lived")
    old, new = acme.tenant.tokens
    assert acme.simulator.clock.now() < new.expires < old.expires


def test_an_activation_delay_of_a_key_ends_by_the_clock(acme: "Customer") -> None:
    """The vendor does not say whether a new key works at once; it counts among the two all the same."""
    token = _asked_with(acme, "activation-delay", seconds=30)["token"]
    assert _status(acme, token) == 401
    assert [(record.valid, record.active) for record in acme.tenant.tokens] == [(True, True), (True, False)]
    acme.simulator.clock.advance(timedelta(seconds=31))
    assert _status(acme, token) == 200


def test_an_activation_delay_of_a_key_without_seconds_lasts_until_activated(acme: "Customer") -> None:
    """A test decides when the delay ends."""
    token = _asked_with(acme, "activation-delay")["token"]
    acme.simulator.clock.advance(timedelta(days=5))
    assert _status(acme, token) == 401
    acme.tenant.activate_token("token-2")
    assert _status(acme, token) == 200


def test_a_slow_refresh_that_the_client_gives_up_on_makes_a_key_all_the_same(acme: "Customer") -> None:
    """A timeout after sending proves nothing."""
    acme.simulator.fault("slow", endpoint=TOKEN_REFRESH, seconds=0.4)
    acme.timeout = 0.1
    with pytest.raises(requests.exceptions.ReadTimeout):
        acme.call(TOKEN_REFRESH)
    time.sleep(0.6)
    assert len(acme.tenant.tokens) == 2
