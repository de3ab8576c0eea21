"""Tenants added to the deployed stack, by command and by template, are rotated by their own schedules: no redeploy."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.errors import ATTENTION, REFUSED
from dev.inbox import Email
from dev.local_aws import ROOT
from dev.stack import Stack
from simulator import Simulator, Tenant
from tests.support.deployed_customer import LIFETIME, PREFIX, Customer
from tests.support.terminal import Terminal

pytestmark = pytest.mark.makes_key_files  # what a person brings

DUE = timedelta(days=80)
# Fires one time, at the local AWS's next look; AWS itself would refuse the past.
A_MOMENT_AGO = "at(2026-01-01T00:00:00)"
SECONDS = 40  # the local AWS looks every ten seconds whether a schedule is due


@dataclass(frozen=True)
class Fleet:
    """The deployed stack's tenants, and somebody at a terminal beside it."""

    stack: Stack
    simulator: Simulator
    terminal: Terminal

    def sign_up(self, name: str, age: timedelta = DUE) -> Tenant:
        """At the vendor; what they gave out lies in the folder."""
        tenant = self.simulator.onboard(
            name, key_algorithm="ec256", age=age, lifetime=LIFETIME, cert_name="onboarded-1"
        )
        for file, key in (("device-id.pem", "cert"), ("device-id.key", "privateKey"), ("api-key", "apiKey")):
            (self.terminal.folder / file).write_text(tenant.credential[key])
        return tenant

    def run(self, *arguments: str) -> str:
        """A command that succeeds; what it printed."""
        printed = self.terminal.run(*arguments)
        assert printed.code == 0, printed.text
        return printed.text

    def in_use(self, name: str) -> dict[str, Any]:
        """What a tenant's consumers read."""
        found = self.stack.client("secretsmanager").get_secret_value(SecretId=f"{PREFIX}/{name}")
        document: dict[str, Any] = json.loads(found["SecretString"])
        return document

    def by_template(self, name: str, *, paused: bool, change: bool = False) -> None:
        """Deploy `fleet/tenant.yaml` as a provider does, or change what was deployed."""
        formation = self.stack.client("cloudformation")
        given = {"TenantName": name, "RotationStack": self.stack.name, "Paused": str(paused).lower()}
        given["ScheduleExpression"] = A_MOMENT_AGO
        (formation.update_stack if change else formation.create_stack)(
            StackName=f"tenant-{name}",
            TemplateBody=(ROOT / "fleet/tenant.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        )
        waiter = formation.get_waiter(f"stack_{'update' if change else 'create'}_complete")
        waiter.wait(StackName=f"tenant-{name}", WaiterConfig={"Delay": 1})

    def deployed_at(self) -> object:
        """When the stack was changed last."""
        described = self.stack.client("cloudformation").describe_stacks(StackName=self.stack.name)["Stacks"][0]
        return described.get("LastUpdatedTime", described["CreationTime"])


@pytest.fixture
def fleet(customer: Customer, simulator: Simulator, tmp_path: Path) -> Iterator[Fleet]:
    """No tenants yet, and none afterwards: other tests expect the stack's own schedule alone."""
    stack = customer.stack
    yield Fleet(stack, simulator, Terminal(stack, tmp_path))
    formation, scheduler = stack.client("cloudformation"), stack.client("scheduler")
    for found in formation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]:
        if found["StackName"].startswith("tenant-"):
            formation.delete_stack(StackName=found["StackName"])
    group = stack.outputs["ScheduleGroupName"]
    for schedule in scheduler.list_schedules(GroupName=group)["Schedules"]:
        scheduler.delete_schedule(GroupName=group, Name=schedule["Name"])


def eventually(what: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    give_up_at = time.monotonic() + SECONDS
    while not what() and time.monotonic() < give_up_at:
        time.sleep(0.5)
    return what()


def tenant_of(email: Email) -> str:
    """Whom an alert is about: the secret's name without the prefix, and without what AWS adds to it."""
    return email.attributes["secret"].rpartition("/")[2].rpartition("-")[0]


def test_a_tenant_is_rotated_by_its_own_schedule_without_a_deployment(fleet: Fleet, customer: Customer) -> None:
    """By the command, with the first credential; by the template, whose secret is filled before its schedule begins."""
    before = fleet.deployed_at()
    by_template = fleet.sign_up("by-template")
    fleet.by_template("by-template", paused=True)
    fleet.run("store", "--tenant", "by-template", "--api-key-file", "api-key", "--cert-name", "onboarded-1")
    fleet.by_template("by-template", paused=False, change=True)

    by_command = fleet.sign_up("by-command")
    credential = ("--cert", "device-id.pem", "--api-key-file", "api-key", "--cert-name", "onboarded-1")
    added = fleet.run("tenant", "add", "by-command", *credential, "--schedule", A_MOMENT_AGO)
    assert "by-command is a tenant now." in added

    names = ("by-command", "by-template")
    assert eventually(lambda: all(fleet.in_use(name)["certName"] != "onboarded-1" for name in names))
    for tenant, name in ((by_command, "by-command"), (by_template, "by-template")):
        newest = tenant.certificates[-1]
        assert (newest.name, newest.active) == (fleet.in_use(name)["certName"], True)
        assert len([r for r in fleet.simulator.requests_to("cert:refresh") if r.tenant == name]) == 1
    assert fleet.deployed_at() == before
    told: dict[str, str] = {}

    def all_are_told() -> bool:  # a mail leaves a moment after the certificate is in use
        told.update({tenant_of(email): email.subject for email in customer.emails()})
        return set(told) >= set(names)

    assert eventually(all_are_told), "alerts name the tenant"
    assert set(told) == set(names)
    assert all(f"{PREFIX}/{name}" in subject for name, subject in told.items())


def test_the_whole_fleet_is_shown_worst_first(fleet: Fleet, customer: Customer) -> None:
    """Who looks after hundreds looks at the first line."""
    customer.onboard(age=timedelta(days=1))
    for name, days in (("paused", 5), ("older", 20)):
        fleet.sign_up(name, timedelta(days=days))
        fleet.run("tenant", "add", name, "--cert", "device-id.pem", "--api-key-file", "api-key")
    assert "Put the credential into the secret: device-id store" in fleet.run("tenant", "add", "empty")
    fleet.run("tenant", "pause", "paused")

    shown = fleet.terminal.run("status", "--all")
    assert shown.code == ATTENTION
    first = [line.split("  ")[0] for line in shown.text.splitlines()[:5]]
    assert first == ["TENANT", "empty", "paused", "older", "(the stack's own)"]
    assert "1 of 4 need you:" in shown.text
    assert "- empty: The function fails:" in shown.text

    one = json.loads(fleet.terminal.run("status", "--tenant", "paused", "--json").text)
    assert one["schedule"] == {"expression": "rate(1 hour)", "timeZone": "UTC", "enabled": False}

    assert "The secret device-id/tenants/empty stays" in fleet.run("tenant", "remove", "empty")
    document = json.loads(fleet.run("status", "--all", "--json"))
    assert [(tenant["name"], tenant["paused"]) for tenant in document["tenants"]] == [
        ("paused", True),
        ("older", False),
        ("(the stack's own)", False),
    ]
    assert (document["fine"], document["count"]) == (True, 3)


def test_a_tenant_that_nobody_added_is_a_sentence(fleet: Fleet) -> None:
    """And the exit code says that nothing was done."""
    printed = fleet.terminal.run("tenant", "pause", "acne")
    assert (printed.code, "There is no tenant acne." in printed.text) == (REFUSED, True)
