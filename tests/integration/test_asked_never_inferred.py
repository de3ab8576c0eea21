"""Whether a certificate works is what the service answered in this run: no name, date or silence stands for it."""

import itertools
from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted, OutcomeUnknown, ServiceFailure
from simulator import Tenant
from simulator.ca import key_pem, new_csr, new_key
from tests.support.outside import BETWEEN_PROBES, PROBE, asking, ends, no_answer, probes
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory

DUE, YOUNG = timedelta(days=62), timedelta(days=10)
# A certificate of 90 days that ends in two minutes, which to a container this far ahead are over.
ALMOST, AHEAD = timedelta(days=89, hours=23, minutes=58), timedelta(minutes=4)


@pytest.fixture
def watching(env: RotationEnv) -> RotationEnv:
    """An env whose runs ask about the certificate in use, as they do by default."""
    env.settings["WATCH_IN_USE"] = "true"
    return env


def signed_anew_under_the_old_name(env: RotationEnv) -> Tenant:
    """Somebody followed the cures to the letter: apiKey, cert and privateKey are new, certName is the old one."""
    tenant = env.onboard(age=DUE)
    key, subject = new_key("ec256"), env.credential().chain.leaf.subject
    pem = env.simulator.sign_csr(tenant.name, new_csr(key, subject, []), age=DUE)
    env.put({**env.current(), "cert": pem, "privateKey": key_pem(key)})
    return tenant


# A name decides nothing.


def test_a_name_in_the_secret_does_not_put_a_refused_certificate_into_use(env: RotationEnv) -> None:
    """The service deletes what had that name; what is in use is another one, and works."""
    tenant = signed_anew_under_the_old_name(env)
    in_use = env.current()
    env.fault("activation-delay")
    assert ends(env) == "CertificateNotAccepted"
    assert tenant.certificates[0].deleted
    assert env.current() == in_use
    assert env.accepted()
    tenant.activate(tenant.certificates[-1].name)
    assert ends(env) == "rotated"
    assert env.accepted()


def test_consumers_are_not_hurried_because_of_a_name(env: RotationEnv) -> None:
    """What they hold still works: the service says so when it is asked."""
    signed_anew_under_the_old_name(env)
    assert ends(env) == "rotated"
    assert "must reload now" not in env.emails()[-1].body
    assert env.aws.announced()[-1].detail["reloadNow"] is False


def test_consumers_are_hurried_whatever_the_name_was(env: RotationEnv) -> None:
    """The secret never held a name, and what consumers hold is dead."""
    tenant = env.onboard(age=DUE, cert_name=None)
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), env.credential().chain.leaf.subject, []))
    assert ends(env) == "rotated"
    assert "onsumers must reload now" in env.emails()[-1].body
    assert env.aws.announced()[-1].detail["reloadNow"] is True


# Silence is not a refusal, and what is in hand is used once the one in use is dead.


@pytest.mark.parametrize("fault", ["unavailable", "too-many-requests"])
def test_what_is_in_hand_is_used_when_the_one_in_use_has_ended(env: RotationEnv, fault: str) -> None:
    """No verdict for weeks: an ended certificate opens nothing, so the one that waits can only be better."""
    env.onboard(age=DUE)
    no_answer(env, fault)
    assert ends(env) == "CertificateNotAccepted"
    env.advance(days=29)
    assert ends(env) == "rotated"
    assert len(env.refreshes()) == 1
    assert env.accepted()
    assert "onsumers must reload now" in env.emails()[-1].body


def test_what_is_in_hand_is_used_when_the_one_in_use_is_refused(env: RotationEnv) -> None:
    """Somebody deleted it at the service while its successor waited for a verdict."""
    tenant = env.onboard(age=DUE)
    no_answer(env)
    assert ends(env) == "CertificateNotAccepted"
    tenant.revoke("onboarded-1")
    assert ends(env) == "rotated"
    assert len(env.refreshes()) == 1
    assert env.accepted()


def test_what_is_refused_is_not_used_though_the_one_in_use_has_ended(env: RotationEnv) -> None:
    """One refused certificate is no better than the other, and hides that there is one to wait for."""
    tenant = env.onboard(age=DUE)
    env.fault("activation-delay")
    assert ends(env) == "CertificateNotAccepted"
    in_use = env.current()
    env.advance(days=29)
    assert ends(env) == "CertificateNotAccepted"
    assert env.current() == in_use
    assert env.emails()[-1].attributes["severity"] == "CRITICAL"
    assert env.emails()[-1].traffic.startswith("No:")
    tenant.activate(tenant.certificates[-1].name)
    assert ends(env) == "rotated"
    assert env.accepted()


