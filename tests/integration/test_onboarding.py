"""The onboarding commands against the stricter Secrets Manager: what they write, and what they leave alone."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import override

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import CertificateNotAccepted, CertificateRejected, StorageFailure
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import Lease
from certificate_rotation.domain.times import utc_text
from certificate_rotation.domain.x509 import load_chain, load_private_key
from certificate_rotation.settings import Settings
from cli.errors import UserError
from cli.offer import Offer
from cli.options import when_it_ends
from cli.recover import Place, Wanted, recover
from cli.recover_api_key import recover_api_key
from cli.service import Service
from cli.store import Allowed, store
from cli.target import Target
from simulator import Tenant
from simulator.ca import key_pem, new_key
from tests.support.order_of_writes import ISSUED
from tests.support.rotation_env import OWN_KEYS, RotationEnv

pytestmark = pytest.mark.makes_key_files  # they are what a person brings, or gets


YOUNG = timedelta(days=1)
STRICT, REPLACING = Allowed(), Allowed(replace=True)
CN = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sensor.example.com")])


class Person:
    """Somebody who runs the commands; what these print is searched for secrets with all the rest."""

    def __init__(self, env: RotationEnv, capsys: pytest.CaptureFixture[str]) -> None:
        self.env, self._capsys = env, capsys
        self.service = Service(Settings.from_env(env.settings), sleep=lambda _: None)

    @property
    def target(self) -> Target:
        """The only credential there is."""
        return Target(self.env.arn, "the stack's own", own=True)

    def store(self, tenant: Tenant, allowed: Allowed = STRICT, *, ask: bool = True, **changes: str) -> str:
        """Store what onboarding gave out; what the command printed."""
        given = {**tenant.credential, **changes}
        offer = Offer(
            load_chain(given["cert"]),
            load_private_key(given["privateKey"]),
            given["apiKey"],
            given.get("certName"),
            when_it_ends(given.get("apiKeyExpiry", "")),
        )
        secrets, service = self.env.aws.clients().secrets, self.service if ask else None
        return self._said(lambda: store(secrets, self.target, offer, service, allowed=allowed, now=self.env.time.now()))

    def recover(self, file: Path | None = None, cert_name: str | None = None, *, other_subject: bool = False) -> str:
        """Bring a certificate back; what the command printed."""
        clients = self.env.aws.clients()
        place = Place(clients.secrets, clients.dynamodb, self.target, self.env.aws.name)
        wanted = Wanted(file, cert_name, other_subject)
        return self._said(lambda: recover(place, wanted, self.service, self.env.time.now()))

    def recover_api_key(self) -> str:
        """Bring an API key back; what the command printed."""
        clients = self.env.aws.clients()
        place = Place(clients.secrets, clients.dynamodb, self.target, self.env.aws.name)
        return self._said(lambda: recover_api_key(place, self.service, self.env.time.now()))

    def _said(self, command: Callable[[], None]) -> str:
        try:
            command()
        except Exception as error:
            self.env.said.append(str(error))
            raise
        finally:
            self.env.said.append(self._capsys.readouterr().out)
        return self.env.said[-1]


class Meanwhile(Service):
    """The service, and somebody who acts while it is asked."""

    def __init__(self, env: RotationEnv, action: Callable[[], object]) -> None:
        super().__init__(Settings.from_env(env.settings), sleep=lambda _: None)
        self._action = action

    @override
    def accepts(self, credential: Credential) -> bool:
        self._action()
        return super().accepts(credential)


@pytest.fixture
def person(env: RotationEnv, capsys: pytest.CaptureFixture[str]) -> Person:
    """At a terminal, with the rights of an administrator."""
    return Person(env, capsys)


def signed_up(env: RotationEnv, age: timedelta = timedelta(days=80), name: str = "") -> Tenant:
    """A customer whose credential is in no secret yet; all have the subject that their common sensor has."""
    return env.simulator.onboard(
        name or env.aws.name, key_algorithm="ec256", age=age, lifetime=timedelta(days=90), subject=CN
    )


def onboarded(env: RotationEnv) -> Tenant:
    """A customer whose credential is in the secret, and young."""
    tenant = signed_up(env, age=YOUNG)
    env.put({**tenant.credential, **OWN_KEYS})
    return tenant


def test_the_first_credential_goes_into_an_empty_secret_and_is_rotated(env: RotationEnv, person: Person) -> None:
    """CloudFormation makes a secret without any version."""
    assert env.labels() == {}
    tenant = signed_up(env)
    assert "stored and in use" in person.store(tenant)
    assert env.current() == tenant.credential
    assert env.run()["outcome"] == "rotated"


def test_a_working_credential_is_replaced_only_when_told_so(env: RotationEnv, person: Person) -> None:
    """Consumers hold it."""
    onboarded(env)
    env.put({**env.current(), "apiKeyExpiry": "2031-01-01"})
    before, labels = env.current(), env.labels()
    other = signed_up(env, age=YOUNG, name=f"{env.aws.name}-2")
    with pytest.raises(UserError, match=r"works in the secret .* \(the stack's own\): .* onboarded-1.*--replace"):
        person.store(other)
    assert (env.current(), env.labels()) == (before, labels)

    said = person.store(other, REPLACING)
    assert "apiKeyExpiry in the secret was that of the API key before, and was dropped." in said
    assert "Nobody renews an API key whose end nobody knows." in said
    assert env.current() == {**OWN_KEYS, **other.credential}
    assert env.version(env.labels()["AWSPREVIOUS"]) == before
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.run()["outcome"] == "not_due"


def test_a_credential_the_service_refuses_is_replaced_unasked(env: RotationEnv, person: Person) -> None:
    """This is the day somebody deleted the certificate, and nobody should have to look up an option."""
    onboarded(env).revoke("onboarded-1")
    other = signed_up(env, age=YOUNG, name=f"{env.aws.name}-2")
    person.store(other, apiKeyExpiry="2032-01-01")
    assert env.current() == {**OWN_KEYS, **other.credential, "apiKeyExpiry": "2032-01-01T00:00:00Z"}


def test_the_end_of_the_key_in_use_can_be_noted_at_any_time(env: RotationEnv, person: Person) -> None:
    """Consumers notice nothing of a note, so nobody has to say that they may reload; from then on it is renewed."""
    tenant = onboarded(env)
    ends = utc_text(env.time.now() + timedelta(days=20))
    said = person.store(tenant, apiKeyExpiry=ends)
    assert f"API key        ends {ends}, 19 days left" in said
    assert "Nobody renews" not in said
    result = env.run()
    assert (result["outcome"], result["renews"]) == ("rotated", "apiKey")


def test_an_end_that_has_passed_is_stored_and_remarked_upon(env: RotationEnv, person: Person) -> None:
    """The service accepts the key, so the note is stale, or somebody mistyped a year."""
    tenant = signed_up(env, age=YOUNG)
    assert "By its note the API key has ended. The next run renews it" in person.store(
        tenant, apiKeyExpiry="2020-01-01"
    )
    assert env.run()["renews"] == "apiKey"


def test_what_the_service_refuses_is_not_stored(env: RotationEnv, person: Person) -> None:
    """An API key of another customer parses as well as any."""
    tenant = signed_up(env)
    with pytest.raises(UserError, match="does not accept this certificate with this API key"):
        person.store(tenant, apiKey="another-customers-key")
    assert env.labels() == {}
    person.store(tenant, apiKey="another-customers-key", ask=False)
    assert env.current()["apiKey"] == "another-customers-key"


def test_a_certificate_of_another_subject_is_stored_only_when_told_so(env: RotationEnv, person: Person) -> None:
    """The service accepts another tenant's credential too: `--replace` alone would write it over this one."""
    onboarded(env)
    before, labels = env.current(), env.labels()
    other = env.simulator.onboard("another-tenant", key_algorithm="ec256", age=YOUNG, lifetime=timedelta(days=90))
    with pytest.raises(UserError, match=r"of CN=another-tenant, .* of CN=sensor\.example\.com.*--other-subject"):
        person.store(other, REPLACING)
    assert (env.current(), env.labels()) == (before, labels)
    person.store(other, Allowed(replace=True, other_subject=True))
    assert env.current() == {**OWN_KEYS, **other.credential}


