"""A certificate that waits is waited for; only in the last day of the one in use is another one asked for, once."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted
from tests.support.outside import asking, ends, no_answer, waits
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory


def test_within_critical_days_a_waiting_certificate_is_not_given_up(env: RotationEnv) -> None:
    """Another request may bring none, and has the service delete the one in use for nothing."""
    tenant = waits(env, left=timedelta(days=6))
    for _ in range(3):
        assert ends(env) == "CertificateNotAccepted"
        env.advance(hours=1)
    assert len(env.refreshes()) == 1
    tenant.activate(tenant.certificates[-1].name)
    assert ends(env) == "rotated"
    assert env.accepted()
    assert len(env.refreshes()) == 1


def test_a_waiting_certificate_outlives_a_failed_request_for_its_successor(env: RotationEnv) -> None:
    """It becomes active an hour later: somebody has to look."""
    tenant = waits(env, left=timedelta(hours=12))
    env.simulator.clear_faults()
    env.fault("unavailable", times=None)
    assert ends(env) in {"ServiceFailure", "CertificateNotAccepted"}
    tenant.activate(tenant.certificates[1].name)
    env.advance(hours=13)
    assert ends(env) == "rotated"
    assert env.credential().chain.leaf.serial_number == tenant.certificates[1].serial
    assert env.accepted()
    assert env.tidy()


@pytest.mark.parametrize("accepted", ["the earlier", "the later"])
def test_in_the_last_day_one_more_is_asked_for_and_the_first_accepted_is_used(env: RotationEnv, accepted: str) -> None:
    """Which of the two the service comes to know first, nobody can tell."""
    tenant = waits(env, left=timedelta(hours=23))
    for _ in range(4):
        assert ends(env) == "CertificateNotAccepted"
        env.advance(hours=1)
    with asking(env) as asked:
        assert ends(env) == "CertificateNotAccepted"
    assert len(env.refreshes()) == 2
    earlier, later = tenant.certificates[1:]
    assert {earlier.serial, later.serial} <= {request.cert_serial for request in asked}
    good = earlier if accepted == "the earlier" else later
    tenant.activate(good.name)
    assert ends(env) == "rotated"
    assert env.credential().chain.leaf.serial_number == good.serial
    assert env.current()["certName"] == good.name
    assert env.accepted()
    assert env.tidy()
    assert env.run()["outcome"] == "not_due"


@pytest.mark.parametrize("accepted", ["the earlier", "the later"])
def test_two_that_wait_are_both_tried_after_the_end(env: RotationEnv, accepted: str) -> None:
    """A credential that has lapsed is mended by whichever is let in first."""
    tenant = waits(env, left=timedelta(hours=23))
    assert ends(env) == "CertificateNotAccepted"
    env.advance(days=3)
    assert ends(env) == "CertificateNotAccepted"
    good = tenant.certificates[1 if accepted == "the earlier" else 2]
    tenant.activate(good.name)
    env.advance(hours=1)
    assert ends(env) == "rotated"
    assert env.credential().chain.leaf.serial_number == good.serial
    assert env.accepted()
    assert len(env.refreshes()) == 2


@pytest.mark.parametrize("by", ["a person", "another tool"])
def test_a_label_taken_off_by_hand_does_not_keep_the_earlier_one_from_use(env: RotationEnv, by: str) -> None:
    """AWS ignores the put of a version that exists, labels included: the label stays wherever somebody put it."""
    tenant = waits(env, left=timedelta(hours=23))
    assert ends(env) == "CertificateNotAccepted"
    secrets = env.aws.admin.secrets
    if by == "a person":
        at = env.labels()["CERTIFICATE_STAGED"]
        secrets.update_secret_version_stage(SecretId=env.arn, VersionStage="CERTIFICATE_STAGED", RemoveFromVersionId=at)
    else:
        secrets.put_secret_value(SecretId=env.arn, SecretString="theirs", VersionStages=["CERTIFICATE_STAGED"])
    env.advance(hours=1)
    tenant.activate(tenant.certificates[1].name)
    assert ends(env) == "rotated"
    assert env.credential().chain.leaf.serial_number == tenant.certificates[1].serial
    assert env.accepted()


def test_of_two_without_an_answer_the_newest_is_used(env: RotationEnv) -> None:
    """The older of two valid ones is what the service deletes at the next renewal, two months later."""
    tenant = waits(env, left=timedelta(hours=23))
    assert ends(env) == "CertificateNotAccepted"
    env.simulator.clear_faults()
    for record in tenant.certificates[1:]:
        tenant.activate(record.name)
    no_answer(env)
    env.advance(hours=1)
    assert ends(env) == "rotated"
    assert env.credential().chain.leaf.serial_number == tenant.certificates[2].serial


def test_after_the_end_one_more_is_not_asked_for_without_an_answer_about_the_one_in_use(env: RotationEnv) -> None:
    """A request with a certificate that is dead brings none, and costs an attempt: ask again, as with none in hand."""
    tenant = waits(env, left=timedelta(minutes=2))
    no_answer(env)
    with pytest.raises(CertificateNotAccepted):
        env.run_with(env.dependencies(), {}, ahead=timedelta(minutes=4))
    assert len(env.refreshes()) == 1
    tenant.activate(tenant.certificates[-1].name)
    env.simulator.clear_faults()
    assert ends(env) == "rotated"


def test_in_the_last_day_one_more_is_not_asked_for_within_the_hour(env: RotationEnv) -> None:
    """It was issued a moment ago: give it time."""
    env.onboard(age=timedelta(days=89, hours=4))
    env.fault("activation-delay", times=None)
    assert ends(env) == "CertificateNotAccepted"
    env.advance(minutes=30)
    assert ends(env) == "CertificateNotAccepted"
    assert len(env.refreshes()) == 1
    env.advance(minutes=35)
    assert ends(env) == "CertificateNotAccepted"
    assert len(env.refreshes()) == 2


def test_one_more_is_not_asked_for_past_the_limit(env: RotationEnv) -> None:
    """Three have left in the last hour: the fourth waits for its hour, whatever ends meanwhile."""
    env.onboard(age=timedelta(days=89, hours=4))
    env.fault("unavailable", times=2)
    assert [ends(env), ends(env)] == ["ServiceFailure"] * 2
    env.fault("activation-delay", times=None)
    assert ends(env) == "CertificateNotAccepted"
    env.fault("too-many-requests-retry-after", seconds=3 * 3600)
    env.advance(hours=1, minutes=5)
    ends(env)
    sent = len(env.refreshes())
    env.advance(hours=1, minutes=5)
    ends(env)
    assert len(env.refreshes()) == sent == 4


def test_no_answer_in_the_last_day_brings_two_and_the_last_is_used_after_the_end(env: RotationEnv) -> None:
    """Nobody has said no to either of them, and what was in use has ended."""
    env.onboard(age=timedelta(days=62))
    no_answer(env)
    assert ends(env) == "CertificateNotAccepted"
    env.time.advance(env.credential().chain.not_after - timedelta(hours=5) - env.time.now())
    ends(env)
    env.advance(hours=6)
    ends(env)
    assert env.accepted()
    assert len(env.refreshes()) <= 2


def test_a_certificate_that_begins_later_is_kept_and_tried_again(env: RotationEnv) -> None:
    """Rejected for good, it would have to be replaced, and its successor may cost the one in use."""
    tenant = env.onboard(age=timedelta(days=62))
    env.fault("begins-later", seconds=7200)
    assert ends(env) == "CertificateNotAccepted"
    assert env.accepted()
    env.advance(hours=1)
    assert ends(env) == "CertificateNotAccepted"
    env.advance(hours=1, minutes=1)
    assert ends(env) == "rotated"
    assert len(env.refreshes()) == 1
    assert env.credential().chain.leaf.serial_number == tenant.certificates[-1].serial
    assert env.accepted()
