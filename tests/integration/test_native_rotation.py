"""Secrets Manager's own rotation: the button *Rotate secret immediately* does what every run of ours does."""

from datetime import timedelta
from typing import Any

import pytest

from certificate_rotation.domain.errors import (
    CertificateNotAccepted,
    InvalidEvent,
    RotationError,
    RotationPostponed,
    ServiceFailure,
)
from simulator import Simulator
from tests.support.exchanges import Killed
from tests.support.native_rotation import STEPS, NativeRotation
from tests.support.rotation_env import OWN_KEYS, MakeEnv, RotationEnv

pytestmark = pytest.mark.in_memory

YOUNG, DUE, SOON = timedelta(days=1), timedelta(days=62), timedelta(days=20)


@pytest.fixture
def env(make_env: MakeEnv, simulator: Simulator) -> RotationEnv:
    """A young certificate, on AWS as it is: `RotateSecret` of moto does not invoke functions of ours."""
    env = make_env(simulator)
    env.onboard(age=YOUNG)
    return env


def settled(env: RotationEnv) -> None:
    """Nothing is left over, and the next rotation can begin."""
    assert env.run()["outcome"] == "not_due"
    assert set(env.labels()) <= {"AWSCURRENT", "AWSPREVIOUS"}
    assert env.tidy()
    assert env.accepted()
    NativeRotation(env).begin()


@pytest.mark.parametrize("times", [1, 2], ids=["once", "each step twice"])
def test_the_four_steps_rotate_the_certificate(env: RotationEnv, times: int) -> None:
    """Secrets Manager may repeat each of them."""
    before = env.current()
    rotation = NativeRotation(env).begin()
    *earlier, last = rotation.run(times)
    assert set(earlier) <= {"staged", "rotated"}
    assert last == ("rotated" if times == 1 else "not_due")
    after = env.current()
    assert after["cert"] != before["cert"]
    assert after.items() >= {**OWN_KEYS, "apiKey": before["apiKey"]}.items()
    assert env.labels()["AWSCURRENT"] == rotation.token
    assert len(env.refreshes()) == 1
    settled(env)


@pytest.mark.parametrize("spelling", ["create_secret", "set_secret", "test_secret", "finish_secret"])
def test_both_spellings_of_a_step_are_known(env: RotationEnv, spelling: str) -> None:
    """AWS's guide writes them in two ways."""
    rotation = NativeRotation(env).begin()
    for name in ("create_secret", "set_secret", "test_secret", "finish_secret"):
        result = rotation.step(name)
        if name == spelling:
            assert result["outcome"] == ("rotated" if name == "finish_secret" else "staged")
            return


def test_the_lone_test_step_asks_and_changes_nothing(env: RotationEnv) -> None:
    """AWS tries the function so when rotation is switched on."""
    before = env.stored_and_sent()
    assert NativeRotation(env).step("testSecret")["outcome"] == "staged"
    env.fault("unavailable", at="verdicts:statistics", times=None)
    with pytest.raises(ServiceFailure):
        NativeRotation(env).step("testSecret")
    assert env.stored_and_sent() == before


def test_steps_out_of_order_are_postponed_and_nobody_is_told(env: RotationEnv) -> None:
    """There is nothing to put into use before something was made."""
    rotation = NativeRotation(env).begin()
    with pytest.raises(RotationPostponed):
        rotation.step("finishSecret")
    assert env.emails() == []
    assert env.refreshes() == []
    NativeRotation(env).begin()  # AWSPENDING is in nobody's way


@pytest.mark.parametrize("made", [[], ["createSecret"], ["createSecret", "setSecret", "testSecret"]], ids=len)
def test_a_new_token_takes_over_what_an_older_one_left(env: RotationEnv, made: list[str]) -> None:
    """After failures Secrets Manager begins anew, and the certificate that is there already is used."""
    rotation = NativeRotation(env).begin()
    for name in made:
        rotation.step(name)
    env.aws.begin_rotation(rotation.token)
    if made:  # AWS refuses another one while AWSPENDING is on the older token's version: somebody took it off
        env.aws.admin.secrets.update_secret_version_stage(
            SecretId=env.arn, VersionStage="AWSPENDING", RemoveFromVersionId=rotation.token
        )
        another = NativeRotation(env).begin()
    else:
        another = rotation
    assert another.run()[-1] == "rotated"
    assert env.labels()["AWSCURRENT"] == another.token
    assert len(env.refreshes()) == 1
    settled(env)


def test_a_token_that_holds_another_value_is_postponed_before_anything_is_asked(env: RotationEnv) -> None:
    """A version never changes; left under AWSPENDING, it would have AWS refuse every later rotation."""
    rotation = NativeRotation(env)
    env.aws.admin.secrets.put_secret_value(
        SecretId=env.arn, ClientRequestToken=rotation.token, SecretString='{"a": 1}', VersionStages=["AWSPENDING"]
    )
    with pytest.raises(RotationPostponed):
        rotation.begin().step("createSecret")
    assert env.refreshes() == []
    assert env.emails() == []
    NativeRotation(env).begin()


def test_a_hold_and_a_limit_postpone(env: RotationEnv) -> None:
    """The two limits, and the grace of consumers, hold over both ways."""
    assert env.run(force=True)["outcome"] == "rotated"
    with pytest.raises(RotationPostponed, match="Consumers may still hold"):
        NativeRotation(env).begin().step("createSecret")
    env.settings["CUTOVER_GRACE_HOURS"] = "0"
    for _ in range(2):
        assert env.run(force=True)["outcome"] == "rotated"
    mails = len(env.emails())
    with pytest.raises(RotationPostponed, match="limit"):
        NativeRotation(env).begin().step("createSecret")
    assert len(env.refreshes()) == 3
    assert len(env.emails()) == mails
    NativeRotation(env).begin()


