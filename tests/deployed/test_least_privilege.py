"""The role allows what the function does and nothing more: shown by taking away one right after the other.

The rights are read from the deployed role. The local AWS decides on each as IAM does, a transaction of DynamoDB by
what it consists of (AWS: the permissions of PutItem and UpdateItem govern the Put and Update in it).
"""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from dev.stack import Stack
from tests.support.aws_proxy import AwsProxy
from tests.support.deployed_customer import Customer
from tests.support.deployed_role import Right, Role, listed
from tests.support.deployed_scenarios import SCENARIOS
from tests.support.invariants import TALLY

# Rights the local AWS does not ask for, and why AWS does. Each is checked against AWS's documentation instead, in
# `test_what_is_not_enforced_here_is_what_aws_documents`.
NOT_ENFORCED_HERE = {
    "logs:createlogstream": "AWS: Lambda writes the log with the function's role; the local AWS writes it itself.",
    "logs:putlogevents": "As logs:CreateLogStream.",
}
# Only a stack with KmsKeyArn has these; the local AWS stores everything in plain, and asks for no key. Each is used
# through the service alone that has the action (kms:ViaService), and by Lambda for the function's own settings.
# AWS, Secrets Manager, "Permissions for the KMS key": it acts on behalf of who reads or writes a value.
# AWS, DynamoDB, "Encryption at rest": it has the table's key decrypted on behalf of who uses the table.
# AWS, SNS, "Key management": a publisher needs kms:GenerateDataKey and kms:Decrypt.
KEY_IS_USED_FOR = {
    "secretsmanager:DescribeSecret": set[str](),
    "secretsmanager:GetSecretValue": {"kms:Decrypt"},
    "secretsmanager:PutSecretValue": {"kms:GenerateDataKey", "kms:Decrypt"},
    "secretsmanager:UpdateSecretVersionStage": set[str](),
    "dynamodb:GetItem": {"kms:Decrypt"},
    "dynamodb:UpdateItem": {"kms:Decrypt"},
    "dynamodb:PutItem": {"kms:Decrypt"},
    "sns:Publish": {"kms:GenerateDataKey", "kms:Decrypt"},
    "events:PutEvents": set[str](),  # the default bus is encrypted with a key of EventBridge's own
    "logs:CreateLogStream": set[str](),  # CloudWatch Logs encrypts with a key of its own
    "logs:PutLogEvents": set[str](),
}
OF_TENANTS = "arn:aws:secretsmanager:us-east-1:000000000000:secret:device-id/tenants/*"
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
FORMER = KEY.replace("1", "9").replace("us-east-9", "us-east-1")


@pytest.fixture(scope="module")
def role(stack: Stack) -> Role:
    """The deployed function's."""
    return Role.of_function(stack)


