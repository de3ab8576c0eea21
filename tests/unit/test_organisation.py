"""What an organisation asks of a stack: each parameter does its part, and left alone none of them does anything."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scan import EVERYTHING, NOT_HEARD, TENANT_EVERYTHING, statements
from tests.support.cloudformation import ROOT, TEMPLATE, TENANT, Stack, read_template

SUBNETS = "subnet-0123abcd,subnet-0123456789abcdef0"
GROUPS = "sg-0123abcd"
BOUNDARY = "arn:aws:iam::123456789012:policy/team/boundary"
NETWORK: dict[str, object] = {"SubnetIds": SUBNETS, "SecurityGroupIds": GROUPS}
FLEET: dict[str, object] = {"TenantSecretPrefix": "device-id/tenants"}
EXISTING = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:device-id-AbCdEf"
PERMISSION = "AWS::Lambda::Permission"
ROTATION = "AWS::SecretsManager::RotationSchedule"
NO_VALUE = {"Ref": "AWS::NoValue"}


def told(node: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Every value that CloudFormation is told, with its place; what stands for nothing is left out."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from told(value, f"{place}/{name}")
    elif isinstance(node, list):
        for number, value in enumerate(one for one in node if one is not None):
            yield from told(value, f"{place}/{number}")
    elif node is not None:
        yield place, node


def made(parameters: dict[str, object]) -> dict[str, object]:
    """All that a stack makes, places and values."""
    stack = Stack(parameters)
    kinds = {resource["Type"] for resource in stack.template["Resources"].values()}
    return {
        **{place: value for kind in kinds for place, value in told(stack.resources(kind))},
        **dict(told(stack.outputs(), "/Outputs")),
    }


def added(parameters: dict[str, object], to: dict[str, object] | None = None) -> set[str]:
    """The resources, properties and outputs that parameters change, as far down as tells what they are."""
    before, after = made(to or {}), made({**(to or {}), **parameters})
    changed = {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
    return {"/".join(place.split("/")[1:3]) for place in changed}


@pytest.mark.parametrize(("template", "chosen"), [(TEMPLATE, EVERYTHING), (TENANT, TENANT_EVERYTHING)])
def test_what_the_scanners_read_has_all_that_can_be_chosen(template: Path, chosen: dict[str, object]) -> None:
    """A part that hangs on a parameter they do not set is one that nobody scanned."""
    stack = Stack(chosen, template=template)
    assert [name for name in stack.template["Conditions"] if not stack.resolve({"Condition": name})] == []


def test_what_the_scanners_are_not_heard_on_is_there() -> None:
    """A reason for a statement that is gone excuses the next one of that name."""
    assert {name for name, _ in statements()} >= NOT_HEARD.keys()


@pytest.mark.parametrize("fleet", [{}, FLEET])
def test_each_parameter_adds_its_part_and_nothing_else(fleet: dict[str, object]) -> None:
    """Whoever deploys a newer template without them gets the stack they had."""
    assert added({"PermissionsBoundaryArn": BOUNDARY}, fleet) == {
        "FunctionRole/PermissionsBoundary",
        "ScheduleRole/PermissionsBoundary",
    }
    assert added(NETWORK, fleet) == {"CertificateRotationFunction/VpcConfig", "FunctionRole/Policies"}
    natively = added({"NativeRotationDays": 30}, fleet)
    of_tenants = {"TenantsNativeRotationPermission", "Outputs"} if fleet else set()
    assert {place for place in natively if place.startswith("Cert")} == {"CertificateRotationFunction/Environment"}
    made = {place.split("/")[0] for place in natively} - {"CertificateRotationFunction"}
    assert made == {"NativeRotation", "NativeRotationPermission"} | of_tenants


def test_left_alone_they_make_nothing() -> None:
    """A right, a network or a rotation that nobody chose is one that nobody looks after."""
    for parameters in ({}, FLEET):
        stack = Stack(parameters)
        assert stack.resources(PERMISSION) == stack.resources(ROTATION) == {}
        (function,) = stack.resources("AWS::Serverless::Function").values()
        assert function["VpcConfig"] is None
        for role in stack.resources("AWS::IAM::Role").values():
            assert role["PermissionsBoundary"] is None
            assert "ec2:" not in str(role)
        assert "NativeRotationFunctionArn" not in stack.outputs()


@pytest.mark.parametrize("path", [TEMPLATE, TENANT])
def test_every_role_has_the_boundary(path: Path) -> None:
    """An organisation's policy refuses the whole stack for one role without it."""
    template = read_template(path)
    roles = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    assert len(roles) == (2 if path == TEMPLATE else 0)
    assert all(
        role["PermissionsBoundary"] == {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, NO_VALUE]}
        for role in roles
    )


