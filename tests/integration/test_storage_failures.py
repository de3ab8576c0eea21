"""AWS refuses one thing; each time the error says where the certificate is, and the next run carries on."""

import pytest

from certificate_rotation.domain.errors import RotationError, ServiceFailure, StorageFailure
from simulator.ca import new_csr, new_key
from tests.support.order_of_writes import ISSUED, PROBE, kill
from tests.support.rotation_env import RotationEnv


def assert_rotated_with_one_request(env: RotationEnv) -> None:
    """The usual end, after whatever came before."""
    assert env.accepted()
    assert env.current()["certName"] != "onboarded-1"
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.state().certificate.open_attempt is None
    assert len(env.refreshes()) == 1


@pytest.mark.parametrize(
    ("operation", "containing"),
    [
        ("DescribeSecret", ""),
        ("GetItem", ""),
        ("UpdateItem", "lease"),
        ("PutSecretValue", "CERTIFICATE_INTENT"),
        ("TransactWriteItems", ""),
    ],
)
def test_what_refuses_before_the_request_keeps_it_from_leaving(
    env: RotationEnv, operation: str, containing: str
) -> None:
    """An attempt is spent only when all that it needs afterwards is known to work."""
    env.onboard()
    before = env.current()
    with env.aws.refusing(operation, containing), pytest.raises(RotationError) as caught:
        env.run()
    assert env.simulator.requests == []
    assert env.current() == before
    assert "AccessDeniedException" in str(caught.value) or "may not read it" in str(caught.value)
    assert env.state().certificate.attempts.burst_left == 3
    assert len(env.emails()) == 1
    env.advance(minutes=5)
    assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)


def test_an_intent_that_cannot_be_stored_is_a_storage_failure(env: RotationEnv) -> None:
    """Its message quotes AWS, for the person who has to mend the role or the key."""
    env.onboard()
    with env.aws.refusing("PutSecretValue"):
        error = env.fails(StorageFailure)
    assert "not authorized to perform this" in str(error)
    assert str(error) in env.emails()[0].body


def test_a_certificate_that_cannot_be_staged_is_safe_in_the_ledger(env: RotationEnv) -> None:
    """A certificate whose response was lost is lost: so it is written down twice."""
    env.onboard()
    with env.aws.refusing("PutSecretValue", "CERTIFICATE_STAGED"):
        assert "safe in the ledger" in str(env.fails(StorageFailure))
        env.advance(hours=1)
        env.fails(StorageFailure)
    assert env.current()["certName"] == "onboarded-1"
    assert env.history()[0]["answer"].startswith("-----BEGIN CERTIFICATE-----")
    assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)
    assert env.codes() == ["StorageFailure", "rotated"]


def test_a_certificate_that_cannot_be_journalled_is_staged_and_used(env: RotationEnv) -> None:
    """One of the two stores is enough."""
    env.onboard()
    with env.aws.refusing("TransactWriteItems", ISSUED):
        assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)


def test_a_certificate_that_was_only_staged_is_found_again(env: RotationEnv) -> None:
    """The ledger says that the outcome is unknown; the secret knows better."""
    env.onboard()
    with env.aws.refusing("TransactWriteItems", ISSUED), env.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"):
        assert "CERTIFICATE_STAGED" in str(env.fails(StorageFailure))
    assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)


@pytest.mark.parametrize("notify", ["true", "false"])
def test_consumers_are_hurried_though_the_ledger_never_learnt_what_was_deleted(env: RotationEnv, notify: str) -> None:
    """The answer's word of it is lost with the run; so the service is asked about what consumers hold."""
    env.settings["NOTIFY_ON_SUCCESS"] = notify
    tenant = env.onboard()
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), env.credential().chain.leaf.subject, []))
    with env.aws.refusing("TransactWriteItems", ISSUED):
        kill(env, PROBE, "before")
    assert env.run()["outcome"] == "rotated"
    assert tenant.certificates[0].deleted
    mail = env.emails()[-1]
    assert (mail.code, mail.attributes["severity"]) == ("rotated", "WARNING")
    assert "Consumers must reload now: the service refuses the certificate they hold" in mail.body
    assert env.aws.announced()[-1].detail["reloadNow"] is True


def test_a_certificate_that_neither_store_takes_is_in_the_log(env: RotationEnv) -> None:
    """It is public, and logged the moment it arrives; its key is in the intent's version, so a person can join them."""
    env.onboard()
    with env.aws.refusing("TransactWriteItems", ISSUED), env.aws.refusing("PutSecretValue", "CERTIFICATE_STAGED"):
        error = env.fails(StorageFailure)
    assert "safe in this run's log" in str(error)
    intent = env.labels()["CERTIFICATE_INTENT"]
    assert intent in str(error)
    issued = env.simulator.tenant(env.aws.name).certificates[-1]
    assert issued.name == env.version(intent)["certName"]
    assert issued.pem.strip() in env.logged()
    assert "PRIVATE KEY" not in env.logged()
    assert env.run()["outcome"] == "held"


