"""While renewal is not due, each run asks the service whether it still accepts the certificate in use."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import ServiceFailure, Unauthorized
from simulator import Tenant
from tests.support.rotation_env import RotationEnv


@pytest.fixture
def young(env: RotationEnv) -> Tenant:
    """A certificate that is far from being due, and watched."""
    env.settings["WATCH_IN_USE"] = "true"
    return env.onboard(age=timedelta(days=10))


def test_a_certificate_somebody_deleted_is_told_at_once(env: RotationEnv, young: Tenant) -> None:
    """Not in two months, when it would have been renewed."""
    assert env.run()["outcome"] == "not_due"
    young.revoke("onboarded-1")
    for _ in range(10):
        assert "refuses the certificate in use (onboarded-1)" in str(env.fails(Unauthorized))
        env.advance(hours=1)
    assert env.codes() == ["Unauthorized"]
    assert "Every run asks again. Renewal needs a credential that the service accepts." in env.emails()[0].body
    assert env.refreshes() == []
    assert env.state().certificate.attempts.burst_left == 3


def test_a_certificate_that_works_again_is_told_once(env: RotationEnv, young: Tenant) -> None:
    """Somebody onboarded anew, and waits to hear that all is well."""
    young.revoke("onboarded-1")
    env.fails(Unauthorized)
    env.onboard(age=timedelta(0), name=f"{env.aws.name}-2")
    for _ in range(3):
        assert env.run()["outcome"] == "not_due"
    assert env.codes() == ["Unauthorized", "recovered"]


@pytest.mark.parametrize("fault", ["unavailable", "drop-before-processing"])
def test_a_service_that_gives_no_answer_is_nothing_to_wake_people_for(
    env: RotationEnv, young: Tenant, fault: str
) -> None:
    """Whoever sends verdicts notices that; renewal is weeks away."""
    env.fault(fault, at="verdicts:statistics", times=None)
    assert env.run()["outcome"] == "not_due"
    assert env.emails() == []
    assert "could not be found out" in env.told()


def test_a_service_that_gives_no_answer_does_not_end_an_incident(env: RotationEnv, young: Tenant) -> None:
    """All-clear means that somebody looked."""
    env.fault("unavailable")
    env.fails(ServiceFailure, force=True)
    env.fault("unavailable", at="verdicts:statistics")
    assert env.run()["outcome"] == "not_due"
    assert env.codes() == ["ServiceFailure"]
    assert env.run()["outcome"] == "not_due"
    assert env.codes() == ["ServiceFailure", "recovered"]


def test_watching_can_be_turned_off(env: RotationEnv, young: Tenant) -> None:
    """Some count every request."""
    env.settings["WATCH_IN_USE"] = "false"
    young.revoke("onboarded-1")
    assert env.run()["outcome"] == "not_due"
    assert env.simulator.requests == []


def test_a_dry_run_asks_nobody(env: RotationEnv, young: Tenant) -> None:
    """It reads, and that is all."""
    assert env.run(dryRun=True)["wouldDo"] == "nothing"
    assert env.simulator.requests == []
