"""What the deployed function does in a year, as stories: each ends well, or an assertion says where it does not."""

import json
from collections.abc import Callable
from datetime import timedelta

from certificate_rotation.adapters.ledger_items import NEWS
from simulator.ca import key_pem, new_csr, new_key
from tests.support.aws_proxy import AwsProxy
from tests.support.deployed_customer import LIFETIME, OWN_KEYS, PREFIX, Customer
from tests.support.deployed_rotation import DeployedRotation
from tests.support.native_rotation import STEPS
from tests.support.process_kill import AtAws, run_until_killed

type Scenario = Callable[[Customer, AwsProxy], None]

YOUNG = timedelta(days=1)


def rotation(customer: Customer, aws_proxy: AwsProxy) -> None:
    """A due certificate is rotated, announced and written down."""
    customer.onboard()
    assert customer.invoke()["outcome"] == "rotated"
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert [record["outcome"] for record in customer.history()] == ["rotated"]
    assert "lease" not in customer.state()
    assert not any(name.startswith(NEWS) for name in customer.state()), "the event was not taken"
    assert codes(customer) == ["rotated"]


def rotation_of_the_key(customer: Customer, aws_proxy: AwsProxy) -> None:
    """So is a due API key; its answer lies sealed in the ledger meanwhile."""
    customer.onboard(age=YOUNG, api_key_left=timedelta(days=20))
    assert customer.invoke()["renews"] == "apiKey"
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert codes(customer) == ["rotated"]


def secrets_managers_own(customer: Customer, aws_proxy: AwsProxy) -> None:
    """The button in Secrets Manager's console, and what AWS does when it is switched on."""
    customer.onboard(age=YOUNG)
    assert not customer.stack.invoke(DeployedRotation(customer).event("testSecret")).failed
    rotation = DeployedRotation(customer).begin()
    assert [customer.stack.invoke(rotation.event(name)).failed for name in STEPS] == [False] * len(STEPS)
    assert customer.labels()["AWSCURRENT"] == rotation.token
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    assert codes(customer) == ["rotated"]


def tenant_of_the_fleet(customer: Customer, aws_proxy: AwsProxy) -> None:
    """A secret the stack did not make is rotated like its own, because of how its name begins."""
    customer.onboard()
    secrets = customer.stack.client("secretsmanager")
    tenant = customer.simulator.onboard(
        f"{customer.name}-tenant", key_algorithm="ec256", age=timedelta(days=80), lifetime=LIFETIME
    )
    made = secrets.create_secret(Name=f"{PREFIX}/{customer.name}", SecretString=json.dumps(tenant.credential))
    try:
        assert customer.invoke(secretId=made["ARN"])["outcome"] == "rotated"
        assert codes(customer) == ["rotated"]
    finally:
        secrets.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)


def dry_run(customer: Customer, aws_proxy: AwsProxy) -> None:
    """What a person tries first in the console."""
    customer.onboard()
    assert customer.invoke(dryRun=True)["wouldDo"] == "rotate"


def nothing_to_do(customer: Customer, aws_proxy: AwsProxy) -> None:
    """Most hours of most days."""
    customer.onboard(age=YOUNG)
    assert customer.invoke()["outcome"] == "not_due"


def failure_and_its_end(customer: Customer, aws_proxy: AwsProxy) -> None:
    """A refused request is told with its cure, and so is that all is well again."""
    customer.onboard(age=YOUNG)
    customer.fault("bad-request")
    assert "RefreshRejected" in customer.fails(force=True).log
    assert "CERTIFICATE_INTENT" not in customer.labels()
    assert codes(customer) == ["RefreshRejected"]
    customer.let_a_second_pass()
    assert customer.invoke()["outcome"] == "not_due"
    assert codes(customer) == ["recovered"]
    assert "certificate_incident" not in customer.state()


def resume(customer: Customer, aws_proxy: AwsProxy) -> None:
    """A killed run's certificate is put into use by the next one."""
    customer.onboard()
    run_until_killed(customer, aws_proxy, AtAws("UpdateSecretVersionStage", 1, "before"))
    customer.let_the_lease_end()
    assert customer.invoke()["outcome"] == "rotated"
    assert len(customer.refreshes()) == 1


def drop_of_a_stale_rotation(customer: Customer, aws_proxy: AwsProxy) -> None:
    """Somebody onboarded anew while a certificate was on its way into use."""
    tenant = customer.onboard()
    run_until_killed(customer, aws_proxy, AtAws("TransactWriteItems", 2))
    customer.let_the_lease_end()
    key = new_key("ec256")
    certificate = customer.simulator.sign_csr(customer.name, new_csr(key, customer.certificate().subject, []))
    anew = {"apiKey": tenant.credential["apiKey"], "cert": certificate, "privateKey": key_pem(key)}
    customer.put({**anew, "certName": "onboarded-2", **OWN_KEYS})
    assert customer.invoke()["outcome"] == "not_due"
    assert codes(customer) == ["dropped"]
    assert "certificate_open_attempt" not in customer.state()


def busy_then_held_then_evicting(customer: Customer, aws_proxy: AwsProxy) -> None:
    """A killed run's outcome is not known: others wait for it, then hold, until a person accepts the risk."""
    customer.onboard(age=timedelta(days=70))
    run_until_killed(customer, aws_proxy, AtAws("TransactWriteItems", 2, "before"))
    assert customer.invoke()["outcome"] == "busy"
    customer.let_the_lease_end()
    assert customer.invoke()["outcome"] == "held"
    assert codes(customer) == ["OutcomeUnknown"]
    assert customer.invoke(force=True, allowEviction=True)["deletedCertName"] == "onboarded-1"
    assert codes(customer) == ["rotated"]


def rate_limit(customer: Customer, aws_proxy: AwsProxy) -> None:
    """The service's own count wins, and is remembered."""
    customer.onboard()
    customer.fault("too-many-requests")
    assert "TooManyRequests" in customer.fails().log
    assert customer.invoke()["outcome"] == "rate_limited"
    assert len(customer.refreshes()) == 1


def expired(customer: Customer, aws_proxy: AwsProxy) -> None:
    """Too late: a person must onboard again, and is told so."""
    customer.onboard(age=LIFETIME + YOUNG)
    assert "CredentialExpired" in customer.fails().log
    assert codes(customer) == ["CredentialExpired"]


def mistaken_event(customer: Customer, aws_proxy: AwsProxy) -> None:
    """A typing mistake is told, and is over after a quiet day."""
    customer.onboard(age=YOUNG)
    assert customer.stack.invoke({"dryrun": True}).failed
    assert codes(customer) == ["InvalidEvent"]
    assert customer.invoke()["outcome"] == "not_due"
    assert codes(customer) == []
    customer.let_a_quiet_day_pass()
    assert customer.invoke()["outcome"] == "not_due"
    assert codes(customer) == ["recovered"]


def codes(customer: Customer) -> list[str]:
    """What the emails since the last look were about."""
    return [email.attributes["code"] for email in customer.emails()]


SCENARIOS: dict[str, Scenario] = {
    story.__name__.replace("_", " "): story
    for story in (
        rotation,
        tenant_of_the_fleet,
        rotation_of_the_key,
        secrets_managers_own,
        dry_run,
        nothing_to_do,
        failure_and_its_end,
        resume,
        drop_of_a_stale_rotation,
        busy_then_held_then_evicting,
        rate_limit,
        expired,
        mistaken_event,
    )
}
