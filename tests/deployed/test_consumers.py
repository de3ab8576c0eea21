"""The examples of the guide for consumers, run as they stand there, before and after a rotation."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.local_aws import ROOT
from tests.support.deployed_customer import Customer

EXAMPLES = ROOT / "docs/examples"
_NEEDED = ("aws", "jq", "curl")
in_a_shell = pytest.mark.skipif(
    not all(map(shutil.which, _NEEDED)), reason=f"the example is for {', '.join(_NEEDED)}, and one is not here"
)


@pytest.fixture
def consume(customer: Customer, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a consumer as the guide says: which secret, which service, and here its authority too."""
    (tmp_path / "ca.pem").write_text(customer.simulator.trusted_ca_pem)
    environment = {
        **customer.stack.aws.environment,
        "SECRET_ID": customer.stack.outputs["SecretArn"],
        "SERVICE_URL": customer.simulator.url,
        "CA_FILE": str(tmp_path / "ca.pem"),
        "TMPDIR": str(tmp_path),
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.parametrize(
    "command",
    [
        pytest.param((sys.executable, str(EXAMPLES / "consumer.py")), id="python"),
        pytest.param(("sh", str(EXAMPLES / "consumer.sh")), id="shell", marks=in_a_shell),
    ],
)
def test_a_consumer_uses_what_is_in_use_before_and_after_a_rotation(
    customer: Customer,
    consume: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    """It shows nothing, and leaves no key on the disk."""
    customer.onboard()
    api_key = customer.version("AWSCURRENT")["apiKey"]

    def served_with() -> str | None:
        done = consume(*command)
        assert done.returncode == 0, done.stderr
        assert "verdicts" in done.stdout
        assert api_key not in done.stdout + done.stderr
        return customer.simulator.requests_to("verdicts")[-1].cert_name

    assert served_with() == "onboarded-1"
    new_name = customer.invoke()["certName"]
    assert served_with() == new_name
    assert [file.name for file in tmp_path.iterdir()] == ["ca.pem"]


@in_a_shell
def test_a_shell_consumer_that_is_refused_says_so(
    customer: Customer, consume: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A script goes by the exit code."""
    tenant = customer.onboard()
    tenant.revoke("onboarded-1")
    done = consume("sh", str(EXAMPLES / "consumer.sh"))
    assert done.returncode != 0
    assert tenant.api_key not in done.stdout + done.stderr
