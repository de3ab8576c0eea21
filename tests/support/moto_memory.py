"""moto's memory itself: what it stored is read here without its HTTP.

A look through HTTP costs as much as everything else in a run that only looks. Writes go through it, with all that moto
checks of a request, except where `writing` does them.
"""

import base64
import functools
import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from boto3.dynamodb.types import TypeDeserializer
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models.dynamo_type import DynamoType, Item

REGION = "us-east-1"


def versions(secret: str) -> dict[str, tuple[list[str], str]]:
    """Every version of a secret: its labels and its text, which is empty where it is binary."""
    stored = backend("secretsmanager").secrets[secret].versions
    return {
        version: (list(found["version_stages"]), found.get("secret_string") or "") for version, found in stored.items()
    }


def put_by_hand(secret: str, value: str | bytes) -> None:
    """Store a new AWSCURRENT as a person does.

    In two steps: in one, moto leaves the label on the version that had it, if it came there by a move.
    """
    stored = backend("secretsmanager")
    current = next((version for version, (labels, _) in versions(secret).items() if "AWSCURRENT" in labels), "")
    new = str(uuid.uuid4())
    stored.put_secret_value(
        secret,
        secret_string=value if isinstance(value, str) else None,
        secret_binary=base64.b64encode(value).decode() if isinstance(value, bytes) else None,
        client_request_token=new,
        version_stages=[],
    )
    if current:
        stored.update_secret_version_stage(secret, "AWSCURRENT", current, new)


def forget(name: str) -> None:
    """Drop a table and the secrets whose names begin like it: moto looks through all it has to find one."""
    backend("dynamodb").tables.pop(name, None)
    secrets = backend("secretsmanager").secrets
    for secret in [found for found in dict.keys(secrets) if found.startswith(name)]:
        dict.pop(secrets, secret)


def records(table: str) -> list[dict[str, Any]]:
    """Every item of a table in plain values, sorted as the table sorts them."""
    items = [found.to_json()["Attributes"] for found in backend("dynamodb").tables[table].all_items()]
    return [{name: TypeDeserializer().deserialize(value) for name, value in item.items()} for item in items]


def answer(operation: str, body: str) -> dict[str, Any] | None:
    """What AWS answers to a successful look, parsed as botocore does; None when moto has to say it itself."""
    if operation not in _LOOKS:
        return None
    found = _LOOKS[operation](json.loads(body))
    return None if found is None else found | {"ResponseMetadata": {"HTTPStatusCode": HTTPStatus.OK}}


def stored_item(asked: Mapping[str, Any]) -> Item | None:
    """What a table of DynamoDB holds under the key a request names.

    Raises:
        ResourceNotFoundException: there is no such table.
    """
    key = [DynamoType(asked["Key"][name]) for name in ("credential", "record")]
    found: Item | None = backend("dynamodb").get_table(asked["TableName"]).get_item(*key)
    return found


def _item(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    if asked["TableName"] not in backend("dynamodb").tables:
        return None
    found = stored_item(asked)
    return {"Item": found.to_json()["Attributes"]} if found else {}


def _description(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    secret = backend("secretsmanager").secrets.get(asked["SecretId"])
    if secret is None or secret.is_deleted() or not secret.versions:
        return None
    stages = {version: list(found["version_stages"]) for version, found in secret.versions.items()}
    return {"ARN": secret.arn, "Name": secret.name, "VersionIdsToStages": stages}


def _value(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    secret = backend("secretsmanager").secrets.get(asked["SecretId"])
    if secret is None or secret.is_deleted():
        return None
    for version, found in secret.versions.items():
        meant = version == asked.get("VersionId") or asked.get("VersionStage") in found["version_stages"]
        if meant and "secret_string" in found:
            return {"ARN": secret.arn, "VersionId": version, "SecretString": found["secret_string"]}
    return None


_LOOKS = {"GetItem": _item, "DescribeSecret": _description, "GetSecretValue": _value}


@functools.cache
def backend(service: Literal["dynamodb", "events", "secretsmanager", "sns"]) -> Any:  # noqa: ANN401 - moto's, of any kind
    """Where moto keeps what a service stores."""
    return get_backend(service)[DEFAULT_ACCOUNT_ID][REGION]
