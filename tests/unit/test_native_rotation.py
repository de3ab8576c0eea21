"""`tenant`: Secrets Manager's own rotation is switched on and off, and tags say who pays. Both may be done twice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import validate_parameters
from typer.testing import CliRunner

from cli import stack, tenant_commands
from cli.errors import UserError
from cli.main import app
from cli.names import checked_tags
from cli.native_rotation import MOST_DAYS, NativeRotation
from cli.stack import Deployment, Fleet
from cli.tenants import Tenants
from tests.support.cloudformation import TENANT, Stack, read_template

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:mine"
OTHER = f"{FUNCTION}-other"
FLEET = Fleet("group", "role", FUNCTION, "queue", "tenants", "key", "mine", native_rotation=True)
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tenants/acme-AbCdEf"
MODEL = Session().get_service_model("secretsmanager")


class MissingError(Exception):
    """AWS: there is no such secret."""


class FakeSecrets:
    """One tenant's secret as Secrets Manager keeps it, and the calls that changed something."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        """What boto3 raises."""

        ResourceNotFoundException = MissingError

    def __init__(self, **described: object) -> None:
        """`described`: as DescribeSecret answers; nothing for no secret."""
        self.described: dict[str, Any] = {"ARN": ARN, **described} if described else {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def _called(self, operation: str, given: dict[str, Any]) -> None:
        shape = MODEL.operation_model(operation).input_shape
        assert shape is not None
        validate_parameters(given, shape)
        self.calls.append((operation, given))

    def describe_secret(self, **given: str) -> Mapping[str, Any]:
        """As boto3 does."""
        if not self.described:
            raise MissingError(given)
        return self.described

    def create_secret(self, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - what boto3 takes
        """As boto3 does."""
        self._called("CreateSecret", given)
        self.described = {"ARN": ARN, "Tags": given["Tags"]}
        return self.described

    def rotate_secret(self, **given: Any) -> None:  # noqa: ANN401 - what boto3 takes
        """As boto3 does."""
        self._called("RotateSecret", given)
        self.described |= {"RotationEnabled": True} | {
            name: given[name] for name in ("RotationLambdaARN", "RotationRules")
        }

    def cancel_rotate_secret(self, **given: str) -> None:
        """As boto3 does."""
        self._called("CancelRotateSecret", given)
        self.described["RotationEnabled"] = False

    def tag_resource(self, **given: Any) -> None:  # noqa: ANN401 - what boto3 takes
        """As boto3 does."""
        self._called("TagResource", given)
        tags = {tag["Key"]: tag for tag in [*self.described.get("Tags", []), *given["Tags"]]}
        self.described["Tags"] = list(tags.values())

    @property
    def tags(self) -> dict[str, str]:
        """What it bears."""
        return {tag["Key"]: tag["Value"] for tag in self.described["Tags"]}

    @property
    def operations(self) -> list[str]:
        """What changed something, in order."""
        return [operation for operation, _ in self.calls]


class FakeScheduler:
    """Schedules that are there, whatever they are called."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        """What boto3 raises."""

        ResourceNotFoundException = MissingError

    def delete_schedule(self, **_: str) -> None:
        """As boto3 does."""

    def get_schedule(self, **_: str) -> Mapping[str, Any]:
        """As boto3 does."""
        return {"State": "DISABLED", "ScheduleExpression": "rate(1 hour)"}

    def update_schedule(self, **_: object) -> None:
        """As boto3 does."""


def filled(**more: object) -> FakeSecrets:
    """A secret with a credential in it."""
    return FakeSecrets(VersionIdsToStages={"1": ["AWSCURRENT"]}, **more)


def tenants(secrets: FakeSecrets, fleet: Fleet = FLEET) -> Tenants:
    """The commands' own object around fakes."""
    return Tenants(fleet, secrets, FakeScheduler())  # type: ignore[arg-type]  # they do what is asked of them here


def native(secrets: FakeSecrets, fleet: Fleet = FLEET) -> NativeRotation:
    """As above."""
    return tenants(secrets, fleet).native_rotation


def test_the_command_asks_for_what_the_template_asks_for() -> None:
    """A provider may begin with one and go on with the other; neither rotates at once."""
    secrets = filled()
    native(secrets).set("acme", ARN, 60)
    ((_, asked),) = secrets.calls
    exports = Stack({"TenantSecretPrefix": "tenants", "NativeRotationDays": 30}).exports()
    by_template = Stack({"TenantName": "acme", "NativeRotationDays": 60}, template=TENANT, exports=exports)
    (rotation,) = by_template.resources("AWS::SecretsManager::RotationSchedule").values()
    assert asked["RotateImmediately"] is rotation["RotateImmediatelyOnUpdate"] is False
    assert asked["RotationRules"] == rotation["RotationRules"] == {"AutomaticallyAfterDays": 60}
    assert asked["RotationLambdaARN"] == FUNCTION
    assert read_template(TENANT)["Parameters"]["NativeRotationDays"]["MaxValue"] == MOST_DAYS


def test_asking_twice_changes_nothing_and_asking_otherwise_changes_the_days() -> None:
    """Each RotateSecret has AWS try the function anew."""
    secrets = filled()
    for days in (60, 60, 90, None):
        native(secrets).set("acme", ARN, days)
    assert secrets.operations == ["RotateSecret", "RotateSecret"]
    assert secrets.described["RotationRules"] == {"AutomaticallyAfterDays": 90}


def test_no_days_end_it_once() -> None:
    """Twice is no failure, and what was never on is not touched."""
    secrets = filled()
    native(secrets).set("acme", ARN, 0)
    native(secrets).set("acme", ARN, 60)
    for _ in range(2):
        native(secrets).set("acme", ARN, 0)
    assert secrets.operations == ["RotateSecret", "CancelRotateSecret"]


def test_what_another_function_rotates_is_left_alone() -> None:
    """Two that rotate one secret would each take the other's for lost."""
    secrets = filled(RotationEnabled=True, RotationLambdaARN=OTHER, RotationRules={"AutomaticallyAfterDays": 60})
    with pytest.raises(UserError, match=rf"with {OTHER}\. End that first: aws secretsmanager cancel-rotate-secret"):
        native(secrets).set("acme", ARN, 60)
    native(secrets).set("acme", ARN, 0)
    tenants(secrets).remove("acme")
    assert secrets.calls == []


def test_an_empty_secret_is_filled_first() -> None:
    """AWS does not say what it does with one that has no value."""
    secrets = FakeSecrets(VersionIdsToStages={})
    with pytest.raises(UserError, match=r"is empty.*`device-id store --tenant acme --stack-name mine`, then run this"):
        native(secrets).set("acme", ARN, 60)
    assert secrets.calls == []


def test_a_stack_that_does_not_let_secrets_manager_in_is_told_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each rotation would fail, and only Secrets Manager's console would show it."""
    secrets = FakeSecrets()
    fleet = replace(FLEET, native_rotation=False)
    deployment = Deployment("mine", FUNCTION, "arn", "ledger", "topic", {}, fleet)
    monkeypatch.setattr(tenant_commands, "deployment", lambda _: deployment)
    monkeypatch.setattr(tenant_commands, "_tenants", lambda _: tenants(secrets, fleet))
    monkeypatch.setattr(tenant_commands, "client", lambda _: secrets)
    done = CliRunner().invoke(app, ["tenant", "add", "acme", "--native-rotation-days", "60"])
    assert "Deploy it again with NativeRotationDays" in done.stderr
    assert (done.exit_code != 0, secrets.calls) == (True, [])
    native(secrets, fleet).check(0)
    native(secrets, fleet).check(None)


def test_removing_a_tenant_ends_it_too_and_twice_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """Else Secrets Manager goes on renewing for one who left."""
    secrets = filled()
    native(secrets).set("acme", ARN, 60)
    for _ in range(2):
        assert tenants(secrets).remove("acme")
    assert secrets.operations == ["RotateSecret", "CancelRotateSecret"]
    assert "The secret tenants/acme stays" in capsys.readouterr().out
    assert tenants(FakeSecrets()).remove("acme"), "whose secret is gone"


def test_a_pause_says_that_secrets_manager_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Who pauses a tenant believes that nothing happens any more."""
    secrets = filled()
    native(secrets).set("acme", ARN, 60)
    tenants(secrets).pause("acme")
    end = "device-id tenant add acme --native-rotation-days 0 --stack-name mine"
    assert f"rotates it too, every 60 days. To end that: {end}" in capsys.readouterr().out
    for quiet in (filled(), FakeSecrets()):
        tenants(quiet).pause("acme")
    assert "Secrets Manager" not in capsys.readouterr().out


def test_a_tenants_secret_bears_the_stacks_tags_and_its_own() -> None:
    """Who is charged for it must not depend on who typed the command."""
    fleet = replace(FLEET, tags={"project": "device-id", "cost-centre": "1"})
    secrets = FakeSecrets()
    tenants(secrets, fleet).make_secret("acme", {"cost-centre": "4711"})
    assert secrets.tags == {"project": "device-id", "cost-centre": "4711"}
    tenants(secrets, fleet).make_secret("acme")
    assert secrets.operations == ["CreateSecret"], "adding again does not take a tenant's own value away"
    tenants(secrets, replace(fleet, tags={**fleet.tags, "owner": "soc"})).make_secret("acme", {"cost-centre": "4712"})
    assert secrets.tags == {"project": "device-id", "cost-centre": "4712", "owner": "soc"}
    assert secrets.operations == ["CreateSecret", "TagResource"]


@pytest.mark.parametrize("tag", ["", "key", "=value", "aws:x=y", "a=b\n", "a=<b>", "x" * 129 + "=y"])
def test_what_is_no_tag_is_refused_before_anything_is_made(tag: str) -> None:
    """Else a secret is left without a schedule."""
    with pytest.raises(UserError, match="is no tag"):
        checked_tags([tag])
    assert checked_tags(["cost-centre=4711", "a=b=c", "empty="]) == {"cost-centre": "4711", "a": "b=c", "empty": ""}


@pytest.mark.parametrize("lets", [True, False])
def test_tags_and_the_permission_are_read_from_the_stack(monkeypatch: pytest.MonkeyPatch, *, lets: bool) -> None:
    """What the template calls its output is what the command looks for."""
    given = {"TenantSecretPrefix": "tenants", "NativeRotationDays": 30 if lets else 0}
    outputs = Stack(given).outputs()
    tags = [{"Key": "cost-centre", "Value": "4711"}]

    class Aws:
        """CloudFormation, and Lambda."""

        def describe_stacks(self, **_: str) -> dict[str, Any]:
            """As boto3 does."""
            found = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
            return {"Stacks": [{"Outputs": found, "Tags": tags}]}

        def get_function_configuration(self, **_: str) -> dict[str, Any]:
            """As boto3 does."""
            return {}

    monkeypatch.setattr(stack, "client", lambda _: Aws())
    fleet = stack.deployment("mine").fleet
    assert fleet
    assert (fleet.native_rotation, fleet.tags) == (lets, {"cost-centre": "4711"})
    assert outputs.get("NativeRotationFunctionArn", fleet.function_arn) == fleet.function_arn
