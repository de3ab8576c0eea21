"""Somebody, or another run, changes the secret while a rotation is under way: what they wrote is what they meant."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from certificate_rotation.domain.errors import (
    ApiKeyNotAccepted,
    CertificateNotAccepted,
    RefreshConflict,
    RotationError,
    StorageFailure,
)
from simulator.ca import key_pem, new_csr, new_key
from tests.support.exchanges import Killed
from tests.support.order_of_writes import CLAIM, ORDER_OF_EXCHANGES, PROMOTE, kill
from tests.support.rotation_env import RotationEnv

if TYPE_CHECKING:
    from certificate_rotation.domain.result import Result

pytestmark = pytest.mark.in_memory


@pytest.mark.parametrize("how_far", ["intended", "unknown", "staged"])
def test_somebody_who_onboards_anew_is_not_overwritten(env: RotationEnv, how_far: str) -> None:
    """A person put that credential there after the rotation began, so it is the one they mean."""
    env.onboard(age=timedelta(days=62))
    env.fault({"intended": "conflict", "unknown": "drop-after-issuing", "staged": "activation-delay"}[how_far])
    with pytest.raises(RotationError):
        env.run()
    started = {"AWSCURRENT", "CERTIFICATE_INTENT"}
    assert set(env.labels()) - {"AWSPREVIOUS"} == (started | {"CERTIFICATE_STAGED"} if how_far == "staged" else started)

    tenant = env.onboard(age=timedelta(0), name=f"{env.aws.name}-2")
    theirs = env.current()
    assert env.run()["outcome"] == "not_due"
    assert env.current() == theirs
    assert env.state().certificate.open_attempt is None
    assert env.accepted()
    assert ("dropped" in env.codes()) == (how_far == "staged")
    assert env.history()[-1]["outcome"] == ("RefreshConflict" if how_far == "intended" else "dropped")
    env.advance(days=61)
    assert env.run()["previousCertName"] == "onboarded-1"
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert len(tenant.certificates) == 2


@pytest.fixture
def replaced(env: RotationEnv) -> RotationEnv:
    """Somebody onboarded anew while a certificate waits."""
    env.onboard(age=timedelta(days=62))
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    env.onboard(age=timedelta(0), name=f"{env.aws.name}-2")
    return env


def test_people_hear_of_what_is_dropped_before_its_labels_go(replaced: RotationEnv) -> None:
    """What has no label is pruned: a run that is killed in between must have told whose key that is."""
    replaced.aws.exchanges.kill("UpdateSecretVersionStage", "after")
    with pytest.raises(Killed):
        replaced.run()
    replaced.aws.exchanges.revive()
    assert "dropped" in replaced.codes()


@pytest.mark.parametrize("refused", ["", "Publish"])
def test_people_hear_of_what_is_dropped_though_the_ledgers_record_is_gone(replaced: RotationEnv, refused: str) -> None:
    """Somebody made the table anew: when something is due, the secret's labels say what waits."""
    replaced.advance(days=61)
    for record in replaced.aws.records():
        key = {name: {"S": record[name]} for name in ("credential", "record")}
        replaced.aws.admin.dynamodb.delete_item(TableName=replaced.aws.name, Key=key)
    if refused:
        with replaced.aws.refusing(refused):
            assert replaced.run()["outcome"] == "rotated"
        assert "dropped" not in replaced.codes()
    assert replaced.run()["outcome"] == ("not_due" if refused else "rotated")
    assert replaced.codes().count("dropped") == 1
    assert set(replaced.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


@pytest.mark.parametrize(
    "index", range(CLAIM, PROMOTE + 1), ids=[f"{i:02}-{ORDER_OF_EXCHANGES[i]}" for i in range(CLAIM, PROMOTE + 1)]
)
def test_somebody_who_onboards_in_the_middle_of_a_run_is_not_overwritten(env: RotationEnv, index: int) -> None:
    """AWSCURRENT moves only from the version the rotation was based on."""
    env.onboard()
    env.aws.exchanges.meanwhile(index, lambda: env.onboard(age=timedelta(0), name=f"{env.aws.name}-2"))
    assert env.run()["outcome"] == "not_due"
    assert env.credential().chain.not_before > env.time.now() - timedelta(minutes=1)
    assert env.current()["certName"] == "onboarded-1"
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.state().certificate.open_attempt is None
    assert env.accepted()


def test_a_customers_edit_while_a_certificate_waits_is_kept(env: RotationEnv) -> None:
    """The staged copy of the secret is older than the edit."""
    tenant = env.onboard()
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    staged = env.version(env.labels()["CERTIFICATE_STAGED"])
    env.put({**env.current(), "owner": "somebody new"})
    tenant.activate(str(staged["certName"]))
    assert env.run()["outcome"] == "rotated"
    assert env.current() == {**staged, "owner": "somebody new"}
    assert len(env.refreshes()) == 1
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


@pytest.mark.parametrize("begun", ["nothing", "an intent"])
@pytest.mark.parametrize("index", range(1, CLAIM + 1), ids=ORDER_OF_EXCHANGES[1 : CLAIM + 1])
def test_a_run_goes_by_what_another_put_into_use_while_it_read(env: RotationEnv, index: int, begun: str) -> None:
    """On what it read before, it would ask once more, and cost consumers the certificate they have just got."""
    env.onboard(age=timedelta(days=62))
    if begun == "an intent":
        env.fault("conflict")
        env.fails(RefreshConflict)
    other: list[Result] = []
    env.aws.exchanges.meanwhile(index, lambda: other.append(env.run()))
    assert env.run(force=True, allowEviction=True)["outcome"] == "rotated"
    assert other[0]["outcome"] == "rotated"
    assert [email.code for email in env.emails()].count("rotated") == 2
    assert env.current()["certName"] != other[0]["certName"]
    assert env.history()[-1]["previous_name"] == other[0]["certName"]
    assert env.accepted()
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_record_that_never_stands_still_is_named(env: RotationEnv) -> None:
    """A run that loses against others again and again must end, with a word for it."""
    env.onboard()
    env.aws.failures.set("condition failed", "UpdateItem", times=None)
    error = env.fails(StorageFailure)
    assert str(error) == "The credential changed again and again while this run was at work."
    assert not env.refreshes()


@pytest.mark.parametrize("text", ["not JSON", "{}"])
def test_what_others_labelled_pending_is_not_taken_for_ours(env: RotationEnv, text: str) -> None:
    """The label is AWS's own: another program may have left a version of its own under it."""
    env.onboard()
    env.fault("conflict")
    env.fails(RefreshConflict)
    env.aws.admin.secrets.put_secret_value(SecretId=env.arn, SecretString=text, VersionStages=["CERTIFICATE_STAGED"])
    assert env.run()["outcome"] == "rotated"
    assert env.accepted()
    assert len(env.refreshes()) == 2
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_an_intent_that_somebody_spoilt_is_made_anew(env: RotationEnv) -> None:
    """Nothing was asked with it, so nothing is lost."""
    env.onboard()
    env.aws.admin.secrets.put_secret_value(SecretId=env.arn, SecretString="{}", VersionStages=["CERTIFICATE_INTENT"])
    assert env.run()["outcome"] == "rotated"
    assert env.accepted()
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


@pytest.mark.parametrize("how", ["edited", "spoilt and mended"])
def test_consumers_are_told_to_be_safe_where_what_they_hold_cannot_be_read_any_more(env: RotationEnv, how: str) -> None:
    """A run was killed after it promoted; then somebody edited the secret, and AWSPREVIOUS is no longer what was."""
    tenant = env.onboard(age=timedelta(days=62))
    env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), env.credential().chain.leaf.subject, []))
    kill(env, PROMOTE, "after")
    new = env.current()
    if how == "spoilt and mended":
        env.put("spoilt")
    env.put({**new, "owner": "somebody else"})
    assert env.run()["outcome"] == "rotated"
    assert "Consumers must reload now, to be safe" in env.emails()[-1].body
    assert env.tidy()


