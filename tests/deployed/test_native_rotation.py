"""Secrets Manager's own rotation of what is deployed, under the real Lambda runtime; `deployed_rotation` plays AWS.

Every exchange of every step is tried in `tests/integration/test_native_rotation.py`, in-process. Here are what may
come between two steps, and SIGKILL inside of them.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from dev.built_function import built_function
from dev.emulator import emulated
from dev.stack import Stack
from tests.support.aws_proxy import AwsProxy
from tests.support.deployed_customer import OWN_KEYS, Customer
from tests.support.deployed_rotation import DeployedRotation, RefusedError
from tests.support.emulation import EmulatedStack
from tests.support.invariants import TALLY
from tests.support.native_rotation import STEPS
from tests.support.process_kill import AtAws, AtTheService, Place, run_until_killed

YOUNG = timedelta(days=1)


@pytest.fixture(scope="module")
def watched(stack: Stack, emulator_settings: dict[str, str]) -> Iterator[tuple[AwsProxy, Stack]]:
    """The function under the emulator, and all that it says to AWS."""
    with (
        AwsProxy.before(stack) as (aws_proxy, url),
        emulated(
            built_function(), {**emulator_settings, "NATIVE_ROTATION": "true", "AWS_ENDPOINT_URL": url}
        ) as emulator,
    ):
        yield aws_proxy, EmulatedStack.of(stack, emulator)


@pytest.fixture(scope="module")
def aws_proxy(watched: tuple[AwsProxy, Stack]) -> AwsProxy:
    """What stands before AWS."""
    return watched[0]


@pytest.fixture
def invoked(watched: tuple[AwsProxy, Stack]) -> Stack:
    """Here customers' functions run under the emulator."""
    return watched[1]


@pytest.fixture
def young(customer: Customer) -> Customer:
    """Somebody whose certificate is not due: what happens is Secrets Manager's doing."""
    customer.onboard(age=YOUNG)
    return customer


def assert_settled(customer: Customer, *, asked: int) -> None:
    """The schedule has nothing to do, nothing is left over, no request too many left, and AWS could begin anew."""
    assert customer.invoke()["outcome"] == "not_due"
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert not {"lease", "certificate_open_attempt", "certificate_earlier"} & customer.state().keys()
    TALLY.check(8, customer.version("AWSCURRENT")["ports"] == OWN_KEYS["ports"], "a key of the customer's own is gone")
    TALLY.check(1, customer.accepted(), "the service does not accept the credential in use")
    TALLY.check(3, len(customer.refreshes()) == asked, f"{len(customer.refreshes())} requests left")
    DeployedRotation(customer).begin()


@pytest.mark.parametrize("times", [1, 2], ids=["once", "each step twice"])
def test_the_four_steps_rotate_the_certificate(young: Customer, times: int) -> None:
    """The button in the console; Secrets Manager may repeat each step."""
    before = young.version("AWSCURRENT")
    rotation = DeployedRotation(young).begin()
    told = {name: [rotation.step(name) for _ in range(times)] for name in STEPS}
    assert told["createSecret"] == told["setSecret"] == told["testSecret"] == ["staged"] * times
    assert told["finishSecret"] == ["rotated", "not_due"][:times]
    after = young.version("AWSCURRENT")
    assert {name for name in before if after[name] != before[name]} == {"cert", "privateKey", "certName"}
    assert young.labels()["AWSCURRENT"] == rotation.token
    assert [email.attributes["code"] for email in young.emails()] == ["rotated"]
    assert_settled(young, asked=1)


def test_the_lone_test_step_asks_and_changes_nothing(young: Customer) -> None:
    """AWS tries the function so when rotation is switched on, with a token that nobody knows."""
    before = (young.labels(), young.records())
    assert DeployedRotation(young).step("testSecret") == "staged"
    young.fault("unauthorized", at="verdicts:statistics", times=None)
    young.let_a_second_pass()
    assert DeployedRotation(young).step("testSecret") == "Unauthorized"
    assert (young.labels(), young.records(), young.emails()) == (*before, [])
    assert young.refreshes() == []


