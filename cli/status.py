"""What `status` looks at: a dry run of the function, the secret's labels, the ledger, the mailbox and the schedule."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.secret_store import EARLIER, INTENT, PENDING
from certificate_rotation.domain.state import OpenAttempt, State
from cli.console import waiting
from cli.secret import look
from cli.stack import Deployment, client
from cli.target import Target
from cli.tenants import fleet_of

_SCHEDULE = "CertificateRotationFunctionRotationSchedule"  # SAM: the function's logical id, then the event's
_MISSING = {"ValidationError", "ResourceNotFoundException"}
_RATE = re.compile(r"rate\((\d+ \w+)\)")


@dataclass(frozen=True)
class Failure:
    """A dry run that raised: the error as Lambda reports it."""

    error_type: str
    message: str


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
        empty: whether it never held anything.
        answer: of the dry run; empty when it failed.
        failure: of the dry run; None when it answered.
        labels: rotation's own labels, and which version each is on.
        state: the ledger's record.
        topic_arn: where alerts go.
        subscriptions: who reads them.
        schedule: None when there is none.
        critical_days: CriticalDays.
        rests: whether it is the stack's own and the stack was told to leave it alone (OwnCredential=false).
    """

    target: Target
    empty: bool
    answer: Mapping[str, Any]
    failure: Failure | None
    labels: Mapping[str, str]
    state: State
    topic_arn: str
    subscriptions: tuple[Subscription, ...]
    schedule: Schedule | None
    critical_days: int
    rests: bool = False

    @property
    def ended(self) -> bool:
        """Whether the certificate in use has."""
        return self.answer.get("wouldDo") == "fail"

    @property
    def promoted(self) -> OpenAttempt | None:
        """The attempt whose certificate is in use, so that the next run has only to close the rotation."""
        if self.answer.get("wouldDo") != "resume":
            return None
        tried = (self.state.open_attempt, self.state.earlier)
        return next((one for one in tried if one and one.cert_name == self.answer.get("certName")), None)

    @classmethod
    def of_tenant(
        cls, target: Target, answer: Mapping[str, Any], failure: Failure | None, state: State, critical_days: int
    ) -> Self:
        """As far as a tenant among many is looked at: the surroundings are the fleet's."""
        return cls(target, False, answer, failure, {}, state, "", (), None, critical_days)


def status_of(stack: Deployment, target: Target) -> CredentialStatus:
    """Look at a credential; nothing is changed by it."""
    with waiting(f"Asking {stack.function} what it would do ..."):
        secret_id = None if target.own else target.secret
        answer, failure = dry_run(client("lambda", patient=True), stack.function, secret_id)
    found = look(client("secretsmanager"), target.secret)
    return CredentialStatus(
        target=target,
        empty=found.empty,
        answer=answer,
        failure=failure,
        labels={label: at for label, at in found.labels.items() if label in {INTENT, EARLIER, PENDING}},
        state=Ledger(client("dynamodb"), stack.ledger_table).load(found.arn),
        topic_arn=stack.topic_arn,
        subscriptions=subscriptions(stack),
        schedule=_schedule(stack, target),
        critical_days=stack.settings.policy.critical.days,
        rests=target.own and not stack.own_credential,
    )


def dry_run(functions: Any, function: str, secret_id: str | None) -> tuple[Mapping[str, Any], Failure | None]:  # noqa: ANN401 - boto3's
    """What the function says it would do about a secret, and why it cannot; `functions` is a client of Lambda."""
    event: dict[str, object] = {"dryRun": True} | ({"secretId": secret_id} if secret_id else {})
    given = functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = json.loads(given["Payload"].read())
    if "FunctionError" not in given:
        return payload, None
    return {}, Failure(payload.get("errorType", ""), payload.get("errorMessage", ""))


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