@pytest.mark.parametrize("fault", [None, "unavailable", "activation-delay"])
def test_probes_of_one_run_keep_the_vendors_limit(watching: RotationEnv, fault: str | None) -> None:
    """One request a second, and consumers may share it: two of ours at once earn a 429 instead of a verdict."""
    watching.onboard(age=DUE)
    if fault:
        watching.fault(fault, at="cert:refresh" if fault == "activation-delay" else PROBE, times=9)
    with asking(watching) as asked:
        ends(watching)
    gaps = [later.when - earlier.when for earlier, later in itertools.pairwise(asked)]
    assert all(gap >= BETWEEN_PROBES for gap in gaps), gaps
    assert len(asked) >= (3 if fault else 1)


# Nothing in hand, and the one in use has ended: the service is asked, a date does not decide.


def test_an_ended_certificate_that_is_refused_is_told_and_costs_no_attempt(watching: RotationEnv) -> None:
    """Only somebody who onboards again can mend this."""
    watching.onboard(age=timedelta(days=91))
    with asking(watching) as asked:
        assert ends(watching) == "CredentialExpired"
    assert [request.status for request in asked] == [401]
    assert watching.refreshes() == []
    assert watching.emails()[-1].traffic.startswith("No:")


def test_an_ended_certificate_the_service_gives_no_answer_about_is_asked_again(watching: RotationEnv) -> None:
    """Our clock may be wrong: as long as the service says nothing, onboarding again is not called for."""
    watching.onboard(age=ALMOST)
    no_answer(watching)
    with pytest.raises(ServiceFailure):
        watching.run_with(watching.dependencies(), {}, ahead=AHEAD)
    assert watching.refreshes() == []
    assert watching.state().certificate.attempts.burst_left == 3


def test_an_ended_certificate_is_not_given_up_while_the_service_is_out_of_reach(watching: RotationEnv) -> None:
    """Nobody has refused it."""
    watching.onboard(age=timedelta(days=91))
    watching.settings["SERVICE_URL"] = "https://localhost:1"
    assert ends(watching) == "ServiceUnreachable"
    assert watching.emails()[-1].traffic.startswith("Not known:")
    assert watching.state().certificate.attempts.burst_left == 3


def test_an_ended_certificate_the_service_still_accepts_is_renewed(watching: RotationEnv) -> None:
    """This container's clock is ahead; the service's counts."""
    watching.onboard(age=ALMOST)
    assert watching.run_with(watching.dependencies(), {}, ahead=AHEAD)["outcome"] == "rotated"
    assert watching.accepted()


# Every mail says of traffic what the service said in that run.


def test_a_refused_certificate_in_use_is_critical_and_the_mail_says_no(watching: RotationEnv) -> None:
    """Not a warning with 80 days left: consumers are locked out now."""
    tenant = watching.onboard(age=YOUNG)
    tenant.revoke("onboarded-1")
    assert ends(watching) == "Unauthorized"
    (email,) = watching.emails()
    assert email.attributes["severity"] == "CRITICAL"
    assert email.traffic.startswith("No:")
    assert email.subject.startswith("[Device-ID] CRITICAL: Unauthorized")


def test_a_renewal_that_is_refused_says_no_too(watching: RotationEnv) -> None:
    """Due, and somebody deleted the certificate: the request is refused as everything of consumers is."""
    tenant = watching.onboard(age=DUE)
    tenant.revoke("onboarded-1")
    assert ends(watching) == "Unauthorized"
    (email,) = watching.emails()
    assert email.attributes["severity"] == "CRITICAL"
    assert email.traffic.startswith("No:")


@pytest.mark.parametrize(
    ("at_probe", "says"), [(None, "Yes:"), ("unavailable", "Not known:"), ("drop-before-processing", "Not known:")]
)
def test_a_failure_says_of_traffic_what_the_service_answered(
    watching: RotationEnv, at_probe: str | None, says: str
) -> None:
    """Renewal fails, and whoever reads it at night wants to know whether it can wait."""
    watching.onboard(age=DUE)
    watching.fault("unavailable")
    if at_probe:
        no_answer(watching, at_probe)
    with asking(watching) as asked:
        assert ends(watching) == "ServiceFailure"
    assert len(asked) == 1
    (email,) = watching.emails()
    assert email.traffic.startswith(says)
    assert email.attributes["severity"] == "WARNING"


def test_a_mail_says_so_where_nobody_asked(env: RotationEnv) -> None:
    """With WatchInUse off, nothing is known but a date."""
    env.settings["WATCH_IN_USE"] = "false"
    env.onboard(age=DUE)
    env.fault("unavailable")
    assert ends(env) == "ServiceFailure"
    assert probes(env) == []
    assert env.emails()[-1].traffic.startswith("Not asked")