def test_another_tenants_certificate_is_not_recovered_here(env: RotationEnv, person: Person, tmp_path: Path) -> None:
    """It is good where it belongs; nobody may be told that it is of no use, or to onboard again for it."""
    onboarded(env)
    other = env.simulator.onboard("another-tenant", key_algorithm="ec256", age=YOUNG, lifetime=timedelta(days=90))
    file = tmp_path / "from-the-log"
    file.write_text(other.credential["cert"])
    before = env.current()
    with pytest.raises(UserError, match=r"of CN=another-tenant, .*the right credential") as caught:
        person.recover(file)
    assert "onboard again" not in str(caught.value)
    with pytest.raises(UserError, match=r"holds the key .*If it is another credential's, name that"):
        person.recover(file, other_subject=True)
    assert (env.current(), env.state().lease) == (before, None)


def test_storing_the_same_again_writes_nothing(env: RotationEnv, person: Person) -> None:
    """A person who is not sure runs it twice."""
    tenant = signed_up(env)
    person.store(tenant)
    before = env.versions()
    assert "holds exactly this already" in person.store(tenant)
    assert env.versions() == before


def test_somebody_who_stores_at_the_same_moment_is_not_overwritten(env: RotationEnv, person: Person) -> None:
    """As little as by a rotation: AWSCURRENT moves only from the version that was looked at."""
    onboarded(env).revoke("onboarded-1")
    theirs = {"theirs": True}
    person.service = Meanwhile(env, lambda: env.put(theirs))
    with pytest.raises(UserError, match="theirs was left in place"):
        person.store(signed_up(env, name=f"{env.aws.name}-2"))
    assert env.current() == theirs
    assert "ONBOARDING" not in env.labels()