def test_who_holds_what_a_person_stored_and_the_service_refuses_is_told_to_reload_after_a_crash(
    env: RotationEnv,
) -> None:
    """What was replaced is not always what the rotation was started for: the next run asks about it all the same."""
    tenant = env.onboard(age=timedelta(days=1))
    env.fault("activation-delay", at="token:refresh")
    env.fails(ApiKeyNotAccepted, force=True, renew="apiKey")
    theirs, stored, _ = tenant.add_token()
    env.put({**env.current(), "apiKey": theirs})
    tenant.revoke_token(stored.name)
    tenant.activate_token(tenant.tokens[1].name)
    env.aws.exchanges.kill("Publish", "before")
    with pytest.raises(Killed):
        env.run()
    env.aws.exchanges.revive()
    env.advance(minutes=4)
    assert env.run()["outcome"] == "rotated"
    assert "Consumers must reload now: the service refuses the API key they hold." in env.emails()[-1].body


def test_a_rotation_names_what_it_replaced_though_a_person_had_stored_it(env: RotationEnv) -> None:
    """Who reads the mail revokes that one, or looks for who still holds it."""
    tenant = env.onboard(age=timedelta(days=62))
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    key = new_key("ec256")
    pem = env.simulator.sign_csr(tenant.name, new_csr(key, env.credential().chain.leaf.subject, []))
    waiting, theirs = tenant.certificates[-2:]
    env.put({**env.current(), "cert": pem, "privateKey": key_pem(key), "certName": theirs.name})
    tenant.revoke(theirs.name)
    tenant.activate(waiting.name)
    result = env.run()
    assert (result["certName"], result["previousCertName"]) == (waiting.name, theirs.name)


def test_no_label_is_left_where_a_person_went_back_and_forth_while_a_certificate_waits(env: RotationEnv) -> None:
    """AWS ignores a put of what is there already, labels included: the label must come along all the same."""
    tenant = env.onboard(age=timedelta(days=62))
    env.put({**env.current(), "note": "edited"})
    env.fault("activation-delay")
    env.fails(CertificateNotAccepted)
    for _ in range(2):
        labels = env.labels()
        env.aws.admin.secrets.update_secret_version_stage(
            SecretId=env.arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=labels["AWSPREVIOUS"],
            RemoveFromVersionId=labels["AWSCURRENT"],
        )
        env.fails(CertificateNotAccepted)
    tenant.activate(tenant.certificates[-1].name)
    assert env.run()["outcome"] == "rotated"
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