def test_the_mail_of_a_rotation_says_what_the_probe_of_the_new_one_said(env: RotationEnv) -> None:
    """It was asked, and let in."""
    env.onboard(age=DUE)
    assert ends(env) == "rotated"
    assert env.emails()[-1].traffic.startswith("Yes:")


def test_a_certificate_used_without_a_verdict_is_not_called_working(env: RotationEnv) -> None:
    """The one before it had ended, and of this one the service said nothing."""
    env.onboard(age=DUE)
    no_answer(env)
    assert ends(env) == "CertificateNotAccepted"
    env.advance(days=29)
    assert ends(env) == "rotated"
    assert env.emails()[-1].traffic.startswith("Not known:")


# Every run that leaves the one in use in place asks about it.


def test_a_hold_does_not_blind_the_watch(watching: RotationEnv) -> None:
    """It may last for weeks, and the certificate in use may be deleted on any day of them."""
    tenant = watching.onboard(age=DUE)
    watching.fault("drop-after-issuing")
    watching.fails(OutcomeUnknown)
    watching.advance(hours=1)
    with asking(watching) as asked:
        assert ends(watching) == "held"
    assert [request.status for request in asked] == [200]
    tenant.revoke("onboarded-1")
    assert ends(watching) == "Unauthorized"
    assert watching.emails()[-1].attributes["severity"] == "CRITICAL"
    assert watching.emails()[-1].traffic.startswith("No:")
    assert len(watching.refreshes()) == 1


def test_a_used_up_limit_does_not_blind_the_watch(watching: RotationEnv) -> None:
    """There is no attempt left to find it out by."""
    tenant = watching.onboard(age=DUE)
    watching.fault("unavailable", times=3)
    assert [ends(watching) for _ in range(3)] == ["ServiceFailure"] * 3
    with asking(watching) as asked:
        assert ends(watching) == "rate_limited"
    assert [request.status for request in asked] == [200]
    tenant.revoke("onboarded-1")
    assert ends(watching) == "Unauthorized"
    assert watching.emails()[-1].traffic.startswith("No:")


# Somebody moved AWSCURRENT: what is in hand is dropped only if what they put there works.


@pytest.fixture
def put_back(env: RotationEnv) -> RotationEnv:
    """A rotation, and then another whose certificate waits; and somebody puts the first one of all back."""
    tenant = env.onboard(age=timedelta(days=10))
    assert ends(env, force=True) == "rotated"
    env.advance(days=2)
    env.fault("activation-delay")
    assert ends(env, force=True) == "CertificateNotAccepted"
    assert tenant.certificates[0].deleted
    labels = env.labels()
    env.aws.admin.secrets.update_secret_version_stage(
        SecretId=env.arn,
        VersionStage="AWSCURRENT",
        MoveToVersionId=labels["AWSPREVIOUS"],
        RemoveFromVersionId=labels["AWSCURRENT"],
    )
    assert not env.accepted()
    return env


def test_what_is_in_hand_is_used_when_what_was_put_back_is_refused(put_back: RotationEnv) -> None:
    """The service deleted it long ago: dropping the one in hand would leave nothing that works."""
    tenant = put_back.simulator.tenant(put_back.aws.name)
    tenant.activate(tenant.certificates[-1].name)
    put_back.advance(hours=1)
    assert ends(put_back) == "rotated"
    assert put_back.accepted()
    assert put_back.credential().chain.leaf.serial_number == tenant.certificates[-1].serial
    assert len(put_back.refreshes()) == 2
    assert "dropped" not in put_back.codes()


def test_what_is_in_hand_is_kept_while_both_are_refused(put_back: RotationEnv) -> None:
    """It may be accepted in an hour; the one put back never will."""
    put_back.advance(hours=1)
    in_use = put_back.current()
    assert ends(put_back) == "CertificateNotAccepted"
    assert put_back.current() == in_use
    tenant = put_back.simulator.tenant(put_back.aws.name)
    tenant.activate(tenant.certificates[-1].name)
    put_back.advance(hours=1)
    assert ends(put_back) == "rotated"
    assert put_back.accepted()
    assert len(put_back.refreshes()) == 2


def test_what_is_in_hand_is_kept_while_nobody_answers_for_what_was_put_there(env: RotationEnv) -> None:
    """Somebody onboarded anew; whether that works is not known yet, and nothing good is given up for a promise."""
    env.onboard(age=DUE)
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    env.onboard(age=timedelta(0), name=f"{env.aws.name}-2")
    theirs = env.current()
    no_answer(env)
    assert ends(env) in {"ServiceFailure", "ServiceUnreachable", "CertificateNotAccepted"}
    assert env.current() == theirs
    assert "CERTIFICATE_STAGED" in env.labels()
    assert "dropped" not in env.codes()
    env.simulator.clear_faults()
    assert ends(env) == "not_due"
    assert env.current() == theirs
    assert "dropped" in env.codes()
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