def test_sam_makes_no_role_beside_ours() -> None:
    """One that it makes has no boundary."""
    for resource in read_template()["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            assert "Role" in properties
            assert all("RoleArn" in event["Properties"] for event in properties["Events"].values())


@pytest.mark.parametrize(
    ("chosen", "arn"),
    [({}, "device-id-certificate-CredentialSecret.Id"), ({"ExistingSecretArn": EXISTING}, EXISTING)],
)
def test_secrets_manager_may_start_the_function_for_this_secret_alone(chosen: dict[str, object], arn: str) -> None:
    """The principal stands for Secrets Manager on behalf of any account: account and secret narrow it."""
    stack = Stack({"NativeRotationDays": 30, **chosen})
    (permission,) = stack.resources(PERMISSION).values()
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "device-id-certificate-CertificateRotationFunction",
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": "123456789012",
        "SourceArn": arn,
    }
    (rotation,) = stack.resources(ROTATION).values()
    assert (rotation["SecretId"], rotation["RotationRules"]) == (arn, {"AutomaticallyAfterDays": 30})
    assert read_template()["Resources"]["NativeRotation"]["DependsOn"] == "NativeRotationPermission"


@pytest.mark.parametrize("path", [TEMPLATE, TENANT])
def test_a_deployment_rotates_nothing(path: Path) -> None:
    """AWS rotates at once unless told otherwise, and a second certificate may delete the one in use."""
    rotations = [one for one in read_template(path)["Resources"].values() if one["Type"] == ROTATION]
    assert [one["Properties"]["RotateImmediatelyOnUpdate"] for one in rotations] == [False]


