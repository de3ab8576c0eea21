"""What a rotation leaves behind when everything works."""

from datetime import datetime, timedelta

import pytest

from simulator.ca import KeyAlgorithm
from tests.support.contract import RESULT
from tests.support.rotation_env import OWN_KEYS, RotationEnv


@pytest.mark.parametrize("chain", [False, True], ids=["leaf", "chain"])
@pytest.mark.parametrize("key_algorithm", ["rsa2048", "ec256"])
def test_a_due_certificate_is_replaced_by_a_new_one_that_works(
    env: RotationEnv, key_algorithm: KeyAlgorithm, *, chain: bool
) -> None:
    """This is the job; a chain that lost its intermediate would be refused in the handshake."""
    env.onboard(key_algorithm=key_algorithm, chain=chain)
    if chain:
        env.fault("chain")
    before = env.current()
    assert env.run()["outcome"] == "rotated"
    after = env.current()
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.version(env.labels()["AWSPREVIOUS"]) == before
    assert {key for key in after if after[key] != before[key]} == {"cert", "privateKey", "certName"}
    assert after.items() >= OWN_KEYS.items()
    assert type(env.credential().key) is type(env.parse(before).key)
    assert len(env.credential().chain.certificates) == (2 if chain else 1)
    assert env.dependencies().api.accepts(env.credential())


def test_a_rotation_answers_with_the_keys_of_the_contract_and_no_others(env: RotationEnv) -> None:
    """People's own programs read the result."""
    env.onboard()
    result = env.run()
    new = env.credential()
    assert set(result) == RESULT | {"previousCertName", "deletedCertName"}
    assert result["secretId"] == env.arn
    assert result["certName"] == new.cert_name == env.current()["certName"]
    assert datetime.fromisoformat(result["notAfter"]) == new.chain.not_after
    assert datetime.fromisoformat(result["renewAt"]) == new.chain.not_after - timedelta(days=30)
    assert result["notAfter"].endswith("Z")
    assert result["daysLeft"] in {89, 90}
    assert (result["attemptsAvailable"], result["nextAttemptAt"]) == (2, None)
    assert (result["previousCertName"], result["deletedCertName"]) == ("onboarded-1", None)


def test_the_history_tells_a_person_what_happened(env: RotationEnv) -> None:
    """The ledger is where one looks first when a consumer complains."""
    env.onboard()
    env.run()
    (record,) = env.history()
    assert record["credential"] == env.arn
    assert record["outcome"] == "rotated"
    assert record["name"] == env.current()["certName"]
    assert record["answer"] == env.current()["cert"]
    assert record["previous_name"] == "onboarded-1"
    assert env.time.now() - datetime.fromisoformat(record["started_at"]) < timedelta(seconds=1)
    assert datetime.fromtimestamp(int(record["expires_at"]), tz=env.time.now().tzinfo) > env.time.now()
    assert env.state().lease is None


def test_a_success_is_told_once(env: RotationEnv) -> None:
    """Consumers have to reload, so a person wants to know; knowing it twice would be noise."""
    env.onboard()
    env.run()
    env.run()
    (email,) = env.emails()
    assert email.code == "rotated"
    assert email.subject.isascii()
    assert "[Device-ID] INFO: rotated" in email.subject
    assert str(env.current()["certName"]) in email.body
    assert email.attributes["secret"] == env.arn


def test_a_success_is_not_told_to_people_who_do_not_want_to_hear_of_it(env: RotationEnv) -> None:
    """Many tenants make many emails."""
    env.settings["NOTIFY_ON_SUCCESS"] = "false"
    env.onboard()
    assert env.run()["outcome"] == "rotated"
    assert env.emails() == []


def test_a_credential_without_a_name_gets_one(env: RotationEnv) -> None:
    """It is optional in the secret a person writes."""
    env.onboard(cert_name=None)
    result = env.run()
    assert result["previousCertName"] is None
    assert env.current()["certName"] == result["certName"]


def test_another_kind_of_key_is_made_when_it_is_asked_for(env: RotationEnv) -> None:
    """KeyAlgorithm moves a tenant from one kind of key to another."""
    env.settings["KEY_ALGORITHM"] = "ec384"
    env.onboard(key_algorithm="ec256")
    env.run()
    assert getattr(env.credential().key, "key_size", None) == 384


def test_a_certificate_that_needs_a_moment_is_waited_for(env: RotationEnv) -> None:
    """The service may know a new certificate a few seconds late: that is no failure."""
    env.onboard()
    env.fault("activation-delay", seconds=5)
    assert env.run()["outcome"] == "rotated"
    assert env.accepted()
    assert len(env.refreshes()) == 1


def test_rotation_goes_on_for_years(env: RotationEnv) -> None:
    """Every rotation has to leave behind what the next one needs."""
    env.onboard()
    names = []
    for _ in range(6):
        result = env.run()
        assert result["outcome"] == "rotated"
        assert env.run()["outcome"] == "not_due"
        names.append(result["certName"])
        env.advance(days=61)
    assert len(set(names)) == 6
    assert env.accepted()
    assert [request.status for request in env.refreshes()] == [200] * 6
