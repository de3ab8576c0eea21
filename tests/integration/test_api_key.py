"""The API key is renewed on the same flow as the certificate, and neither is in the other's way."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from certificate_rotation.domain.errors import (
    ApiKeyNotAccepted,
    ApiKeyRejected,
    CredentialExpired,
    InvalidCredential,
    OutcomeUnknown,
    RotationError,
    StorageFailure,
)
from tests.support.exchanges import Killed
from tests.support.rotation_env import OWN_KEYS, RotationEnv

pytestmark = pytest.mark.in_memory

YOUNG, DUE = timedelta(days=1), timedelta(days=62)  # ages of a certificate that lives ninety days
SOON = timedelta(days=20)  # to the end of an API key that is due
CERTIFICATE_KEYS = ("cert", "privateKey", "certName")
RENEW = {"force": True, "renew": "apiKey"}


@pytest.fixture
def due(env: RotationEnv) -> RotationEnv:
    """An API key that ends soon, beside a young certificate."""
    env.onboard(age=YOUNG, api_key_left=SOON)
    return env


def state_of_key(env: RotationEnv) -> dict[str, Any]:
    """The raw attributes that the ledger keeps of the API key."""
    state = next(record for record in env.aws.records() if record["record"] == "state")
    return {name: value for name, value in state.items() if name.startswith("api_key_")}


def test_a_key_near_its_end_is_renewed_and_all_else_in_the_secret_stays(due: RotationEnv) -> None:
    """Verdicts stop when it ends, just as with the certificate."""
    before = due.current()
    result = due.run()
    after = due.current()
    assert (result["outcome"], result["renews"]) == ("rotated", "apiKey")
    assert after["apiKey"] != before["apiKey"]
    assert {name: after[name] for name in CERTIFICATE_KEYS} == {name: before[name] for name in CERTIFICATE_KEYS}
    assert after.items() >= OWN_KEYS.items()
    assert result["apiKeyNotAfter"] == after["apiKeyExpiry"]
    assert due.dependencies().api.accepts(due.credential())
    assert result["apiKeyAttemptsAvailable"] == 4
    assert result["attemptsAvailable"] == 3, "the limits are two"
    assert "previousCertName" not in result
    assert set(due.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert state_of_key(due).keys() == {"api_key_attempts", "api_key_last_rotation"}
    assert due.run()["outcome"] == "not_due"
    (mail,) = due.emails()
    assert "API key" in mail.body


@pytest.mark.parametrize(
    "expiry", ["iso-z", "iso-offset", "seconds", "seconds-text", "milliseconds", "milliseconds-text"]
)
def test_each_form_of_the_end_is_read(due: RotationEnv, expiry: Any) -> None:  # noqa: ANN401 - one of the simulator's
    """The vendor does not say what it looks like."""
    due.simulator.token_rules = type(due.simulator.token_rules)(timedelta(days=180), expiry, "name")
    due.run()
    ends = datetime.fromisoformat(due.current()["apiKeyExpiry"])
    assert abs(ends - due.time.now() - timedelta(days=180)) < timedelta(minutes=1)


@pytest.mark.parametrize(("fault", "choice"), [("past-expiry", {}), ("unreadable-expiry", {"form": "object"})])
def test_an_end_that_says_nothing_decides_nothing(due: RotationEnv, fault: str, choice: dict[str, Any]) -> None:
    """It may be a lifetime, or local time: the key is used, and people hear that its end is not known."""
    due.fault(fault, at="token:refresh", **choice)
    assert due.run()["outcome"] == "rotated"
    assert "apiKeyExpiry" not in due.current()
    assert "Nobody knows when" in " ".join(due.emails()[0].body.split())
    assert due.run()["apiKeyNotAfter"] is None


def test_without_an_end_nothing_is_asked_until_somebody_forces_it(env: RotationEnv) -> None:
    """From then on the end is known."""
    env.onboard(age=YOUNG)
    assert env.run()["outcome"] == "not_due"
    assert env.key_refreshes() == []
    assert env.run(**RENEW)["renews"] == "apiKey"
    assert env.run()["apiKeyRenewAt"] is not None


@pytest.mark.parametrize(
    ("fault", "choice"),
    [("empty-token", {}), ("line-break-token", {}), ("same-token", {}), ("long-token", {})],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_that_cannot_be_used_is_rejected_and_held(due: RotationEnv, fault: str, choice: dict[str, Any]) -> None:
    """Another one may delete the one in use."""
    before = due.current()
    due.fault(fault, at="token:refresh", **choice)
    due.fails(ApiKeyRejected)
    due.advance(hours=1)
    held = due.run()
    assert (held["outcome"], held["renews"]) == ("held", "apiKey")
    assert due.current() == before
    assert len(due.key_refreshes()) == 1


def test_a_key_that_needs_a_moment_is_waited_for(due: RotationEnv) -> None:
    """It is staged, and every run asks again without another attempt."""
    due.fault("activation-delay", at="token:refresh", seconds=7200)
    due.fails(ApiKeyNotAccepted)
    assert "API_KEY_STAGED" in due.labels()
    due.advance(hours=3)
    assert due.run()["outcome"] == "rotated"
    assert len(due.key_refreshes()) == 1


def test_a_lost_answer_holds_until_the_end_is_near_and_then_goes_ahead(due: RotationEnv) -> None:
    """A key may have been issued, and another one may delete the one in use."""
    due.fault("drop-after-issuing", at="token:refresh")
    due.fails(OutcomeUnknown)
    held = due.run()
    ends = datetime.fromisoformat(due.current()["apiKeyExpiry"])
    assert datetime.fromisoformat(str(held["until"])) == ends - timedelta(days=7)
    due.time.advance(ends - timedelta(days=6) - due.time.now())
    assert due.run()["outcome"] == "rotated"
    assert len(due.key_refreshes()) == 2


def test_a_hold_without_an_end_is_told_once(env: RotationEnv) -> None:
    """It may last for ever; a new key in the secret, or a person who accepts the eviction, ends it."""
    env.onboard(age=YOUNG)
    env.fault("drop-after-issuing", at="token:refresh")
    env.fails(OutcomeUnknown, **RENEW)
    for _ in range(3):
        env.advance(days=1, hours=1)
        held = env.run()
        assert (held["outcome"], held["until"]) == ("held", None)
    assert env.codes() == ["OutcomeUnknown"]
    assert env.run(**RENEW, allowEviction=True)["outcome"] == "rotated"


def test_a_hold_without_an_end_is_told_though_aws_failed_before_anybody_heard_of_it(env: RotationEnv) -> None:
    """The run that lost the answer was killed, and the next one failed at something else: nobody knows of the hold."""
    env.onboard(age=YOUNG)
    env.aws.exchanges.kill("token:refresh", "after")
    with pytest.raises(Killed):
        env.run(**RENEW)
    env.aws.exchanges.revive()
    env.advance(minutes=4)
    with env.aws.refusing("GetSecretValue", env.labels()["API_KEY_INTENT"]):
        env.fails(StorageFailure)
    for _ in range(2):
        assert env.run()["outcome"] == "held"
    assert env.codes() == ["StorageFailure", "OutcomeUnknown"]


def test_a_key_that_cannot_be_staged_is_safe_in_the_ledger_sealed(due: RotationEnv) -> None:
    """The sealed answer is in the ledger, and its key in the intent's version."""
    with due.aws.refusing("PutSecretValue", "API_KEY_STAGED"):
        said = str(due.fails(StorageFailure))
    assert "safe in the ledger" in said
    stored = str(due.aws.records())
    assert due.run()["outcome"] == "rotated"
    assert due.current()["apiKey"] not in stored
    assert due.current()["apiKey"] not in str(due.aws.records())
    assert len(due.key_refreshes()) == 1


