"""`device-id store` on a machine with neither anonymous files in memory nor /proc, against the service and AWS."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from cli import key_files
from cli.main import app
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.makes_key_files  # they are what a person brings


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Its folder for temporary files."""
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(key_files, "OPEN_FILES", Path("/no-such-folder"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return temporary


@pytest.fixture
def brought(
    env: RotationEnv, aws_session: boto3.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """A folder with what the vendor handed out; and the ARN of an empty secret."""
    env.onboard()
    for name, field in (("device-id.pem", "cert"), ("device-id.key", "privateKey"), ("api-key", "apiKey")):
        (tmp_path / name).write_text(env.current()[field])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boto3, "client", lambda service, **_: aws_session.client(service))
    (tmp_path / "ca.pem").write_text(env.simulator.trusted_ca_pem)
    secrets = aws_session.client("secretsmanager")
    yield secrets.create_secret(Name="mine")["ARN"]
    secrets.delete_secret(SecretId="mine", ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize("asked", [False, True], ids=["not asked", "asked over mutual TLS"])
def test_a_credential_is_stored_and_its_key_leaves_no_file(
    brought: str,
    env: RotationEnv,
    aws_session: boto3.Session,
    request: pytest.FixtureRequest,
    *,
    asked: bool,
) -> None:
    """Half of those who onboard sit at a Mac; what they type is what a person on Linux types."""
    service = ("--service-url", env.simulator.url, "--trusted-ca", "ca.pem") if asked else ("--skip-service-check",)
    mac: Path = request.getfixturevalue("mac")  # after onboarding, which is the function's part
    done = CliRunner().invoke(app, ["store", "--secret", brought, "--api-key-file", "api-key", *service])
    assert done.exit_code == 0, done.output
    assert "The credential is stored and in use (AWSCURRENT)." in done.stdout
    stored = aws_session.client("secretsmanager").get_secret_value(SecretId=brought)["SecretString"]
    assert env.current()["apiKey"] in stored
    assert list(mac.iterdir()) == []
