"""What one half of a credential must not do to the other, and what a note in the secret must not do to either."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import RefreshRejected, RotationError
from simulator import Simulator
from tests.support.exchanges import Killed
from tests.support.native_rotation import STEPS, NativeRotation
from tests.support.rotation_env import MakeEnv, RotationEnv

pytestmark = pytest.mark.in_memory

YOUNG, DUE, SOON = timedelta(days=1), timedelta(days=62), timedelta(days=20)
RENEW = {"force": True, "renew": "apiKey"}
NOWHERE = "https://127.0.0.1:9"


def attempt(env: RotationEnv, **event: object) -> str:
    """Run, whatever comes of it."""
    try:
        result = env.run(**event)
    except RotationError as error:
        return type(error).__name__
    return f"{result['outcome']}:{result['renews']}"


def without_answers(env: RotationEnv) -> None:
    """Run while the service cannot be reached."""
    url, env.settings["SERVICE_URL"] = env.settings["SERVICE_URL"], NOWHERE
    attempt(env)
    env.settings["SERVICE_URL"] = url


def test_a_note_that_has_passed_replaces_no_key_that_works(env: RotationEnv) -> None:
    """A person stored a new key and left the old note; one outage must not bring a refused key over it."""
    tenant = env.onboard(age=YOUNG, api_key_left=SOON)
    env.fault("unknown-token", at="token:refresh")
    attempt(env)
    env.advance(days=21)
    key = tenant.add_token()[0]
    env.put({**env.current(), "apiKey": key})
    without_answers(env)
    assert env.current()["apiKey"] == key


def test_a_stale_note_and_silence_promote_nothing_that_was_refused(env: RotationEnv) -> None:
    """Neither is an answer."""
    tenant = env.onboard(age=YOUNG)
    env.put({**tenant.credential, "apiKeyExpiry": "2020-01-01T00:00:00Z"})
    env.fault("unknown-token", at="token:refresh")
    attempt(env)
    before = env.current()
    env.advance(minutes=10)
    without_answers(env)
    assert env.current() == before


def test_two_halves_that_wait_are_tried_together_where_both_in_use_are_dead(env: RotationEnv) -> None:
    """Onboarded on one day they end on one day: each new one alone would wait for the other for ever."""
    env.onboard(age=DUE, api_key_left=timedelta(days=28))
    env.fault("activation-delay", seconds=29 * 86_400)
    env.fault("activation-delay", at="token:refresh", seconds=29 * 86_400)
    for _ in range(2):
        attempt(env)
        env.advance(hours=1)
    env.advance(days=30)
    outcomes = [attempt(env) for _ in range(4)]
    assert any(outcome.startswith("rotated") for outcome in outcomes)
    assert env.dependencies().api.accepts(env.credential())
    assert outcomes[-1] == "not_due:None"
    assert (len(env.refreshes()), len(env.key_refreshes())) == (1, 1)


def test_a_person_ends_the_wait_for_a_key_that_never_works(env: RotationEnv) -> None:
    """Nobody knows when the one in use ends, so its last day never comes."""
    env.onboard(age=YOUNG)
    env.fault("unknown-token", at="token:refresh")
    attempt(env, **RENEW)
    env.advance(days=2)
    assert attempt(env, **RENEW, allowEviction=True) == "rotated:apiKey"


def test_a_half_that_ended_is_told_while_the_other_waits(env: RotationEnv) -> None:
    """To be told to ask the vendor about a new key helps nobody whose certificate has ended."""
    env.onboard(age=DUE, api_key_left=timedelta(days=29))
    env.fault("unavailable", times=None)
    env.fault("unknown-token", at="token:refresh", times=None)
    for _ in range(3):
        attempt(env)
        env.advance(hours=1)
    env.advance(days=28)
    attempt(env)
    assert "CredentialExpired" in env.codes()


def test_the_end_of_one_halfs_incident_is_told_while_the_other_fails(env: RotationEnv) -> None:
    """Else it stays open for as long as the other one fails."""
    tenant = env.onboard(age=DUE)
    env.put({**tenant.credential, "apiKeyExpiry": "next summer"})
    env.fault("bad-request", times=None)
    env.fails(RefreshRejected)
    attempt(env)
    assert "InvalidCredential" in env.codes()
    env.put(tenant.credential)
    env.advance(hours=2)
    env.settings["WATCH_IN_USE"] = "true"
    attempt(env)
    assert env.state().api_key.incident is None
    assert env.codes()[-1] == "recovered"


def test_a_past_note_and_silent_probes_keep_no_certificate_from_its_turn(env: RotationEnv) -> None:
    """The note proves nothing, and the certificate ends."""
    tenant = env.onboard(age=DUE)
    env.put({**tenant.credential, "apiKeyExpiry": "2020-01-01T00:00:00Z"})
    env.fault("unavailable", at="verdicts:statistics", times=None)
    attempt(env)
    assert env.refreshes()


def test_a_secret_that_breaks_in_the_middle_of_a_run_is_told_of_as_a_whole(env: RotationEnv) -> None:
    """It is no longer about the half the run began with."""
    env.onboard(age=YOUNG, api_key_left=SOON)
    env.aws.exchanges.meanwhile(3, lambda: env.put("{}"))
    assert attempt(env) == "InvalidCredential"
    assert "API key" not in env.emails()[-1].subject


def test_a_step_tells_of_the_half_it_renewed(make_env: MakeEnv, simulator: Simulator) -> None:
    """Though the other one would be next."""
    env = make_env(simulator)
    env.onboard(age=YOUNG, api_key_left=SOON)
    rotation = NativeRotation(env).begin()
    for name in STEPS[:3]:
        rotation.step(name)
    note = env.current()["apiKeyExpiry"]
    result = rotation.step("finishSecret")
    assert result["notAfter"] == env.credential().chain.not_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert result["apiKeyNotAfter"] == note


@pytest.mark.parametrize("place", range(8))
def test_a_run_takes_awspending_off_a_version_that_holds_nothing(
    make_env: MakeEnv, simulator: Simulator, place: int
) -> None:
    """Secrets Manager's own rotation was cut short there, and would refuse every later one."""
    env = make_env(simulator)
    env.onboard(age=YOUNG)
    rotation = NativeRotation(env).begin()
    env.aws.exchanges.kill(place, "after")
    with pytest.raises(Killed):
        rotation.step("createSecret")
    env.aws.exchanges.revive()
    env.advance(minutes=5)
    for _ in range(2):
        attempt(env)
    NativeRotation(env).begin()


