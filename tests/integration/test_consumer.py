"""The example for consumers does what the guide says: it keeps what it read, and notices when that was renewed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from docs.examples.consumer import MAX_AGE, DeviceId
from tests.support.rotation_env import RotationEnv

STATISTICS = "/api/v1/token/verdicts:statistics"


class Clock:
    """Seconds a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """The time now."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The consumer's."""
    return Clock()


@pytest.fixture
def consumer(env: RotationEnv, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeviceId:
    """A program that runs beside the function."""
    (tmp_path / "ca.pem").write_text(env.simulator.trusted_ca_pem)
    monkeypatch.setenv("CA_FILE", str(tmp_path / "ca.pem"))
    return DeviceId(env.aws.clients().secrets, env.arn, env.simulator.url, clock=clock)


@pytest.fixture
def reads(env: RotationEnv) -> Callable[[], int]:
    """How often the secret was read by the consumer so far: the function names a version, a consumer does not."""

    def count() -> int:
        calls = [call for call in env.aws.calls if call.operation == "GetSecretValue"]
        return len([call for call in calls if "VersionId" not in call.body])

    return count


def served_with(env: RotationEnv, name: str) -> bool:
    """Whether the service's last request came with the certificate of this name."""
    return env.simulator.requests[-1].cert_name == name


def test_it_reads_once_and_calls_often(env: RotationEnv, consumer: DeviceId, reads: Callable[[], int]) -> None:
    """Secrets Manager is paid by the read, and has limits of its own."""
    env.onboard()
    assert [consumer.get(STATISTICS).status_code for _ in range(3)] == [200, 200, 200]
    assert reads() == 1


def test_after_its_time_it_reads_again_and_uses_the_new_certificate(
    env: RotationEnv, consumer: DeviceId, clock: Clock
) -> None:
    """Until then the one before works, which is what CutoverGraceHours is for."""
    env.onboard()
    consumer.get(STATISTICS)
    new_name = str(env.run()["certName"])
    assert consumer.get(STATISTICS).status_code == 200
    assert served_with(env, "onboarded-1")
    clock.seconds += MAX_AGE
    assert consumer.get(STATISTICS).status_code == 200
    assert served_with(env, new_name)


def test_told_by_the_event_it_uses_the_new_certificate_at_once(env: RotationEnv, consumer: DeviceId) -> None:
    """The first to know need not wait an hour."""
    env.onboard()
    consumer.get(STATISTICS)
    new_name = str(env.run()["certName"])
    assert consumer.reload()
    assert not consumer.reload(), "it is the same version by now"
    consumer.get(STATISTICS)
    assert served_with(env, new_name)


def test_refused_it_reads_again_and_calls_once_more(env: RotationEnv, consumer: DeviceId) -> None:
    """The rare eviction: the service deleted the certificate it holds."""
    tenant = env.onboard()
    consumer.get(STATISTICS)
    env.run()
    tenant.revoke("onboarded-1")
    assert consumer.get(STATISTICS).status_code == 200


def test_refused_with_nothing_newer_it_does_not_call_again(
    env: RotationEnv, consumer: DeviceId, reads: Callable[[], int]
) -> None:
    """It would only be refused again; somebody has to onboard anew."""
    tenant = env.onboard()
    consumer.get(STATISTICS)
    tenant.revoke("onboarded-1")
    before = len(env.simulator.requests)
    assert consumer.get(STATISTICS).status_code == 401
    assert (len(env.simulator.requests) - before, reads()) == (1, 2)


def test_a_service_that_is_away_is_an_error_and_no_new_credential(
    env: RotationEnv, consumer: DeviceId, reads: Callable[[], int]
) -> None:
    """A broken connection may be a refusal, so the secret is looked at, once."""
    env.onboard()
    consumer.get(STATISTICS)
    env.simulator.fault("drop-before-processing", endpoint="verdicts:statistics")
    with pytest.raises(requests.ConnectionError):
        consumer.get(STATISTICS)
    assert reads() == 2


def test_the_cache_lives_well_within_the_time_consumers_are_given(env: RotationEnv) -> None:
    """Else a second rotation could delete what it still holds."""
    assert MAX_AGE <= 0.5 * 3600 * 24