def test_a_key_that_neither_store_takes_is_told_as_lost(due: RotationEnv) -> None:
    """It is nowhere: not even in the log."""
    with due.aws.refusing("PutSecretValue", "API_KEY_STAGED"), due.aws.refusing("TransactWriteItems", '"issued"'):
        said = str(due.fails(StorageFailure))
    assert "lost" in said
    assert due.run()["outcome"] == "held"


def test_both_due_are_renewed_in_two_runs(env: RotationEnv) -> None:
    """At most one half acts per run, and neither waits for the other's limit."""
    env.onboard(age=DUE, api_key_left=SOON)
    first, second = env.run(), env.run()
    assert {first["renews"], second["renews"]} == {"certificate", "apiKey"}
    assert {first["outcome"], second["outcome"]} == {"rotated"}
    assert env.run()["outcome"] == "not_due"
    assert env.dependencies().api.accepts(env.credential())


def test_a_half_that_fails_lets_the_other_have_its_turn(env: RotationEnv) -> None:
    """Whatever is wrong with one of them."""
    env.onboard(age=DUE, api_key_left=SOON)
    env.fault("bad-request", times=None)
    done = []
    for _ in range(2):
        try:
            done.append(env.run()["renews"])
        except RotationError:
            done.append("failed")
    assert sorted(map(str, done)) == ["apiKey", "failed"]


