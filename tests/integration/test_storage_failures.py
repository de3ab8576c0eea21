"""AWS refuses one thing; each time the error says where the certificate is, and the next run carries on."""

import pytest

from certificate_rotation.domain.errors import RotationError, ServiceFailure, StorageFailure
from simulator.ca import new_csr, new_key
from tests.support.order_of_writes import ISSUED, PROBE, kill
from tests.support.rotation_env import World


def assert_rotated_with_one_request(world: World) -> None:
    """The usual end, after whatever came before."""
    assert world.accepted()
    assert world.current()["certName"] != "onboarded-1"
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert world.state().open_attempt is None
    assert len(world.refreshes()) == 1


@pytest.mark.parametrize(
    ("operation", "containing"),
    [
        ("DescribeSecret", ""),
        ("GetItem", ""),
        ("UpdateItem", "lease"),
        ("PutSecretValue", "ROTATION_INTENT"),
        ("TransactWriteItems", ""),
    ],
)
def test_what_refuses_before_the_request_keeps_it_from_leaving(world: World, operation: str, containing: str) -> None:
    """An attempt is spent only when all that it needs afterwards is known to work."""
    world.onboard()
    before = world.current()
    with world.aws.refusing(operation, containing), pytest.raises(RotationError) as caught:
        world.run()
    assert world.simulator.requests == []
    assert world.current() == before
    assert "AccessDeniedException" in str(caught.value) or "may not read it" in str(caught.value)
    assert world.state().attempts.burst_left == 3
    assert len(world.emails()) == 1
    world.advance(minutes=5)
    assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)


def test_an_intent_that_cannot_be_stored_is_a_storage_failure(world: World) -> None:
    """Its message quotes AWS, for the person who has to mend the role or the key."""
    world.onboard()
    with world.aws.refusing("PutSecretValue"):
        error = world.fails(StorageFailure)
    assert "not authorized to perform this" in str(error)
    assert str(error) in world.emails()[0].body


def test_a_certificate_that_cannot_be_staged_is_safe_in_the_ledger(world: World) -> None:
    """A certificate whose response was lost is lost: so it is written down twice."""
    world.onboard()
    with world.aws.refusing("PutSecretValue", "AWSPENDING"):
        assert "safe in the ledger" in str(world.fails(StorageFailure))
        world.advance(hours=1)
        world.fails(StorageFailure)
    assert world.current()["certName"] == "onboarded-1"
    assert world.history()[0]["certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)
    assert world.codes() == ["StorageFailure", "rotated"]


def test_a_certificate_that_cannot_be_journalled_is_staged_and_used(world: World) -> None:
    """One of the two stores is enough."""
    world.onboard()
    with world.aws.refusing("TransactWriteItems", ISSUED):
        assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)


def test_a_certificate_that_was_only_staged_is_found_again(world: World) -> None:
    """The ledger says that the outcome is unknown; the secret knows better."""
    world.onboard()
    with world.aws.refusing("TransactWriteItems", ISSUED), world.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"):
        assert "AWSPENDING" in str(world.fails(StorageFailure))
    assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)


@pytest.mark.parametrize("notify", ["true", "false"])
def test_consumers_are_hurried_though_the_ledger_never_learnt_what_was_deleted(world: World, notify: str) -> None:
    """The answer's word of it is lost with the run; so the service is asked about what consumers hold."""
    world.settings["NOTIFY_ON_SUCCESS"] = notify
    tenant = world.onboard()
    world.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), world.credential().chain.leaf.subject, []))
    with world.aws.refusing("TransactWriteItems", ISSUED):
        kill(world, PROBE, "before")
    assert world.run()["outcome"] == "rotated"
    assert tenant.certificates[0].deleted
    mail = world.emails()[-1]
    assert (mail.code, mail.attributes["severity"]) == ("rotated", "WARNING")
    assert "Consumers must reload now: the service refuses the certificate they hold" in mail.body
    assert world.aws.announced()[-1].detail["reloadNow"] is True


def test_a_certificate_that_neither_store_takes_is_in_the_log(world: World) -> None:
    """It is public, and logged the moment it arrives; its key is in the intent's version, so a person can join them."""
    world.onboard()
    with world.aws.refusing("TransactWriteItems", ISSUED), world.aws.refusing("PutSecretValue", "AWSPENDING"):
        error = world.fails(StorageFailure)
    assert "safe in the ledger or in this run's log" in str(error)
    intent = world.labels()["ROTATION_INTENT"]
    assert intent in str(error)
    issued = world.simulator.tenant(world.aws.name).certificates[-1]
    assert issued.name == world.version(intent)["certName"]
    assert issued.pem.strip() in world.logged()
    assert "PRIVATE KEY" not in world.logged()
    assert world.run()["outcome"] == "held"


