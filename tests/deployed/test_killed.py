"""The deployed function's process is killed for real, with SIGKILL, and the next runs carry on.

Lambda stops a process in the same way. `tests/integration/test_crashes.py` tries every exchange, in-process; here are
all the writes and the two requests to the service, with nothing between us and the operating system.
"""

import json
from datetime import timedelta

import pytest

from certificate_rotation.domain.credential import Credential
from tests.support.aws_proxy import AwsProxy
from tests.support.deployed_customer import OWN_KEYS, Customer
from tests.support.invariants import TALLY
from tests.support.process_kill import AtAws, AtTheService, Place, run_until_killed

PLACES: dict[str, Place] = {
    "after the claim": AtAws("UpdateItem", 1),
    "after the intent": AtAws("PutSecretValue", 1),
    "after the charge": AtAws("TransactWriteItems", 1),
    "while the service issues": AtTheService("cert:refresh"),
    "issued and before the journal": AtAws("TransactWriteItems", 2, "before"),
    "after the journal": AtAws("TransactWriteItems", 2),
    "after staging": AtAws("PutSecretValue", 2),
    "while the service is probed": AtTheService("verdicts:statistics"),
    "after the promotion": AtAws("UpdateSecretVersionStage", 1),
    "after the first label": AtAws("UpdateSecretVersionStage", 2),
    "after the second label": AtAws("UpdateSecretVersionStage", 3),
    "after the mail": AtAws("Publish", 1),
    "after the event": AtAws("PutEvents", 1),
    "after the close": AtAws("TransactWriteItems", 3),
}
# Killed here, a run has counted an attempt and not written down what came of it ...
UNSURE = {"after the charge", "while the service issues", "issued and before the journal"}
# ... and here a certificate was issued that nobody has.
LOST = UNSURE - {"after the charge"}
DONE = {"after the close"}
READS = {"DescribeSecret", "GetSecretValue", "GetItem", "TransactGetItems"}


def assert_in_use_is_whole_and_accepted(customer: Customer) -> None:
    """AWSCURRENT parses, its key belongs to its certificate, the service lets it in, the customer's keys are there."""
    in_use = customer.version("AWSCURRENT")
    assert Credential.parse(json.dumps(in_use)).cert_name
    TALLY.check(8, in_use.items() >= OWN_KEYS.items(), f"they are {in_use.keys()}")
    TALLY.check(1, customer.accepted(), "the service does not accept the certificate in use")


def test_every_write_of_a_rotation_is_among_the_places(customer: Customer, aws_proxy: AwsProxy) -> None:
    """A write that was added and is not listed above would never be tried."""
    customer.onboard()
    aws_proxy.forget()
    customer.invoke()
    writes = sorted(call.operation for call in aws_proxy.calls if call.operation not in READS)
    assert writes == sorted(p.operation for p in PLACES.values() if isinstance(p, AtAws) and p.when == "after")


@pytest.mark.parametrize("name", PLACES)
def test_a_process_killed_for_real_loses_nothing(customer: Customer, aws_proxy: AwsProxy, name: str) -> None:
    """What is in use works all the time, and no certificate, no key and no attempt is lost without need."""
    customer.onboard(age=timedelta(days=70))
    run_until_killed(customer, aws_proxy, PLACES[name])
    assert_in_use_is_whole_and_accepted(customer)
    # As long as the killed run might still be alive, nobody takes its place.
    lease_lasts = customer.invoke()
    assert lease_lasts["outcome"] == ("not_due" if name in DONE else "busy")
    customer.let_the_lease_end()
    kept = customer.version("CERTIFICATE_INTENT") if "CERTIFICATE_INTENT" in customer.labels() else None

    if name not in DONE:
        settled = customer.invoke()
        assert settled["outcome"] == ("held" if name in UNSURE else "rotated")
        assert_in_use_is_whole_and_accepted(customer)
    if name in UNSURE:
        assert [email.attributes["code"] for email in customer.emails()] == ["OutcomeUnknown"]
        assert customer.invoke(force=True, allowEviction=True)["outcome"] == "rotated"
    elif kept:
        in_use = customer.version("AWSCURRENT")
        assert {part: in_use[part] for part in ("privateKey", "certName")} == {
            part: kept[part] for part in ("privateKey", "certName")
        }

    assert_in_use_is_whole_and_accepted(customer)
    assert len(customer.refreshes()) == (2 if name in LOST else 1)
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert not {"certificate_open_attempt", "certificate_incident"} & customer.state().keys()
    assert customer.history()[-1]["outcome"] == "rotated"
    assert "rotated" in {email.attributes["code"] for email in customer.emails()}
    assert customer.invoke()["outcome"] == "not_due"


# Of an API key; what the next run says, and how many requests left in all.
KEY_PLACES: dict[str, tuple[Place, str, int]] = {
    "while the service issues": (AtTheService("token:refresh"), "held", 2),
    "after the journal": (AtAws("TransactWriteItems", 2), "rotated", 1),
    "after staging": (AtAws("PutSecretValue", 2), "rotated", 1),
    "after the promotion": (AtAws("UpdateSecretVersionStage", 1), "rotated", 1),
}


@pytest.mark.parametrize("name", KEY_PLACES)
def test_a_process_killed_while_it_renews_the_key_loses_nothing_and_gives_no_key_away(
    customer: Customer, aws_proxy: AwsProxy, name: str
) -> None:
    """What lies in the ledger meanwhile is sealed; who reads the table alone reads no key."""
    place, expected, asked = KEY_PLACES[name]
    tenant = customer.onboard(age=timedelta(days=1), api_key_left=timedelta(days=20))
    run_until_killed(customer, aws_proxy, place)
    assert_in_use_is_whole_and_accepted(customer)
    in_the_ledger = str(customer.records())
    assert ("answer" in customer.state()["api_key_open_attempt"]) == (expected == "rotated")
    TALLY.check(6, tenant.api_key not in in_the_ledger, "the new API key is in the ledger")
    customer.let_the_lease_end()
    settled = customer.invoke()
    assert (settled["outcome"], settled["renews"]) == (expected, "apiKey")
    if expected == "held":
        assert customer.invoke(force=True, renew="apiKey", allowEviction=True)["outcome"] == "rotated"
    assert customer.version("AWSCURRENT")["apiKey"] == tenant.api_key, "the newest one is in use"
    assert_in_use_is_whole_and_accepted(customer)
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert len(customer.key_refreshes()) == asked
    assert customer.invoke()["outcome"] == "not_due"
