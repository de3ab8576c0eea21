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
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory


@pytest.mark.parametrize("fault", ["truncated-pem", "other-key", "expired", "shorter-lived"])
def test_a_certificate_that_fails_the_offline_check_is_not_used_and_holds(env: RotationEnv, fault: str) -> None:
    """It counts among the service's two, so another one may cost the certificate in use."""
    env.onboard()
    before = env.current()
    env.fault(fault)
    error = env.fails(CertificateRejected)
    assert env.current() == before
    assert env.accepted()
    (email,) = env.emails()
    assert email.code == "CertificateRejected"
    assert str(error) in email.body
    assert env.cure(error) in email.body
    assert env.state().certificate.attempts.available(env.time.now()) == 2
    env.advance(hours=1)
    held = env.run(force=True)
    assert held["outcome"] == "held"
    assert "cannot be used" in held["why"]
    assert len(env.refreshes()) == 1
    assert env.codes() == ["CertificateRejected"]
    assert env.run(force=True, allowEviction=True)["outcome"] == "rotated"
    assert env.accepted()
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.codes() == ["CertificateRejected", "rotated"]


def test_a_certificate_that_ends_sooner_is_used_where_the_one_in_use_is_refused(env: RotationEnv) -> None:
    """The service deleted the one in use for it: better a shorter life than none."""
    tenant = env.onboard(age=timedelta(days=62))
    subject = env.credential().chain.leaf.subject
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), subject, []), age=timedelta(days=62))
    env.fault("shorter-lived")
    before = env.credential().chain.not_after
    assert env.run()["outcome"] == "rotated"
    assert env.credential().chain.not_after < before
    assert env.accepted()
    assert len(env.refreshes()) == 1
    assert "Consumers must reload now" in env.emails()[-1].body


def test_the_very_certificate_in_use_for_an_answer_is_no_rotation(env: RotationEnv) -> None:
    """A cache in front of the service may answer so: nothing is new, and nobody is told that something is."""
    env.onboard(age=timedelta(days=62))
    before = env.current()

    def again(answer: Response) -> Response:
        status, headers, body = answer
        return status, headers, json.dumps({**json.loads(body), "cert": before["cert"]}).encode()

    env.on_its_way = again
    env.fails(CertificateRejected)
    for _ in range(2):
        env.advance(hours=1)
        assert env.run()["outcome"] == "held"
    assert env.current() == before
    assert env.codes() == ["CertificateRejected"]
    assert [record["outcome"] for record in env.history()] == ["rejected"]
    assert len(env.refreshes()) == 1


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
    env: RotationEnv, add: Callable[[str], str], why: str
) -> None:
    """Staged, it would fail every run until the one in use has ended, under the name of another error."""
    env.onboard()
    before = env.current()

    def added(answer: Response) -> Response:
        status, headers, body = answer
        document = json.loads(body)
        return status, headers, json.dumps({**document, "cert": add(document["cert"])}).encode()

    env.on_its_way = added
    assert re.search(why, str(env.fails(CertificateRejected)))
    assert env.current() == before
    assert "CERTIFICATE_STAGED" not in env.labels()
    assert env.run()["outcome"] == "held"
    env.on_its_way = lambda answer: answer
    env.advance_to_critical()
    assert env.run()["outcome"] == "rotated"


def test_a_certificate_that_is_not_accepted_yet_is_tried_again_without_an_attempt(env: RotationEnv) -> None:
    """It is in hand and good; the service only has to learn of it."""
    tenant = env.onboard()
    before = env.current()
    env.fault("activation-delay")
    error = env.fails(CertificateNotAccepted)
    staged = env.version(env.labels()["CERTIFICATE_STAGED"])
    for _ in range(2):
        env.advance(hours=1)
        env.fails(CertificateNotAccepted)
    assert env.current() == before
    assert env.accepted()
    assert env.codes() == ["CertificateNotAccepted"]
    assert str(error) in env.emails()[0].body
    rounds = len(PAUSES)
    assert len(env.simulator.requests_to("verdicts:statistics")) == 3 * (rounds + 1), "it, and then the one in use"
    tenant.activate(str(staged["certName"]))
    assert env.run()["outcome"] == "rotated"
    assert env.current() == staged
    assert env.accepted()
    assert len(env.refreshes()) == 1
    assert env.state().certificate.attempts.burst_left == 2
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_certificate_that_is_never_accepted_is_joined_by_another_when_time_runs_out(env: RotationEnv) -> None:
    """Not at CriticalDays, where the service would delete the one in use for it; in the last day that costs nothing."""
    env.onboard(age=timedelta(days=62))
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    refused = env.labels()["CERTIFICATE_STAGED"]
    env.advance_to_critical()
    env.fails(CertificateNotAccepted)
    assert len(env.refreshes()) == 1
    env.advance(days=6)
    result = env.run()
    assert result["outcome"] == "rotated"
    assert result["certName"] != env.version(refused)["certName"]
    assert result["deletedCertName"] == "onboarded-1"
    assert env.accepted()
    assert len(env.refreshes()) == 2
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_certificate_in_hand_is_used_also_after_the_one_in_use_has_ended(env: RotationEnv) -> None:
    """The schedule may have been off for weeks; what was issued in time still saves a person the onboarding."""
    tenant = env.onboard()
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    env.advance(days=20)
    tenant.activate(str(env.version(env.labels()["CERTIFICATE_STAGED"])["certName"]))
    assert env.run()["outcome"] == "rotated"
    assert env.accepted()
    assert len(env.refreshes()) == 1


unanswered = pytest.mark.parametrize(
    "fault", ["unavailable", "server-error", "too-many-requests", "drop-before-processing"]
)


@unanswered
def test_a_probe_that_says_neither_yes_nor_no_leaves_the_certificate_waiting(env: RotationEnv, fault: str) -> None:
    """Whether it is accepted was not found out, so it must neither be used nor given up."""
    env.onboard()
    env.fault(fault, times=None, at="verdicts:statistics")
    env.fails(CertificateNotAccepted)
    assert env.current()["certName"] == "onboarded-1"
    assert "CERTIFICATE_STAGED" in env.labels()
    assert env.state().certificate.attempts.burst_left == 2
    env.simulator.clear_faults()
    assert env.run()["outcome"] == "rotated"
    assert len(env.refreshes()) == 1


@unanswered
def test_a_failing_probe_is_told_for_what_it_is(env: RotationEnv, fault: str) -> None:
    """A certificate was issued and the attempt is spent: a reader must not think that nothing happened."""
    env.onboard()
    env.fault(fault, times=None, at="verdicts:statistics")
    env.fails(CertificateNotAccepted)
    (email,) = env.emails()
    assert "No attempt was used" not in email.body
    assert "CERTIFICATE_STAGED" in email.body


def test_a_probe_that_stumbles_once_is_made_again(env: RotationEnv) -> None:
    """One lost packet is no reason to wait an hour."""
    env.onboard()
    env.fault("drop-before-processing", at="verdicts:statistics")
    assert env.run()["outcome"] == "rotated"
