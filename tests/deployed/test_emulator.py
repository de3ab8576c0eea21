"""The built function and layer under the real Lambda runtime: what it answers, how it fails, what it prints.

The local AWS runs the function in a worker of its own making, which calls every error `Runtime.HandlerError`. Here the
Lambda Runtime Interface Emulator runs the same artefact with the settings of the deployed stack, against the same AWS.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import override

import pytest

from certificate_rotation.errors import (
    CredentialExpired,
    InvalidCredential,
    InvalidEvent,
    InvalidSettings,
    OutcomeUnknown,
    RefreshConflict,
    RefreshRejected,
    RotationError,
    ServiceFailure,
    TooManyRequests,
    Unauthorized,
)
from simulator import Simulator
from simulator.authority import KeyAlgorithm
from tests.deployed.customer import LIFETIME, Customer
from tools.artefact import built_function
from tools.emulator import Emulator, emulated
from tools.inbox import Inbox
from tools.local_aws import ADMIN
from tools.stack import Answer, Stack

CONTRACT = {"outcome", "secretId", "certName", "notAfter", "daysLeft", "renewAt", "attemptsAvailable", "nextAttemptAt"}
KINDS = list(itertools.product(("rsa2048", "ec256"), (False, True)))
_SHORT = 40  # any full line of a private key's body gives it away; shorter lines are no secret


@dataclass(frozen=True)
class EmulatedStack(Stack):
    """The deployed stack; only its function runs elsewhere."""

    emulator: Emulator

    @override
    def invoke(self, event: object) -> Answer:
        return self.emulator.invoke(event)


@pytest.fixture(scope="module")
def settings(stack: Stack) -> dict[str, str]:
    """The environment that the stack gives its function, and where AWS is."""
    name = stack.outputs["FunctionName"]
    deployed = stack.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    aws = {"AWS_ENDPOINT_URL": stack.aws.url, "AWS_ACCESS_KEY_ID": ADMIN, "AWS_SECRET_ACCESS_KEY": ADMIN}
    return {**deployed, **aws}


@pytest.fixture(scope="module")
def emulator(settings: dict[str, str]) -> Iterator[Emulator]:
    """One execution environment for all of these, as Lambda keeps one."""
    with emulated(built_function(), settings) as running:
        yield running


@pytest.fixture
def customer(stack: Stack, simulator: Simulator, inbox: Inbox, emulator: Emulator) -> Customer:
    """A customer nobody has seen before, whose function runs under the emulator."""
    return Customer(EmulatedStack(stack.aws, stack.name, stack.outputs, emulator), simulator, inbox)


@pytest.mark.parametrize(("key_algorithm", "chain"), KINDS, ids=[f"{k}-{'chain' if c else 'leaf'}" for k, c in KINDS])
def test_a_due_certificate_is_rotated_and_the_next_run_has_nothing_to_do(
    customer: Customer, key_algorithm: KeyAlgorithm, *, chain: bool
) -> None:
    """The main job with nothing between it and Lambda but the machine; a second certificate would evict the first."""
    customer.onboard(key_algorithm=key_algorithm, chain=chain)
    if chain:
        customer.fault("chain")
    before = customer.version("AWSCURRENT")

    rotated = customer.invoke()
    assert set(rotated) == CONTRACT | {"previousCertName", "deletedCertName"}
    assert (rotated["outcome"], rotated["previousCertName"]) == ("rotated", "onboarded-1")
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert customer.version("AWSPREVIOUS") == before
    assert customer.version("AWSCURRENT")["certName"] == rotated["certName"]
    assert customer.version("AWSCURRENT")["cert"].count("BEGIN CERTIFICATE") == 1 + chain
    assert customer.accepted()

    second = customer.invoke()
    assert set(second) == CONTRACT
    assert (second["outcome"], second["certName"]) == ("not_due", rotated["certName"])
    assert len(customer.refreshes()) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("bad-request", RefreshRejected),
        ("unauthorized", Unauthorized),
        ("conflict", RefreshConflict),
        ("too-many-requests", TooManyRequests),
        ("unavailable", ServiceFailure),
        ("malformed-json", OutcomeUnknown),
    ],
)
def test_a_failing_service_is_reported_under_its_name(
    customer: Customer, fault: str, error: type[RotationError]
) -> None:
    """People and programs match on the errorType that Lambda shows, so it is part of the contract."""
    customer.onboard()
    customer.fault(fault)
    _assert_error(customer.fails(), error)
    assert customer.accepted()


def test_a_typing_mistake_in_the_event_is_reported_under_its_name(customer: Customer) -> None:
    """`dryrun` read as nothing would rotate, which is what its author wanted to avoid."""
    customer.onboard()
    _assert_error(customer.fails(dryrun=True), InvalidEvent)
    assert customer.refreshes() == []


def test_an_unusable_secret_is_reported_under_its_name(customer: Customer) -> None:
    """The fault is ours, so the name must not point at the service."""
    customer.put("not json")
    _assert_error(customer.fails(), InvalidCredential)
    assert customer.refreshes() == []


def test_an_expired_certificate_is_reported_under_its_name(customer: Customer) -> None:
    """It is the one failure that waiting never mends."""
    customer.onboard(age=LIFETIME + timedelta(days=1))
    _assert_error(customer.fails(), CredentialExpired)
    assert customer.refreshes() == []


def test_unusable_settings_are_reported_under_their_name_by_a_cold_start(settings: dict[str, str]) -> None:
    """Lambda calls whatever fails before the handler runs `Runtime.something`, and people could not match on that."""
    with emulated(built_function(), {**settings, "CRITICAL_DAYS": "soon"}) as started:
        _assert_error(started.invoke({}), InvalidSettings)


def test_nothing_the_function_prints_holds_a_secret(customer: Customer, emulator: Emulator) -> None:
    """Its log goes to whoever may read logs; this looks at all that every test here made it print."""
    tenant = customer.onboard(key_algorithm="rsa2048")
    unreadable = tenant.credential["privateKey"].replace("A", "B")
    customer.put({**tenant.credential, "privateKey": unreadable})
    customer.fails()
    customer.put(tenant.credential)
    customer.invoke(dryRun=True)
    cert_name = customer.invoke()["certName"]
    secrets = {unreadable, customer.version("AWSCURRENT")["privateKey"]}
    for known in customer.simulator.tenants:
        secrets |= {known.credential["apiKey"], known.credential["privateKey"]}
    told = emulator.log.replace("\\n", "\n")
    assert cert_name in told, "what is no secret is found, so a secret would be"
    assert {line for secret in secrets for line in secret.splitlines() if len(line) > _SHORT and line in told} == set()


def _assert_error(answer: Answer, error: type[RotationError]) -> None:
    assert answer.payload["errorType"] == error.__name__
    assert answer.payload["errorMessage"]