type Between = Callable[[Customer, AwsProxy, DeployedRotation], DeployedRotation]


def no_reading(customer: Customer, aws_proxy: AwsProxy, rotation: DeployedRotation) -> DeployedRotation:
    """AWS denies the next step what it reads first; Secrets Manager begins anew with the same token."""
    with aws_proxy.refusing("GetItem"):
        assert rotation.run() == "StorageFailure"
    return rotation


def no_promotion(customer: Customer, aws_proxy: AwsProxy, rotation: DeployedRotation) -> DeployedRotation:
    """AWS denies the last step what it is there for."""
    with aws_proxy.refusing("UpdateSecretVersionStage"):
        assert rotation.run() == "StorageFailure"
    return rotation


def no_service(customer: Customer, aws_proxy: AwsProxy, rotation: DeployedRotation) -> DeployedRotation:
    """The service is down while it is asked about the new certificate."""
    customer.fault("unavailable", at="verdicts:statistics", times=None)
    assert rotation.run() == "CertificateNotAccepted"
    customer.simulator.clear_faults()
    return rotation


def edit(customer: Customer, aws_proxy: AwsProxy, rotation: DeployedRotation) -> DeployedRotation:
    """A person changes another key of the secret."""
    customer.put({**customer.version("AWSCURRENT"), "owner": "somebody else"})
    return rotation


def hourly_run(customer: Customer, aws_proxy: AwsProxy, rotation: DeployedRotation) -> DeployedRotation:
    """The schedule fires, and finishes what there is."""
    assert customer.invoke()["outcome"] == "rotated"
    return rotation


def new_token(customer: Customer, aws_proxy: AwsProxy, rotation: DeployedRotation) -> DeployedRotation:
    """Somebody presses the button again: took AWSPENDING off, because AWS refused."""
    another = DeployedRotation(customer)
    with pytest.raises(RefusedError):
        another.begin()
    customer.stack.client("secretsmanager").update_secret_version_stage(
        SecretId=customer.arn, VersionStage="AWSPENDING", RemoveFromVersionId=rotation.token
    )
    return another.begin()


OFTEN = (edit, hourly_run, new_token)
# `make test` plays each of these once; `make soak` after every step, and every kill.
WHOLE = "SOAK" in os.environ
BETWEEN = [
    *(itertools.product(OFTEN, STEPS[:3]) if WHOLE else zip(OFTEN, STEPS[:3], strict=True)),
    *((no_reading, "createSecret"), (no_service, "setSecret"), (no_promotion, "testSecret")),
]


@pytest.mark.parametrize(("between", "after"), BETWEEN, ids=[f"{b.__name__}-{after}" for b, after in BETWEEN])
def test_whatever_comes_between_two_steps_the_rotation_ends_well(
    young: Customer, aws_proxy: AwsProxy, between: Between, after: str
) -> None:
    """With one request in all, and what people changed meanwhile."""
    first = young.version("AWSCURRENT")
    rotation = DeployedRotation(young).begin()
    done = STEPS[: STEPS.index(after) + 1]
    assert [rotation.step(name) for name in done] == ["staged"] * len(done)
    going_on = between(young, aws_proxy, rotation)
    anew = going_on is not rotation or between.__name__.startswith("no_")
    told = [going_on.step(name) for name in (STEPS if anew else STEPS[len(done) :])]
    assert told[-1] == ("not_due" if between is hourly_run else "rotated")
    now = young.version("AWSCURRENT")
    assert now["cert"] != first["cert"]
    assert now["owner"] == ("somebody else" if between is edit else OWN_KEYS["owner"])
    assert "rotated" in {email.attributes["code"] for email in young.emails()}
    assert_settled(young, asked=1)


