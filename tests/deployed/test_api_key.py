"""The built function renews the API key under the real Lambda runtime: each form of its end, a lost answer, the limit.

What it decides is in `tests/integration/test_api_key.py`; here is what is deployed, over real mutual TLS.
"""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from certificate_rotation.domain.half import HalfName
from dev.emulator import Emulator
from dev.stack import Stack
from simulator import Simulator
from simulator.expiry import ExpiryForm
from tests.support.deployed_customer import OWN_KEYS, Customer

YOUNG, SOON = timedelta(days=1), timedelta(days=20)
RENEW = {"force": True, "renew": "apiKey"}


@pytest.fixture
def invoked(emulated_stack: Stack) -> Stack:
    """Here customers' functions run under the emulator."""
    return emulated_stack


@pytest.fixture
def due(customer: Customer) -> Customer:
    """An API key that ends soon, beside a young certificate."""
    customer.onboard(age=YOUNG, api_key_left=SOON)
    return customer


@pytest.fixture
def rules(simulator: Simulator) -> Iterator[Simulator]:
    """The service, whose rules for tokens a test may change."""
    before = simulator.token_rules
    yield simulator
    simulator.token_rules = before


@pytest.mark.parametrize("form", get_args(ExpiryForm.__value__))
def test_a_due_key_is_renewed_whatever_its_end_looks_like(due: Customer, rules: Simulator, form: ExpiryForm) -> None:
    """The vendor does not say; and all else in the secret stays as it was."""
    rules.token_rules = dataclasses.replace(rules.token_rules, expiry=form)
    before = due.version("AWSCURRENT")
    result = due.invoke()
    assert (result["outcome"], result["renews"], result["apiKeyAttemptsAvailable"]) == ("rotated", "apiKey", 4)
    after = due.version("AWSCURRENT")
    assert {name for name in before if after[name] != before[name]} == {"apiKey", "apiKeyExpiry"}
    ends = datetime.fromisoformat(after["apiKeyExpiry"])
    assert abs(ends - datetime.now(UTC) - rules.token_rules.lifetime) < timedelta(minutes=5)
    assert due.accepted()
    assert set(due.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert due.invoke()["outcome"] == "not_due"
    assert len(due.key_refreshes()) == 1


@pytest.mark.parametrize("fault", ["past-expiry", "unreadable-expiry"])
def test_a_key_whose_end_says_nothing_is_used_and_people_hear_of_it(due: Customer, fault: str) -> None:
    """It may be a lifetime, or local time: what counts is that the service lets it in."""
    due.fault(fault, at="token:refresh")
    assert due.invoke()["outcome"] == "rotated"
    assert "apiKeyExpiry" not in due.version("AWSCURRENT")
    assert due.accepted()
    (email,) = due.emails()
    assert "Nobody knows when" in " ".join(email.body.split())
    assert due.invoke()["apiKeyNotAfter"] is None


def test_both_halves_are_renewed_in_two_runs(customer: Customer) -> None:
    """The nearer end first; neither is in the other's way."""
    customer.onboard(age=timedelta(days=80), api_key_left=timedelta(days=5))
    assert [customer.invoke()["renews"] for _ in range(2)] == ["apiKey", "certificate"]
    assert customer.invoke()["outcome"] == "not_due"
    assert customer.accepted()
    assert customer.version("AWSCURRENT").items() >= OWN_KEYS.items()
    assert [event["detail"]["renews"] for event in customer.programs.read()] == ["apiKey", "certificate"]


def test_after_a_lost_answer_it_holds_and_goes_on_when_told(due: Customer) -> None:
    """A key may have been issued, and another one may delete the one in use: a person decides, with all three words."""
    due.fault("drop-after-issuing", at="token:refresh")
    assert due.fails().payload["errorType"] == "OutcomeUnknown"
    for event in ({}, RENEW, {"force": True, "allowEviction": True, "dryRun": True}):
        told = due.invoke(**event)
        assert told["outcome"] == ("dry_run" if "dryRun" in event else "held")
        assert "dryRun" in event or "has no known outcome" in told["why"]
    assert len(due.key_refreshes()) == 1
    assert due.accepted()
    result = due.invoke(**RENEW, allowEviction=True)
    assert (result["outcome"], result["renews"]) == ("rotated", "apiKey")
    assert due.accepted()
    assert len(due.key_refreshes()) == 2
    assert [email.attributes["code"] for email in due.emails()] == ["OutcomeUnknown", "rotated"]


def test_no_sixth_request_leaves_within_half_an_hour(due: Customer) -> None:
    """Vendor: five attempts, then two an hour; whoever forces it, and whatever failed."""
    due.simulator.clock.advance(-timedelta(hours=1, minutes=2))  # to stand at the real time an hour later
    due.fault("unavailable", at="token:refresh", times=None)
    for _ in range(5):
        assert due.fails().payload["errorType"] == "ServiceFailure"
    for event in ({}, RENEW, {**RENEW, "allowEviction": True}):
        limited = due.invoke(**event)
        assert (limited["outcome"], limited["renews"], limited["apiKeyAttemptsAvailable"]) == (
            "rate_limited",
            "apiKey",
            0,
        )
        assert limited["apiKeyNextAttemptAt"]
        assert limited["attemptsAvailable"] == 3, "the limits are two"
    assert len(due.key_refreshes()) == 5
    due.simulator.clear_faults()
    due.let_an_hour_pass(HalfName.API_KEY)
    assert due.invoke()["outcome"] == "rotated"
    assert len(due.key_refreshes()) == 6


def test_no_key_that_the_service_made_is_said_or_written_down_anywhere(
    due: Customer, rules: Simulator, emulator: Emulator
) -> None:
    """One that was lost, one that cannot be used, one that was deleted, the one in use and the one before it.

    `tests.support.leak_detector` looks for every key in every form after every test; here is shown that it is told of
    each of these, and that log, results, mails, events and ledger speak of all that happened.
    """
    rules.token_rules = dataclasses.replace(rules.token_rules, deleted="key")
    tenant = due.simulator.tenant(due.name)
    keys, results = [tenant.api_key], []
    for fault in ("drop-after-issuing", "line-break-token"):
        due.fault(fault, at="token:refresh")
        results.append(due.fails(**RENEW, allowEviction=True).payload)
        keys += tenant.api_key.split()
    due.put({**due.version("AWSCURRENT"), "apiKey": keys[1]})  # a person found the lost one: the first one is deleted
    results.append(due.invoke(**RENEW, allowEviction=True))
    keys.append(due.version("AWSCURRENT")["apiKey"])
    events, emails = due.programs.read(), due.emails()
    assert {email.attributes["code"] for email in emails} >= {"OutcomeUnknown", "ApiKeyRejected", "rotated"}
    assert {event["detail"]["renews"] for event in events} == {"apiKey"}
    assert "The service issued the new API key" in emulator.log
    told = [emulator.log, json.dumps(results), str(emails), json.dumps(events), str(due.records())]
    assert len(set(keys)) >= 4
    assert [key for key in keys for text in told if key in text] == []
