"""The built function and layer under the real Lambda runtime: what it answers and what it prints.

The local AWS runs the function in a worker of its own making, which calls every error `Runtime.HandlerError`. Here the
Lambda Runtime Interface Emulator runs the same artefact with the settings of the deployed stack, against the same AWS.
How it fails is in `test_incidents`.
"""

import itertools

import pytest

from dev.built_function import built_function
from dev.emulator import Emulator, emulated
from dev.stack import Stack
from simulator.ca import KeyAlgorithm
from tests.support.contract import RESULT
from tests.support.deployed_customer import Customer

KINDS = list(itertools.product(("rsa2048", "ec256"), (False, True)))
_SHORT = 40  # any full line of a private key's body gives it away; shorter lines are no secret


@pytest.fixture
def invoked(emulated_stack: Stack) -> Stack:
    """Here customers' functions run under the emulator."""
    return emulated_stack


def test_unusable_settings_are_reported_under_their_name_by_a_cold_start(emulator_settings: dict[str, str]) -> None:
    """Lambda calls whatever fails before the handler runs `Runtime.something`, and people could not match on that."""
    with emulated(built_function(), {**emulator_settings, "CRITICAL_DAYS": "soon"}) as started:
        answer = started.invoke({})
    assert answer.payload["errorType"] == "InvalidSettings"
    assert answer.payload["errorMessage"]


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
    assert set(rotated) == RESULT | {"previousCertName", "deletedCertName"}
    assert (rotated["outcome"], rotated["previousCertName"]) == ("rotated", "onboarded-1")
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert customer.version("AWSPREVIOUS") == before
    assert customer.version("AWSCURRENT")["certName"] == rotated["certName"]
    assert customer.version("AWSCURRENT")["cert"].count("BEGIN CERTIFICATE") == 1 + chain
    assert customer.accepted()

    second = customer.invoke()
    assert set(second) == RESULT
    assert (second["outcome"], second["certName"]) == ("not_due", rotated["certName"])
    assert len(customer.refreshes()) == 1


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
