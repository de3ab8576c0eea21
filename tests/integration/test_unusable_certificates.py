"""A certificate came back, and it cannot be used: at all, or not yet."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certificate_rotation.adapters.mtls import Response
from certificate_rotation.domain.errors import CertificateNotAccepted, CertificateRejected
from certificate_rotation.domain.x509 import Chain
from certificate_rotation.prober import PAUSES
from simulator.ca import new_csr, new_key
from tests.support.factories import certificate
from tests.support.rotation_env import World


@pytest.mark.parametrize("fault", ["truncated-pem", "other-key", "expired", "shorter-lived"])
def test_a_certificate_that_fails_the_offline_check_is_not_used_and_holds(world: World, fault: str) -> None:
    """It counts among the service's two, so another one may cost the certificate in use."""
    world.onboard()
    before = world.current()
    world.fault(fault)
    error = world.fails(CertificateRejected)
    assert world.current() == before
    assert world.accepted()
    (email,) = world.emails()
    assert email.code == "CertificateRejected"
    assert str(error) in email.body
    assert world.cure(error) in email.body
    assert world.state().attempts.available(world.time.now()) == 2
    world.advance(hours=1)
    held = world.run(force=True)
    assert held["outcome"] == "held"
    assert "cannot be used" in held["why"]
    assert len(world.refreshes()) == 1
    assert world.codes() == ["CertificateRejected"]
    assert world.run(force=True, allowEviction=True)["outcome"] == "rotated"
    assert world.accepted()
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert world.codes() == ["CertificateRejected", "rotated"]


def test_a_certificate_that_ends_sooner_is_used_where_the_one_in_use_is_refused(world: World) -> None:
    """The service deleted the one in use for it: better a shorter life than none."""
    tenant = world.onboard(age=timedelta(days=62))
    subject = world.credential().chain.leaf.subject
    world.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), subject, []), age=timedelta(days=62))
    world.fault("shorter-lived")
    before = world.credential().chain.not_after
    assert world.run()["outcome"] == "rotated"
    assert world.credential().chain.not_after < before
    assert world.accepted()
    assert len(world.refreshes()) == 1
    assert "Consumers must reload now" in world.emails()[-1].body


def test_the_very_certificate_in_use_for_an_answer_is_no_rotation(world: World) -> None:
    """A cache in front of the service may answer so: nothing is new, and nobody is told that something is."""
    world.onboard(age=timedelta(days=62))
    before = world.current()

    def again(answer: Response) -> Response:
        status, headers, body = answer
        return status, headers, json.dumps({**json.loads(body), "cert": before["cert"]}).encode()

    world.on_its_way = again
    world.fails(CertificateRejected)
    for _ in range(2):
        world.advance(hours=1)
        assert world.run()["outcome"] == "held"
    assert world.current() == before
    assert world.codes() == ["CertificateRejected"]
    assert [record["outcome"] for record in world.history()] == ["rejected"]
    assert len(world.refreshes()) == 1


def _with_weak_authority(pem: str) -> str:
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of it
    return pem + Chain((certificate(small),)).pem


def _with_many_others(pem: str) -> str:
    return pem + Chain((certificate(ec.generate_private_key(ec.SECP256R1())),)).pem * 200


@pytest.mark.parametrize(
    ("add", "why"),
    [(_with_weak_authority, r"cannot be used by TLS \(CA_KEY_TOO_SMALL\)"), (_with_many_others, "is too large")],
)
def test_a_certificate_that_could_not_be_shown_or_stored_is_told_for_what_it_is(
    world: World, add: Callable[[str], str], why: str
) -> None:
    """Staged, it would fail every run until the one in use has ended, under the name of another error."""
    world.onboard()
    before = world.current()

    def added(answer: Response) -> Response:
        status, headers, body = answer
        document = json.loads(body)
        return status, headers, json.dumps({**document, "cert": add(document["cert"])}).encode()

    world.on_its_way = added
    assert re.search(why, str(world.fails(CertificateRejected)))
    assert world.current() == before
    assert "AWSPENDING" not in world.labels()
    assert world.run()["outcome"] == "held"
    world.on_its_way = lambda answer: answer
    world.advance_to_critical()
    assert world.run()["outcome"] == "rotated"


