"""DynamoDB: the attempts, the lease and the journal of every credential.

One table; partition key `credential` (the secret's ARN), sort key `record`:

- `state`: one item, see `state.State`. Every change names what it expects to find, so that two invocations, or one
  that woke up late, cannot both win.
- `attempt#<ISO time>`: the history, for people. Goes away a year later (TTL; AWS deletes late, nothing relies on it).

Beside them, under the topic's ARN, is how many mails of one cause went out in an hour: `mails#<hour>#<cause>`.

Transactions carry a `ClientRequestToken`, so that botocore's repeat after a lost answer succeeds instead of meeting
its own first write (AWS: idempotent for ten minutes).

One module, because the conditions of all writes together are the lock.
"""

import uuid
from collections.abc import Mapping
from copy import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from certificate_rotation.adapters.aws import may_refuse
from certificate_rotation.adapters.ledger_items import attribute, flat, flat_all, flat_told, item, of, state, time_text
from certificate_rotation.domain.errors import RotationError, StorageFailure
from certificate_rotation.domain.half import HalfName, HalfOf
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.state import Incident, LastRotation, Lease, NewsChanges, OpenAttempt, State, Telling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HISTORY_KEPT = timedelta(days=365)
COUNTERS_KEPT = timedelta(days=1)

# Conditions, each with the case it guards against.
UNCHANGED = "revision = :seen"  # somebody acted between our reading and our claim
NEW_CREDENTIAL = "attribute_not_exists(revision)"  # as UNCHANGED, for the very first claim
LEASE_IS_OURS = "lease.#owner = :owner"  # our lease ran out and another invocation took over
ATTEMPT_IS_OURS = "{open_attempt}.started_at = :started_at"  # a later run gave this attempt up


