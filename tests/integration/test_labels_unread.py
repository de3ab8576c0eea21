"""A check reads the ledger and what is in use: what only the labels tell, and what is told where AWS refuses them."""

from datetime import timedelta

import pytest

from certificate_rotation.adapters.secret_store import Current
from certificate_rotation.domain.decision import Command
from certificate_rotation.domain.errors import InvalidCredential, InvalidSettings, StorageFailure, Unauthorized
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.rotation import rotate
from tests.support.exchanges import Killed
from tests.support.lambda_invoker import cold_start, invoke
from tests.support.native_rotation import NativeRotation, step
from tests.support.outside import ends
from tests.support.rotation_env import TIMEOUT, RotationEnv

pytestmark = pytest.mark.in_memory
YOUNG, DUE = timedelta(days=1), timedelta(days=62)
FORGET = (
    4  # the exchange in which a check forgets a token: after ledger, what is in use, labels and AWSPENDING's version
)


@pytest.fixture
def native(env: RotationEnv) -> RotationEnv:
    """A stack with NativeRotationDays."""
    env.onboard(age=YOUNG)
    env.settings["NATIVE_ROTATION"] = "true"
    return env


def test_awspending_of_a_rotation_that_never_reached_us_is_taken_off(native: RotationEnv) -> None:
    """Lambda was throttled: nothing of ours knows of it, and Secrets Manager would refuse every later rotation."""
    NativeRotation(native).begin()
    assert native.run()["outcome"] == "not_due"
    NativeRotation(native).begin()


def test_awspending_of_a_rotation_that_met_bad_settings_is_taken_off(
    native: RotationEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The likeliest way: nothing can be done about a credential until the settings are mended."""
    rotation = NativeRotation(native).begin()
    with monkeypatch.context() as broken:
        broken.setitem(native.settings, "SERVICE_URL", "nonsense")
        with cold_start(native, monkeypatch), pytest.raises(InvalidSettings):
            invoke({"SecretId": native.arn, **step("createSecret", rotation.token)})
    assert native.run()["outcome"] == "not_due"
    NativeRotation(native).begin()


def test_a_rotation_that_begins_meanwhile_stays_noted(env: RotationEnv) -> None:
    """What an hourly run has seen to the end is the one before it."""
    env.onboard(age=YOUNG)
    first, second = NativeRotation(env).begin(), NativeRotation(env)
    env.aws.exchanges.kill("GetSecretValue", "before")
    with pytest.raises(Killed):
        first.step("createSecret")
    env.aws.exchanges.revive()
    ledger = env.dependencies(env.aws.admin).ledger
    env.aws.exchanges.meanwhile(FORGET, lambda: ledger.note_token(env.arn, second.token))
    assert env.run()["outcome"] == "not_due"
    assert ledger.load(env.arn).rotation_token == second.token


def test_a_read_that_lags_for_a_second_is_read_again(env: RotationEnv) -> None:
    """AWS answers from a moment ago after somebody's edit: no reason to alarm anybody."""
    env.onboard(age=DUE)
    before = env.labels()["AWSCURRENT"]
    env.put({**env.current(), "owner": "edit"})
    until, dependencies = env.time.now() + timedelta(seconds=1), env.dependencies()
    read = dependencies.secrets.current

    def lagging(arn: str) -> Current:
        now = read(arn)
        if env.time.now() < until:
            return Current(now.arn, before, now.labels, env.versions()[before])
        return now

    dependencies.secrets.current = lagging  # type: ignore[method-assign]  # the service's own delay, in its place
    assert env.run_with(dependencies, {})["outcome"] == "rotated"


@pytest.mark.parametrize("value", [None, b"binary", "undecryptable"], ids=["empty", "binary", "undecryptable"])
def test_a_secret_given_by_its_name_is_told_of_by_its_arn(env: RotationEnv, value: bytes | str | None) -> None:
    """Programs and filters go by the ARN, and the schedule's runs must not tell the same once more."""
    env.settings["SECRET_ARN"] = "not-this-one"  # noqa: S105 - a name
    if value:
        env.put(value)
    if value == "undecryptable":
        env.aws.failures.set("undecryptable", "GetSecretValue", times=None)
    for named in (env.aws.name, env.arn):
        env.fails(StorageFailure if value == "undecryptable" else InvalidCredential, secretId=named)
    assert [mail.attributes["secret"] for mail in env.emails()] == [env.arn]


def test_an_incident_is_over_only_if_what_it_was_about_works(env: RotationEnv) -> None:
    """A check that does not look at the labels cannot know that they can be looked at again."""
    env.onboard(age=YOUNG)
    with env.aws.refusing("DescribeSecret"):
        assert ends(env, force=True) == "StorageFailure"
        env.advance(hours=1)
        ends(env)
        assert "recovered" not in env.codes()
    env.advance(hours=1)
    ends(env)
    assert env.codes()[-1] == "recovered"


def test_a_refusal_of_the_service_is_told_though_the_labels_cannot_be_read(env: RotationEnv) -> None:
    """They are only asked whether what it refuses is still in use."""
    tenant = env.onboard(age=YOUNG)
    env.settings["WATCH_IN_USE"] = "true"
    tenant.revoke("onboarded-1")
    with env.aws.refusing("DescribeSecret"):
        env.fails(Unauthorized)


def test_the_end_comes_closer_though_the_labels_cannot_be_read(env: RotationEnv) -> None:
    """What is in use was read: each threshold is told, and the alarm about the end has its metric."""
    env.onboard(age=timedelta(days=75))
    now = env.time.now
    with env.aws.refusing("DescribeSecret"):
        for _ in range(14 * 2):
            ends(env)
            env.advance(hours=12)
        deadline = now() + TIMEOUT
        report = rotate(env.dependencies(), Command(), Invocation("run", "owner", deadline, now, env.time.sleep))
    assert sum("days left" in mail.subject for mail in env.emails()) > 3
    assert report.first_end == env.credential().chain.not_after
