"""A newcomer, who knows the README alone: three commands and two questions, of which one deploys the stack."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cli.commands import DEFAULT_STACK
from cli.errors import ATTENTION
from dev.local_aws import ROOT
from dev.stack import Stack
from simulator import Simulator
from tests.deployed.test_fleet import SECONDS
from tests.deployed.test_onboarding import CN, DUE
from tests.support.deployed_customer import LIFETIME
from tests.support.terminal import Terminal
from tests.support.transcript import Transcript

pytestmark = pytest.mark.makes_key_files  # they are what a person gets


@pytest.fixture
def newcomers(stack: Stack) -> Iterator[Stack]:
    """The stack that a newcomer will have; none is there yet, and none is left."""
    yield Stack(stack.aws, DEFAULT_STACK, {})
    formation = stack.client("cloudformation")
    formation.delete_stack(StackName=DEFAULT_STACK)
    formation.get_waiter("stack_delete_complete").wait(StackName=DEFAULT_STACK, WaiterConfig={"Delay": 1})


def test_three_commands_and_two_questions_lead_to_a_watched_credential(
    newcomers: Stack, simulator: Simulator, tmp_path: Path
) -> None:
    """As the page shows it, at a Mac: the third command deploys, asks, stores and watches. A schedule then renews."""
    terminal, transcript = Terminal(newcomers, tmp_path, mac=True), Transcript()
    asked = terminal.run("init", "--common-name", CN)
    transcript.take("init request", f"device-id init --common-name {CN}", asked.text)

    request = (tmp_path / "device-id.csr").read_text()
    tenant = simulator.onboard("newcomer", csr_pem=request, age=DUE, lifetime=LIFETIME)
    (tmp_path / "device-id.pem").write_text(tenant.credential["cert"])
    (tmp_path / "ca.pem").write_text(simulator.trusted_ca_pem)
    local = ("--service-url", simulator.url, "--trusted-ca", "ca.pem", "--checkout", str(ROOT))
    ends = f"{transcript.began + timedelta(days=180):%Y-%m-%dT%H:%M:%SZ}"
    answers = [("API key (stays hidden): ", tenant.api_key), ("nobody renews it): ", ends)]
    done = terminal.converse("init", "--alert-email", "operator@example.com", *local, answers=answers)
    transcript.take("init", "device-id init --alert-email operator@example.com", done.text)
    transcript.compare()
    assert (asked.code, done.code) == (ATTENTION, 0)
    assert tenant.api_key not in done.text
    again = terminal.run("init")
    assert (again.code, "left as it is" in again.text) == (0, True)

    newcomers.fire_schedule()
    secrets, give_up_at = newcomers.client("secretsmanager"), time.monotonic() + SECONDS
    arn = json.loads(terminal.run("status", "--output", "json").text)["secretId"]
    while json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["cert"] == tenant.credential["cert"]:
        assert time.monotonic() < give_up_at, "the schedule renewed nothing"
        time.sleep(0.5)
    assert len(simulator.tenant("newcomer").certificates) == 2
