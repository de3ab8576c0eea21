"""The deployed stack in the user's AWS account; which account, and where, is up to the AWS CLI's usual settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation.settings import Settings
from cli.commands import DEFAULT_STACK
from cli.errors import RefusedError, UserError

_AWS = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
# The function runs up to two minutes; asking again would start a second run.
_PATIENT = Config(connect_timeout=5, read_timeout=150, retries={"total_max_attempts": 1})


class NoStackError(RefusedError):
    """There is no stack of this name, in this account and region."""


def client(service: str, *, patient: bool = False) -> Any:  # noqa: ANN401 - a boto3 client of any service
    """A boto3 client; a `patient` one waits for a run of the function, and never repeats it."""
    # The AWS CLI puts AWS_REGION before AWS_DEFAULT_REGION and the profile's; boto3 does not know it.
    region = os.environ.get("AWS_REGION") or None
    try:
        return boto3.client(service, region_name=region, config=_PATIENT if patient else _AWS)  # type: ignore[call-overload]  # any service
    except ValueError as error:
        if isinstance(error, BotoCoreError):  # it says itself what it is about
            raise
        raise UserError("AWS_ENDPOINT_URL is no address. Set it such as http://127.0.0.1:5000, or unset it.") from None


@dataclass(frozen=True)
class Fleet:
    """What the schedules and secrets of tenants need to know of a stack.

    Attributes:
        group: the schedules' group.
        role_arn: what they run with.
        function_arn: what they invoke.
        queue_arn: where a run goes that could not be delivered.
        prefix: how the names of tenants' secrets begin.
        kms_key: what these are encrypted with.
        stack: the stack's name.
        native_rotation: whether Secrets Manager may invoke the function for tenants' secrets.
        tags: what the stack is tagged with; tenants' secrets bear the same.
    """

    group: str
    role_arn: str
    function_arn: str
    queue_arn: str
    prefix: str
    kms_key: str
    stack: str = DEFAULT_STACK
    native_rotation: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Deployment:
    """A deployed stack of this bundle: its outputs, and the function's environment.

    `fleet`: None without tenants. `own_credential`: whether it looks after a credential of its own.
    """

    stack: str
    function: str
    secret_arn: str
    ledger_table: str
    topic_arn: str
    environment: Mapping[str, str]
    fleet: Fleet | None = None
    own_credential: bool = True

    @property
    def settings(self) -> Settings:
        """The function's settings, as it reads them."""
        return Settings.from_env(self.environment)


def deployment(stack: str) -> Deployment:
    """Find a stack by its name.

    Raises:
        UserError: there is none of this name, or it is not of this bundle.
    """
    formation = client("cloudformation")
    try:
        described = formation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ValidationError":  # AWS: of a name nothing is known by
            raise
        raise NoStackError(
            f"There is no stack {stack} in {formation.meta.region_name}. Name yours with --stack-name, and set "
            "AWS_PROFILE and AWS_REGION to where it is: `aws sts get-caller-identity` shows the account. "
            "`sam deploy --guided` makes one."
        ) from None
    parameters = {one["ParameterKey"]: one.get("ParameterValue") for one in described.get("Parameters", [])}
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
    try:
        return Deployment(
            stack=stack,
            function=outputs["FunctionName"],
            secret_arn=outputs["SecretArn"],
            ledger_table=outputs["LedgerTableName"],
            topic_arn=outputs["AlertTopicArn"],
            environment=_environment(outputs["FunctionName"]),
            fleet=_fleet(stack, outputs, tags),
            own_credential=parameters.get("OwnCredential") != "false",
        )
    except KeyError as missing:
        raise RefusedError(
            f"The stack {stack} has no output {missing.args[0]}: it is not of this bundle, or is not deployed to its "
            "end. Name another one with --stack-name, or deploy it again."
        ) from None


def deployment_if_any(stack: str) -> Deployment | None:
    """The same where it may be missing, or this person may not look at it."""
    try:
        return deployment(stack)
    except (UserError, ClientError):
        return None


def _fleet(stack: str, outputs: Mapping[str, str], tags: Mapping[str, str]) -> Fleet | None:
    if "ScheduleGroupName" not in outputs:
        return None
    return Fleet(
        group=outputs["ScheduleGroupName"],
        role_arn=outputs["TenantScheduleRoleArn"],
        function_arn=outputs["FunctionArn"],
        queue_arn=outputs["UndeliveredRunsArn"],
        prefix=outputs["TenantSecretPrefix"],
        kms_key=outputs["TenantKmsKey"],
        stack=stack,
        native_rotation="NativeRotationFunctionArn" in outputs,
        tags=tags,
    )


def _environment(function: str) -> Mapping[str, str]:
    configuration = client("lambda").get_function_configuration(FunctionName=function)
    variables: Mapping[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return variables
