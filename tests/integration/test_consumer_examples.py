"""The examples with AWS's caching client and with the agent do what the guide says, as the plain one does."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from docs.examples import consumer_agent, consumer_cached
from tests.support import secrets_agent
from tests.support.caching_client import REFRESH_INTERVAL, SecretCache
from tests.support.rotation_env import RotationEnv
from tests.support.secrets_agent import SecretsAgent

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
STATISTICS = "/api/v1/token/verdicts:statistics"
ALL = ["consumer.py", "consumer_cached.py", "consumer_agent.py", "consumer.sh"]


class Clock:
    """Seconds a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """The time now."""
        return self.seconds


class Consumer(Protocol):
    """What both examples are."""

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""


@pytest.fixture
def clock() -> Clock:
    """The cache's."""
    return Clock()


@pytest.fixture
def agent(env: RotationEnv, clock: Clock) -> Iterator[SecretsAgent]:
    """Beside the program, in the same task."""
    with SecretsAgent.running(env.aws.clients().secrets, clock) as running:
        yield running


@pytest.fixture
def cache(env: RotationEnv, clock: Clock) -> SecretCache:
    """In the program itself."""
    return SecretCache(env.aws.clients().secrets, clock)


@pytest.fixture(autouse=True)
def settings(
    env: RotationEnv, agent: SecretsAgent, cache: SecretCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that the guide says to set, and here the service's authority; and the package, as if it were installed."""
    (tmp_path / "ca.pem").write_text(env.simulator.trusted_ca_pem)
    monkeypatch.setenv("CA_FILE", str(tmp_path / "ca.pem"))
    given = {"SECRET_ID": env.arn, "SERVICE_URL": env.simulator.url, "AGENT_URL": agent.url}
    for name, value in {**given, "AWS_TOKEN": secrets_agent.TOKEN}.items():
        monkeypatch.setenv(name, value)
    package = ModuleType("aws_secretsmanager_caching")
    package.SecretCache = lambda: cache  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, package.__name__, package)


@pytest.fixture(params=["agent", "cached"])
def consumer(request: pytest.FixtureRequest, env: RotationEnv, agent: SecretsAgent, cache: SecretCache) -> Consumer:
    """A program that runs beside the function."""
    if request.param == "agent":
        asked = consumer_agent.Agent(agent.url, secrets_agent.TOKEN)
        return consumer_agent.DeviceId(asked, env.arn, env.simulator.url)
    return consumer_cached.DeviceId(cache, env.arn, env.simulator.url)


def status(consumer: Consumer) -> int:
    """What the service answers."""
    answered, _ = consumer.get(STATISTICS)
    return answered


def served_with(env: RotationEnv) -> str | None:
    """The certificate that came with the service's last request."""
    return env.simulator.requests[-1].cert_name


@pytest.fixture
def reads(env: RotationEnv) -> Callable[[], int]:
    """How often Secrets Manager was asked for a value."""
    return lambda: len([call for call in env.aws.calls if call.operation == "GetSecretValue"])


def test_it_reads_once_and_calls_often(env: RotationEnv, consumer: Consumer, reads: Callable[[], int]) -> None:
    """That is what the cache is for."""
    env.onboard()
    before = reads()
    assert [status(consumer) for _ in range(3)] == [200, 200, 200]
    assert reads() - before == 1


def test_when_the_caches_time_is_over_it_uses_the_new_certificate(
    env: RotationEnv, consumer: Consumer, clock: Clock
) -> None:
    """Until then the one before works, which is what CutoverGraceHours is for."""
    env.onboard()
    status(consumer)
    new_name = str(env.run()["certName"])
    assert (status(consumer), served_with(env)) == (200, "onboarded-1")
    clock.seconds += REFRESH_INTERVAL
    assert (status(consumer), served_with(env)) == (200, new_name)


def test_refused_it_has_the_cache_read_again_and_calls_once_more(env: RotationEnv, consumer: Consumer) -> None:
    """The rare eviction: the service deleted the certificate it holds."""
    tenant = env.onboard()
    status(consumer)
    new_name = str(env.run()["certName"])
    tenant.revoke("onboarded-1")
    assert (status(consumer), served_with(env)) == (200, new_name)


def test_refused_with_nothing_newer_it_does_not_call_again(env: RotationEnv, consumer: Consumer) -> None:
    """It would only be refused again; somebody has to onboard anew."""
    tenant = env.onboard()
    status(consumer)
    tenant.revoke("onboarded-1")
    before = len(env.simulator.requests)
    assert status(consumer) == 401
    assert len(env.simulator.requests) - before == 1


def test_a_service_that_is_away_is_an_error_and_no_new_credential(env: RotationEnv, consumer: Consumer) -> None:
    """A broken connection may be a refusal, so the secret is looked at; there is no other one."""
    env.onboard()
    status(consumer)
    env.simulator.fault("drop-before-processing", endpoint="verdicts:statistics")
    with pytest.raises(OSError, match="closed connection"):
        consumer.get(STATISTICS)


@pytest.mark.parametrize("example", ALL)
def test_a_setting_that_is_missing_is_told_in_a_sentence(example: str) -> None:
    """A traceback tells nobody what to set."""
    command = [sys.executable if example.endswith(".py") else "sh", str(EXAMPLES / example)]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "SECRET_ID" in done.stderr
    assert (done.stderr.count("\n"), "Traceback" in done.stderr) == (1, False)


@pytest.mark.parametrize("example", [consumer_agent, consumer_cached], ids=["agent", "cached"])
def test_it_runs_as_the_guide_says(env: RotationEnv, example: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """With settings alone; it shows the answer and no key."""
    tenant = env.onboard()
    example.main()
    shown = capsys.readouterr().out
    assert "verdicts" in shown
    assert tenant.api_key not in shown
    assert served_with(env) == "onboarded-1"


def test_an_agent_that_refuses_is_quoted(agent: SecretsAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another token than the agent's is the usual mistake; and a secret it may not read is AWS's to tell."""
    (tmp_path / "token").write_text(secrets_agent.TOKEN + "\n")
    of_file = consumer_agent.Agent(agent.url, f"file://{tmp_path / 'token'}")
    with pytest.raises(consumer_agent.AgentError, match=r"The agent answered 400: .*ResourceNotFoundException"):
        of_file.secret("nothing-of-this-name")
    monkeypatch.setenv("AWS_TOKEN", "another")
    with pytest.raises(SystemExit, match="The agent answered 403: Bad Token"):
        consumer_agent.main()
    monkeypatch.setenv("AGENT_URL", "http://localhost:1")
    with pytest.raises(SystemExit, match="The agent at localhost:1 cannot be asked"):
        consumer_agent.main()


def test_a_package_that_is_missing_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one thing that this example needs beyond the AWS SDK."""
    monkeypatch.setitem(sys.modules, "aws_secretsmanager_caching", None)
    with pytest.raises(SystemExit, match="aws-secretsmanager-caching is missing: install it"):
        consumer_cached.main()
