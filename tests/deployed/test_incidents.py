"""Every error of the contract through the built function: its name, one mail with its cure, and one when it is over.

A day of each is in `tests/integration/test_every_error.py`: the clock of a deployed function cannot be moved. It runs
under the emulator, which shows the real errorType, and lets the process live on after an error, as Lambda does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from certificate_rotation.domain.half import HalfName
from dev import render_alert_docs
from dev.built_function import built_function
from dev.emulator import emulated
from dev.stack import Stack
from tests.support.deployed_customer import LIFETIME, Customer
from tests.support.emulation import EmulatedStack

YOUNG = timedelta(days=1)
CALLS = {HalfName.CERTIFICATE: "cert:refresh", HalfName.API_KEY: "token:refresh"}
INSIST: dict[str, Any] = {"force": True, "allowEviction": True}
ELSEWHERE = {
    "InvalidSettings": "test_bad_input: a setting is a property of the deployed function",
    "StorageFailure": "test_bad_input: the emulator has no role to take a right from",
}


@dataclass(frozen=True)
class Failing:
    """How an error comes about, and how it ends.

    Attributes:
        begin: brings it about for this run and the next.
        event: of the runs that fail.
        again: how the next run ends: `failed`, or the outcome of one that waits for its end.
        asked: how many requests for a new half the first run sends.
        end: takes it away again.
        mending: the event of the run that finds it gone.
        over: what the mails are about that this run sends.
        settings: of the function that fails, where they differ.
        half: which one it is about.
    """

    begin: Callable[[Customer], object]
    event: object = field(default_factory=dict)
    again: str = "failed"
    asked: int = 0
    end: Callable[[Customer], object] = lambda _: None
    mending: dict[str, object] = field(default_factory=dict)
    over: tuple[str, ...] = ("rotated",)
    settings: dict[str, str] = field(default_factory=dict)
    half: HalfName = HalfName.CERTIFICATE


def onboard_due(customer: Customer, half: HalfName) -> None:
    """With this half near its end, and the other one young."""
    if half is HalfName.CERTIFICATE:
        customer.onboard()
    else:
        customer.onboard(age=YOUNG, api_key_left=timedelta(days=20))


def at_the_service(
    fault: str, again: str = "failed", half: HalfName = HalfName.CERTIFICATE, **mending: object
) -> Failing:
    """A fault of the simulator's, which lasts unless the next run waits for something else."""

    def begin(customer: Customer) -> None:
        onboard_due(customer, half)
        customer.simulator.clock.advance(-timedelta(hours=1, minutes=2))  # to stand at the real time an hour later
        customer.fault(fault, times=None if again == "failed" else 1, at=CALLS[half])

    def end(customer: Customer) -> None:
        customer.simulator.clear_faults()
        if again == "rate_limited":
            customer.let_an_hour_pass()

    return Failing(begin, again=again, asked=1, end=end, mending=mending, half=half)


def not_accepted_yet(half: HalfName) -> Failing:
    """The service issues, and does not let the new one in; each run asks for fifteen seconds."""

    def begin(customer: Customer) -> None:
        onboard_due(customer, half)
        customer.fault("activation-delay", at=CALLS[half])

    def end(customer: Customer) -> None:
        tenant = customer.simulator.tenant(customer.name)
        if half is HalfName.CERTIFICATE:
            tenant.activate(tenant.certificates[-1].name)
        else:
            tenant.activate_token(tenant.tokens[-1].name)

    return Failing(begin, asked=1, end=end, half=half)


def onboard_anew(customer: Customer) -> None:
    """What a person does when nothing else helps."""
    anew = customer.simulator.onboard(f"{customer.name}-2", age=YOUNG, lifetime=LIFETIME, cert_name="onboarded-2")
    customer.put(anew.credential)


FAILING = {
    "InvalidEvent": Failing(
        Customer.onboard,
        event={"dryrun": True},
        end=Customer.let_a_quiet_day_pass,
        over=("recovered", "rotated"),
    ),
    "InvalidCredential": Failing(lambda customer: customer.put("not json"), end=onboard_anew, over=("recovered",)),
    "CredentialExpired": Failing(
        lambda customer: customer.onboard(age=LIFETIME + YOUNG), end=onboard_anew, over=("recovered",)
    ),
    "RefreshRejected": at_the_service("bad-request"),
    "Unauthorized": at_the_service("unauthorized"),
    "RefreshConflict": at_the_service("conflict"),
    "TooManyRequests": at_the_service("too-many-requests", again="rate_limited"),
    "ServiceFailure": at_the_service("unavailable"),
    "ServiceUnreachable": Failing(Customer.onboard, settings={"SERVICE_URL": "https://localhost:1"}),
    "OutcomeUnknown": at_the_service("malformed-json", again="held", **INSIST),
    "CertificateNotAccepted": not_accepted_yet(HalfName.CERTIFICATE),
    "CertificateRejected": at_the_service("other-key", again="held", **INSIST),
    "ApiKeyNotAccepted": not_accepted_yet(HalfName.API_KEY),
    "ApiKeyRejected": at_the_service("empty-token", "held", HalfName.API_KEY, renew="apiKey", **INSIST),
}


def test_no_error_of_the_contract_is_left_out() -> None:
    """One that is added is provoked above, or says where else."""
    assert FAILING.keys() | ELSEWHERE.keys() == render_alert_docs.named().keys()


@pytest.fixture
def invoked(emulated_stack: Stack) -> Stack:
    """Here customers' functions run under the emulator."""
    return emulated_stack


@contextmanager
def with_settings(stack: Stack, settings: dict[str, str], differing: dict[str, str]) -> Iterator[Stack]:
    """The stack; where its settings are to differ, with a function of its own."""
    if not differing:
        yield stack
        return
    with emulated(built_function(), {**settings, **differing}) as other:
        yield EmulatedStack.of(stack, other)


@pytest.mark.parametrize("name", FAILING)
def test_an_error_is_reported_under_its_name_and_told_once_and_so_is_its_end(
    customer: Customer, emulator_settings: dict[str, str], name: str
) -> None:
    """People and programs match on the errorType that Lambda shows; and whoever is told once reads what they can do."""
    failing = FAILING[name]
    failing.begin(customer)
    in_use = customer.labels()["AWSCURRENT"]
    with with_settings(customer.stack, emulator_settings, failing.settings) as stack:
        answer = stack.invoke(failing.event)
        assert answer.payload["errorType"] == name
        assert customer.labels()["AWSCURRENT"] == in_use
        assert len(customer.refreshes(CALLS[failing.half])) == failing.asked
        (email,) = customer.emails()
        assert email.attributes["code"] == name
        assert answer.payload["errorMessage"] in email.body
        assert f"What you can do\n{customer.cure(render_alert_docs.named()[name], failing.half)}\n" in email.body

        again = stack.invoke(failing.event)
        assert ("failed" if again.failed else again.payload["outcome"]) == failing.again
        assert customer.emails() == []

    failing.end(customer)
    customer.let_a_second_pass()
    mended = customer.invoke(**failing.mending)
    assert mended["outcome"] == ("rotated" if "rotated" in failing.over else "not_due")
    emails = customer.emails()
    assert sorted(email.attributes["code"] for email in emails) == sorted(failing.over)
    assert any(f"incident {name} of " in email.body for email in emails)