def test_a_certificate_that_waits_survives_a_rotation_of_the_key(env: RotationEnv) -> None:
    """Its staged copy is made anew on the new version."""
    env.onboard(age=DUE, api_key_left=SOON)
    env.fault("activation-delay", seconds=20_000)
    outcomes = set()
    for _ in range(4):
        try:
            outcomes.add(env.run()["renews"])
        except RotationError as error:
            outcomes.add(type(error).__name__)
        env.advance(hours=1)
    assert outcomes == {"apiKey", "CertificateNotAccepted"}
    new_key = env.current()["apiKey"]
    env.advance(hours=10)
    assert env.run()["renews"] == "certificate"
    assert env.current()["apiKey"] == new_key
    assert (len(env.refreshes()), len(env.key_refreshes())) == (1, 1)


def test_a_note_that_cannot_be_read_stops_the_key_alone(env: RotationEnv) -> None:
    """An optional note must not stop a renewal."""
    tenant = env.onboard(age=DUE)
    env.put({**tenant.credential, "apiKeyExpiry": "next summer"})
    assert env.run()["renews"] == "certificate"
    assert "apiKeyExpiry" in str(env.fails(InvalidCredential))
    env.settings["RENEW_API_KEY"] = "false"
    assert env.run()["outcome"] == "not_due"


def test_a_past_note_of_a_key_that_works_is_a_stale_note(env: RotationEnv) -> None:
    """Whether it works is what the service says, not what a date says."""
    tenant = env.onboard(age=YOUNG)
    env.put({**tenant.credential, "apiKeyExpiry": "2020-01-01T00:00:00Z"})
    assert env.run()["renews"] == "apiKey"
    (mail,) = env.emails()
    assert "still accepted" in mail.body
    assert "must reload" not in mail.body
    assert env.aws.announced()[-1].detail["reloadNow"] is False


def test_a_key_that_has_ended_cannot_be_renewed(due: RotationEnv) -> None:
    """The service issues to nobody whom it does not let in: only a person can help, and no attempt is wasted."""
    due.advance(days=21)
    assert "API key" in str(due.fails(CredentialExpired))
    assert due.key_refreshes() == []
    assert due.refreshes() == []


def test_no_sixth_request_leaves_within_half_an_hour(due: RotationEnv) -> None:
    """Five, then two an hour; whatever fails, and whoever forces it."""
    due.fault("unavailable", at="token:refresh", times=None)
    for _ in range(12):
        try:
            result = due.run(**RENEW)
        except RotationError:
            continue
        assert result["outcome"] == "rate_limited"
    assert len(due.key_refreshes()) == 5
    due.advance(minutes=33)
    due.simulator.clear_faults()
    assert due.run()["outcome"] == "rotated"


