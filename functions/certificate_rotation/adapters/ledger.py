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
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from certificate_rotation.adapters.aws import AwsError, aws_reason
from certificate_rotation.adapters.ledger_items import attribute, flat, flat_told, item, state, time_text
from certificate_rotation.domain.errors import StorageFailure
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.state import Incident, LastRotation, Lease, News, OpenAttempt, State, Telling

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
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
        try:
            answer = self._client.get_item(TableName=self._table, Key=_key(arn), ConsistentRead=True)
        except AwsError as error:
            raise _failed("reading the ledger", error) from error
        return _state(answer.get("Item", {}))

    def load_both(self, arn: str, other: str) -> tuple[State, State]:
        """The states of two, in one call.

        A transaction, because it takes no right of its own, unlike a batch; one by one where somebody is writing one.
        """
        reads: Any = [{"Get": {"TableName": self._table, "Key": _key(name)}} for name in (arn, other)]
        try:
            answer = self._client.transact_get_items(TransactItems=reads)
        except self._client.exceptions.TransactionCanceledException:
            return self.load(arn), self.load(other)
        except AwsError as error:
            raise _failed("reading the ledger", error) from error
        first, second = (_state(response.get("Item", {})) for response in answer["Responses"])
        return first, second

    def claim(self, arn: str, seen: State, lease: Lease, half: HalfName) -> bool:
        """Take the lease to act on a half, if nothing has changed since `seen`; False when something has.

        Whether another's lease stands in the way was decided on `seen`.
        """
        # A repeat after a lost answer meets the lease we took ourselves: that is a success.
        condition = f"({UNCHANGED if seen.revision else NEW_CREDENTIAL}) OR {LEASE_IS_OURS}"
        values = {":lease": flat(lease), ":next": seen.revision + 1, ":owner": lease.owner, ":half": half.value}
        if seen.revision:
            values[":seen"] = seen.revision
        return self._update(arn, "SET lease = :lease, revision = :next, last_acted = :half", condition, values)

    def release(self, arn: str, owner: str) -> bool:
        """Give the lease back; False when it was not ours any more."""
        return self._update(arn, "REMOVE lease ADD revision :one", LEASE_IS_OURS, {":owner": owner, ":one": 1})

    def charge(  # noqa: PLR0913 - one per thing that is written
        self,
        arn: str,
        half: HalfName,
        owner: str,
        attempts: Attempts,
        attempt: OpenAttempt,
        *,
        earlier: OpenAttempt | None = None,
    ) -> bool:
        """Count an attempt before it leaves, its outcome unknown; False when the lease is not ours any more.

        `earlier`: the attempt whose answer still waits, and is kept until one of the two is accepted.
        """
        values = {":attempts": flat(attempts), ":attempt": flat(attempt), ":owner": owner, ":one": 1}
        update = f"SET {attribute(half, 'attempts')} = :attempts, {attribute(half, 'open_attempt')} = :attempt"
        if earlier:
            update = f"{update}, {attribute(half, 'earlier')} = :earlier"
            values[":earlier"] = flat(earlier)
        else:
            update += f" REMOVE {attribute(half, 'earlier')}"
        return self._change(self._write(arn, f"{update} ADD revision :one", LEASE_IS_OURS, values), half, attempt)

    def journal(self, arn: str, half: HalfName, attempt: OpenAttempt) -> None:
        """Record what became of the open attempt, the answer included: the first of its two stores."""
        update = f"SET {attribute(half, 'open_attempt')} = :attempt ADD revision :one"
        values = {":attempt": flat(attempt), ":started_at": time_text(attempt.started_at), ":one": 1}
        if not self._change(self._write(arn, update, _is_ours(half), values), half, attempt):
            raise StorageFailure("The ledger's state was changed by somebody else while the service was asked.")

    def settle(  # noqa: PLR0913 - one per thing that is written
        self,
        arn: str,
        half: HalfName,
        attempts: Attempts,
        attempt: OpenAttempt,
        *,
        outcome: str,
        message: str,
        earlier: OpenAttempt | None,
    ) -> None:
        """Close an attempt that brought nothing.

        Args:
            arn: the secret's.
            half: which half it was for.
            attempts: what is left of the limit.
            attempt: the one to close.
            outcome: the error's name.
            message: the error's text.
            earlier: the attempt that was open before this one: it is so again, and goes on holding or waiting.
        """
        values = {":attempts": flat(attempts), ":started_at": time_text(attempt.started_at), ":one": 1}
        sets, removes = f"SET {attribute(half, 'attempts')} = :attempts", f"REMOVE {attribute(half, 'earlier')}"
        if earlier:
            sets += f", {attribute(half, 'open_attempt')} = :earlier"
            values[":earlier"] = flat(earlier)
        else:
            removes += f", {attribute(half, 'open_attempt')}"
        write = self._write(arn, f"{sets} {removes} ADD revision :one", _is_ours(half), values)
        self._change(write, half, attempt, outcome=outcome, message=message)

    def close(  # noqa: PLR0913 - one per thing that is written
        self,
        arn: str,
        half: HalfName,
        owner: str,
        attempt: OpenAttempt,
        rotation: LastRotation,
        *,
        promoted: OpenAttempt,
        keep: Iterable[News] = (),
        told: Iterable[News] = (),
    ) -> bool:
        """Close the rotation and give the lease back: the new half is in use and the labels are tidied.

        False, and neither, when another invocation took the lease over: it finds what is left and closes that itself.

        Args:
            arn: the secret's.
            half: which half was renewed.
            owner: whose lease it is.
            attempt: the open one.
            rotation: what happened.
            promoted: the attempt whose answer is in use: the open one, or the earlier one.
            keep: the news AWS did not take: the next run tells it.
            told: the news of earlier runs that AWS took now.
        """
        sets, removes, values = _of_news(keep, told)
        over = [attribute(half, name) for name in ("open_attempt", "earlier", "incident")]
        update = f"SET {', '.join([f'{attribute(half, "last_rotation")} = :rotation', *sets])} "
        update += f"REMOVE {', '.join(['lease', *over, *removes])} ADD revision :one"
        values |= {
            ":rotation": flat(rotation),
            ":owner": owner,
            ":started_at": time_text(attempt.started_at),
            ":one": 1,
        }
        write = self._write(arn, update, f"{LEASE_IS_OURS} AND {_is_ours(half)}", values)
        return self._change(write, half, promoted, outcome="rotated")

    def drop(
        self,
        arn: str,
        half: HalfName,
        attempt: OpenAttempt,
        *,
        keep: Iterable[News] = (),
        told: Iterable[News] = (),
    ) -> None:
        """Forget an attempt that was made for one no longer in use; its history stays."""
        sets, removes, values = _of_news(keep, told)
        update = f"SET {', '.join(sets)} " if sets else ""
        over = [attribute(half, name) for name in ("open_attempt", "earlier")]
        update += f"REMOVE {', '.join([*over, *removes])} ADD revision :one"
        values |= {":started_at": time_text(attempt.started_at), ":one": 1}
        write = self._write(arn, update, _is_ours(half), values)
        self._change(write, half, attempt, outcome="dropped")

    def remember(  # noqa: PLR0913 - one per thing that is written
        self,
        arn: str,
        half: HalfName,
        incident: Incident | None,
        when: Mapping[str, Telling],
        *,
        keep: Iterable[News] = (),
        told: Iterable[News] = (),
    ) -> None:
        """Set or clear a half's open incident, and when people were told. Needs no lease: no credential hangs on it.

        `keep`, `told`: as of `close`.
        """
        sets, removes, values = _of_news(keep, told)
        sets.append("told = :told")
        values[":told"] = flat_told(when)
        if incident:
            sets.append(f"{attribute(half, 'incident')} = :incident")
            values[":incident"] = flat(incident)
        else:
            removes.append(attribute(half, "incident"))
        update = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
        self._update(arn, update, "", values)

    def change_news(self, arn: str, *, keep: Iterable[News] = (), told: Iterable[News] = ()) -> None:
        """Change what waits to be told, and nothing else; `keep`, `told` as of `close`."""
        sets, removes, values = _of_news(keep, told)
        parts = [f"SET {', '.join(sets)}"] if sets else []
        parts += [f"REMOVE {', '.join(removes)}"] if removes else []
        if parts:
            self._update(arn, " ".join(parts), "", values)

    def note_token(self, arn: str, token: str) -> None:
        """Write down that Secrets Manager's own rotation began with this token; with an empty one, that it is over.

        Needs no lease: it only says that the secret's labels are worth a look.
        """
        self._update(arn, "SET rotation_token = :token", "", {":token": token})

    def count_mail(self, topic_arn: str, cause: str, now: datetime) -> int:
        """Count a mail of this cause in this clock hour: the first one is 1."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=item({"credential": topic_arn, "record": f"mails#{time_text(hour)}#{cause}"}),
                UpdateExpression="SET expires_at = :expires ADD mails :one",
                ExpressionAttributeValues=item({":expires": int((hour + COUNTERS_KEPT).timestamp()), ":one": 1}),
                ReturnValues="UPDATED_NEW",
            )
        except AwsError as error:
            raise _failed("counting the mails of this hour", error) from error
        return int(answer["Attributes"]["mails"]["N"])

    def _write(self, arn: str, update: str, condition: str, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - boto3's
        write: dict[str, Any] = {"TableName": self._table, "Key": _key(arn), "UpdateExpression": update}
        if values:
            write["ExpressionAttributeValues"] = item(values)
        if condition:
            write["ConditionExpression"] = condition
        if "#owner" in condition:
            write["ExpressionAttributeNames"] = {"#owner": "owner"}  # `owner` is a reserved word of DynamoDB
        return write

    def _update(self, arn: str, update: str, condition: str, values: Mapping[str, object]) -> bool:
        """Change the state alone; False when the condition does not hold."""
        try:
            self._client.update_item(**self._write(arn, update, condition, values))
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except AwsError as error:
            raise _failed("changing the ledger", error) from error
        return True

    def _change(self, write: Any, half: HalfName, attempt: OpenAttempt, **remarks: str) -> bool:  # noqa: ANN401 - from _write
        """Change the state and the attempt's history together; False, and neither, when the condition does not hold."""
        public = (
            attempt if half is HalfName.CERTIFICATE else replace(attempt, answer=None)
        )  # even sealed, not for years
        record = {
            **flat(public),
            **remarks,
            "renews": half.value,
            "credential": write["Key"]["credential"]["S"],
            "record": f"attempt#{time_text(attempt.started_at)}",
            "expires_at": int((attempt.started_at + HISTORY_KEPT).timestamp()),
        }
        try:
            self._client.transact_write_items(
                TransactItems=[{"Update": write}, {"Put": {"TableName": self._table, "Item": item(record)}}],
                ClientRequestToken=str(uuid.uuid4()),
            )
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                return False
            raise _failed("changing the ledger", error) from error
        except AwsError as error:
            raise _failed("changing the ledger", error) from error
        return True


def _is_ours(half: HalfName) -> str:
    return ATTEMPT_IS_OURS.format(open_attempt=attribute(half, "open_attempt"))


def _of_news(keep: Iterable[News], told: Iterable[News]) -> tuple[list[str], list[str], dict[str, object]]:
    """What an update sets, removes and fills in for news: an attribute each, so that two runs never undo each other."""
    kept = list(keep)
    sets = [f"{news.name} = :{news.name}" for news in kept]
    gone = {news.name for news in told} - {news.name for news in kept}
    return sets, sorted(gone), {f":{news.name}": flat(news) for news in kept}


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


def _failed(what: str, error: "ClientError | BotoCoreError") -> StorageFailure:
    return StorageFailure(f"AWS refused {what}. {aws_reason(error)}")
