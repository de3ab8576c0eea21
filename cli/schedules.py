"""What AWS is asked for when a tenant gets a schedule; a test compares it with `fleet/tenant.yaml`."""

import json
from typing import Any, Literal

from cli.stack import Fleet

WINDOW_MINUTES = 60  # hourly runs of a fleet spread over the whole hour, whatever the minute they were made in
# What UpdateSchedule must be given again, because it replaces all of them.
KEPT = (
    *("ActionAfterCompletion", "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "Name"),
    *("ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "State", "Target"),
)

type State = Literal["ENABLED", "DISABLED"]


def schedule_of(fleet: Fleet, tenant: str, secret_arn: str, expression: str, state: State) -> Any:  # noqa: ANN401 - for boto3
    """A tenant's schedule."""
    return {
        "Name": tenant,
        "GroupName": fleet.group,
        "Description": f"Has the certificate rotation look at the credential of the tenant {tenant}.",
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "UTC",
        "State": state,
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": WINDOW_MINUTES},
        "Target": {
            "Arn": fleet.function_arn,
            "RoleArn": fleet.role_arn,
            "Input": json.dumps({"secretId": secret_arn}),
            "RetryPolicy": {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 3000},
            "DeadLetterConfig": {"Arn": fleet.queue_arn},
        },
    }