def test_what_is_no_json_object_is_replaced_and_told(env: RotationEnv, person: Person) -> None:
    """It may be somebody's notes."""
    env.put("apiKey=1")
    assert "not a JSON object. It is still there as AWSPREVIOUS" in person.store(signed_up(env))


def test_a_rotation_under_way_is_given_up_and_that_is_told(env: RotationEnv, person: Person) -> None:
    """Its certificate belongs to the credential before."""
    env.put({**signed_up(env).credential, **OWN_KEYS})
    env.fault("activation-delay")
    with pytest.raises(Exception, match="does not accept the new certificate"):
        env.run()
    other = signed_up(env, age=YOUNG, name=f"{env.aws.name}-2")
    assert "A rotation of the certificate before was under way" in person.store(other, REPLACING)
    assert env.run()["outcome"] == "not_due"
    assert env.current() == {**OWN_KEYS, **other.credential}
    assert "dropped" in env.codes()


def test_a_service_that_gives_no_answer_is_a_sentence(env: RotationEnv, person: Person) -> None:
    """It may be the person's own network."""
    tenant = signed_up(env)
    person.service = Service(Settings.from_env({**env.settings, "SERVICE_URL": "https://127.0.0.1:1"}), lambda _: None)
    with pytest.raises(UserError, match=r"could not be found out.*Check the network.*--skip-service-check"):
        person.store(tenant)
    assert env.labels() == {}


def stuck_in_the_ledger(env: RotationEnv) -> str:
    """A certificate was issued, and cannot be staged; its name."""
    env.onboard()
    with env.aws.refusing("PutSecretValue", "CERTIFICATE_STAGED"):
        env.fails(StorageFailure)
    (record,) = env.history()
    return str(record["name"])


def assert_rotation_is_closed_by_the_next_run(env: RotationEnv, cert_name: str) -> None:
    """The next run only tidies up and tells, and nothing more is asked of the service."""
    assert env.current()["certName"] == cert_name
    assert OWN_KEYS.items() <= env.current().items()
    assert env.accepted()
    assert env.run()["outcome"] == "rotated"
    assert env.current()["certName"] == cert_name
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.state().certificate.open_attempt is None
    assert env.codes()[-1] == "rotated"
    assert len(env.refreshes()) == 1


def test_a_certificate_in_the_ledger_is_put_into_use(env: RotationEnv, person: Person) -> None:
    """For the day when the function itself cannot."""
    cert_name = stuck_in_the_ledger(env)
    said = person.recover()
    assert f"{cert_name} is in use (AWSCURRENT)" in said
    assert "from the ledger" in said
    assert "The next run of the function closes the rotation" in said
    assert_rotation_is_closed_by_the_next_run(env, cert_name)


