"""Programs learn of a new certificate by an event on the default bus."""

import pytest

from certificate_rotation.errors import StorageFailure
from tests.integration.world import World


def test_a_rotation_is_announced_with_all_a_consumer_needs(world: World) -> None:
    """Which secret to read again, and whether at once."""
    world.onboard()
    result = world.run()
    (event,) = world.aws.announced()
    assert event == {
        "version": 1,
        "secretArn": world.arn,
        "certName": result["certName"],
        "serialNumber": f"{world.credential().chain.leaf.serial_number:x}",
        "notAfter": result["notAfter"],
        "previousCertName": "onboarded-1",
        "deletedCertName": None,
        "reloadNow": False,
    }


def test_an_eviction_says_that_consumers_must_reload_at_once(world: World) -> None:
    """What they hold opens nothing any more."""
    world.onboard()
    world.fault("drop-after-issuing")
    with pytest.raises(Exception, match="no readable answer"):
        world.run()
    world.run(force=True, allowEviction=True)
    (event,) = world.aws.announced()
    assert (event["deletedCertName"], event["reloadNow"]) == ("onboarded-1", True)


def test_an_event_that_aws_refuses_is_told_and_announced_by_the_next_run(world: World) -> None:
    """Whoever waits for the event would go on with the old certificate and never know."""
    world.onboard()
    with world.aws.refusing("PutEvents"):
        error = world.fails(StorageFailure)
    assert "AWS refused the event for consumers" in str(error)
    assert "is in use" in str(error)
    assert world.current()["certName"] != "onboarded-1"
    assert world.run()["outcome"] == "rotated"
    assert len(world.aws.announced()) == 1
    assert len(world.refreshes()) == 1
    assert world.codes() == ["StorageFailure", "rotated"]
