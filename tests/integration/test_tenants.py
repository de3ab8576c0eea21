"""Tenants by command and by template: the same secret and the same schedule, and nothing is lost by doing it twice."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

from cli import tenant_commands
from cli.errors import REFUSED, UserError
from cli.main import app
from cli.names import checked_expression, checked_name
from cli.stack import Deployment, Fleet
from cli.tenant_commands import show
from cli.tenants import HOURLY, Tenants, fleet_of
from tests.support.cloudformation import Stack

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

TEMPLATE = Path(__file__).parents[2] / "fleet/tenant.yaml"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
ROTATION = Stack({"TenantSecretPrefix": "device-id/tenants", "KmsKeyArn": KEY})


def fleet(group: str) -> Fleet:
    """As the outputs of a deployed stack say it."""
    outputs = ROTATION.outputs()
    return Fleet(
        group=group,
        role_arn=outputs["TenantScheduleRoleArn"],
        function_arn=outputs["FunctionArn"],
        queue_arn=outputs["UndeliveredRunsArn"],
        prefix=outputs["TenantSecretPrefix"],
        kms_key=outputs["TenantKmsKey"],
        stack="mine",
    )


@pytest.fixture
def scheduler(aws_session: boto3.Session) -> "EventBridgeSchedulerClient":
    """The Scheduler's client."""
    return aws_session.client("scheduler")


@pytest.fixture
def tenants(
    aws_session: boto3.Session, scheduler: "EventBridgeSchedulerClient", request: pytest.FixtureRequest
) -> Iterator[Tenants]:
    """Of a fleet that has none."""
    group, secrets = ROTATION.outputs()["ScheduleGroupName"], aws_session.client("secretsmanager")
    scheduler.create_schedule_group(Name=group)
    yield Tenants(fleet(group), secrets, scheduler)
    scheduler.delete_schedule_group(Name=group)
    for secret in secrets.list_secrets()["SecretList"]:
        if secret["Name"].startswith("device-id/tenants/"):
            secrets.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


def added(tenants: Tenants, name: str = "acme", expression: str | None = None) -> str:
    """As the command does it; the secret's ARN."""
    arn = tenants.make_secret(name)
    tenants.schedule(name, arn, expression)
    return arn


def scheduled(scheduler: "EventBridgeSchedulerClient", name: str = "acme") -> Mapping[str, Any]:
    """A tenant's schedule as AWS has it."""
    return scheduler.get_schedule(GroupName=ROTATION.outputs()["ScheduleGroupName"], Name=name)


def test_the_command_and_the_template_make_the_same(
    tenants: Tenants, scheduler: "EventBridgeSchedulerClient", aws_session: boto3.Session
) -> None:
    """A provider may begin with one and go on with the other."""
    arn = added(tenants)
    by_template = Stack({"TenantName": "acme", "KmsKeyArn": KEY}, template=TEMPLATE, exports=ROTATION.exports())
    (schedule,) = by_template.resources("AWS::Scheduler::Schedule").values()
    (secret,) = by_template.resources("AWS::SecretsManager::Secret").values()
    made = scheduled(scheduler)
    assert json.loads(made["Target"]["Input"]) == {"secretId": arn}
    assert schedule["Target"].pop("Input") == '{"secretId": "device-id-certificate-TenantSecret.Id"}'
    assert {name: made[name] for name in schedule if name != "Target"} | {"Target": schedule["Target"]} == schedule
    assert {name: made["Target"][name] for name in schedule["Target"]} == schedule["Target"]
    described = aws_session.client("secretsmanager").describe_secret(SecretId=arn)
    assert (described["Name"], described["Description"]) == (secret["Name"], secret["Description"])
    assert described["KmsKeyId"] == secret["KmsKeyId"] == KEY


