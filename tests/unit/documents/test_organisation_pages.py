"""docs/organisation.md and docs/pipeline.md: what people copy from them fits the template, and AWS reads it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from botocore.session import Session
from botocore.validate import validate_parameters

from tests.support.cloudformation import Stack, read_template
from tests.support.pages import blocks, named, table, text

ORGANISATION, PIPELINE = "docs/organisation.md", "docs/pipeline.md"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
FOUR_CELLS = r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|(.*)\|$"
EVERYTHING = {
    "KmsKeyArn": KEY,
    "FormerKmsKeyArn": KEY,
    "TenantSecretPrefix": "tenants",
    "SubnetIds": "subnet-0123abcd",
    "SecurityGroupIds": "sg-0123abcd",
    "NativeRotationDays": 30,
}


def actions(statement: dict[str, Any]) -> set[str]:
    """What a statement is about."""
    given = statement["Action"]
    return {given} if isinstance(given, str) else set(given)


def policies() -> Iterator[dict[str, Any]]:
    """Every policy that the pages show."""
    for page in (ORGANISATION, PIPELINE):
        yield from (found for found in map(json.loads, blocks(page, "json")) if "Statement" in found)


def test_the_boundary_allows_what_the_roles_may_do_and_nothing_else() -> None:
    """A right it lacks fails at night, in words that do not name the boundary."""
    roles = Stack(EVERYTHING).resources("AWS::IAM::Role").values()
    allowed = set[str]().union(
        *(
            actions(statement)
            for role in roles
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement and statement["Effect"] == "Allow"
        )
    )
    (boundary,) = (found for found in map(json.loads, blocks(ORGANISATION, "json")) if "Statement" in found)
    (statement,) = boundary["Statement"]
    assert actions(statement) == allowed


def test_the_suppression_is_one_that_security_hub_takes() -> None:
    """A rule that AWS refuses is copied by somebody who has to hurry."""
    (rule,) = (found for found in map(json.loads, blocks(ORGANISATION, "json")) if "RuleName" in found)
    hub = Session().get_service_model("securityhub")
    shape = hub.operation_model("CreateAutomationRule").input_shape
    assert shape is not None
    validate_parameters(rule, shape)
    (control,) = rule["Criteria"]["ComplianceSecurityControlId"]
    assert any(row.startswith(f"{control['Value']}:") for row in table(ORGANISATION, "Security Hub and AWS Config"))


def test_each_control_has_a_verdict_and_a_cure() -> None:
    """The page is read by somebody with a list of findings."""
    rows = re.findall(FOUR_CELLS, text(ORGANISATION), re.MULTILINE)[2:]  # without the heading and the line under it
    assert len(rows) > 30
    parameters = set(read_template()["Parameters"])
    for control, rule, verdict, why in rows:
        name = f"{control} {rule}"
        assert verdict in {"passes", "does not"} or set(named(verdict)) <= parameters, name
        assert verdict.split()[0] in {"passes", "does", "with"}, name
        if verdict == "does not":
            assert re.search(r"[Ss]uppress it|see below|Deploy with a role", why), name
    controls = [one for control, *_ in rows for one in re.findall(r"[A-Z]\w+\.\d+", control)]
    assert len(controls) == len(set(controls)), "one verdict for each"


def test_each_statement_of_a_policy_names_itself_and_no_role_is_made_without_the_boundary() -> None:
    """Who may make roles without it may do anything."""
    for policy in policies():
        assert policy["Version"] == "2012-10-17"
        for statement in policy["Statement"]:
            if actions(statement) & {"iam:CreateRole", "iam:PutRolePolicy"}:
                assert "iam:PermissionsBoundary" in statement["Condition"]["StringEquals"]
            if "iam:PassRole" in actions(statement):
                assert "iam:PassedToService" in statement["Condition"]["StringEquals"]
            assert "iam:*" not in actions(statement)


def test_the_pipelines_role_is_for_one_repository_and_one_environment() -> None:
    """Without the subject every repository at GitHub could take it."""
    (trust,) = (one for policy in policies() for one in policy["Statement"] if "Principal" in one)
    wanted = trust["Condition"]["StringEquals"]
    (subject,) = (value for key, value in wanted.items() if key.endswith(":sub"))
    (workflow,) = map(yaml.safe_load, blocks(PIPELINE, "yaml"))
    job = workflow["jobs"]["deploy"]
    assert subject == f"repo:OWNER/REPOSITORY:environment:{job['environment']}"
    assert workflow["permissions"]["id-token"] == "write"


def test_the_pipeline_gives_parameters_that_there_are() -> None:
    """And the one that must be given; values come by the environment, not by pasting them into a script."""
    (workflow,) = map(yaml.safe_load, blocks(PIPELINE, "yaml"))
    (deploy,) = (step["run"] for step in workflow["jobs"]["deploy"]["steps"] if "sam deploy" in step.get("run", ""))
    assert "--config-env prod" in deploy
    assert "${{" not in deploy
    given = set(re.findall(r"(\w+)=", deploy.partition("--parameter-overrides")[2]))
    assert "AlertEmail" in given
    assert given <= set(read_template()["Parameters"])