# Where a run of a step is killed; what Secrets Manager's own repeats then come to; how many requests left in all.
KILLED: dict[str, tuple[str, Place, str, int]] = {
    "create, after the intent": ("createSecret", AtAws("PutSecretValue", 1), "rotated", 1),
    "create, after the charge": ("createSecret", AtAws("TransactWriteItems", 1), "RotationPostponed", 1),
    "create, while the service issues": ("createSecret", AtTheService("cert:refresh"), "RotationPostponed", 2),
    "create, after the journal": ("createSecret", AtAws("TransactWriteItems", 2), "rotated", 1),
    "create, after staging": ("createSecret", AtAws("PutSecretValue", 2), "rotated", 1),
    "test, while the service is probed": ("testSecret", AtTheService("verdicts:statistics"), "rotated", 1),
    "finish, after the claim": ("finishSecret", AtAws("UpdateItem", 1), "rotated", 1),
    "finish, after the promotion": ("finishSecret", AtAws("UpdateSecretVersionStage", 1), "rotated", 1),
    "finish, after the close": ("finishSecret", AtAws("TransactWriteItems", 1), "not_due", 1),
}


IN_HAND = [name for name in KILLED if KILLED[name][2] == "rotated" and "intent" not in name]


@pytest.mark.parametrize("name", KILLED if WHOLE else list(KILLED)[1::3])
def test_a_step_killed_for_real_loses_nothing(young: Customer, aws_proxy: AwsProxy, name: str) -> None:
    """Lambda ends a process so. Secrets Manager repeats the steps; where it holds, a person decides as everywhere."""
    step, place, expected, asked = KILLED[name]
    rotation = DeployedRotation(young).begin()
    for earlier in STEPS[: STEPS.index(step)]:
        assert rotation.step(earlier) == "staged"
    run_until_killed(young, aws_proxy, place, **rotation.event(step))
    TALLY.check(1, young.accepted(), "the service does not accept the credential in use")
    young.let_the_lease_end()
    assert rotation.run() == expected
    if expected == "RotationPostponed":
        assert young.invoke()["outcome"] == "held"
        assert young.invoke(force=True, allowEviction=True)["outcome"] == "rotated"
    assert "rotated" in {email.attributes["code"] for email in young.emails()}
    assert_settled(young, asked=asked)


@pytest.mark.parametrize("name", IN_HAND if WHOLE else IN_HAND[::3])
def test_the_hourly_run_finishes_what_a_killed_step_left(young: Customer, aws_proxy: AwsProxy, name: str) -> None:
    """Secrets Manager may have given up; the button works again."""
    step, place, _, asked = KILLED[name]
    rotation = DeployedRotation(young).begin()
    for earlier in STEPS[: STEPS.index(step)]:
        assert rotation.step(earlier) == "staged"
    run_until_killed(young, aws_proxy, place, **rotation.event(step))
    young.let_the_lease_end()
    assert young.invoke()["outcome"] == "rotated"
    assert_settled(young, asked=asked)


def test_no_fourth_request_leaves_whoever_asks_and_nobody_is_mailed_of_a_postponed_step(young: Customer) -> None:
    """The limit holds over both ways together; and a failed step is in nobody's way."""
    young.fault("unavailable", times=3)
    assert [DeployedRotation(young).begin().run() for _ in range(2)] == ["ServiceFailure"] * 2
    assert young.fails(force=True).payload["errorType"] == "ServiceFailure"
    assert [email.attributes["code"] for email in young.emails()] == ["ServiceFailure"]
    assert [DeployedRotation(young).begin().run() for _ in range(2)] == ["RotationPostponed"] * 2
    assert young.invoke(force=True)["outcome"] == "rate_limited"
    assert len(young.refreshes()) == 3
    assert young.emails() == []


def test_steps_out_of_order_are_postponed(young: Customer) -> None:
    """There is nothing to put into use before something was made; and AWS may begin anew."""
    assert DeployedRotation(young).begin().step("finishSecret") == "RotationPostponed"
    assert (young.refreshes(), young.emails(), young.history()) == ([], [], [])
    assert DeployedRotation(young).begin().run() == "rotated"
    assert_settled(young, asked=1)