def test_a_template_of_a_tenant_keeps_the_secret_when_it_goes() -> None:
    """The certificate cannot be fetched again."""
    secret = Stack(template=TEMPLATE).template["Resources"]["TenantSecret"]
    assert (secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert Stack({"Paused": "true"}, template=TEMPLATE).resolve({"Fn::If": ["IsPaused", 1, 2]}) == 1


def test_adding_twice_makes_one_tenant(
    tenants: Tenants,
    scheduler: "EventBridgeSchedulerClient",
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first time may have been cut short anywhere."""
    arn = added(tenants)
    assert "acme is a tenant now." in capsys.readouterr().out
    assert added(tenants) == arn
    assert "acme is a tenant already." in capsys.readouterr().out
    assert scheduled(scheduler)["ScheduleExpression"] == HOURLY
    added(tenants, expression="rate(2 hours)")
    assert "brought up to date" in capsys.readouterr().out
    assert scheduled(scheduler)["ScheduleExpression"] == "rate(2 hours)"
    assert [tenant.name for tenant in tenants.all()] == ["acme"]


def test_adding_again_keeps_the_schedule_that_was_asked_for(
    tenants: Tenants, scheduler: "EventBridgeSchedulerClient", capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody chose six hours; whoever repeats the command after a failure does not think of it."""
    added(tenants, expression="rate(6 hours)")
    capsys.readouterr()
    added(tenants)
    assert scheduled(scheduler)["ScheduleExpression"] == "rate(6 hours)"
    assert "acme is a tenant already." in capsys.readouterr().out


def test_a_paused_tenant_is_kept_as_it_is_until_it_is_resumed(
    tenants: Tenants,
    scheduler: "EventBridgeSchedulerClient",
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Adding it again must not start it behind the back of whoever paused it."""
    added(tenants, expression="rate(3 hours)")
    before = scheduled(scheduler)
    tenants.pause("acme")
    tenants.pause("acme")
    added(tenants, expression="rate(3 hours)")
    said = capsys.readouterr().out
    assert "acme was paused already." in said
    assert "device-id tenant resume acme --stack-name mine" in said
    assert [tenant.paused for tenant in tenants.all()] == [True]
    tenants.resume("acme")
    tenants.resume("acme")
    assert "acme was not paused." in capsys.readouterr().out
    changes = {"LastModificationDate", "ResponseMetadata"}
    assert {k: v for k, v in scheduled(scheduler).items() if k not in changes} == {
        k: v for k, v in before.items() if k not in changes
    }


def test_removing_a_tenant_leaves_the_secret_and_says_so(
    tenants: Tenants, aws_session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """The certificate in it may be in use."""
    arn = added(tenants)
    assert tenants.remove("acme")
    said = capsys.readouterr().out
    assert "The secret device-id/tenants/acme stays" in said
    assert "device-id tenant add acme --schedule 'rate(1 hour)' --stack-name mine" in said, "what undoes it"
    assert "aws secretsmanager delete-secret --secret-id device-id/tenants/acme" in said
    assert "DeletedDate" not in aws_session.client("secretsmanager").describe_secret(SecretId=arn)
    assert list(tenants.all()) == []
    assert not tenants.remove("acme")
    assert "The secret device-id/tenants/acme stays" in capsys.readouterr().out
    assert added(tenants) == arn


def test_a_secret_that_is_about_to_be_deleted_is_not_taken(tenants: Tenants, aws_session: boto3.Session) -> None:
    """Whoever marked it meant something by it."""
    arn = tenants.make_secret("acme")
    aws_session.client("secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    with pytest.raises(UserError, match=r"marked for deletion.*restore-secret --secret-id device-id/tenants/acme"):
        tenants.make_secret("acme")


def test_a_tenant_that_is_not_there_is_a_sentence(tenants: Tenants) -> None:
    """A typing mistake must not look like success."""
    for command in (tenants.pause, tenants.resume):
        with pytest.raises(UserError, match=r"no tenant acne.*device-id tenant list --stack-name mine"):
            command("acne")


def test_removing_one_that_is_not_there_is_no_success(tenants: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who mistyped the name believes that nobody looks at the other one any more."""
    added(tenants, "globex")
    monkeypatch.setattr(tenant_commands, "deployment", lambda _: None)
    monkeypatch.setattr(tenant_commands, "_tenants", lambda _: tenants)
    done = CliRunner().invoke(app, ["tenant", "remove", "glebox"])
    assert done.exit_code == REFUSED
    assert "There is no tenant glebox." in done.stderr
    assert "device-id tenant list --stack-name mine" in done.stderr
    assert [tenant.name for tenant in tenants.all()] == ["globex"]


def test_tenants_are_listed_by_name_with_who_is_paused(tenants: Tenants, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, fit for a shell's loop."""
    for number in (2, 1, 3):
        added(tenants, f"tenant-{number}")
    tenants.pause("tenant-2")
    capsys.readouterr()
    show(list(tenants.all()), "device-id/tenants")
    said = capsys.readouterr().out
    assert said.splitlines()[:3] == ["tenant-1", "tenant-2  (paused)", "tenant-3"]
    assert "3 tenants, 1 paused. Their secrets begin with device-id/tenants/." in said


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 65, "Zürich"])
def test_a_name_that_aws_refuses_is_refused_before_anything_is_made(name: str) -> None:
    """Else a secret is left without a schedule."""
    with pytest.raises(UserError, match="names no tenant"):
        checked_name(name)
    assert checked_name("acme-2.eu_west") == "acme-2.eu_west"


def test_what_is_no_schedule_is_refused_before_anything_is_made() -> None:
    """As above."""
    with pytest.raises(UserError, match="is no schedule"):
        checked_expression("hourly")
    assert checked_expression("at(2027-01-31T12:00:00)")


def test_a_stack_without_a_prefix_says_how_to_get_tenants() -> None:
    """It is one parameter away."""
    single = Deployment("one", "f", "arn", "ledger", "topic", {})
    with pytest.raises(UserError, match="Deploy it again with TenantSecretPrefix"):
        fleet_of(single)
