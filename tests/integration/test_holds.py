"""When the code waits, because the service keeps two certificates and a third deletes the oldest."""

from datetime import datetime, timedelta

import pytest

from certificate_rotation.domain.errors import (
    CertificateNotAccepted,
    OutcomeUnknown,
    RefreshFailed,
    RotationError,
    ServiceFailure,
)
from simulator.ca import new_csr, new_key
from tests.support.contract import RESULT
from tests.support.exchanges import Killed
from tests.support.order_of_writes import ISSUE, kill
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory


@pytest.fixture
def unsure(env: RotationEnv) -> RotationEnv:
    """An env in which a certificate may have been issued, with four weeks to go."""
    env.onboard(age=timedelta(days=62))
    env.fault("drop-after-issuing")
    env.fails(OutcomeUnknown)
    env.advance(hours=1)
    return env


@pytest.mark.parametrize("event", [{}, {"force": True}, {"allowEviction": True}], ids=str)
def test_after_an_unknown_outcome_a_run_holds(unsure: RotationEnv, event: dict[str, object]) -> None:
    """The next success may delete the certificate that consumers hold."""
    held = unsure.run(**event)
    assert set(held) == RESULT | {"why", "until"}
    assert held["outcome"] == "held"
    critical = unsure.credential().chain.not_after - timedelta(days=7)
    assert datetime.fromisoformat(str(held["until"])) == critical
    assert unsure.history()[0]["name"] in held["why"]
    assert len(unsure.refreshes()) == 1
    assert unsure.accepted()


def test_a_person_who_accepts_the_eviction_ends_the_hold(unsure: RotationEnv) -> None:
    """Force alone asks for a renewal; only both together accept what it may cost."""
    result = unsure.run(force=True, allowEviction=True)
    assert result["outcome"] == "rotated"
    assert result["deletedCertName"] == result["previousCertName"] == "onboarded-1"
    assert unsure.accepted()
    assert "Consumers must reload now" in unsure.emails()[-1].body
    assert unsure.emails()[-1].attributes["severity"] == "WARNING"


def test_a_key_made_beside_an_open_attempt_is_asked_with_by_a_later_run(unsure: RotationEnv) -> None:
    """Killed again and again, it must not make a key each time; and one that was asked with stays labelled."""
    asked_with = unsure.labels()["CERTIFICATE_INTENT"]
    unsure.aws.exchanges.kill("TransactWriteItems", "before")
    with pytest.raises(Killed):
        unsure.run(force=True, allowEviction=True)
    unsure.aws.exchanges.revive()
    unsure.advance(minutes=4)
    made = unsure.labels()["CERTIFICATE_INTENT"]
    assert made != asked_with
    assert unsure.labels()["CERTIFICATE_EARLIER"] == asked_with
    unsure.fault("unavailable")
    unsure.fails(ServiceFailure, force=True, allowEviction=True)
    assert unsure.labels()["CERTIFICATE_INTENT"] == made
    assert unsure.labels()["CERTIFICATE_EARLIER"] == asked_with, "its certificate may still be found"
    assert unsure.run()["outcome"] == "held"
    result = unsure.run(force=True, allowEviction=True)
    assert result["certName"] == unsure.version(made)["certName"]
    assert set(unsure.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_close_to_the_end_the_hold_ends_by_itself(unsure: RotationEnv) -> None:
    """Then expiring is the worse harm."""
    critical = unsure.credential().chain.not_after - timedelta(days=7)
    unsure.time.advance(critical - unsure.time.now() - timedelta(minutes=1))
    assert unsure.run()["outcome"] == "held"
    unsure.advance(minutes=2)
    assert unsure.run()["outcome"] == "rotated"
    assert unsure.accepted()
    assert len(unsure.refreshes()) == 2


@pytest.mark.parametrize(
    ("fault", "error", "why"),
    [
        ("drop-after-issuing", "OutcomeUnknown", "has no known outcome"),
        ("other-key", "CertificateRejected", "brought one that cannot be used"),
    ],
)
def test_a_hold_is_told_again_each_day(env: RotationEnv, fault: str, error: str, why: str) -> None:
    """It may last for weeks, and it is a person who can end it."""
    env.onboard(age=timedelta(days=62))
    env.fault(fault)
    with pytest.raises(RotationError):
        env.run()
    env.advance(days=1, minutes=1)
    assert env.run()["outcome"] == "held"
    assert env.codes() == [error, error]
    assert why in " ".join(env.emails()[-1].body.split())


def test_a_hold_that_nobody_was_told_of_is_told(env: RotationEnv) -> None:
    """The run that met it was killed before it could."""
    env.onboard(age=timedelta(days=62))
    kill(env, ISSUE, "after")
    assert env.codes() == []
    assert env.run()["outcome"] == "held"
    assert env.codes() == ["OutcomeUnknown"]


def test_a_hold_is_not_over_before_renewal_is_due(env: RotationEnv) -> None:
    """A short-lived certificate is within CriticalDays from early on: to say "recovered" then would be untrue."""
    env.onboard(age=timedelta(days=9), lifetime=timedelta(days=15))
    env.fault("drop-after-issuing")
    env.fails(OutcomeUnknown, force=True)
    env.advance(hours=1)
    assert env.run()["outcome"] == "held"
    assert env.codes() == ["OutcomeUnknown"]
    env.advance(days=1)
    assert env.run()["outcome"] == "rotated"
    assert env.accepted()


def test_critical_days_says_when_the_end_is_close(env: RotationEnv) -> None:
    """Some owners need longer to react than others."""
    env.settings["CRITICAL_DAYS"] = "15"
    env.onboard(age=timedelta(days=80))
    env.fault("drop-after-issuing")
    env.fails(OutcomeUnknown)
    assert env.run()["outcome"] == "rotated"


def test_soon_after_a_rotation_another_one_waits_for_consumers(env: RotationEnv) -> None:
    """They may still hold the previous certificate, and a third one would delete it."""
    env.onboard()
    env.run()
    rotated_at = env.time.now()
    env.advance(hours=23)
    held = env.run(force=True)
    assert held["outcome"] == "held"
    assert abs(datetime.fromisoformat(str(held["until"])) - rotated_at - timedelta(hours=24)) < timedelta(seconds=2)
    env.advance(hours=2)
    result = env.run(force=True)
    assert (result["outcome"], result["deletedCertName"]) == ("rotated", "onboarded-1")
    assert "must reload now" not in env.emails()[-1].body
    assert env.accepted()


def test_a_person_who_accepts_the_eviction_need_not_wait_for_consumers(env: RotationEnv) -> None:
    """After a key was stolen, for one."""
    env.onboard()
    env.run()
    assert env.run(force=True, allowEviction=True)["outcome"] == "rotated"
    assert env.accepted()


@pytest.fixture
def oldest_in_use(env: RotationEnv) -> RotationEnv:
    """A tenant whose certificate in use is the older of two: the next one deletes it."""
    tenant = env.onboard()
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), env.credential().chain.leaf.subject, []))
    return env


