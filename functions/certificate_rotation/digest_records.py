"""DynamoDB: what waits to be told of in a digest. In the ledger's table, one record for each cause.

Partition key `credential` is the topic's ARN, sort key `record` is `digest#<cause>`. Each write names what it expects
to find: of many runs at the same moment one opens an hour, and one closes it. `digest` says which write comes next.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation.digest import ALONE, NAMED, SENDING, Batch, Record
from certificate_rotation.errors import StorageFailure
from certificate_rotation.ledger_items import item, time_text
from certificate_rotation.secret_store import aws_reason

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=30)  # after its last hour began: whoever was in it has looked many times since

# Conditions, each with the case it guards against.
NONE_YET = "attribute_not_exists(opened_at)"  # another run opened the first hour of this cause
SAME_HOUR = "opened_at = :seen"  # another run opened the next hour, or closed this one
NOTHING_WAITS = "attribute_not_exists(waiting) AND attribute_not_exists(sending)"  # it came meanwhile
ROOM_ALONE = "size(told) < :alone OR contains(told, :name)"  # five others were told meanwhile
ROOM_BY_NAME = "attribute_not_exists(waiting) OR size(waiting) < :named"  # the list became full meanwhile
NOBODY_SENDS = "attribute_exists(waiting) AND attribute_not_exists(sending)"  # another run closed the hour
NOT_TAKEN_OVER = "sending_until = :ours"  # another run took the batch over


class DigestRecords:
    """Reads and writes one topic's records. Every method raises `StorageFailure` when AWS refuses.

    Those that write answer whether what was expected was found; if not, nothing was changed.
    """

    def __init__(self, client: "DynamoDBClient", table: str, topic_arn: str) -> None:
        """`client`: a boto3 client of DynamoDB."""
        self._client, self._table, self._topic_arn = client, table, topic_arn

    def load(self, cause: str) -> Record | None:
        """The record now, read consistently; None when there is none."""
        try:
            answer = self._client.get_item(TableName=self._table, Key=self._key(cause), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise _refused("reading", error) from error
        return _record(answer["Item"]) if "Item" in answer else None

    def open(self, cause: str, seen: Record | None, name: str, now: datetime) -> bool:
        """Begin an hour, and tell of `name` on its own."""
        condition = f"{SAME_HOUR} AND {NOTHING_WAITS}" if seen else NONE_YET
        values: dict[str, object] = {":now": time_text(now), ":names": {name}, ":expires": _expiry(now)}
        if seen:
            values[":seen"] = time_text(seen.opened_at)
        return self._update(cause, "SET opened_at = :now, told = :names, expires_at = :expires", condition, values)

    def alone(self, cause: str, seen: Record, name: str) -> bool:
        """Tell of `name` on its own, in the hour that runs."""
        values = {":seen": time_text(seen.opened_at), ":names": {name}, ":name": name, ":alone": ALONE}
        return self._update(cause, "ADD told :names", f"{SAME_HOUR} AND ({ROOM_ALONE})", values)

    def join(self, cause: str, seen: Record, name: str, *, urgent: bool) -> bool:
        """Let `name` wait."""
        values = {":seen": time_text(seen.opened_at), ":names": {name}, ":named": NAMED}
        update = _urgently("ADD waiting :names", values, urgent=urgent)
        return self._update(cause, update, f"{SAME_HOUR} AND ({ROOM_BY_NAME})", values)

    def count(self, cause: str, seen: Record, *, urgent: bool) -> bool:
        """Let one more wait whose name there is no room for."""
        values: dict[str, object] = {":seen": time_text(seen.opened_at), ":one": 1}
        update = _urgently("ADD waiting_more :one", values, urgent=urgent)
        return self._update(cause, update, SAME_HOUR, values)

    def close(self, cause: str, seen: Record, now: datetime) -> bool:
        """Make what waits a batch that we send, and begin the next hour."""
        update = (
            "SET sending = waiting, sending_more = if_not_exists(waiting_more, :zero), sending_since = opened_at, "
            "sending_urgent = if_not_exists(waiting_urgent, :no), sending_until = :until, opened_at = :now, "
            "expires_at = :expires REMOVE waiting, waiting_more, waiting_urgent"
        )
        values = {
            ":seen": time_text(seen.opened_at),
            ":now": time_text(now),
            ":until": time_text(now + SENDING),
            ":zero": 0,
            ":no": False,
            ":expires": _expiry(now),
        }
        return self._update(cause, update, f"{SAME_HOUR} AND {NOBODY_SENDS}", values)

    def take_over(self, cause: str, seen: Record, now: datetime) -> bool:
        """Send a batch that somebody else did not."""
        values = {":ours": time_text(seen.sending_until or now), ":until": time_text(now + SENDING)}
        return self._update(cause, "SET sending_until = :until", NOT_TAKEN_OVER, values)

    def sent(self, cause: str, sending_until: datetime) -> bool:
        """Forget the batch that we closed or took over: it is out."""
        update = "REMOVE sending, sending_more, sending_since, sending_urgent, sending_until"
        return self._update(cause, update, NOT_TAKEN_OVER, {":ours": time_text(sending_until)})

    def _key(self, cause: str) -> dict[str, Any]:
        return item({"credential": self._topic_arn, "record": f"digest#{cause}"})

    def _update(self, cause: str, update: str, condition: str, values: Mapping[str, object]) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=self._key(cause),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=item(values),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as error:
            raise _refused("changing", error) from error
        return True


def _urgently(update: str, values: dict[str, object], *, urgent: bool) -> str:
    if not urgent:
        return update
    values[":yes"] = True
    return f"SET waiting_urgent = :yes {update}"


def _expiry(now: datetime) -> int:
    return int((now + KEPT).timestamp())


def _record(stored: Mapping[str, Any]) -> Record:
    plain = {name: TypeDeserializer().deserialize(value) for name, value in stored.items()}
    opened_at = datetime.fromisoformat(plain["opened_at"])
    until = plain.get("sending_until")
    return Record(
        opened_at=opened_at,
        told=frozenset(plain["told"]),
        waiting=_batch(plain, "waiting", opened_at),
        sending=_batch(plain, "sending", datetime.fromisoformat(plain.get("sending_since", plain["opened_at"]))),
        sending_until=datetime.fromisoformat(until) if until else None,
    )


def _batch(plain: Mapping[str, Any], name: str, since: datetime) -> Batch | None:
    if name not in plain:
        return None
    more, urgent = int(plain.get(f"{name}_more", 0)), bool(plain.get(f"{name}_urgent"))
    return Batch(frozenset(plain[name]), more, urgent, since)


def _refused(what: str, error: ClientError | BotoCoreError) -> StorageFailure:
    return StorageFailure(f"AWS refused {what} the digest of alerts. {aws_reason(error)}")