def test_the_last_step_succeeds_while_another_run_closes(make_env: MakeEnv, simulator: Simulator) -> None:
    """What is in use already needs no step."""
    env = make_env(simulator)
    env.onboard(age=YOUNG)
    rotation = NativeRotation(env).begin()
    for name in STEPS[:3]:
        rotation.step(name)
    env.aws.exchanges.kill("UpdateSecretVersionStage", "after")
    with pytest.raises(Killed):
        env.run()
    env.aws.exchanges.revive()
    assert env.labels()["AWSCURRENT"] == rotation.token
    assert rotation.step("finishSecret")["outcome"] == "not_due"


def test_a_binary_value_under_a_token_costs_no_attempt(make_env: MakeEnv, simulator: Simulator) -> None:
    """It is a value, though none of ours."""
    env = make_env(simulator)
    env.onboard(age=YOUNG)
    rotation = NativeRotation(env)
    env.aws.admin.secrets.put_secret_value(
        SecretId=env.arn, ClientRequestToken=rotation.token, SecretBinary=b"x", VersionStages=["AWSPENDING"]
    )
    with pytest.raises(RotationError):
        rotation.step("createSecret")
    assert env.refreshes() == []


def test_the_lone_test_step_tells_nobody_of_a_broken_secret(make_env: MakeEnv, simulator: Simulator) -> None:
    """AWS shows the error to whoever switches rotation on."""
    env = make_env(simulator)
    env.onboard(age=YOUNG)
    env.put("{}")
    with pytest.raises(RotationError):
        NativeRotation(env).step("testSecret")
    assert env.emails() == []


def test_a_step_that_gets_no_answer_says_where_the_certificate_is(make_env: MakeEnv, simulator: Simulator) -> None:
    """An attempt was used, and what it brought is safe."""
    env = make_env(simulator)
    env.onboard(age=YOUNG)
    rotation = NativeRotation(env).begin()
    rotation.step("createSecret")
    env.settings["SERVICE_URL"] = NOWHERE
    with pytest.raises(RotationError, match="safe in the secret"):
        rotation.step("testSecret")
