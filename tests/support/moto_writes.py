"""The writes of the code, done in moto's memory: for tests that make thousands of runs.

Most of a run's time is moto's: it reads a request, and takes each update through ten passes over a tree. Here the few
forms of update that the code sends are carried out at once, and all else is what moto does with a good request: its
conditions, its checks, its storage. `test_ledger` has moto do each the long way, too, and compares.
"""

import functools
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from werkzeug.exceptions import HTTPException

from tests.support import moto_memory
from tests.support.aws_failures import refusal

_DONE: Mapping[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": HTTPStatus.OK}}
_FORMS = {"SET": r"(\w+) = (:\w+)", "ADD": r"(\w+) (:\w+)", "REMOVE": r"(\w+)()"}


def write(operation: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What AWS answers after it was done, or to say that a condition does not hold, parsed as botocore does.

    None when moto has to do it, or to say why it cannot be done: then nothing has changed. Call it while nobody else
    writes.
    """
    if operation not in _WRITES:
        return None
    try:
        answer = _WRITES[operation](asked)
    except HTTPException:  # moto refuses, and says so itself when it is asked
        return None
    return None if answer is None else {**_DONE, **answer}


def _update(asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    actions = _actions(asked["UpdateExpression"])
    if actions is None or asked.get("ReturnValues", "UPDATED_NEW") != "UPDATED_NEW":
        return None
    if not _holds(asked):
        return refusal("condition failed", "UpdateItem")
    _carry_out(actions, asked)
    if "ReturnValues" not in asked:
        return _DONE
    stored = moto_memory.stored_item(asked)
    return {"Attributes": {name: stored.attrs[name].to_regular_json() for _, name, _ in actions}} if stored else _DONE


def _transact(asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match asked["TransactItems"]:
        case [{"Update": update}, {"Put": put}] if actions := _actions(update["UpdateExpression"]):
            if not _holds(update):
                return refusal("condition failed", "TransactWriteItems")
            _table(put).put_item(put["Item"])  # first: it may be refused
            _carry_out(actions, update)
            return _DONE
    return None


@functools.cache
def _actions(expression: str) -> list[tuple[str, str, str]] | None:
    """The verb, the attribute and the value's name of each action; None when one of them is more than that."""
    found, verb = list[tuple[str, str, str]](), ""
    for word in re.split(r",\s*|\s+(?=(?:SET|ADD|REMOVE|DELETE)\s)", expression):
        verb, action = word.split(maxsplit=1) if word.split()[0] in {*_FORMS, "DELETE"} else (verb, word)
        form = re.fullmatch(_FORMS.get(verb, "(?!)"), action)
        if not form:
            return None
        found.append((verb, form[1], form[2]))
    return found


def _holds(asked: Mapping[str, Any]) -> bool:
    names, values = asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {})
    condition = get_filter_expression(asked.get("ConditionExpression"), names, values)
    return bool(condition.expr(moto_memory.stored_item(asked)))


def _carry_out(actions: list[tuple[str, str, str]], asked: Mapping[str, Any]) -> None:
    found = moto_memory.stored_item(asked)
    if found is None:
        found = _table(asked).put_item(asked["Key"])
    for verb, name, value in actions:
        if verb == "REMOVE":
            found.attrs.pop(name, None)
            continue
        old, new = found.attrs.get(name), DynamoType(asked["ExpressionAttributeValues"][value])
        found.attrs[name] = _sum(old, new) if verb == "ADD" and old is not None else new


def _sum(old: DynamoType, new: DynamoType) -> DynamoType:
    if old.is_number():
        return old + new
    return DynamoType({old.type: [*old.value, *(value for value in new.value if value not in old.value)]})


def _table(asked: Mapping[str, Any]) -> Table:
    table: Table = moto_memory.backend("dynamodb").get_table(asked["TableName"])
    return table


def _put_value(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    moto_memory.backend("secretsmanager").put_secret_value(
        asked["SecretId"], asked["SecretString"], None, asked["ClientRequestToken"], asked["VersionStages"]
    )
    return _DONE


def _move_label(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    moto_memory.backend("secretsmanager").update_secret_version_stage(
        asked["SecretId"], asked["VersionStage"], asked.get("RemoveFromVersionId"), asked.get("MoveToVersionId")
    )
    return _DONE


def _publish(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    message = moto_memory.backend("sns").publish(asked["Message"], arn=asked["TopicArn"], subject=asked["Subject"])
    return {"MessageId": message}


def _put_events(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    entries = moto_memory.backend("events").put_events(asked["Entries"])
    return {"FailedEntryCount": sum("ErrorCode" in entry for entry in entries), "Entries": entries}


_WRITES: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any] | None]] = {
    "UpdateItem": _update,
    "TransactWriteItems": _transact,
    "PutSecretValue": _put_value,
    "UpdateSecretVersionStage": _move_label,
    "Publish": _publish,
    "PutEvents": _put_events,
}
