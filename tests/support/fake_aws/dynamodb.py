"""DynamoDB: tables, conditions, and transactions that happen as a whole or not at all."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.support.fake_aws.expressions import Condition, Item, Names, Update, condition, names_of, update
from tests.support.fake_aws.service import Answer, Asked, FakeService, Refused, operation

_LARGEST = 400 * 1024  # AWS: bytes of an item
_MOST_WRITES = 100  # AWS: of a transaction
_WRITE = ("TableName", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues")
_FAILED = "The conditional request failed"
_NOTHING: Mapping[str, Any] = MappingProxyType({})

type _Key = tuple[str, ...]


@dataclass
class _Table:
    key: tuple[tuple[str, str], ...]  # name and kind of each part
    items: dict[_Key, Item] = field(default_factory=dict)

    def key_of(self, item: Item, *, only: bool) -> _Key:
        """Where an item is kept; `only`: it must hold nothing else."""
        if (only and len(item) != len(self.key)) or any(
            kind not in item.get(name, _NOTHING) for name, kind in self.key
        ):
            raise _invalid("The provided key element does not match the schema")
        return tuple(item[name][kind] for name, kind in self.key)


class FakeDynamoDB(FakeService):
    """The tables of an account. What was stored is copied on its way in and out: nobody else holds a part of it."""

    name = "dynamodb"

    def __init__(self) -> None:
        super().__init__()
        self._tables: dict[str, _Table] = {}
        self._transactions: dict[str, Asked] = {}  # by token; AWS forgets them after ten minutes

    @operation("TableName", "KeySchema", "AttributeDefinitions", "BillingMode")
    def create_table(self, asked: Asked) -> Answer:
        """Ready at once."""
        name = asked["TableName"]
        if name in self._tables:
            raise Refused("ResourceInUseException", f"Table already exists: {name}")
        kinds = {defined["AttributeName"]: defined["AttributeType"] for defined in asked["AttributeDefinitions"]}
        self._tables[name] = _Table(
            tuple((part["AttributeName"], kinds[part["AttributeName"]]) for part in asked["KeySchema"])
        )
        return {"TableDescription": {"TableName": name, "TableStatus": "ACTIVE"}}

    @operation("TableName", "Key", "ConsistentRead")
    def get_item(self, asked: Asked) -> Answer:
        """No `Item` where there is none."""
        return self._read(asked)

    @operation("TableName", "ConsistentRead")
    def scan(self, asked: Asked) -> Answer:
        """Everything, in the order of the key."""
        found = self._table(asked).items
        return {"Items": [_copy(found[key]) for key in sorted(found)], "Count": len(found)}

    @operation(*_WRITE, "Item")
    def put_item(self, asked: Asked) -> Answer:
        """In place of what was there."""
        return self._write(asked, "Put")

    @operation(*_WRITE, "Key")
    def delete_item(self, asked: Asked) -> Answer:
        """It is fine if it is gone already."""
        return self._write(asked, "Delete")

    @operation(*_WRITE, "Key", "UpdateExpression", "ReturnValues")
    def update_item(self, asked: Asked) -> Answer:
        """An item that is not there is made."""
        return self._write(asked, "Update")

    @operation("TransactItems")
    def transact_get_items(self, asked: Asked) -> Answer:
        """All of one moment."""
        return {"Responses": [self._read(one["Get"]) for one in asked["TransactItems"]]}

    @operation("TransactItems", "ClientRequestToken")
    def transact_write_items(self, asked: Asked) -> Answer:
        """AWS: the repeat of one that succeeded, by its token, succeeds and does nothing."""
        token = asked.get("ClientRequestToken") or str(uuid.uuid4())
        if token in self._transactions:
            if self._transactions[token] != asked:
                raise Refused("IdempotentParameterMismatchException", "The token was used for another transaction.")
            return {}
        writes = [_Write.of(self._table(write), kind, write) for kind, write in _one_each(asked["TransactItems"])]
        places = [(write.asked["TableName"], write.key) for write in writes]
        if len({*places}) < len(places):
            raise _invalid("Transaction request cannot include multiple operations on one item")
        results, reasons = list[Item | None](), list[Answer]()
        for write in writes:
            try:
                results.append(write.result())
                reasons.append({"Code": "None"})
            except Refused as refused:
                code = (
                    "ConditionalCheckFailed" if refused.code == "ConditionalCheckFailedException" else "ValidationError"
                )
                reasons.append({"Code": code, "Message": str(refused)})
        if len(results) < len(writes):
            codes = ", ".join(reason["Code"] for reason in reasons)
            message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
            raise Refused("TransactionCanceledException", message, CancellationReasons=reasons)
        for write, item in zip(writes, results, strict=True):
            write.store(item)
        self._transactions[token] = asked
        return {}

    def _read(self, asked: Asked) -> Answer:
        table = self._table(asked)
        found = table.items.get(table.key_of(asked["Key"], only=True))
        return {"Item": _copy(found)} if found else {}

    def _write(self, asked: Asked, kind: str) -> Answer:
        write = _Write.of(self._table(asked), kind, asked)
        item = write.result()
        write.store(item)
        return write.answer(item)

    def _table(self, asked: Asked) -> _Table:
        if asked["TableName"] not in self._tables:
            raise Refused("ResourceNotFoundException", "Requested resource not found")
        return self._tables[asked["TableName"]]


@dataclass
class _Write:
    """One write, alone or in a transaction: what it will make of the item is known before anything is stored."""

    table: _Table
    key: _Key
    asked: Asked
    names: Names
    condition: Condition | None
    update: Update | None
    named: frozenset[str]  # the attributes the update names

    @classmethod
    def of(cls, table: _Table, kind: str, asked: Asked) -> "_Write":
        if kind not in {"Put", "Update", "Delete"}:
            raise NotImplementedError(f"the fake does not know {kind}")
        what = update(asked["UpdateExpression"]) if kind == "Update" else None
        expected = condition(asked["ConditionExpression"]) if "ConditionExpression" in asked else None
        names = names_of(asked, expected, what)
        named = frozenset(path[0] for path in what.paths(names)) if what else frozenset()
        if named & {name for name, _ in table.key}:
            raise _invalid("Cannot update an attribute that is part of the key")
        key = table.key_of(asked["Item"], only=False) if kind == "Put" else table.key_of(asked["Key"], only=True)
        return cls(table, key, asked, names, expected, what, named)

    def result(self) -> Item | None:
        """What will be there; None for nothing."""
        old = self.table.items.get(self.key)
        if self.condition and not self.condition.holds(old or {}, self.names):
            raise Refused("ConditionalCheckFailedException", _FAILED)
        if "Item" in self.asked:
            new = _copy(self.asked["Item"])
        elif self.update:
            new = _copy(old or self.asked["Key"])
            self.update.carry_out(new, self.names)
            new = _copy(new)  # a value of the caller's may be in it
        else:
            return None
        if len(json.dumps(new, default=str)) > _LARGEST and _size(new) > _LARGEST:  # the first is always more
            raise _invalid("Item size to update has exceeded the maximum allowed size")
        return new

    def store(self, item: Item | None) -> None:
        if item is None:
            self.table.items.pop(self.key, None)
        else:
            self.table.items[self.key] = item

    def answer(self, item: Item | None) -> Answer:
        match self.asked.get("ReturnValues", "NONE"):
            case "NONE":
                return {}
            case "ALL_NEW":
                return {"Attributes": _copy(item or {})}
            case "UPDATED_NEW":
                return {"Attributes": _copy({name: item[name] for name in self.named if item and name in item})}
            case other:
                raise NotImplementedError(f"the fake does not know {other}")


def _one_each(writes: list[Answer]) -> list[tuple[str, Asked]]:
    if len(writes) > _MOST_WRITES:
        raise _invalid(f"Member must have length less than or equal to {_MOST_WRITES}")
    return [next(iter(write.items())) for write in writes]


def _copy(value: Item) -> Item:
    return {name: _copied(part) for name, part in value.items()}


def _copied(value: Answer) -> Answer:
    ((kind, content),) = value.items()
    if kind == "M":
        return {kind: _copy(content)}
    if kind == "L":
        return {kind: [_copied(part) for part in content]}
    return {kind: [*content] if isinstance(content, list) else content}


def _size(item: Item) -> int:
    """AWS, developer guide "DynamoDB item sizes and formats"."""
    return sum(len(name.encode()) + _size_of(value) for name, value in item.items())


def _size_of(value: Answer) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return 3 + len(content) + _size(content)
        case "L":
            return 3 + sum(1 + _size_of(part) for part in content)
        case "S" | "N" | "B":
            return len(content.encode() if isinstance(content, str) else content)
        case "SS" | "NS" | "BS":
            return sum(len(part.encode() if isinstance(part, str) else part) for part in content)
        case _:
            return 1


def _invalid(message: str) -> Refused:
    return Refused("ValidationException", message)