def test_a_certificate_that_deleted_the_one_in_use_is_promoted_without_a_verdict(oldest_in_use: RotationEnv) -> None:
    """What is in use is dead, as the service said when it was asked: of which it says nothing can only be better."""
    env = oldest_in_use
    env.fault("unavailable", at="verdicts:statistics", times=None)  # of what it lets in; it refuses all the same
    result = env.run()
    assert (result["outcome"], result["deletedCertName"]) == ("rotated", "onboarded-1")
    (email,) = env.emails()
    assert "Consumers must reload now" in email.body
    assert email.traffic.startswith("Not known: ")
    assert env.accepted()


def test_a_certificate_that_is_refused_is_not_promoted_even_then(oldest_in_use: RotationEnv) -> None:
    """Two dead ones are no better than one; it is used by the first run that finds it accepted."""
    env = oldest_in_use
    env.fault("activation-delay", seconds=60)
    env.fails(CertificateNotAccepted)
    assert env.current()["certName"] == "onboarded-1"
    (email,) = env.emails()
    assert email.traffic.startswith("No: ")
    assert email.attributes["severity"] == "CRITICAL"
    env.advance(minutes=1)
    assert env.run()["outcome"] == "rotated"
    assert env.accepted()
    assert "Consumers must reload now" in env.emails()[-1].body
    assert len(env.refreshes()) == 1


def test_an_eviction_is_told_also_to_people_who_do_not_want_to_hear_of_successes(oldest_in_use: RotationEnv) -> None:
    """Their consumers are locked out."""
    oldest_in_use.settings["NOTIFY_ON_SUCCESS"] = "false"
    oldest_in_use.run()
    assert ["must reload now" in email.body for email in oldest_in_use.emails()] == [True]


def test_an_eviction_is_not_denied_where_the_secret_does_not_name_its_certificate(env: RotationEnv) -> None:
    """Then nobody can tell from the name what was deleted, and an email must not say that all is well."""
    tenant = env.onboard(cert_name=None)
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), env.credential().chain.leaf.subject, []))
    result = env.run()
    assert result["deletedCertName"] == tenant.certificates[0].name
    (email,) = env.emails()
    assert "must reload now" in email.body, "the service was asked about the one consumers hold"
    assert tenant.certificates[0].name in email.body


@pytest.mark.parametrize("fault", ["conflict", "unavailable", "too-many-requests", "bad-request"])
def test_an_attempt_that_brought_nothing_does_not_end_the_hold_of_the_one_before(
    unsure: RotationEnv, fault: str
) -> None:
    """The certificate of the lost answer may still be there: the next request would cost the one in use."""
    unsure.fault(fault)
    with pytest.raises(RefreshFailed):
        unsure.run(force=True, allowEviction=True)
    unsure.advance(hours=2)
    assert unsure.run()["outcome"] == "held"
    assert unsure.run(force=True)["outcome"] == "held"
    assert len(unsure.refreshes()) == 2
    assert unsure.accepted()
    assert unsure.run(force=True, allowEviction=True)["outcome"] == "rotated"
    assert unsure.accepted()
    assert unsure.state().certificate.open_attempt is None
