"""The deployed function rotates, and what it leaves is what the contract promises."""

import itertools
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from simulator.ca import KeyAlgorithm
from tests.support.deployed_customer import OWN_KEYS, Customer

KINDS = list(itertools.product(("rsa2048", "ec256"), (False, True)))


@pytest.mark.parametrize(("key_algorithm", "chain"), KINDS, ids=[f"{k}-{'chain' if c else 'leaf'}" for k, c in KINDS])
def test_a_due_certificate_is_rotated(customer: Customer, key_algorithm: KeyAlgorithm, *, chain: bool) -> None:
    """The main job, on what is deployed, over real mutual TLS."""
    customer.onboard(key_algorithm=key_algorithm, chain=chain)
    if chain:
        customer.fault("chain")
    before = customer.version("AWSCURRENT")
    result = customer.invoke()
    assert (result["outcome"], result["previousCertName"], result["deletedCertName"]) == (
        "rotated",
        "onboarded-1",
        None,
    )

    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert customer.version("AWSPREVIOUS") == before
    after = customer.version("AWSCURRENT")
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"cert", "privateKey", "certName"}
    assert {name: after[name] for name in OWN_KEYS} == OWN_KEYS
    assert after["certName"] == result["certName"]
    assert after["cert"].count("BEGIN CERTIFICATE") == 1 + chain
    assert isinstance(customer.certificate().public_key(), rsa.RSAPublicKey) is (key_algorithm == "rsa2048")
    assert isinstance(customer.certificate().public_key(), ec.EllipticCurvePublicKey) is (key_algorithm == "ec256")
    assert customer.accepted()


def test_the_ledger_can_be_read_by_a_person(customer: Customer) -> None:
    """Names, times and words; and nothing open once it is done."""
    customer.onboard()
    result = customer.invoke()
    attempt, state = customer.records()
    assert attempt["record"].startswith(f"attempt#{datetime.now(UTC):%Y-%m-%d}")
    assert attempt["outcome"] == "rotated"
    assert attempt["name"] == result["certName"]
    assert attempt["previous_name"] == "onboarded-1"
    assert state["record"] == "state"
    assert state["certificate_attempts"]["burst_left"] == 2
    assert state["certificate_last_rotation"]["name"] == result["certName"]
    assert not {"certificate_open_attempt", "lease", "certificate_incident"} & state.keys()
    secret = customer.version("AWSCURRENT")
    told = str(customer.records())
    assert secret["apiKey"] not in told
    assert "PRIVATE KEY" not in told


def test_a_rotation_is_announced_and_the_next_run_has_nothing_to_do(customer: Customer) -> None:
    """A second run an hour later must not rotate again."""
    customer.onboard()
    customer.invoke()
    (email,) = customer.emails()
    assert email.attributes["code"] == "rotated"
    assert "Consumers should read AWSCURRENT again" in email.body
    assert customer.invoke()["outcome"] == "not_due"
    assert customer.emails() == []
    assert len(customer.refreshes()) == 1


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(customer: Customer) -> None:
    """What a person tries first in the console."""
    customer.onboard()
    before = (customer.labels(), customer.records())
    result = customer.invoke(dryRun=True)
    assert (result["outcome"], result["wouldDo"]) == ("dry_run", "rotate")
    assert (customer.labels(), customer.records(), customer.emails(), customer.refreshes()) == (*before, [], [])


def test_an_evicted_certificate_in_use_is_replaced_at_once_and_consumers_are_told(customer: Customer) -> None:
    """From that moment on the old one opens nothing."""
    tenant = customer.onboard()
    customer.fault("drop-after-issuing")
    customer.fails()
    assert customer.accepted(), "two are kept: the one in use and the lost one"
    customer.emails()
    result = customer.invoke(force=True, allowEviction=True)
    assert result["deletedCertName"] == "onboarded-1"
    (email,) = customer.emails()
    assert email.attributes["severity"] == "WARNING"
    assert "Consumers must reload now" in email.body
    assert customer.accepted()
    assert [c.name for c in tenant.certificates if c.active][-1] == result["certName"]
