"""Restarts an ECS service that reads the credential only when it starts. CLUSTER and SERVICE say which one."""

import os
from typing import Any

import boto3


class NotSetError(Exception):
    """A setting is missing; the message is what people read in the log and on the console."""


def handler(event: dict[str, Any], _context: object, ecs: Any = None) -> dict[str, str]:
    """For the event `Credential Rotated`. It may come twice, and a second restart does no harm."""
    wanted = {"cluster": os.environ.get("CLUSTER"), "service": os.environ.get("SERVICE")}
    for name, value in wanted.items():
        if not value:
            raise NotSetError(f"{name.upper()} is not set. Set it to the {name} that is to be restarted.")
    # ECS starts new tasks, which read AWSCURRENT, and stops the old ones when these are healthy.
    deployed = (ecs or boto3.client("ecs")).update_service(**wanted, forceNewDeployment=True)["service"]
    return {"restarted": deployed["serviceArn"], "because": event["detail"]["subject"]}
