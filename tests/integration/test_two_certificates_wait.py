"""A certificate that waits is waited for; only in the last day of the one in use is another one asked for, once."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted
from tests.support.outside import asking, ends, no_answer, waits
from tests.support.rotation_env import World


def test_within_critical_days_a_waiting_certificate_is_not_given_up(world: World) -> None:
    """Another request may bring none, and has the service delete the one in use for nothing."""
    tenant = waits(world, left=timedelta(days=6))
    for _ in range(3):
        assert ends(world) == "CertificateNotAccepted"
        world.advance(hours=1)
    assert len(world.refreshes()) == 1
    tenant.activate(tenant.certificates[-1].name)
    assert ends(world) == "rotated"
    assert world.accepted()
    assert len(world.refreshes()) == 1


def test_a_waiting_certificate_outlives_a_failed_request_for_its_successor(world: World) -> None:
    """It becomes active an hour later: somebody has to look."""
    tenant = waits(world, left=timedelta(hours=12))
    world.simulator.clear_faults()
    world.fault("unavailable", times=None)
    assert ends(world) in {"ServiceFailure", "CertificateNotAccepted"}
    tenant.activate(tenant.certificates[1].name)
    world.advance(hours=13)
    assert ends(world) == "rotated"
    assert world.credential().chain.leaf.serial_number == tenant.certificates[1].serial
    assert world.accepted()
    assert world.tidy()


@pytest.mark.parametrize("accepted", ["the earlier", "the later"])
def test_in_the_last_day_one_more_is_asked_for_and_the_first_accepted_is_used(world: World, accepted: str) -> None:
    """Which of the two the service comes to know first, nobody can tell."""
    tenant = waits(world, left=timedelta(hours=23))
    for _ in range(4):
        assert ends(world) == "CertificateNotAccepted"
        world.advance(hours=1)
    with asking(world) as asked:
        assert ends(world) == "CertificateNotAccepted"
    assert len(world.refreshes()) == 2
    earlier, later = tenant.certificates[1:]
    assert {earlier.serial, later.serial} <= {request.cert_serial for request in asked}
    good = earlier if accepted == "the earlier" else later
    tenant.activate(good.name)
    assert ends(world) == "rotated"
    assert world.credential().chain.leaf.serial_number == good.serial
    assert world.current()["certName"] == good.name
    assert world.accepted()
    assert world.tidy()
    assert world.run()["outcome"] == "not_due"


@pytest.mark.parametrize("accepted", ["the earlier", "the later"])
def test_two_that_wait_are_both_tried_after_the_end(world: World, accepted: str) -> None:
    """A credential that has lapsed is mended by whichever is let in first."""
    tenant = waits(world, left=timedelta(hours=23))
    assert ends(world) == "CertificateNotAccepted"
    world.advance(days=3)
    assert ends(world) == "CertificateNotAccepted"
    good = tenant.certificates[1 if accepted == "the earlier" else 2]
    tenant.activate(good.name)
    world.advance(hours=1)
    assert ends(world) == "rotated"
    assert world.credential().chain.leaf.serial_number == good.serial
    assert world.accepted()
    assert len(world.refreshes()) == 2


@pytest.mark.parametrize("by", ["a person", "another tool"])
def test_a_label_taken_off_by_hand_does_not_keep_the_earlier_one_from_use(world: World, by: str) -> None:
    """AWS ignores the put of a version that exists, labels included: the label stays wherever somebody put it."""
    tenant = waits(world, left=timedelta(hours=23))
    assert ends(world) == "CertificateNotAccepted"
    secrets = world.aws.admin.secrets
    if by == "a person":
        at = world.labels()["AWSPENDING"]
        secrets.update_secret_version_stage(SecretId=world.arn, VersionStage="AWSPENDING", RemoveFromVersionId=at)
    else:
        secrets.put_secret_value(SecretId=world.arn, SecretString="theirs", VersionStages=["AWSPENDING"])
    world.advance(hours=1)
    tenant.activate(tenant.certificates[1].name)
    assert ends(world) == "rotated"
    assert world.credential().chain.leaf.serial_number == tenant.certificates[1].serial
    assert world.accepted()


def test_of_two_without_an_answer_the_newest_is_used(world: World) -> None:
    """The older of two valid ones is what the service deletes at the next renewal, two months later."""
    tenant = waits(world, left=timedelta(hours=23))
    assert ends(world) == "CertificateNotAccepted"
    world.simulator.clear_faults()
    for record in tenant.certificates[1:]:
        tenant.activate(record.name)
    no_answer(world)
    world.advance(hours=1)
    assert ends(world) == "rotated"
    assert world.credential().chain.leaf.serial_number == tenant.certificates[2].serial


def test_after_the_end_one_more_is_not_asked_for_without_an_answer_about_the_one_in_use(world: World) -> None:
    """A request with a certificate that is dead brings none, and costs an attempt: ask again, as with none in hand."""
    tenant = waits(world, left=timedelta(minutes=2))
    no_answer(world)
    with pytest.raises(CertificateNotAccepted):
        world.run_with(world.dependencies(), {}, ahead=timedelta(minutes=4))
    assert len(world.refreshes()) == 1
    tenant.activate(tenant.certificates[-1].name)
    world.simulator.clear_faults()
    assert ends(world) == "rotated"


def test_in_the_last_day_one_more_is_not_asked_for_within_the_hour(world: World) -> None:
    """It was issued a moment ago: give it time."""
    world.onboard(age=timedelta(days=89, hours=4))
    world.fault("activation-delay", times=None)
    assert ends(world) == "CertificateNotAccepted"
    world.advance(minutes=30)
    assert ends(world) == "CertificateNotAccepted"
    assert len(world.refreshes()) == 1
    world.advance(minutes=35)
    assert ends(world) == "CertificateNotAccepted"
    assert len(world.refreshes()) == 2


def test_one_more_is_not_asked_for_past_the_limit(world: World) -> None:
    """Three have left in the last hour: the fourth waits for its hour, whatever ends meanwhile."""
    world.onboard(age=timedelta(days=89, hours=4))
    world.fault("unavailable", times=2)
    assert [ends(world), ends(world)] == ["ServiceFailure"] * 2
    world.fault("activation-delay", times=None)
    assert ends(world) == "CertificateNotAccepted"
    world.fault("too-many-requests-retry-after", seconds=3 * 3600)
    world.advance(hours=1, minutes=5)
    ends(world)
    sent = len(world.refreshes())
    world.advance(hours=1, minutes=5)
    ends(world)
    assert len(world.refreshes()) == sent == 4


def test_no_answer_in_the_last_day_brings_two_and_the_last_is_used_after_the_end(world: World) -> None:
    """Nobody has said no to either of them, and what was in use has ended."""
    world.onboard(age=timedelta(days=62))
    no_answer(world)
    assert ends(world) == "CertificateNotAccepted"
    world.time.advance(world.credential().chain.not_after - timedelta(hours=5) - world.time.now())
    ends(world)
    world.advance(hours=6)
    ends(world)
    assert world.accepted()
    assert len(world.refreshes()) <= 2


def test_a_certificate_that_begins_later_is_kept_and_tried_again(world: World) -> None:
    """Rejected for good, it would have to be replaced, and its successor may cost the one in use."""
    tenant = world.onboard(age=timedelta(days=62))
    world.fault("begins-later", seconds=7200)
    assert ends(world) == "CertificateNotAccepted"
    assert world.accepted()
    world.advance(hours=1)
    assert ends(world) == "CertificateNotAccepted"
    world.advance(hours=1, minutes=1)
    assert ends(world) == "rotated"
    assert len(world.refreshes()) == 1
    assert world.credential().chain.leaf.serial_number == tenant.certificates[-1].serial
    assert world.accepted()