@pytest.fixture(scope="module")
def stack_with_a_key(stack: Stack) -> Iterator[Stack]:
    """The same template with KmsKeyArn and the key before it: every statement it knows, resolved."""
    formation, name = stack.client("cloudformation"), "device-id-with-a-key"
    given = formation.describe_stacks(StackName=stack.name)["Stacks"][0]["Parameters"]
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in given}
    parameters |= {"KmsKeyArn": KEY, "FormerKmsKeyArn": FORMER}
    formation.create_stack(
        StackName=name,
        TemplateBody=formation.get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    outputs = formation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    yield Stack(stack.aws, name, {output["OutputKey"]: output["OutputValue"] for output in outputs})
    formation.delete_stack(StackName=name)


def failing_without(right: Right, role: Role, new_customer: Callable[[], Customer], aws_proxy: AwsProxy) -> str | None:
    """The name of a scenario that is denied something and fails when the role lacks the right; None if all pass."""
    for name, scenario in SCENARIOS.items():
        customer = new_customer()
        aws_proxy.forget()
        try:
            with role.without(right):
                scenario(customer, aws_proxy)
        except AssertionError:
            assert right.actions & {action.lower() for action in aws_proxy.denials()}, "it failed for another reason"
            assert customer.accepted()
            assert customer.invoke()["outcome"] in {"rotated", "not_due"}
            assert customer.accepted()
            assert len(customer.refreshes()) == 1, "a right that is missing costs an attempt"
            return name
        if right.actions <= NOT_ENFORCED_HERE.keys():
            break
    return None


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_function_is_denied_nothing_it_does(customer: Customer, aws_proxy: AwsProxy, name: str) -> None:
    """A right that is missing would show on the day it is needed, perhaps the last one."""
    aws_proxy.forget()
    SCENARIOS[name](customer, aws_proxy)
    assert aws_proxy.calls
    TALLY.check(10, aws_proxy.denials() == [], f"{name} was denied {aws_proxy.denials()}")


@pytest.mark.timeout(300)  # one scenario for each right of the role
def test_without_any_one_right_a_scenario_fails(
    role: Role,
    new_customer: Callable[[], Customer],
    aws_proxy: AwsProxy,
    subtests: pytest.Subtests,
) -> None:
    """What no scenario needs is a door left open; and a role that lacks something loses no certificate."""
    for right in role.rights():
        with subtests.test(right=str(right)):
            found = failing_without(right, role, new_customer, aws_proxy)
            enforced = not right.actions <= NOT_ENFORCED_HERE.keys()
            TALLY.count("rights taken away, one at a time")
            TALLY.check(10, (found is not None) == enforced, f"without {right}, the scenario that failed is {found}")


def test_a_right_that_was_taken_away_is_given_back(role: Role) -> None:
    """Else the tests above would show only that one right after the other was never there."""
    before = json.dumps(role.statements())
    for right in role.rights():
        with role.without(right):
            assert right not in role.rights()
    assert json.dumps(role.statements()) == before


def test_the_role_names_every_action_and_only_resources_of_its_stack(stack_with_a_key: Stack) -> None:
    """A right nobody decided on is not given; a condition would need a scenario that meets it."""
    statements = Role.of_function(stack_with_a_key).statements()
    outputs = stack_with_a_key.outputs
    table = stack_with_a_key.client("dynamodb").describe_table(TableName=outputs["LedgerTableName"])["Table"]
    assert {statement["Sid"]: listed(statement["Resource"]) for statement in statements} == {
        "Credential": [outputs["SecretArn"], OF_TENANTS],
        "Ledger": [table["TableArn"]],
        "Alerts": [outputs["AlertTopicArn"]],
        "Events": ["arn:aws:events:us-east-1:000000000000:event-bus/default"],
        "Log": log_groups(stack_with_a_key),
        "Key": [KEY],
        "FormerKey": [FORMER],
    }
    conditional = {statement["Sid"] for statement in statements if "Condition" in statement}
    assert conditional == {"Key", "FormerKey"}
    assert {name for statement in statements for name in statement} == {
        *("Sid", "Effect", "Action"),
        *("Resource", "Condition"),
    }


def test_no_role_of_the_stack_has_a_wildcard(stack_with_a_key: Stack) -> None:
    """The role of the schedules is as narrow as the function's, and SAM makes none."""
    roles = [Role(stack_with_a_key, name) for name in made(stack_with_a_key, "AWS::IAM::Role")]
    assert Role.of_function(stack_with_a_key).name in {role.name for role in roles}
    assert len(roles) == 2
    for role in roles:
        assert role.attached() == []
        named = [value for s in role.statements() for e in ("Action", "Resource") for value in listed(s[e])]
        # A log group's ARN ends in :* (CloudFormation, GetAtt Arn), which stands for the streams in it. Tenants'
        # secrets are named later, and begin with TenantSecretPrefix.
        wild = [value for value in named if "*" in re.sub(r"(:log-group:.+):\*$", r"\1", value)]
        assert set(wild) <= {OF_TENANTS}


def test_only_lambda_may_take_the_functions_role(role: Role) -> None:
    """Whoever takes the role reads the private key."""
    assert [statement["Principal"] for statement in role.trusts()] == [{"Service": "lambda.amazonaws.com"}]


def test_what_is_not_enforced_here_is_what_aws_documents(stack_with_a_key: Stack) -> None:
    """The local AWS has no say in these, so AWS's own pages have it."""
    statements = {s["Sid"]: s for s in Role.of_function(stack_with_a_key).statements()}
    actions = {action for sid, s in statements.items() if "Key" not in sid for action in listed(s["Action"])}
    assert set(statements["Key"]["Action"]) == set.union(*(KEY_IS_USED_FOR[action] for action in actions))
    through = {action.partition(":")[0] for action in actions if KEY_IS_USED_FOR[action]} | {"lambda"}
    services = statements["Key"]["Condition"]["StringLike"]["kms:ViaService"]
    assert sorted(services) == sorted(f"{service}.us-east-1.amazonaws.*" for service in through)
    # AWS, Lambda, "Sending function logs to CloudWatch Logs": these two, and CreateLogGroup only where the group is
    # not there yet; the stack makes it, and the function is told to use it.
    assert {action.lower() for action in listed(statements["Log"]["Action"])} == NOT_ENFORCED_HERE.keys()
    functions, name = stack_with_a_key.client("lambda"), stack_with_a_key.outputs["FunctionName"]
    logging = functions.get_function_configuration(FunctionName=name)["LoggingConfig"]
    assert [logging["LogGroup"]] == made(stack_with_a_key, "AWS::Logs::LogGroup")


def log_groups(stack: Stack) -> list[str]:
    """The ARNs of the stack's log groups."""
    found = stack.client("logs").describe_log_groups()["logGroups"]
    return [group["arn"] for group in found if group["logGroupName"] in made(stack, "AWS::Logs::LogGroup")]


def made(stack: Stack, kind: str) -> list[str]:
    """The physical ids of the stack's resources of one kind."""
    resources = stack.client("cloudformation").describe_stack_resources(StackName=stack.name)["StackResources"]
    return [resource["PhysicalResourceId"] for resource in resources if resource["ResourceType"] == kind]
