"""moto's memory itself: what it stored is read here without its HTTP.

A look through HTTP costs as much as everything else in a run that only looks. Writes go through it, with all that moto
checks of a request, except where `writing` does them.
"""

import base64
import copy
import functools
import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from boto3.dynamodb.types import TypeDeserializer
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

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


def about_to_change(body: str) -> None:
    """Say which credentials a transaction is about to change: moto need keep no copy of all the others.

    It copies the whole table before each, to put it back should the transaction fail. In a fleet that takes longer than
    all else. Call it while nobody else writes.
    """
    writes = [next(iter(write.values())) for write in json.loads(body)["TransactItems"]]
    _changing.clear()
    _changing.update((write.get("Key") or write.get("Item"))["credential"]["S"] for write in writes)


_changing: set[str] = set()


def _backup(table: Any, _memo: object) -> Any:  # noqa: ANN401 - moto's
    copied = copy.copy(table)
    copied.items = copy.copy(table.items)
    copied.items.update({key: copy.deepcopy(found) for key, found in table.items.items() if key.value in _changing})
    return copied


Table.__deepcopy__ = _backup  # type: ignore[attr-defined]  # moto's has none


def answer(operation: str, body: str) -> dict[str, Any] | None:
    """What AWS answers to a successful look, parsed as botocore does; None when moto has to say it itself."""
    if operation not in _LOOKS:
        return None
    found = _LOOKS[operation](json.loads(body))
    return None if found is None else found | {"ResponseMetadata": {"HTTPStatusCode": HTTPStatus.OK}}


def _item(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    table = backend("dynamodb").tables.get(asked["TableName"])
    if table is None:
        return None
    found = table.get_item(*(DynamoType(asked["Key"][name]) for name in ("credential", "record")))
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
