"""News that AWS did not take is told later; and it never stands in the way of a renewal."""

import json
from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted, OutcomeUnknown
from simulator import Simulator
from simulator.ca import new_csr, new_key
from tests.support.aws_calls import Announced
from tests.support.outside import ends
from tests.support.rotation_env import MakeWorld, World

DUE = timedelta(days=62)
NEWS = ("Publish", "PutEvents")


def events(world: World, kind: str) -> list[Announced]:
    """Those of one detail-type."""
    return [event for event in world.aws.announced() if event.kind == kind]


def evicting(world: World) -> None:
    """Somebody had a certificate made by hand, so that the next one has the service delete the one in use."""
    tenant = world.onboard(age=DUE)
    world.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), world.credential().chain.leaf.subject, []))


@pytest.mark.parametrize("operation", NEWS)
@pytest.mark.parametrize("failure", ["denied", "throttled", "unreachable"])
def test_refused_news_never_stops_a_renewal(world: World, operation: str, failure: str) -> None:
    """A service control policy is enough to refuse events for ever; the certificate must go on being renewed."""
    world.onboard(age=DUE)
    world.aws.failures.set(failure, operation, times=None)
    names = set()
    for _ in range(3):
        result = world.run()
        assert result["outcome"] == "rotated"
        assert world.tidy()
        names.add(result["certName"])
        world.advance(days=61)
    assert len(names) == len(world.refreshes()) == 3
    world.aws.failures.clear()
    assert ends(world) == "rotated"
    assert {event.detail["certName"] for event in events(world, "Credential Rotated")} > names
    assert world.codes().count("rotated") == 4


def test_a_rotation_whose_event_was_refused_is_finished_in_the_same_run(world: World) -> None:
    """Left open, it would be carried on in every run, and nothing would ever be due again."""
    world.onboard(age=DUE)
    with world.aws.refusing("PutEvents"):
        assert ends(world) == "rotated"
        assert world.state().open_attempt is None
        assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
        assert ends(world) == "not_due"
    assert ends(world) == "not_due"
    (event,) = events(world, "Credential Rotated")
    assert event.detail["certName"] == world.current()["certName"]
    assert world.codes() == ["rotated"]
    ends(world)
    assert len(world.aws.announced()) == 1


@pytest.mark.parametrize("incident", [False, True])
def test_that_consumers_must_reload_is_told_later(world: World, *, incident: bool) -> None:
    """The one mail that cannot be missed: what consumers hold is dead. `incident`: one was open when it happened."""
    evicting(world)
    if incident:
        world.fault("unavailable")
        assert ends(world) == "ServiceFailure"
    told = len(world.emails())
    with world.aws.refusing("Publish"):
        assert ends(world) == "rotated"
        world.advance(hours=1)
        assert ends(world) == "not_due"
    assert len(world.emails()) == told
    world.advance(hours=1)
    assert ends(world) == "not_due"
    mails = world.emails()[told:]
    assert "must reload now" in mails[0].body
    assert mails[0].code == "rotated"
    assert not any("Nothing." in mail.body for mail in mails), "told that there is nothing to do"
    assert ends(world) == "not_due"
    assert len(world.emails()) == told + len(mails)


@pytest.mark.parametrize("operation", NEWS)
def test_that_a_certificate_was_dropped_is_told_later(world: World, operation: str) -> None:
    """Somebody paid an attempt for it, and may look for it."""
    world.onboard(age=DUE)
    world.fault("activation-delay")
    world.fails(CertificateNotAccepted)
    dropped = world.version(world.labels()["AWSPENDING"])["certName"]
    world.onboard(age=timedelta(0), name=f"{world.aws.name}-2")
    with world.aws.refusing(operation):
        assert ends(world) == "not_due"
    assert ends(world) == "not_due"
    (mail,) = [mail for mail in world.emails() if mail.code == "dropped"]
    assert dropped in mail.body
    (event,) = events(world, "Rotation Dropped")
    assert event.detail["droppedCertName"] == dropped


@pytest.mark.parametrize("operation", NEWS)
def test_that_a_rotation_failed_is_told_later(world: World, operation: str) -> None:
    """The next run may meet nothing: the hold lasts for weeks."""
    world.onboard(age=DUE)
    world.fault("drop-after-issuing")
    with world.aws.refusing(operation):
        world.fails(OutcomeUnknown)
    world.advance(hours=1)
    assert ends(world) == "held"
    assert world.codes() == ["OutcomeUnknown"]
    (event,) = events(world, "Rotation Failed")
    assert event.detail["code"] == "OutcomeUnknown"
    world.advance(hours=1)
    assert ends(world) == "held"
    assert len(world.emails()) == len(world.aws.announced()) == 1


@pytest.mark.parametrize("operation", NEWS)
def test_that_it_works_again_is_told_later(world: World, operation: str) -> None:
    """People who were called at night wait for it."""
    world.onboard(age=timedelta(days=10))
    world.fault("unavailable")
    assert ends(world, force=True) == "ServiceFailure"
    with world.aws.refusing(operation):
        assert ends(world) == "not_due"
    assert ends(world) == "not_due"
    assert world.codes() == ["ServiceFailure", "recovered"]
    assert len(events(world, "Rotation Recovered")) == 1


def test_news_refused_for_ever_stays_small(make_world: MakeWorld, simulator: Simulator) -> None:
    """The ledger's record holds 400 KB: what does not fit is never written, and the rotation never closed."""
    world = make_world(simulator, directly=True)
    world.simulator.issued_lifetime = timedelta(days=365)
    world.onboard(age=timedelta(days=10), lifetime=timedelta(days=365))
    world.aws.failures.set("denied", "PutEvents", times=None)
    for _ in range(60):
        world.fault("unavailable")
        assert ends(world, force=True) == "ServiceFailure"
        world.advance(hours=12, minutes=30)
        assert ends(world) == "not_due"
        world.advance(hours=12)
    size = max(len(json.dumps(record, default=str)) for record in world.aws.records())
    assert size < 200_000
    assert ends(world, force=True) == "rotated"


def test_every_message_is_an_event_too(world: World) -> None:
    """Programs learn what people learn: that it failed, that it is over, and what is in use now."""
    world.onboard(age=timedelta(days=10))
    world.fault("unavailable")
    assert ends(world, force=True) == "ServiceFailure"
    assert ends(world) == "not_due"
    assert ends(world, force=True) == "rotated"
    kinds = [event.kind for event in world.aws.announced()]
    assert kinds == ["Rotation Failed", "Rotation Recovered", "Credential Rotated"]
    for event, mail in zip(world.aws.announced(), world.emails(), strict=True):
        assert event.detail["secretArn"] == world.arn
        assert event.detail["renews"] == "certificate"
        assert event.detail["version"] >= 1
        assert event.detail["code"] == mail.code
        assert event.detail["severity"] == mail.attributes["severity"]


def test_a_mail_is_plain_text_with_attributes_to_filter_by(world: World) -> None:
    """AWS delivers the attributes of a message only with the structure String."""
    world.onboard(age=DUE)
    assert ends(world) == "rotated"
    (published,) = [call.form for call in world.aws.calls if call.operation == "Publish"]
    assert "MessageStructure" not in published
    assert published["Message"].startswith("What happened\n")
    assert world.emails()[0].attributes == {"severity": "INFO", "code": "rotated", "secret": world.arn}