def test_a_certificate_copied_from_the_log_is_put_into_use(env: RotationEnv, person: Person, tmp_path: Path) -> None:
    """Neither store took it: with its key, which is in the intent's version, it is whole again."""
    env.onboard()
    with env.aws.refusing("TransactWriteItems", ISSUED), env.aws.refusing("PutSecretValue", "CERTIFICATE_STAGED"):
        env.fails(StorageFailure)
    assert env.run()["outcome"] == "held"
    copied = tmp_path / "from-the-log"
    # CloudWatch shows a line of JSON, so that is what people copy.
    lost = env.simulator.tenant(env.aws.name).certificates[-1]
    copied.write_text(lost.pem.strip().replace("\n", "\\n"))
    assert "from the file" in person.recover(copied)
    assert_rotation_is_closed_by_the_next_run(env, str(env.current()["certName"]))


def test_of_two_that_wait_the_earlier_can_be_put_into_use(env: RotationEnv, person: Person) -> None:
    """In the last day one more was asked for; the rotation is as open as with the later one."""
    tenant = env.onboard(age=timedelta(days=62))
    env.fault("activation-delay", times=None)
    env.fails(CertificateNotAccepted)
    env.time.advance(env.credential().chain.not_after - timedelta(hours=20) - env.time.now())
    env.fails(CertificateNotAccepted)
    earlier = env.state().certificate.earlier
    assert earlier
    tenant.activate(earlier.name)
    said = person.recover(cert_name=earlier.name)
    assert f"{earlier.name} is in use" in said
    assert "The next run of the function closes the rotation" in said
    assert env.run()["outcome"] == "rotated"
    assert env.current()["certName"] == earlier.name
    assert (env.state().certificate.open_attempt, env.state().certificate.earlier) == (None, None)


def test_a_certificate_of_an_earlier_rotation_is_found_in_the_history(env: RotationEnv, person: Person) -> None:
    """Somebody put the credential before back by mistake, which soon ends."""
    env.onboard()
    before = env.current()
    new_name = env.run()["certName"]
    env.put(before)
    said = person.recover()
    assert f"{new_name} is in use" in said
    assert "closes the rotation" not in said
    assert env.current()["certName"] == new_name
    assert env.run()["outcome"] == "not_due"
    assert "is in use already" in person.recover(cert_name=new_name)


def test_a_run_at_work_is_not_disturbed(env: RotationEnv, person: Person) -> None:
    """It may be about to put the same certificate into use."""
    stuck_in_the_ledger(env)
    state, clients = env.state(), env.aws.clients()
    ledger = env.dependencies(clients).ledger
    assert ledger.claim(env.arn, state, Lease("a run", env.time.now() + timedelta(minutes=2)), HalfName.CERTIFICATE)
    before = env.current()
    with pytest.raises(UserError, match="A run of the function is at work on this credential until"):
        person.recover()
    assert env.current() == before
    env.advance(minutes=4)
    assert "is in use" in person.recover()


def test_no_run_begins_while_a_certificate_is_recovered(env: RotationEnv, person: Person) -> None:
    """Two that promote at once would each meet the other's half."""
    stuck_in_the_ledger(env)
    outcomes: list[str] = []
    person.service = Meanwhile(env, lambda: outcomes.append(env.run()["outcome"]))
    person.recover()
    assert outcomes == ["busy"]
    assert env.state().lease is None


def test_a_certificate_the_service_deleted_is_not_put_into_use(env: RotationEnv, person: Person) -> None:
    """It parses, it is valid, and it opens nothing."""
    cert_name = stuck_in_the_ledger(env)
    env.simulator.tenant(env.aws.name).revoke(cert_name)
    before = env.current()
    with pytest.raises(UserError, match=f"does not accept {cert_name}.*AWSCURRENT was left in place"):
        person.recover()
    assert env.current() == before
    assert env.state().lease is None