def test_one_permission_is_for_all_tenants() -> None:
    """One for each would meet the 20 KB of a function's policy at a hundred tenants."""
    stack = Stack({**FLEET, "NativeRotationDays": 30, "OwnCredential": "false"})
    (permission,) = stack.resources(PERMISSION).values()
    assert permission["SourceArn"] == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:device-id/tenants/*"
    assert permission["SourceAccount"] == "123456789012"
    assert stack.resources(ROTATION) == {}, "the stack's own credential rests"
    assert len(Stack({**FLEET, "NativeRotationDays": 30}).resources(PERMISSION)) == 2


def test_a_tenant_rotates_natively_only_where_the_stack_lets_it() -> None:
    """Else Secrets Manager would be refused at each rotation, and nobody would know why."""
    asked: dict[str, object] = {"TenantName": "acme", "NativeRotationDays": 60}
    let = Stack({**FLEET, "NativeRotationDays": 30}).exports()
    (rotation,) = Stack(asked, template=TENANT, exports=let).resources(ROTATION).values()
    assert rotation["RotationLambdaARN"] == let["device-id-certificate-FunctionArn"]
    assert (rotation["SecretId"], rotation["RotationRules"]["AutomaticallyAfterDays"]) == (
        "device-id-certificate-TenantSecret.Id",
        60,
    )
    with pytest.raises(KeyError, match="NativeRotationFunctionArn"):
        Stack(asked, template=TENANT, exports=Stack(FLEET).exports()).resources(ROTATION)
    assert Stack({"TenantName": "acme"}, template=TENANT, exports=let).resources(ROTATION) == {}


def test_the_function_is_put_into_the_subnets() -> None:
    """As Lambda wants them: lists."""
    (function,) = Stack(NETWORK).resources("AWS::Serverless::Function").values()
    assert function["VpcConfig"] == {"SubnetIds": SUBNETS.split(","), "SecurityGroupIds": [GROUPS]}


def test_subnets_and_security_groups_are_given_together() -> None:
    """Lambda refuses one without the other, in the middle of a deployment."""
    rules = read_template()["Rules"].values()
    claims = [(rule["RuleCondition"], claim) for rule in rules for claim in rule["Assertions"]]
    subnets, groups = ({"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} for name in NETWORK)
    assert [(when, claim["Assert"]) for when, claim in claims] == [(subnets, groups), (groups, subnets)]
    assert all(claim["AssertDescription"].endswith("give both, or neither.") for _, claim in claims)


def test_network_rights_are_lambdas_and_not_the_codes() -> None:
    """Whoever gets into the function's process must not get into the network's plumbing."""
    role = Stack(NETWORK).resources("AWS::IAM::Role")["FunctionRole"]
    statements = {one["Sid"]: one for one in role["Policies"][0]["PolicyDocument"]["Statement"] if one}
    assert statements["NetworkInterfaces"]["Resource"] == "arn:aws:ec2:eu-west-1:*:*/*"
    allowed = {*statements["NetworkInterfaces"]["Action"], *statements["NetworkView"]["Action"]}
    denied = statements["NetworkIsLambdasAlone"]
    assert allowed == set(denied["Action"])
    assert (denied["Effect"], denied["Resource"]) == ("Deny", "*")
    assert denied["Condition"] == {
        "ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:*"}
    }
    assert all("*" not in action for action in allowed)


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("SubnetIds", ["", "subnet-0123abcd", SUBNETS], ["subnet-1, subnet-2", "*", f"{SUBNETS},", "sg-0123abcd"]),
        ("SecurityGroupIds", ["", GROUPS, f"{GROUPS},{GROUPS}"], ["default", f" {GROUPS}", SUBNETS]),
        (
            "PermissionsBoundaryArn",
            ["", BOUNDARY, "arn:aws-cn:iam::aws:policy/PowerUserAccess"],
            ["boundary", "arn:aws:iam::123456789012:role/x", "arn:aws:iam::123456789012:policy/*"],
        ),
    ],
)
def test_a_parameter_is_checked_before_anything_is_deployed(parameter: str, good: list[str], bad: list[str]) -> None:
    """And says what it should be in words, not as a pattern."""
    given = read_template()["Parameters"][parameter]
    assert [value for value in good if not re.fullmatch(given["AllowedPattern"], value)] == []
    assert [value for value in bad if re.fullmatch(given["AllowedPattern"], value)] == []
    assert given["ConstraintDescription"].startswith("must be ")


@pytest.mark.parametrize("path", [TEMPLATE, TENANT])
def test_the_days_are_what_secrets_manager_takes(path: Path) -> None:
    """1 to 1000, and 0 for off."""
    days = read_template(path)["Parameters"]["NativeRotationDays"]
    assert (days["Type"], days["Default"], days["MinValue"], days["MaxValue"]) == ("Number", 0, 0, 1000)


def test_the_published_application_is_this_version_under_this_licence() -> None:
    """`sam publish` refuses a version twice, so the number has one source."""
    application = read_template()["Metadata"]["AWS::ServerlessRepo::Application"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (application["SemanticVersion"], application["SpdxLicenseId"]) == (project["version"], project["license"])
    assert application["Name"] == project["name"]
    # Serverless Application Repository, "Applications": what it requires, and how it may be written.
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", application["Name"])
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", application["Author"])
    assert all((ROOT / application[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))
    assert len(application["Description"]) <= 256  # SAM, "AWS SAM template Metadata section properties"


def test_production_is_deployed_without_a_terminal() -> None:
    """A pipeline that is asked waits for ever, and one that has nothing to change must not turn red."""
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())
    production = settings["prod"]["deploy"]["parameters"]
    assert (production["confirm_changeset"], production["fail_on_empty_changeset"]) == (False, False)
    assert production["resolve_s3"] is True
    assert production["capabilities"] == "CAPABILITY_IAM"
    stacks = [one["deploy"]["parameters"]["stack_name"] for one in settings.values() if isinstance(one, dict)]
    assert len(set(stacks)) == len(stacks) == 3, "each place has a stack of its own"
    assert "parameter_overrides" not in production, "what is given on the command line would replace it unseen"
    required = [name for name, one in read_template()["Parameters"].items() if "Default" not in one]
    assert required == ["AlertEmail"]
    before, _, _ = (ROOT / "samconfig.toml").read_text().partition("[prod.deploy.parameters]")
    assert "--parameter-overrides AlertEmail=" in before
