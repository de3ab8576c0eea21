"""What the role of `template.yaml` allows, by the operations of the code."""

import re
from functools import cache
from pathlib import Path

from tests.support.aws_calls import Call
from tests.support.invariants import TALLY
from tests.support.rotation_env import RotationEnv

TEMPLATE = Path(__file__).parents[2] / "template.yaml"

# AWS: a transaction needs the permission of every write in it, and none of its own.
_NEEDS = {
    "DescribeSecret": {"secretsmanager:DescribeSecret"},
    "GetSecretValue": {"secretsmanager:GetSecretValue"},
    "PutSecretValue": {"secretsmanager:PutSecretValue"},
    "UpdateSecretVersionStage": {"secretsmanager:UpdateSecretVersionStage"},
    "GetItem": {"dynamodb:GetItem"},
    "TransactGetItems": {"dynamodb:GetItem"},
    "UpdateItem": {"dynamodb:UpdateItem"},
    "TransactWriteItems": {"dynamodb:UpdateItem", "dynamodb:PutItem"},
    "Publish": {"sns:Publish"},
    "PutEvents": {"events:PutEvents"},
}


@cache
def allowed() -> frozenset[str]:
    """The actions of the function's role."""
    text = TEMPLATE.read_text()
    role = text[text.index("  FunctionRole:") : text.index("  CredentialSecret:")]
    return frozenset(re.findall(r"\b(?:secretsmanager|dynamodb|sns|events|logs|kms):[A-Za-z]+", role))


def may(operation: str) -> bool:
    """Whether the role allows an operation of the code."""
    return operation in _NEEDS and _NEEDS[operation] <= allowed()


def check_calls(env: RotationEnv, calls: list[Call]) -> None:
    """Invariant 10: each of them is allowed, and on what is this stack's own."""
    aws = env.aws
    ours = {"Secret": env.arn, "Item": aws.name, "Publish": aws.topic, "Events": env.arn}
    for call in calls:
        resource = next((name for part, name in ours.items() if part in call.operation), "")
        meant = bool(resource) and resource in call.body
        TALLY.check(10, may(call.operation) and meant, f"the code calls {call.operation}, on {call.body[:200]}")
