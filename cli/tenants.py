"""`tenant`: tenants of a fleet added, paused and removed. Each is a secret, and a schedule of the same name.

What `fleet/tenant.yaml` makes is the same, and both see each other's. Every command may be run again: it does what is
missing, and says what was there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.commands import written
from cli.console import done, fact, failed, listed, remark
from cli.errors import RefusedError, UserError
from cli.native_rotation import NativeRotation
from cli.schedules import KEPT, WINDOW_MINUTES, State, schedule_of
from cli.stack import Deployment, Fleet

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import TagTypeDef

HOURLY = "rate(1 hour)"


@dataclass(frozen=True)
class Tenant:
    """A tenant as the list of schedules shows it."""

    name: str
    paused: bool


def fleet_of(stack: Deployment) -> Fleet:
    """What a stack says of its tenants.

    Raises:
        UserError: it was deployed to have none.
    """
    if stack.fleet is None:
        raise UserError(
            f"The stack {stack.stack} has no tenants. Deploy it again with TenantSecretPrefix, such as "
            "device-id/tenants."
        )
    return stack.fleet


class Tenants:
    """The tenants of one stack."""

    def __init__(self, fleet: Fleet, secrets: "SecretsManagerClient", scheduler: "EventBridgeSchedulerClient") -> None:
        """`secrets`, `scheduler`: boto3 clients."""
        self._fleet, self._secrets, self._scheduler = fleet, secrets, scheduler
        self.native_rotation = NativeRotation(fleet, secrets)

    def secret_name(self, tenant: str) -> str:
        """How a tenant's secret is called."""
        return f"{self._fleet.prefix}/{tenant}"

    def make_secret(self, tenant: str, tags: Mapping[str, str] | None = None) -> str:
        """Make a tenant's secret, without a value, unless it is there; its ARN.

        `tags`: what it is to bear besides the stack's; where both have a key, these win.

        Raises:
            UserError: it is marked for deletion.
        """
        name = self.secret_name(tenant)
        try:
            described = self._secrets.describe_secret(SecretId=name)
        except self._secrets.exceptions.ResourceNotFoundException:
            made = self._secrets.create_secret(
                Name=name,
                KmsKeyId=self._fleet.kms_key,
                Description=_of_secret(tenant),
                Tags=_for_aws({**self._fleet.tags, **(tags or {})}),
            )
            return made["ARN"]
        if described.get("DeletedDate") is not None:
            raise RefusedError(
                f"The secret {name} is marked for deletion. Bring it back with `aws secretsmanager restore-secret "
                f"--secret-id {name}`, or name the tenant otherwise."
            )
        self._tag(described["ARN"], {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}, tags or {})
        return described["ARN"]

    def _tag(self, secret_arn: str, there: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Add what is missing; a value that somebody gave before is not the stack's to change."""
        wanted = {**self._fleet.tags, **there, **tags}
        missing = {key: value for key, value in wanted.items() if there.get(key) != value}
        if missing:
            self._secrets.tag_resource(SecretId=secret_arn, Tags=_for_aws(missing))

    def schedule(self, tenant: str, secret_arn: str, expression: str | None) -> bool:
        """Have the function look at a tenant's secret; a schedule that was paused stays so. Whether there was none.

        `expression`: None keeps the one it has, and is every hour for a new one.
        """
        there = self._get(tenant)
        expression = expression or (there["ScheduleExpression"] if there else HOURLY)
        wanted = schedule_of(self._fleet, tenant, secret_arn, expression, there["State"] if there else "ENABLED")
        if there is None:
            self._scheduler.create_schedule(**wanted)
            done(f"{tenant} is a tenant now.")
        elif {name: there.get(name) for name in wanted} == wanted:
            done(f"{tenant} is a tenant already.")
        else:
            self._scheduler.update_schedule(**wanted)
            done(f"The schedule of {tenant} was brought up to date.")
        fact("Secret", secret_arn)
        fact("Schedule", f"{expression}, anywhere in the {WINDOW_MINUTES} minutes after it")
        if wanted["State"] == "DISABLED":
            remark(f"It is paused. Go on with: {self._command('resume', tenant)}")
        return there is None

    def pause(self, tenant: str) -> None:
        """Stop looking, and keep everything."""
        if self._turn(tenant, "DISABLED"):
            done(f"{tenant} is paused: nobody renews its certificate now.")
        else:
            done(f"{tenant} was paused already.")
        self.native_rotation.tell(tenant, self.secret_name(tenant))

    def resume(self, tenant: str) -> None:
        """Look again."""
        done(f"{tenant} is looked at again." if self._turn(tenant, "ENABLED") else f"{tenant} was not paused.")

    def remove(self, tenant: str) -> bool:
        """Stop looking for good; the secret stays, and how to undo it is said. False when there is no such tenant."""
        there = self._get(tenant)
        if there is None:
            failed(f"{self._no_such(tenant)} Nothing was removed.")
        else:
            self._scheduler.delete_schedule(GroupName=self._fleet.group, Name=tenant)
            done(f"{tenant} is removed: nobody renews its certificate now.")
            fact("To undo it", self._command("add", tenant, "--schedule", there["ScheduleExpression"]))
        self._leave_secret(tenant)
        return there is not None

    def _leave_secret(self, tenant: str) -> None:
        name = self.secret_name(tenant)
        try:
            self.native_rotation.stop(name)
        except self._secrets.exceptions.ResourceNotFoundException:
            return
        remark(f"The secret {name} stays, with its certificate and key, and so does the ledger's memory of it.")
        listed("Next", [f"When it is really over: aws secretsmanager delete-secret --secret-id {name}"], mark="1")

    def all(self) -> Iterator[Tenant]:
        """Each tenant, in the order of their names."""
        pages = self._scheduler.get_paginator("list_schedules").paginate(GroupName=self._fleet.group)
        found = [one for page in pages for one in page["Schedules"]]
        for one in sorted(found, key=lambda one: one["Name"]):
            yield Tenant(one["Name"], paused=one["State"] == "DISABLED")

    def _turn(self, tenant: str, state: State) -> bool:
        """Enable or disable a schedule; False when it is so already."""
        there = self._existing(tenant)
        if there["State"] == state:
            return False
        self._scheduler.update_schedule(**{**{name: there[name] for name in KEPT if name in there}, "State": state})
        return True

    def _existing(self, tenant: str) -> Any:  # noqa: ANN401 - what boto3 answers
        there = self._get(tenant)
        if there is None:
            raise RefusedError(f"{self._no_such(tenant)} `{self._command('add', tenant)}` makes one.")
        return there

    def _no_such(self, tenant: str) -> str:
        return f"There is no tenant {tenant}. `{self._command('list')}` shows those there are."

    def _command(self, *words: str) -> str:
        return written("tenant", *words, stack=self._fleet.stack)

    def _get(self, tenant: str) -> Any:  # noqa: ANN401 - what boto3 answers
        try:
            return self._scheduler.get_schedule(GroupName=self._fleet.group, Name=tenant)
        except self._scheduler.exceptions.ResourceNotFoundException:
            return None


def _for_aws(tags: Mapping[str, str]) -> "list[TagTypeDef]":
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _of_secret(tenant: str) -> str:
    return (
        f"Device-ID credential of the tenant {tenant}. JSON with apiKey, apiKeyExpiry, cert, privateKey. "
        "Consumers read AWSCURRENT; rotation renews all four."
    )
