"""The deployed function against a service that fails: a name, an email with a cure, and nothing lost."""

from dataclasses import dataclass

import pytest

from certificate_rotation.adapters.device_id_api import ANSWER_SECONDS
from certificate_rotation.domain.errors import (
    OutcomeUnknown,
    RefreshConflict,
    RefreshFailed,
    RefreshRejected,
    ServiceFailure,
    TooManyRequests,
    Unauthorized,
)
from tests.support.deployed_customer import Customer


@dataclass(frozen=True)
class Failing:
    """A fault of the simulator, and the error it must be reported as."""

    fault: str
    error: type[RefreshFailed]
    seconds: float | None = None

    def __str__(self) -> str:
        return self.fault


@pytest.mark.parametrize(
    "failing",
    [
        Failing("bad-request", RefreshRejected),
        Failing("unauthorized", Unauthorized),
        Failing("conflict", RefreshConflict),
        Failing("too-many-requests", TooManyRequests),
        Failing("server-error", OutcomeUnknown),
        Failing("unavailable", ServiceFailure),
        Failing("malformed-json", OutcomeUnknown),
        Failing("slow", OutcomeUnknown, ANSWER_SECONDS + 2),  # silence, until we give up
    ],
    ids=str,
)
def test_a_failure_is_named_and_told_with_its_cure_and_nothing_in_use_changes(
    customer: Customer, failing: Failing
) -> None:
    """Whatever the service does, consumers keep what works and one person learns what to do."""
    customer.onboard()
    before, in_use = customer.version("AWSCURRENT"), customer.labels()["AWSCURRENT"]
    if failing.seconds:
        customer.fault(failing.fault, seconds=failing.seconds)
    else:
        customer.fault(failing.fault)
    answer = customer.fails()
    # The local AWS reports every error as Runtime.HandlerError; `test_emulator` sees the real errorType.
    assert failing.error.__name__ in answer.log
    assert customer.labels()["AWSCURRENT"] == in_use
    assert customer.version("AWSCURRENT") == before
    assert customer.accepted()
    (email,) = customer.emails()
    assert email.attributes["code"] == failing.error.__name__
    assert failing.error.__name__ in email.subject
    assert customer.cure(failing.error) in email.body
    assert f"Does traffic still work\n{'No' if failing.error is Unauthorized else 'Yes'}: the service " in email.body
    assert len(customer.refreshes()) == 1


def test_a_failure_that_goes_on_is_told_once_and_so_is_its_end(customer: Customer) -> None:
    """One incident, one email, one all-clear."""
    customer.onboard()
    customer.fault("unavailable", times=2)
    for _ in range(2):
        customer.fails()
    assert customer.invoke()["outcome"] == "rotated"
    first, last = customer.emails()
    assert first.attributes["code"] == "ServiceFailure"
    assert "This ends the incident ServiceFailure" in last.body
