"""What a rotation leaves behind when everything works."""

from datetime import datetime, timedelta

import pytest

from simulator.ca import KeyAlgorithm
from tests.support.contract import RESULT
from tests.support.rotation_env import OWN_KEYS, World


@pytest.mark.parametrize("chain", [False, True], ids=["leaf", "chain"])
@pytest.mark.parametrize("key_algorithm", ["rsa2048", "ec256"])
def test_a_due_certificate_is_replaced_by_a_new_one_that_works(
    world: World, key_algorithm: KeyAlgorithm, *, chain: bool
) -> None:
    """This is the job; a chain that lost its intermediate would be refused in the handshake."""
    world.onboard(key_algorithm=key_algorithm, chain=chain)
    if chain:
        world.fault("chain")
    before = world.current()
    assert world.run()["outcome"] == "rotated"
    after = world.current()
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert world.version(world.labels()["AWSPREVIOUS"]) == before
    assert {key for key in after if after[key] != before[key]} == {"cert", "privateKey", "certName"}
    assert after.items() >= OWN_KEYS.items()
    assert type(world.credential().key) is type(world.parse(before).key)
    assert len(world.credential().chain.certificates) == (2 if chain else 1)
    assert world.dependencies().api.accepts(world.credential())


def test_a_rotation_answers_with_the_keys_of_the_contract_and_no_others(world: World) -> None:
    """People's own programs read the result."""
    world.onboard()
    result = world.run()
    new = world.credential()
    assert set(result) == RESULT | {"previousCertName", "deletedCertName"}
    assert result["secretId"] == world.arn
    assert result["certName"] == new.cert_name == world.current()["certName"]
    assert datetime.fromisoformat(result["notAfter"]) == new.chain.not_after
    assert datetime.fromisoformat(result["renewAt"]) == new.chain.not_after - timedelta(days=30)
    assert result["notAfter"].endswith("Z")
    assert result["daysLeft"] in {89, 90}
    assert (result["attemptsAvailable"], result["nextAttemptAt"]) == (2, None)
    assert (result["previousCertName"], result["deletedCertName"]) == ("onboarded-1", None)


def test_the_history_tells_a_person_what_happened(world: World) -> None:
    """The ledger is where one looks first when a consumer complains."""
    world.onboard()
    world.run()
    (record,) = world.history()
    assert record["credential"] == world.arn
    assert record["outcome"] == "rotated"
    assert record["cert_name"] == world.current()["certName"]
    assert record["certificate"] == world.current()["cert"]
    assert record["previous_cert_name"] == "onboarded-1"
    assert world.time.now() - datetime.fromisoformat(record["started_at"]) < timedelta(seconds=1)
    assert datetime.fromtimestamp(int(record["expires_at"]), tz=world.time.now().tzinfo) > world.time.now()
    assert world.state().lease is None


def test_a_success_is_told_once(world: World) -> None:
    """Consumers have to reload, so a person wants to know; knowing it twice would be noise."""
    world.onboard()
    world.run()
    world.run()
    (email,) = world.emails()
    assert email.code == "rotated"
    assert email.subject.isascii()
    assert "[Device-ID] INFO: rotated" in email.subject
    assert str(world.current()["certName"]) in email.body
    assert email.attributes["secret"] == world.arn


def test_a_success_is_not_told_to_people_who_do_not_want_to_hear_of_it(world: World) -> None:
    """Many tenants make many emails."""
    world.settings["NOTIFY_ON_SUCCESS"] = "false"
    world.onboard()
    assert world.run()["outcome"] == "rotated"
    assert world.emails() == []


def test_a_credential_without_a_name_gets_one(world: World) -> None:
    """It is optional in the secret a person writes."""
    world.onboard(cert_name=None)
    result = world.run()
    assert result["previousCertName"] is None
    assert world.current()["certName"] == result["certName"]


def test_another_kind_of_key_is_made_when_it_is_asked_for(world: World) -> None:
    """KeyAlgorithm moves a tenant from one kind of key to another."""
    world.settings["KEY_ALGORITHM"] = "ec384"
    world.onboard(key_algorithm="ec256")
    world.run()
    assert getattr(world.credential().key, "key_size", None) == 384


def test_a_certificate_that_needs_a_moment_is_waited_for(world: World) -> None:
    """The service may know a new certificate a few seconds late: that is no failure."""
    world.onboard()
    world.fault("activation-delay", seconds=5)
    assert world.run()["outcome"] == "rotated"
    assert world.accepted()
    assert len(world.refreshes()) == 1


def test_rotation_goes_on_for_years(world: World) -> None:
    """Every rotation has to leave behind what the next one needs."""
    world.onboard()
    names = []
    for _ in range(6):
        result = world.run()
        assert result["outcome"] == "rotated"
        assert world.run()["outcome"] == "not_due"
        names.append(result["certName"])
        world.advance(days=61)
    assert len(set(names)) == 6
    assert world.accepted()
    assert [request.status for request in world.refreshes()] == [200] * 6
