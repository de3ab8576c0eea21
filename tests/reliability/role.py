"""What the role of `template.yaml` allows, by the operations of the code."""

import re
from functools import cache
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "template.yaml"

# AWS: a transaction needs the permission of every write in it, and none of its own.
_NEEDS = {
    "DescribeSecret": {"secretsmanager:DescribeSecret"},
    "GetSecretValue": {"secretsmanager:GetSecretValue"},
    "PutSecretValue": {"secretsmanager:PutSecretValue"},
    "UpdateSecretVersionStage": {"secretsmanager:UpdateSecretVersionStage"},
    "GetItem": {"dynamodb:GetItem"},
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