def test_a_failure_has_its_name_and_lets_the_next_rotation_begin(env: RotationEnv) -> None:
    """Secrets Manager shows it, and people are told as of every run."""
    env.fault("unavailable")
    with pytest.raises(ServiceFailure):
        NativeRotation(env).begin().step("createSecret")
    assert env.codes() == ["ServiceFailure"]
    assert NativeRotation(env).begin().run()[-1] == "rotated"
    settled(env)


def test_only_what_the_service_accepts_is_put_into_use(env: RotationEnv) -> None:
    """The hourly run goes on with what Secrets Manager gave up."""
    before = env.current()
    env.fault("activation-delay", seconds=7200)
    rotation = NativeRotation(env).begin()
    rotation.step("createSecret")
    for name in ("testSecret", "finishSecret"):
        with pytest.raises(CertificateNotAccepted):
            rotation.step(name)
    assert env.current() == before
    env.advance(hours=3)
    assert env.run()["outcome"] == "rotated"
    assert len(env.refreshes()) == 1
    settled(env)


@pytest.mark.parametrize("after", ["createSecret", "testSecret"])
def test_the_hourly_run_finishes_what_secrets_manager_began_and_the_other_way_round(
    env: RotationEnv, after: str
) -> None:
    """Both ways may be on at once."""
    rotation = NativeRotation(env).begin()
    for name in STEPS[: STEPS.index(after) + 1]:
        rotation.step(name)
    assert env.run()["outcome"] == "rotated"
    assert rotation.step("finishSecret")["outcome"] == "not_due", "what is in use already needs no step"
    settled(env)


@pytest.mark.parametrize("after", STEPS[:3])
def test_an_edit_in_between_survives(env: RotationEnv, after: str) -> None:
    """The copy is made anew on what is in use then, under an id of ours, and AWSPENDING leaves the token."""
    rotation = NativeRotation(env).begin()
    for name in STEPS[: STEPS.index(after) + 1]:
        rotation.step(name)
    env.put({**env.current(), "owner": "somebody else"})
    for name in STEPS[STEPS.index(after) + 1 :]:
        rotation.step(name)
    assert env.current()["owner"] == "somebody else"
    assert len(env.refreshes()) == 1
    settled(env)


def test_a_rotation_of_the_key_in_between_survives(make_env: MakeEnv, simulator: Simulator) -> None:
    """The other half is renewed by the schedule all the while."""
    env = make_env(simulator)
    env.onboard(age=YOUNG, api_key_left=SOON)
    env.fault("activation-delay", seconds=600)
    rotation = NativeRotation(env).begin()
    rotation.step("createSecret")
    done = [env.run() for _ in range(1)]
    assert [one["renews"] for one in done] == ["apiKey"]
    env.advance(hours=1)
    assert rotation.step("finishSecret")["outcome"] == "rotated"
    settled(env)


def test_a_busy_lease_postpones(env: RotationEnv) -> None:
    """Another run is at work."""
    rotation = NativeRotation(env).begin()
    env.aws.exchanges.kill("TransactWriteItems", "before")
    with pytest.raises(Killed):
        rotation.step("createSecret")
    env.aws.exchanges.revive()
    with pytest.raises(RotationPostponed, match="at work"):
        rotation.step("createSecret")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_steps_killed_anywhere_are_carried_on(
    make_env: MakeEnv,
    simulator: Simulator,
    step: str,
    when: Any,  # noqa: ANN401 - of kill
) -> None:
    """By Secrets Manager's repeats, or by the schedule: with no request more than the first."""
    place = 0
    while True:
        env = make_env(simulator)
        env.onboard(age=YOUNG, name=f"{env.aws.name}")
        asked = len(env.refreshes())
        rotation = NativeRotation(env).begin()
        for name in STEPS[: STEPS.index(step)]:
            rotation.step(name)
        env.aws.exchanges.kill(place, when)
        try:
            rotation.step(step)
        except Killed:
            pass
        else:
            break
        env.aws.exchanges.revive()
        assert env.accepted()
        env.advance(minutes=5)
        for name in STEPS:
            try:
                rotation.step(name)
            except RotationPostponed:
                continue
        env.advance(minutes=5)
        outcome = env.run()["outcome"]
        assert outcome in {"not_due", "rotated", "held"}
        assert len(env.refreshes()) - asked <= 1
        if outcome != "held":
            settled(env)
        place += 1
    assert place > 3


def test_no_key_of_ours_stands_beside_a_step(env: RotationEnv) -> None:
    """Nobody could say which of the two is meant."""
    for more in ({"force": True}, {"secretId": env.arn}, {"renew": "apiKey"}):
        sent = {"Step": "createSecret", "SecretId": env.arn, "ClientRequestToken": "x" * 32}
        with pytest.raises(InvalidEvent):
            env.run(**sent, **more)
    with pytest.raises(InvalidEvent):
        env.run(Step="explodeSecret", SecretId=env.arn, ClientRequestToken="x" * 32)
    with pytest.raises(RotationError):
        env.run(Step="createSecret", SecretId=env.arn, ClientRequestToken="short")
