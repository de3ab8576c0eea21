"""While renewal is not due, each run asks the service whether it still accepts the certificate in use."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import ServiceFailure, Unauthorized
from simulator import Tenant
from tests.support.rotation_env import World


@pytest.fixture
def young(world: World) -> Tenant:
    """A certificate that is far from being due, and watched."""
    world.settings["WATCH_IN_USE"] = "true"
    return world.onboard(age=timedelta(days=10))


def test_a_certificate_somebody_deleted_is_told_at_once(world: World, young: Tenant) -> None:
    """Not in two months, when it would have been renewed."""
    assert world.run()["outcome"] == "not_due"
    young.revoke("onboarded-1")
    for _ in range(10):
        assert "refuses the certificate in use (onboarded-1)" in str(world.fails(Unauthorized))
        world.advance(hours=1)
    assert world.codes() == ["Unauthorized"]
    assert "Every run asks again. Renewal needs a credential that the service accepts." in world.emails()[0].body
    assert world.refreshes() == []
    assert world.state().attempts.burst_left == 3


def test_a_certificate_that_works_again_is_told_once(world: World, young: Tenant) -> None:
    """Somebody onboarded anew, and waits to hear that all is well."""
    young.revoke("onboarded-1")
    world.fails(Unauthorized)
    world.onboard(age=timedelta(0), name=f"{world.aws.name}-2")
    for _ in range(3):
        assert world.run()["outcome"] == "not_due"
    assert world.codes() == ["Unauthorized", "recovered"]


@pytest.mark.parametrize("fault", ["unavailable", "drop-before-processing"])
def test_a_service_that_gives_no_answer_is_nothing_to_wake_people_for(world: World, young: Tenant, fault: str) -> None:
    """Whoever sends verdicts notices that; renewal is weeks away."""
    world.fault(fault, at="verdicts:statistics", times=None)
    assert world.run()["outcome"] == "not_due"
    assert world.emails() == []
    assert "could not be found out" in world.told()


def test_a_service_that_gives_no_answer_does_not_end_an_incident(world: World, young: Tenant) -> None:
    """All-clear means that somebody looked."""
    world.fault("unavailable")
    world.fails(ServiceFailure, force=True)
    world.fault("unavailable", at="verdicts:statistics")
    assert world.run()["outcome"] == "not_due"
    assert world.codes() == ["ServiceFailure"]
    assert world.run()["outcome"] == "not_due"
    assert world.codes() == ["ServiceFailure", "recovered"]


def test_watching_can_be_turned_off(world: World, young: Tenant) -> None:
    """Some count every request."""
    world.settings["WATCH_IN_USE"] = "false"
    young.revoke("onboarded-1")
    assert world.run()["outcome"] == "not_due"
    assert world.simulator.requests == []


def test_a_dry_run_asks_nobody(world: World, young: Tenant) -> None:
    """It reads, and that is all."""
    assert world.run(dryRun=True)["wouldDo"] == "nothing"
    assert world.simulator.requests == []