class Ledger:
    """Reads and writes the records. Every method raises `StorageFailure` when AWS refuses."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """`client`: a boto3 client of DynamoDB."""
        self._client = client
        self._table = table

    def load(self, arn: str) -> State:
        """The state now, read consistently; a fresh one for a credential never seen."""
        with may_refuse("reading the ledger"):
            answer = self._client.get_item(TableName=self._table, Key=_key(arn), ConsistentRead=True)
        return _state(answer.get("Item", {}))

    def load_both(self, arn: str, other: str) -> tuple[State, State]:
        """The states of two, in one call.

        A transaction, because it takes no right of its own, unlike a batch; one by one where somebody is writing one.
        """
        reads: Any = [{"Get": {"TableName": self._table, "Key": _key(name)}} for name in (arn, other)]
        with may_refuse("reading the ledger"):
            try:
                answer = self._client.transact_get_items(TransactItems=reads)
            except self._client.exceptions.TransactionCanceledException:
                return self.load(arn), self.load(other)
        first, second = (_state(response.get("Item", {})) for response in answer["Responses"])
        return first, second

    def claim(self, arn: str, seen: State, lease: Lease, half: HalfName) -> bool:
        """Take the lease to act on a half, if nothing has changed since `seen`; False when something has.

        Whether another's lease stands in the way was decided on `seen`.
        """
        # A repeat after a lost answer meets the lease we took ourselves: that is a success.
        condition = f"({UNCHANGED if seen.revision else NEW_CREDENTIAL}) OR {LEASE_IS_OURS}"
        expected: dict[str, object] = {"seen": seen.revision} if seen.revision else {}
        changes = {"lease": flat(lease), "last_acted": half.value, "revision": seen.revision + 1}
        return self._update(arn, changes, condition, owner=lease.owner, **expected)

    def release(self, arn: str, owner: str) -> bool:
        """Give the lease back; False when it was not ours any more."""
        return self._update(arn, {"lease": None}, LEASE_IS_OURS, owner=owner)

    def charge(
        self, one: HalfOf, owner: str, attempts: Attempts, attempt: OpenAttempt, *, earlier: OpenAttempt | None
    ) -> bool:
        """Count an attempt before it leaves, its outcome unknown; False when the lease is not ours any more.

        `earlier`: the attempt whose answer still waits, and is kept until one of the two is accepted.
        """
        changes = of(one.half, attempts=attempts, open_attempt=attempt, earlier=earlier)
        return self._change(one, changes, attempt, owner=owner)

    def journal(self, one: HalfOf, attempt: OpenAttempt) -> None:
        """Record what became of the open attempt, the answer included: the first of its two stores."""
        if not self._change(one, of(one.half, open_attempt=attempt), attempt, still_open=attempt):
            raise StorageFailure("The ledger's state was changed by somebody else while the service was asked.")

    def settle(
        self, one: HalfOf, attempts: Attempts, attempt: OpenAttempt, error: RotationError, earlier: OpenAttempt | None
    ) -> None:
        """Close an attempt that brought nothing.

        Args:
            one: what it was for.
            attempts: what is left of the limit.
            attempt: the one to close.
            error: why.
            earlier: the attempt that was open before this one: it is so again, and goes on holding or waiting.
        """
        changes = of(one.half, attempts=attempts, open_attempt=earlier, earlier=None)
        remarks = {"outcome": type(error).__name__, "message": str(error)}
        self._change(one, changes, attempt, still_open=attempt, **remarks)

    def close(  # noqa: PLR0913 - one per thing that is written
        self,
        one: HalfOf,
        owner: str,
        attempt: OpenAttempt,
        rotation: LastRotation,
        *,
        promoted: OpenAttempt,
        news: NewsChanges,
    ) -> bool:
        """Close the rotation and give the lease back: the new half is in use and the labels are tidied.

        False, and neither, when another invocation took the lease over: it finds what is left and closes that itself.

        Args:
            one: what was renewed.
            owner: whose lease it is.
            attempt: the open one.
            rotation: what happened.
            promoted: the attempt whose answer is in use: the open one, or the earlier one.
            news: what AWS did not take of it, for the next run; and what it took now of earlier runs' news.
        """
        changes = of(one.half, open_attempt=None, earlier=None, incident=None, last_rotation=rotation)
        changes |= {"lease": None, **flat_all(news)}
        return self._change(one, changes, promoted, owner=owner, still_open=attempt, outcome="rotated")

    def drop(self, one: HalfOf, attempt: OpenAttempt, news: NewsChanges) -> None:
        """Forget an attempt that was made for one no longer in use; its history stays. `news`: as of `close`."""
        changes = {**of(one.half, open_attempt=None, earlier=None), **flat_all(news)}
        self._change(one, changes, attempt, still_open=attempt, outcome="dropped")

    def remember(self, one: HalfOf, incident: Incident | None, when: Mapping[str, Telling], news: NewsChanges) -> None:
        """Set or clear a half's open incident, and when people were told. Needs no lease: no credential hangs on it.

        `news`: as of `close`.
        """
        self._update(one.arn, {"told": flat_told(when), **of(one.half, incident=incident), **flat_all(news)})

    def change_news(self, arn: str, news: NewsChanges) -> None:
        """Change what waits to be told, if anything, and nothing else; `news` as of `close`."""
        if news:
            self._update(arn, flat_all(news))

    def note_token(self, arn: str, token: str) -> None:
        """Write down that Secrets Manager's own rotation began, so that the labels are looked at. Needs no lease."""
        self._update(arn, {"rotation_token": token})

    def forget_token(self, arn: str, token: str) -> None:
        """That rotation has left nothing behind. Another one may have begun meanwhile, and is remembered."""
        self._update(arn, {"rotation_token": None}, "rotation_token = :token", token=token)

    def count_mail(self, topic_arn: str, cause: str, now: datetime) -> int:
        """Count a mail of this cause in this clock hour: the first one is 1."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        with may_refuse("counting the mails of this hour"):
            answer = self._client.update_item(
                TableName=self._table,
                Key=item({"credential": topic_arn, "record": f"mails#{time_text(hour)}#{cause}"}),
                UpdateExpression="SET expires_at = :expires ADD mails :one",
                ExpressionAttributeValues=item({":expires": int((hour + COUNTERS_KEPT).timestamp()), ":one": 1}),
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"]["mails"]["N"])

    def _write(self, arn: str, changes: Mapping[str, object], condition: str = "", **expected: object) -> Any:  # noqa: ANN401 - boto3's
        """The update that gives attributes these values, and removes those that are None.

        What needs a condition counts as a change: a decision made on what was read before must not be claimed.
        """
        counted = bool(condition) and "revision" not in changes
        given = {name: value for name, value in changes.items() if value is not None}
        removed = [name for name in changes if name not in given]
        parts = [f"SET {', '.join(f'{name} = :{name}' for name in given)}"] if given else []
        parts += [f"REMOVE {', '.join(removed)}"] if removed else []
        parts += ["ADD revision :one"] if counted else []
        values = {f":{name}": value for name, value in {**given, **expected, **({"one": 1} if counted else {})}.items()}
        write: dict[str, Any] = {"TableName": self._table, "Key": _key(arn), "UpdateExpression": " ".join(parts)}
        if values:
            write["ExpressionAttributeValues"] = item(values)
        if condition:
            write["ConditionExpression"] = condition
        if "#owner" in condition:
            write["ExpressionAttributeNames"] = {"#owner": "owner"}  # `owner` is a reserved word of DynamoDB
        return write

    def _update(self, arn: str, changes: Mapping[str, object], condition: str = "", **expected: object) -> bool:
        """Change the state alone; False when the condition does not hold."""
        with may_refuse("changing the ledger"):
            try:
                self._client.update_item(**self._write(arn, changes, condition, **expected))
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _change(
        self,
        one: HalfOf,
        changes: Mapping[str, object],
        attempt: OpenAttempt,
        *,
        owner: str = "",
        still_open: OpenAttempt | None = None,
        **remarks: str,
    ) -> bool:
        """Change the state, and the attempt's history with it; False, and neither, when a condition does not hold.

        Conditions: the lease is `owner`'s; this attempt is `still_open`.
        """
        conditions, expected = [], dict[str, object]()
        if owner:
            conditions.append(LEASE_IS_OURS)
            expected["owner"] = owner
        if still_open:
            conditions.append(ATTEMPT_IS_OURS.format(open_attempt=attribute(one.half, "open_attempt")))
            expected["started_at"] = time_text(still_open.started_at)
        write = self._write(one.arn, changes, " AND ".join(conditions), **expected)
        # A key does not lie here for years, not even sealed.
        public = attempt if one.half is HalfName.CERTIFICATE else replace(attempt, answer=None)
        record = {
            **flat(public),
            **remarks,
            "renews": one.half.value,
            "credential": one.arn,
            "record": f"attempt#{time_text(attempt.started_at)}",
            "expires_at": int((attempt.started_at + HISTORY_KEPT).timestamp()),
        }
        with may_refuse("changing the ledger"):
            try:
                self._client.transact_write_items(
                    TransactItems=[{"Update": write}, {"Put": {"TableName": self._table, "Item": item(record)}}],
                    ClientRequestToken=str(uuid.uuid4()),
                )
            except self._client.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", [])
                if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                    raise
                return False
        return True


def _state(stored: Mapping[str, Any]) -> State:
    try:
        return state(stored)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # somebody edited the record
        raise StorageFailure(
            f"The ledger's record `state` of this credential cannot be read ({type(error).__name__}). Put back what "
            "was changed in it by hand."
        ) from error


def _key(arn: str) -> dict[str, Any]:
    return item({"credential": arn, "record": "state"})
