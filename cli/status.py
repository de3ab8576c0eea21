"""What `status` looks at: a dry run of the function, the secret's labels, the ledger, the mailbox and the schedule."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from botocore.exceptions import ClientError

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import State
from certificate_rotation.halves import OWN_LABELS
from cli.console import waiting
from cli.half_status import HalfStatus
from cli.invocation import Failure, invoked
from cli.secret import look
from cli.stack import Deployment, client
from cli.target import Target
from cli.tenants import fleet_of

_SCHEDULE = "CertificateRotationFunctionRotationSchedule"  # SAM: the function's logical id, then the event's
_MISSING = {"ValidationError", "ResourceNotFoundException"}
_RATE = re.compile(r"rate\((\d+ \w+)\)")


@dataclass(frozen=True)
class Subscription:
    """Somebody who reads the alerts, once they have confirmed that they want to."""

    protocol: str
    endpoint: str
    confirmed: bool


@dataclass(frozen=True)
class Schedule:
    """What has the function look by itself."""

    expression: str
    time_zone: str
    enabled: bool

    @property
    def every(self) -> str | None:
        """The time between two runs as the expression says it; None of a cron expression."""
        found = _RATE.fullmatch(self.expression)
        return found[1] if found else None


@dataclass(frozen=True)
class CredentialStatus:
    """One credential and what keeps it valid, as they are now.

    Attributes:
        target: which credential it is.
        at: when it was looked at, aware, UTC.
        empty: whether it never held anything.
        answer: of the dry run; empty when it failed.
        failure: of the dry run; None when it answered.
        labels: rotation's own labels, and which version each is on.
        state: the ledger's record.
        topic_arn: where alerts go.
        subscriptions: who reads them.
        schedule: None when there is none.
        policy: the owner's settings that decide.
        version: which version is AWSCURRENT; empty when that was not looked at.
        rests: whether it is the stack's own and the stack was told to leave it alone (OwnCredential=false).
    """

    target: Target
    at: datetime
    empty: bool
    answer: Mapping[str, Any]
    failure: Failure | None
    labels: Mapping[str, str]
    state: State
    topic_arn: str
    subscriptions: tuple[Subscription, ...]
    schedule: Schedule | None
    policy: Policy
    version: str = ""
    rests: bool = False

    def half(self, name: HalfName) -> HalfStatus:
        """One half of it."""
        return HalfStatus.of(name, self.answer, self.state.of(name), self.version)

    @property
    def halves(self) -> tuple[HalfStatus, ...]:
        """Both."""
        return tuple(self.half(name) for name in HalfName)

    @property
    def ends_first(self) -> HalfStatus | None:
        """The half whose end is nearer, of those whose end is known; None when a run cannot tell."""
        known = [(half.life.ends, half) for half in self.halves if half.life.ends]
        return min(known, key=lambda one: one[0])[1] if known else None

    @property
    def renewed_by_nobody(self) -> bool:
        """Whether the API key is to be renewed, and nobody knows when."""
        key = self.half(HalfName.API_KEY)
        unknown = bool(self.answer) and key.life.ends is None and key.would != "fail"
        return unknown and self.policy.renew_api_key and not self.rests

    @classmethod
    def of_tenant(
        cls,
        target: Target,
        at: datetime,
        dry_run: tuple[Mapping[str, Any], Failure | None],
        state: State,
        policy: Policy,
    ) -> Self:
        """As far as a tenant among many is looked at: the surroundings are the fleet's."""
        return cls(target, at, False, *dry_run, {}, state, "", (), None, policy)


def status_of(stack: Deployment, target: Target, now: datetime) -> CredentialStatus:
    """Look at a credential; nothing is changed by it. `now` is aware, UTC."""
    with waiting(f"Asking {stack.function} what it would do ..."):
        secret_id = None if target.own else target.secret
        answer, failure = dry_run(client("lambda", patient=True), stack.function, secret_id)
    found = look(client("secretsmanager"), target.secret)
    return CredentialStatus(
        target=target,
        at=now,
        empty=found.empty,
        answer=answer,
        failure=failure,
        labels={label: at for label, at in found.labels.items() if label in OWN_LABELS},
        state=Ledger(client("dynamodb"), stack.ledger_table).load(found.arn),
        topic_arn=stack.topic_arn,
        subscriptions=subscriptions(stack),
        schedule=_schedule(stack, target),
        policy=stack.settings.policy,
        version=found.version or "",
        rests=target.own and not stack.own_credential,
    )


def dry_run(functions: Any, function: str, secret_id: str | None) -> tuple[Mapping[str, Any], Failure | None]:  # noqa: ANN401 - boto3's
    """What the function says it would do about a secret, and why it cannot; `functions` is a client of Lambda."""
    event: dict[str, object] = {"dryRun": True} | ({"secretId": secret_id} if secret_id else {})
    return invoked(functions, function, event)


def subscriptions(stack: Deployment) -> tuple[Subscription, ...]:
    """Who reads the alerts of a stack."""
    pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=stack.topic_arn)
    return tuple(
        # AWS: until the link in the mail is clicked, the words PendingConfirmation stand where the ARN will be.
        Subscription(one["Protocol"], one["Endpoint"], one["SubscriptionArn"].startswith("arn:"))
        for page in pages
        for one in page["Subscriptions"]
    )


def _schedule(stack: Deployment, target: Target) -> Schedule | None:
    """What has the function look at a credential; nothing does when it is neither the stack's own nor a tenant's."""
    if not (target.own or target.tenant):
        return None
    try:
        place = _tenants_schedule(stack, target.tenant) if target.tenant else _own_schedule(stack)
        schedule = client("scheduler").get_schedule(**place)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _MISSING:
            return None
        raise
    zone = schedule.get("ScheduleExpressionTimezone", "UTC")
    return Schedule(schedule["ScheduleExpression"], zone, schedule.get("State", "ENABLED") == "ENABLED")


def _tenants_schedule(stack: Deployment, tenant: str) -> dict[str, str]:
    return {"GroupName": fleet_of(stack).group, "Name": tenant}


def _own_schedule(stack: Deployment) -> dict[str, str]:
    resource = client("cloudformation").describe_stack_resource(StackName=stack.stack, LogicalResourceId=_SCHEDULE)
    # AWS: the physical id is the name alone, or group and name with a bar between them.
    return {"Name": resource["StackResourceDetail"]["PhysicalResourceId"].rpartition("|")[2]}