def test_a_mail_after_a_new_key_is_about_the_key_that_is_in_use_now(env: RotationEnv) -> None:
    """Beside a held certificate, the old key was deleted: consumers must not read that what is in use is refused."""
    tenant = env.onboard(age=DUE, api_key_left=timedelta(days=29))
    env.fault("drop-after-issuing")
    env.fails(OutcomeUnknown)
    env.advance(days=1, hours=1)
    tenant.add_token()
    assert env.run()["renews"] == "apiKey"
    mail = env.emails()[-1]
    assert (mail.code, mail.half) == ("OutcomeUnknown", "certificate")
    assert mail.traffic.startswith("Yes:")


def test_a_failure_after_a_new_key_is_in_use_is_told_of_that_key(due: RotationEnv) -> None:
    """The one it replaced was deleted, and what is asked for the mail is asked of what consumers read now."""
    due.simulator.tenants[-1].add_token()
    with due.aws.refusing("TransactWriteItems", "api_key_last_rotation"):
        due.fails(StorageFailure)
    assert due.emails()[-1].traffic.startswith("Yes:")


def test_what_was_said_before_a_lost_answer_is_not_told_after_it(env: RotationEnv) -> None:
    """A key was issued, nobody knows, and it cost the one in use: an answer from before that is of yesterday."""
    tenant = env.onboard(age=YOUNG)
    env.put({**tenant.credential, "apiKeyExpiry": "2020-01-01T00:00:00Z"})
    tenant.add_token()
    env.settings["WATCH_IN_USE"] = "true"
    env.fault("drop-after-issuing", at="token:refresh")
    env.fails(OutcomeUnknown)
    assert env.emails()[-1].traffic.startswith("No:")


@pytest.mark.parametrize("key_left", [25, 29], ids=["a key", "a certificate"])
def test_what_is_in_use_and_not_told_yet_comes_before_the_other_half(env: RotationEnv, key_left: int) -> None:
    """A run died in between, and consumers may have to reload: that must not wait for another renewal."""
    env.onboard(age=DUE, api_key_left=timedelta(days=key_left))
    env.aws.exchanges.kill("UpdateSecretVersionStage", "after")
    with pytest.raises(Killed):
        env.run()
    env.aws.exchanges.revive()
    env.advance(minutes=5)
    assert env.run()["renews"] == ("apiKey" if key_left < 28 else "certificate")
    assert env.codes() == ["rotated"]
    assert env.run()["outcome"] == "rotated"


def test_a_sealed_answer_that_was_changed_is_never_used(due: RotationEnv) -> None:
    """Whoever may write into the ledger must not choose the key that consumers use."""
    with due.aws.refusing("PutSecretValue", "API_KEY_STAGED"):
        due.fails(StorageFailure)
    before = due.current()
    attempt = state_of_key(due)["api_key_open_attempt"]
    sealed = attempt["answer"]
    due.aws.admin.dynamodb.update_item(
        TableName=due.aws.name,
        Key={"credential": {"S": due.arn}, "record": {"S": "state"}},
        UpdateExpression="SET api_key_open_attempt.answer = :answer",
        ExpressionAttributeValues={
            ":answer": {"S": ("B" if sealed[40] != "B" else "C").join([sealed[:40], sealed[41:]])}
        },
    )
    assert due.run()["outcome"] == "held"
    assert due.current() == before


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", range(2, 16))
def test_a_run_killed_anywhere_is_carried_on(due: RotationEnv, place: int, when: Any) -> None:  # noqa: ANN401 - of kill
    """What is in use works all the time, and no key and no attempt is lost without need."""
    due.aws.exchanges.kill(place, when)
    with pytest.raises(Killed):
        due.run()
    due.aws.exchanges.revive()
    assert due.dependencies().api.accepts(due.credential())
    due.advance(minutes=5)
    outcomes = [due.run()["outcome"] for _ in range(3)]
    lost = "held" in outcomes
    assert outcomes[-1] == ("held" if lost else "not_due")
    assert len(due.key_refreshes()) <= 1
    assert not lost or place in {5, 6, 7}
    assert due.dependencies().api.accepts(due.credential())
