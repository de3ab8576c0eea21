"""The bundle as `sam build` built it, deployed once to a local AWS, beside a running service."""

import base64
import json
from collections.abc import Callable, Iterator

import pytest

from dev.built_function import built_function
from dev.emulator import Emulator, emulated
from dev.inbox import Inbox
from dev.local_aws import local_aws
from dev.stack import BUILT_TEMPLATE, Stack, deploy
from simulator import Simulator
from tests.support.aws_proxy import AwsProxy
from tests.support.deployed_customer import LIFETIME, PREFIX, Customer
from tests.support.deployed_leaks import hear_of, listen
from tests.support.deployed_programs import Programs
from tests.support.emulation import EmulatedStack, needs_emulator, settings_of


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """The service, with every limit it has."""
    with Simulator.running(issued_lifetime=LIFETIME) as running:
        yield running


@pytest.fixture(scope="session")
def stack(simulator: Simulator) -> Iterator[Stack]:
    """The deployed stack; the local AWS lets the function do only what its role allows."""
    if not BUILT_TEMPLATE.exists():
        pytest.fail("Nothing is built. Run `make build`.")
    listen()
    ca = base64.b64encode(simulator.trusted_ca_pem.encode()).decode()
    with local_aws(enforce_iam=True) as aws:
        given = {"ServiceUrl": simulator.url, "TrustedCaPem": ca, "TenantSecretPrefix": PREFIX}
        deployed = deploy(aws, "device-id-test", given)
        close_to_strangers(deployed)
        yield deployed


def close_to_strangers(stack: Stack) -> None:
    """Give the topic the condition of AWS's default policy; the local AWS leaves it out, and lets anybody publish.

    AWS, SNS, "Give users permissions to publish": by default the owner may; a role of the account needs a permission.
    """
    topics, topic = stack.client("sns"), stack.outputs["AlertTopicArn"]
    policy = json.loads(topics.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    account = topic.split(":")[4]
    for statement in policy["Statement"]:
        if statement["Sid"] == "__default_statement_ID":
            statement["Condition"] = {"StringEquals": {"AWS:SourceOwner": account}}
    topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))


@pytest.fixture(scope="session")
def inbox(stack: Stack) -> Inbox:
    """Who reads the alerts."""
    return Inbox(stack)


@pytest.fixture(scope="session")
def programs(stack: Stack) -> Programs:
    """What listens to the events."""
    return Programs(stack)


@pytest.fixture(scope="module")
def aws_proxy(stack: Stack) -> Iterator[AwsProxy]:
    """All that the function says to AWS, as long as the tests of one file run."""
    with AwsProxy.watching(stack) as watched:
        yield watched


@pytest.fixture(scope="session")
def emulator_settings(stack: Stack) -> dict[str, str]:
    """What the function gets in its environment under the emulator."""
    needs_emulator()
    return settings_of(stack)


@pytest.fixture(scope="session")
def emulator(emulator_settings: dict[str, str]) -> Iterator[Emulator]:
    """One execution environment for all tests, as Lambda keeps one."""
    with emulated(built_function(), emulator_settings) as running:
        yield running


@pytest.fixture
def emulated_stack(stack: Stack, emulator: Emulator) -> Stack:
    """The deployed stack, with its function under the emulator."""
    return EmulatedStack.of(stack, emulator)


@pytest.fixture
def invoked(stack: Stack) -> Stack:
    """What a customer's invocations go to."""
    return stack


@pytest.fixture
def new_customer(
    invoked: Stack, simulator: Simulator, inbox: Inbox, programs: Programs
) -> Iterator[Callable[[], Customer]]:
    """Makes a customer nobody has seen before, who is not onboarded yet; the one made before is gone.

    What is left of each is searched for keys before it goes.
    """
    made: list[Customer] = []

    def make() -> Customer:
        if made:
            hear_of(made[-1])
        made.append(Customer(invoked, simulator, inbox, programs))
        return made[-1]

    yield make
    if made:
        hear_of(made[-1])


@pytest.fixture
def customer(new_customer: Callable[[], Customer]) -> Customer:
    """A customer nobody has seen before; nobody is onboarded yet."""
    return new_customer()