def test_a_certificate_that_is_not_accepted_yet_is_tried_again_without_an_attempt(world: World) -> None:
    """It is in hand and good; the service only has to learn of it."""
    tenant = world.onboard()
    before = world.current()
    world.fault("activation-delay")
    error = world.fails(CertificateNotAccepted)
    staged = world.version(world.labels()["AWSPENDING"])
    for _ in range(2):
        world.advance(hours=1)
        world.fails(CertificateNotAccepted)
    assert world.current() == before
    assert world.accepted()
    assert world.codes() == ["CertificateNotAccepted"]
    assert str(error) in world.emails()[0].body
    rounds = len(PAUSES)
    assert len(world.simulator.requests_to("verdicts:statistics")) == 3 * (rounds + 1), "it, and then the one in use"
    tenant.activate(str(staged["certName"]))
    assert world.run()["outcome"] == "rotated"
    assert world.current() == staged
    assert world.accepted()
    assert len(world.refreshes()) == 1
    assert world.state().attempts.burst_left == 2
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_certificate_that_is_never_accepted_is_joined_by_another_when_time_runs_out(world: World) -> None:
    """Not at CriticalDays, where the service would delete the one in use for it; in the last day that costs nothing."""
    world.onboard(age=timedelta(days=62))
    world.fault("activation-delay")
    world.fails(CertificateNotAccepted)
    refused = world.labels()["AWSPENDING"]
    world.advance_to_critical()
    world.fails(CertificateNotAccepted)
    assert len(world.refreshes()) == 1
    world.advance(days=6)
    result = world.run()
    assert result["outcome"] == "rotated"
    assert result["certName"] != world.version(refused)["certName"]
    assert result["deletedCertName"] == "onboarded-1"
    assert world.accepted()
    assert len(world.refreshes()) == 2
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_certificate_in_hand_is_used_also_after_the_one_in_use_has_ended(world: World) -> None:
    """The schedule may have been off for weeks; what was issued in time still saves a person the onboarding."""
    tenant = world.onboard()
    world.fault("activation-delay")
    world.fails(CertificateNotAccepted)
    world.advance(days=20)
    tenant.activate(str(world.version(world.labels()["AWSPENDING"])["certName"]))
    assert world.run()["outcome"] == "rotated"
    assert world.accepted()
    assert len(world.refreshes()) == 1


unanswered = pytest.mark.parametrize(
    "fault", ["unavailable", "server-error", "too-many-requests", "drop-before-processing"]
)


@unanswered
def test_a_probe_that_says_neither_yes_nor_no_leaves_the_certificate_waiting(world: World, fault: str) -> None:
    """Whether it is accepted was not found out, so it must neither be used nor given up."""
    world.onboard()
    world.fault(fault, times=None, at="verdicts:statistics")
    world.fails(CertificateNotAccepted)
    assert world.current()["certName"] == "onboarded-1"
    assert "AWSPENDING" in world.labels()
    assert world.state().attempts.burst_left == 2
    world.simulator.clear_faults()
    assert world.run()["outcome"] == "rotated"
    assert len(world.refreshes()) == 1


@unanswered
def test_a_failing_probe_is_told_for_what_it_is(world: World, fault: str) -> None:
    """A certificate was issued and the attempt is spent: a reader must not think that nothing happened."""
    world.onboard()
    world.fault(fault, times=None, at="verdicts:statistics")
    world.fails(CertificateNotAccepted)
    (email,) = world.emails()
    assert "No attempt was used" not in email.body
    assert "AWSPENDING" in email.body


def test_a_probe_that_stumbles_once_is_made_again(world: World) -> None:
    """One lost packet is no reason to wait an hour."""
    world.onboard()
    world.fault("drop-before-processing", at="verdicts:statistics")
    assert world.run()["outcome"] == "rotated"