@pytest.mark.parametrize("label", ["AWSCURRENT", "CERTIFICATE_INTENT", "CERTIFICATE_STAGED"])
def test_labels_that_cannot_be_moved_are_moved_by_the_next_run(env: RotationEnv, label: str) -> None:
    """AWS's own rotation fails while CERTIFICATE_STAGED is left behind."""
    env.onboard()
    with env.aws.refusing("UpdateSecretVersionStage", label):
        error = env.fails(StorageFailure)
    assert ("CERTIFICATE_STAGED" if label == "AWSCURRENT" else "in use (AWSCURRENT)") in str(error)
    env.advance(minutes=5)
    assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)


def test_a_ledger_that_cannot_be_closed_is_closed_by_the_next_run(env: RotationEnv) -> None:
    """The new certificate is in use by then, and the error says so."""
    env.onboard()
    with env.aws.refusing("TransactWriteItems", '"rotated"'):
        assert "is in use (AWSCURRENT)" in str(env.fails(StorageFailure))
    env.advance(minutes=5)
    assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)
    assert env.history()[0]["outcome"] == "rotated"
    assert env.state().certificate.last_rotation is not None


def test_a_lease_that_cannot_be_given_back_ends_by_itself(env: RotationEnv) -> None:
    """It is no failure: it only keeps others waiting for two minutes."""
    env.onboard()
    env.fault("unavailable")
    with env.aws.refusing("UpdateItem", "REMOVE lease"):
        env.fails(ServiceFailure)
    assert env.run()["outcome"] == "busy"
    env.advance(minutes=4)
    assert env.run()["outcome"] == "rotated"


def test_a_failure_that_cannot_be_written_down_is_told_with_what_it_was(env: RotationEnv) -> None:
    """The reader has two things to mend, and the hold that follows must not surprise them."""
    env.onboard()
    env.fault("unavailable")
    with env.aws.refusing("TransactWriteItems", "ServiceFailure"):
        error = env.fails(StorageFailure)
    assert "503" in str(error)
    assert env.run()["outcome"] == "held"


def test_an_unreadable_ledger_does_not_keep_an_alert_from_going_out(env: RotationEnv) -> None:
    """Told too often is better than never."""
    env.onboard()
    with env.aws.refusing("GetItem"):
        for _ in range(2):
            env.fails(StorageFailure)
    assert env.codes() == ["StorageFailure"] * 2
    assert env.simulator.requests == []


def test_an_incident_that_cannot_be_remembered_is_told_all_the_same(env: RotationEnv) -> None:
    """As above."""
    env.onboard()
    env.fault("unavailable", times=2)
    with env.aws.refusing("UpdateItem", "certificate_incident"):
        for _ in range(2):
            env.fails(ServiceFailure)
    assert env.codes() == ["ServiceFailure"] * 2


def test_a_topic_that_refuses_does_not_stop_a_rotation(env: RotationEnv) -> None:
    """The certificate matters more than the news of it."""
    env.onboard()
    with env.aws.refusing("Publish"):
        assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)
    assert env.emails() == []
    assert "could not be published" in env.errors_logged()


def test_a_failure_that_could_not_be_told_is_told_by_the_next_run(env: RotationEnv) -> None:
    """It is remembered as told only once it was."""
    env.onboard()
    env.fault("unavailable", times=2)
    with env.aws.refusing("Publish"):
        env.fails(ServiceFailure)
    assert "could not be published" in env.errors_logged()
    env.fails(ServiceFailure)
    assert env.codes() == ["ServiceFailure"]


def test_an_end_that_could_not_be_told_is_told_by_the_next_run(env: RotationEnv) -> None:
    """A recovery closes an incident, so it must reach its reader too."""
    env.onboard()
    env.fault("unavailable")
    env.fails(ServiceFailure)
    with env.aws.refusing("Publish"):
        assert env.run()["outcome"] == "rotated"
    assert env.run()["outcome"] == "not_due"
    assert env.codes()[0] == "ServiceFailure"
    assert len(env.codes()) == 2
    assert env.state().certificate.incident is None


def test_a_ledger_that_was_lost_does_not_lose_the_certificate(env: RotationEnv) -> None:
    """Somebody may have made the table anew: the secret's own versions say enough."""
    env.onboard()
    with env.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"):
        env.fails(StorageFailure)
    for record in env.aws.records():
        key = {name: {"S": record[name]} for name in ("credential", "record")}
        env.aws.admin.dynamodb.delete_item(TableName=env.aws.name, Key=key)
    assert env.run()["outcome"] == "rotated"
    assert_rotated_with_one_request(env)