@pytest.mark.parametrize("label", ["AWSCURRENT", "ROTATION_INTENT", "AWSPENDING"])
def test_labels_that_cannot_be_moved_are_moved_by_the_next_run(world: World, label: str) -> None:
    """AWS's own rotation fails while AWSPENDING is left behind."""
    world.onboard()
    with world.aws.refusing("UpdateSecretVersionStage", label):
        error = world.fails(StorageFailure)
    assert ("AWSPENDING" if label == "AWSCURRENT" else "in use (AWSCURRENT)") in str(error)
    world.advance(minutes=5)
    assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)


def test_a_ledger_that_cannot_be_closed_is_closed_by_the_next_run(world: World) -> None:
    """The new certificate is in use by then, and the error says so."""
    world.onboard()
    with world.aws.refusing("TransactWriteItems", '"rotated"'):
        assert "is in use (AWSCURRENT)" in str(world.fails(StorageFailure))
    world.advance(minutes=5)
    assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)
    assert world.history()[0]["outcome"] == "rotated"
    assert world.state().last_rotation is not None


def test_a_lease_that_cannot_be_given_back_ends_by_itself(world: World) -> None:
    """It is no failure: it only keeps others waiting for two minutes."""
    world.onboard()
    world.fault("unavailable")
    with world.aws.refusing("UpdateItem", "REMOVE lease"):
        world.fails(ServiceFailure)
    assert world.run()["outcome"] == "busy"
    world.advance(minutes=4)
    assert world.run()["outcome"] == "rotated"


def test_a_failure_that_cannot_be_written_down_is_told_with_what_it_was(world: World) -> None:
    """The reader has two things to mend, and the hold that follows must not surprise them."""
    world.onboard()
    world.fault("unavailable")
    with world.aws.refusing("TransactWriteItems", "ServiceFailure"):
        error = world.fails(StorageFailure)
    assert "503" in str(error)
    assert world.run()["outcome"] == "held"


def test_an_unreadable_ledger_does_not_keep_an_alert_from_going_out(world: World) -> None:
    """Told too often is better than never."""
    world.onboard()
    with world.aws.refusing("GetItem"):
        for _ in range(2):
            world.fails(StorageFailure)
    assert world.codes() == ["StorageFailure"] * 2
    assert world.simulator.requests == []


def test_an_incident_that_cannot_be_remembered_is_told_all_the_same(world: World) -> None:
    """As above."""
    world.onboard()
    world.fault("unavailable", times=2)
    with world.aws.refusing("UpdateItem", "incident"):
        for _ in range(2):
            world.fails(ServiceFailure)
    assert world.codes() == ["ServiceFailure"] * 2


def test_a_topic_that_refuses_does_not_stop_a_rotation(world: World) -> None:
    """The certificate matters more than the news of it."""
    world.onboard()
    with world.aws.refusing("Publish"):
        assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)
    assert world.emails() == []
    assert "could not be published" in world.errors_logged()


def test_a_failure_that_could_not_be_told_is_told_by_the_next_run(world: World) -> None:
    """It is remembered as told only once it was."""
    world.onboard()
    world.fault("unavailable", times=2)
    with world.aws.refusing("Publish"):
        world.fails(ServiceFailure)
    assert "could not be published" in world.errors_logged()
    world.fails(ServiceFailure)
    assert world.codes() == ["ServiceFailure"]


def test_an_end_that_could_not_be_told_is_told_by_the_next_run(world: World) -> None:
    """A recovery closes an incident, so it must reach its reader too."""
    world.onboard()
    world.fault("unavailable")
    world.fails(ServiceFailure)
    with world.aws.refusing("Publish"):
        assert world.run()["outcome"] == "rotated"
    assert world.run()["outcome"] == "not_due"
    assert world.codes()[0] == "ServiceFailure"
    assert len(world.codes()) == 2
    assert world.state().incident is None


def test_a_ledger_that_was_lost_does_not_lose_the_certificate(world: World) -> None:
    """Somebody may have made the table anew: the secret's own versions say enough."""
    world.onboard()
    with world.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"):
        world.fails(StorageFailure)
    for record in world.aws.records():
        key = {name: {"S": record[name]} for name in ("credential", "record")}
        world.aws.admin.dynamodb.delete_item(TableName=world.aws.name, Key=key)
    assert world.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(world)
