"""`tenant add --from` against AWS: many at once, again and again, and one that fails keeps no other out."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from certificate_rotation.domain.x509 import Chain, private_key_pem
from cli import tenant_commands
from cli.errors import REFUSED, WRONG_USE
from cli.main import app
from cli.stack import Deployment
from tests.integration.test_tenants import ROTATION, fleet
from tests.support.factories import API_KEY, certificate

pytestmark = pytest.mark.makes_key_files  # they are what the vendor handed out

NAMES = [f"tenant-{number}" for number in range(5)]
HEADINGS = "name,cert,key,api-key-file,api-key-expiry"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a credential for each, and a list of them; one has none yet, and of one the API key's end is not known."""
    now, lines = datetime.now(UTC), [HEADINGS]
    for name in NAMES[1:]:
        key = ec.generate_private_key(ec.SECP256R1())
        chain = Chain((certificate(key, begins=now - timedelta(days=1), ends=now + timedelta(days=90)),))
        (tmp_path / f"{name}.pem").write_text(chain.pem)
        (tmp_path / f"{name}.key").write_text(private_key_pem(key))
        ends = "" if name == NAMES[1] else "2027-05-31T00:00:00Z"
        lines.append(f"{name},{name}.pem,{name}.key,api-key,{ends}")
    (tmp_path / "api-key").write_text(API_KEY)
    (tmp_path / "tenants.csv").write_text("\n".join([*lines, f"{NAMES[0]},,,,"]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Refusing:
    """A client of Secrets Manager, but the secret of one tenant is marked for deletion."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3's
        """`name`: whose."""
        self._client, self._name = client, name

    def __getattr__(self, call: str) -> Any:  # noqa: ANN401 - any call
        return getattr(self._client, call)

    def describe_secret(self, **asked: str) -> dict[str, Any]:
        """As boto3 does."""
        if self._name and asked["SecretId"].endswith(f"/{self._name}"):
            return {"ARN": self._name, "DeletedDate": datetime.now(UTC)}
        found: dict[str, Any] = self._client.describe_secret(**asked)
        return found


type Typed = Callable[..., Result]


@pytest.fixture
def typed(folder: Path, aws_session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Type `tenant add --from` beside a fleet that has nobody."""
    group, scheduler, secrets = (
        ROTATION.outputs()["ScheduleGroupName"],
        aws_session.client("scheduler"),
        aws_session.client("secretsmanager"),
    )
    scheduler.create_schedule_group(Name=group)
    deployed = Deployment("mine", "f", "arn", "ledger", "topic", {}, fleet(group))
    monkeypatch.setattr(tenant_commands, "deployment", lambda _: deployed)

    def type_it(*options: str, refused: str = "") -> Result:
        clients = {"scheduler": scheduler, "secretsmanager": Refusing(secrets, refused)}
        monkeypatch.setattr(tenant_commands, "client", lambda name: clients[name])
        return CliRunner().invoke(app, ["tenant", "add", "--from", "tenants.csv", "--skip-service-check", *options])

    yield type_it
    scheduler.delete_schedule_group(Name=group)
    for secret in secrets.list_secrets()["SecretList"]:
        if secret["Name"].startswith("device-id/tenants/"):
            secrets.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


def held(aws_session: boto3.Session, name: str) -> dict[str, Any]:
    """What a tenant's secret holds."""
    secrets = aws_session.client("secretsmanager")
    document: dict[str, Any] = json.loads(
        secrets.get_secret_value(SecretId=f"device-id/tenants/{name}")["SecretString"]
    )
    return document


def listed_names(aws_session: boto3.Session) -> list[str]:
    """Who is looked at."""
    scheduler = aws_session.client("scheduler")
    return sorted(one["Name"] for one in scheduler.list_schedules()["Schedules"])


def test_many_are_added_and_a_second_time_changes_nothing(
    typed: Typed, aws_session: boto3.Session, folder: Path
) -> None:
    """Who is not sure whether it went through runs it again, also when rotation has renewed it since."""
    first = typed("--tag", "cost-centre=4711")
    assert first.exit_code == 0, first.output
    assert "5 of 5 are tenants now: 5 new." in first.stdout
    assert "4 credentials were stored. 0 had one" in first.stdout
    assert "1 have no credential yet" in first.stdout
    assert "device-id store --tenant NAME --stack-name mine" in first.stdout
    assert "Of 1 nobody knows when the API key ends" in first.stdout
    assert first.stdout.count("\n") < 10, "no lines of each"
    assert listed_names(aws_session) == NAMES
    assert held(aws_session, NAMES[2])["cert"] == (folder / f"{NAMES[2]}.pem").read_text()
    renewed = {**held(aws_session, NAMES[2]), "certName": "renewed since"}
    aws_session.client("secretsmanager").put_secret_value(
        SecretId=f"device-id/tenants/{NAMES[2]}", SecretString=json.dumps(renewed)
    )
    second = typed()
    assert (second.exit_code, "5 of 5 are tenants now: 0 new." in second.stdout) == (0, True)
    assert "0 credentials were stored. 4 had one, which was left as it is." in second.stdout
    assert held(aws_session, NAMES[2]) == renewed


def test_one_that_fails_keeps_no_other_out_and_is_tried_again(typed: Typed, aws_session: boto3.Session) -> None:
    """The exit code says it, and the sentence whose it is."""
    first = typed(refused=NAMES[3])
    assert first.exit_code == REFUSED
    assert "4 of 5 are tenants now: 4 new." in first.stdout
    assert "1 failed; the same command tries them again:" in first.stdout
    assert f"- {NAMES[3]}: The secret device-id/tenants/{NAMES[3]} is marked for deletion." in first.stdout
    assert listed_names(aws_session) == [name for name in NAMES if name != NAMES[3]]
    second = typed()
    assert (second.exit_code, "5 of 5 are tenants now: 1 new." in second.stdout) == (0, True)


def test_a_list_that_is_wrong_begins_nothing(typed: Typed, folder: Path, aws_session: boto3.Session) -> None:
    """Half a list is harder to mend than none."""
    with (folder / "tenants.csv").open("a") as file:
        file.write("\nno/name,,,,\n")
    refused = typed()
    assert (refused.exit_code, "Nothing was done" in refused.stderr) == (WRONG_USE, True)
    assert listed_names(aws_session) == []


@pytest.mark.parametrize("more", [("acme",), ("--cert", "a.pem"), ("--api-key-file", "api-key"), ("--cert-name", "a")])
def test_a_list_and_one_tenant_are_not_mixed(typed: Typed, more: tuple[str, ...], aws_session: boto3.Session) -> None:
    """One certificate for all of them would be nobody's."""
    assert typed(*more).exit_code == WRONG_USE
    assert CliRunner().invoke(app, ["tenant", "add"]).exit_code == WRONG_USE
    assert listed_names(aws_session) == []