def test_a_certificate_that_was_rejected_is_rejected_again(env: RotationEnv, person: Person) -> None:
    """It was issued for another key than ours, so there is none in the secret."""
    env.onboard()
    env.fault("other-key")
    env.fails(CertificateRejected)
    with pytest.raises(UserError, match=r"None of the \d+ versions of the secret .* holds the key.*device-id csr"):
        person.recover()


def test_a_file_that_is_no_certificate_is_named(env: RotationEnv, person: Person, tmp_path: Path) -> None:
    """Half of it was copied."""
    env.onboard()
    half = tmp_path / "half"
    half.write_text("-----BEGIN CERTIFICATE-----\nMIIB")
    with pytest.raises(UserError, match="half is not a readable PEM certificate"):
        person.recover(half)
    half.write_text(key_pem(new_key("ec256")))
    with pytest.raises(UserError, match="half is not a readable PEM certificate"):
        person.recover(half)


def test_a_refused_write_says_where_things_stand(env: RotationEnv, person: Person) -> None:
    """The label is left, and the credential is in use all the same."""
    cert_name = stuck_in_the_ledger(env)
    with (
        env.aws.refusing("UpdateSecretVersionStage", "ONBOARDING"),
        pytest.raises(StorageFailure, match=r"is in use \(AWSCURRENT\)"),
    ):
        person.recover()
    assert env.current()["certName"] == cert_name
    assert env.state().lease is None


def key_stuck_in_the_ledger(env: RotationEnv) -> Tenant:
    """An API key was issued, and cannot be staged."""
    tenant = env.onboard(age=YOUNG, api_key_left=timedelta(days=20))
    with env.aws.refusing("PutSecretValue", "API_KEY_STAGED"):
        env.fails(StorageFailure)
    return tenant


def test_an_api_key_in_the_ledger_is_put_into_use(env: RotationEnv, person: Person) -> None:
    """For the day when the function itself cannot; the next run only tidies up and tells."""
    key_stuck_in_the_ledger(env)
    before = env.current()
    said = person.recover_api_key()
    assert "The new API key is in use (AWSCURRENT)." in said
    after = env.current()
    assert {name for name in after if after[name] != before.get(name)} == {"apiKey", "apiKeyExpiry"}
    assert env.accepted()
    assert after["apiKey"] not in said
    result = env.run()
    assert (result["outcome"], result["renews"]) == ("rotated", "apiKey")
    assert env.current() == after
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.state().api_key.open_attempt is None
    assert env.codes()[-1] == "rotated"
    assert len(env.key_refreshes()) == 1
    with pytest.raises(UserError, match=r"No API key of the secret .* is under way"):
        person.recover_api_key()


def test_a_staged_api_key_is_recovered_in_the_version_it_is_staged_in(env: RotationEnv, person: Person) -> None:
    """The version has the same name and content as the one a run would make, so there is nothing to write twice."""
    env.onboard(age=YOUNG, api_key_left=timedelta(days=20))
    with env.aws.refusing("UpdateSecretVersionStage", "AWSCURRENT"):
        env.fails(StorageFailure)
    staged = env.labels()["API_KEY_STAGED"]
    person.recover_api_key()
    assert env.labels()["AWSCURRENT"] == staged
    assert env.run()["outcome"] == "rotated"
    assert set(env.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_an_api_key_whose_answer_reached_no_store_is_not_there(env: RotationEnv, person: Person) -> None:
    """It stands in no log either: what is lost is lost, and nobody searches for it."""
    env.onboard(age=YOUNG, api_key_left=timedelta(days=20))
    with env.aws.refusing("TransactWriteItems", ISSUED), env.aws.refusing("PutSecretValue", "API_KEY_STAGED"):
        env.fails(StorageFailure)
    before = env.current()
    with pytest.raises(UserError, match=r"no answer to it reached the ledger.*AWSCURRENT was left in place"):
        person.recover_api_key()
    assert (env.current(), env.state().lease) == (before, None)


def test_no_run_begins_while_an_api_key_is_recovered(env: RotationEnv, person: Person) -> None:
    """The lease is one for both halves."""
    key_stuck_in_the_ledger(env)
    outcomes: list[str] = []
    person.service = Meanwhile(env, lambda: outcomes.append(env.run()["outcome"]))
    person.recover_api_key()
    assert outcomes == ["busy"]
    assert env.state().lease is None
