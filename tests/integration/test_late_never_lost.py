"""News that AWS did not take is told later; and it never stands in the way of a renewal."""

import json
from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted, OutcomeUnknown
from simulator import Simulator
from simulator.ca import new_csr, new_key
from tests.support.aws_calls import PublishedEvent
from tests.support.outside import ends
from tests.support.rotation_env import MakeEnv, RotationEnv

pytestmark = pytest.mark.in_memory

DUE = timedelta(days=62)
NEWS = ("Publish", "PutEvents")


def events(env: RotationEnv, kind: str) -> list[PublishedEvent]:
    """Those of one detail-type."""
    return [event for event in env.aws.announced() if event.kind == kind]


def evicting(env: RotationEnv) -> None:
    """Somebody had a certificate made by hand, so that the next one has the service delete the one in use."""
    tenant = env.onboard(age=DUE)
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), env.credential().chain.leaf.subject, []))


@pytest.mark.parametrize("operation", NEWS)
@pytest.mark.parametrize("failure", ["denied", "throttled", "unreachable"])
def test_refused_news_never_stops_a_renewal(env: RotationEnv, operation: str, failure: str) -> None:
    """A service control policy is enough to refuse events for ever; the certificate must go on being renewed."""
    env.onboard(age=DUE)
    env.aws.failures.set(failure, operation, times=None)
    names = set()
    for _ in range(3):
        result = env.run()
        assert result["outcome"] == "rotated"
        assert env.tidy()
        names.add(result["certName"])
        env.advance(days=61)
    assert len(names) == len(env.refreshes()) == 3
    env.aws.failures.clear()
    assert ends(env) == "rotated"
    assert {event.detail["certName"] for event in events(env, "Credential Rotated")} > names
    assert env.codes().count("rotated") == 4


def test_a_rotation_whose_event_was_refused_is_finished_in_the_same_run(env: RotationEnv) -> None:
    """Left open, it would be carried on in every run, and nothing would ever be due again."""
    env.onboard(age=DUE)
    with env.aws.refusing("PutEvents"):
        assert ends(env) == "rotated"
        assert env.state().certificate.open_attempt is None
        assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
        assert ends(env) == "not_due"
    assert ends(env) == "not_due"
    (event,) = events(env, "Credential Rotated")
    assert event.detail["certName"] == env.current()["certName"]
    assert env.codes() == ["rotated"]
    ends(env)
    assert len(env.aws.announced()) == 1


@pytest.mark.parametrize("incident", [False, True])
def test_that_consumers_must_reload_is_told_later(env: RotationEnv, *, incident: bool) -> None:
    """The one mail that cannot be missed: what consumers hold is dead. `incident`: one was open when it happened."""
    evicting(env)
    if incident:
        env.fault("unavailable")
        assert ends(env) == "ServiceFailure"
    told = len(env.emails())
    with env.aws.refusing("Publish"):
        assert ends(env) == "rotated"
        env.advance(hours=1)
        assert ends(env) == "not_due"
    assert len(env.emails()) == told
    env.advance(hours=1)
    assert ends(env) == "not_due"
    mails = env.emails()[told:]
    assert "must reload now" in mails[0].body
    assert mails[0].code == "rotated"
    assert not any("Nothing." in mail.body for mail in mails), "told that there is nothing to do"
    assert ends(env) == "not_due"
    assert len(env.emails()) == told + len(mails)


@pytest.mark.parametrize("operation", NEWS)
def test_that_a_certificate_was_dropped_is_told_later(env: RotationEnv, operation: str) -> None:
    """Somebody paid an attempt for it, and may look for it."""
    env.onboard(age=DUE)
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    dropped = env.version(env.labels()["CERTIFICATE_STAGED"])["certName"]
    env.onboard(age=timedelta(0), name=f"{env.aws.name}-2")
    with env.aws.refusing(operation):
        assert ends(env) == "not_due"
    assert ends(env) == "not_due"
    (mail,) = [mail for mail in env.emails() if mail.code == "dropped"]
    assert dropped in mail.body
    (event,) = events(env, "Rotation Dropped")
    assert event.detail["droppedCertName"] == dropped


@pytest.mark.parametrize("operation", NEWS)
def test_that_a_rotation_failed_is_told_later(env: RotationEnv, operation: str) -> None:
    """The next run may meet nothing: the hold lasts for weeks."""
    env.onboard(age=DUE)
    env.fault("drop-after-issuing")
    with env.aws.refusing(operation):
        env.fails(OutcomeUnknown)
    env.advance(hours=1)
    assert ends(env) == "held"
    assert env.codes() == ["OutcomeUnknown"]
    (event,) = events(env, "Rotation Failed")
    assert event.detail["code"] == "OutcomeUnknown"
    env.advance(hours=1)
    assert ends(env) == "held"
    assert len(env.emails()) == len(env.aws.announced()) == 1


@pytest.mark.parametrize("operation", NEWS)
def test_that_it_works_again_is_told_later(env: RotationEnv, operation: str) -> None:
    """People who were called at night wait for it."""
    env.onboard(age=timedelta(days=10))
    env.fault("unavailable")
    assert ends(env, force=True) == "ServiceFailure"
    with env.aws.refusing(operation):
        assert ends(env) == "not_due"
    assert ends(env) == "not_due"
    assert env.codes() == ["ServiceFailure", "recovered"]
    assert len(events(env, "Rotation Recovered")) == 1


def test_news_refused_for_ever_stays_small(make_env: MakeEnv, simulator: Simulator) -> None:
    """The ledger's record holds 400 KB: what does not fit is never written, and the rotation never closed."""
    env = make_env(simulator)
    env.simulator.issued_lifetime = timedelta(days=365)
    env.onboard(age=timedelta(days=10), lifetime=timedelta(days=365))
    env.aws.failures.set("denied", "PutEvents", times=None)
    for _ in range(60):
        env.fault("unavailable")
        assert ends(env, force=True) == "ServiceFailure"
        env.advance(hours=12, minutes=30)
        assert ends(env) == "not_due"
        env.advance(hours=12)
    size = max(len(json.dumps(record, default=str)) for record in env.aws.records())
    assert size < 200_000
    assert ends(env, force=True) == "rotated"


def test_every_message_is_an_event_too(env: RotationEnv) -> None:
    """Programs learn what people learn: that it failed, that it is over, and what is in use now."""
    env.onboard(age=timedelta(days=10))
    env.fault("unavailable")
    assert ends(env, force=True) == "ServiceFailure"
    assert ends(env) == "not_due"
    assert ends(env, force=True) == "rotated"
    kinds = [event.kind for event in env.aws.announced()]
    assert kinds == ["Rotation Failed", "Rotation Recovered", "Credential Rotated"]
    for event, mail in zip(env.aws.announced(), env.emails(), strict=True):
        assert event.detail["secretArn"] == env.arn
        assert event.detail["renews"] == "certificate"
        assert event.detail["version"] >= 1
        assert event.detail["code"] == mail.code
        assert event.detail["severity"] == mail.attributes["severity"]


def test_a_mail_is_plain_text_with_attributes_to_filter_by(env: RotationEnv) -> None:
    """AWS delivers the attributes of a message only with the structure String."""
    env.onboard(age=DUE)
    assert ends(env) == "rotated"
    (published,) = [call.asked for call in env.aws.calls if call.operation == "Publish"]
    assert "MessageStructure" not in published
    assert published["Message"].startswith("What happened\n")
    assert env.emails()[0].attributes == {"severity": "INFO", "code": "rotated", "secret": env.arn}
