"""How AWS can fail, by name: which operations can, and what the code gets to see."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.support.aws_calls import Call

URL = "https://aws.invalid"  # stands in an error about a request that never left

_READS, _WRITES = ("DescribeSecret", "GetSecretValue", "GetItem"), ("PutSecretValue", "UpdateSecretVersionStage")
_BOTH = "TransactGetItems"  # only the handler reads so, and only in a new container
_CHANGES = ("UpdateItem", "TransactWriteItems")
_ALL = (*_READS, *_WRITES, *_CHANGES, "Publish", "PutEvents")

# By name: the operations that can fail so. What is not a refusal comes from the way to AWS and back, and stands for
# what the code sees after botocore's own repeats.
FAILURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "denied": (*_ALL, _BOTH),
        "throttled": _ALL,
        "undecryptable": ("GetSecretValue",),
        "unencryptable": ("PutSecretValue",),
        "condition failed": _CHANGES,
        "in conflict": (_BOTH,),
        "unreachable": _ALL,  # nothing was sent
        "answer lost": _ALL,  # it took effect, and nobody says so
        "repeated": _ALL,  # it took effect, the answer was lost, and botocore sent it once more
    }
)
_REFUSALS = {
    "denied": ("AccessDeniedException", "not authorized to perform this"),
    "throttled": ("ThrottlingException", "Rate exceeded"),
    "undecryptable": ("DecryptionFailure", "the KMS key cannot be used"),
    "unencryptable": ("EncryptionFailure", "the KMS key cannot be used"),
    "condition failed": ("ConditionalCheckFailedException", "The conditional request failed"),
    "in conflict": ("TransactionCanceledException", "Transaction is ongoing for the item"),
}
# AWS: what a transaction says of the write that stopped it.
_REASONS = {"throttled": "ThrottlingError", "condition failed": "ConditionalCheckFailed"}


def refusal(name: str, operation: str) -> dict[str, Any]:
    """What AWS answers instead of doing as it is told, parsed."""
    code, message = _REFUSALS[name]
    answer: dict[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": HTTPStatus.BAD_REQUEST},
    }
    if operation == "TransactWriteItems" and name in _REASONS:
        answer["Error"]["Code"] = "TransactionCanceledException"
        answer["CancellationReasons"] = [{"Code": _REASONS[name]}, {"Code": "None"}]
    return answer


@dataclass
class Failure:
    """What coming calls meet: `left` of those whose body holds `containing`; None for all."""

    name: str
    operation: str
    containing: str
    left: int | None


class Failures:
    """Those that wait for a call."""

    def __init__(self) -> None:
        self._waiting: list[Failure] = []

    def set(self, name: str, operation: str, *, times: int | None = 1, containing: str = "") -> Failure:
        """Let coming calls fail in a way that `FAILURES` names."""
        if operation not in FAILURES[name]:
            raise ValueError(f"{operation} is never {name}")
        failure = Failure(name, operation, containing, times)
        self._waiting.append(failure)
        return failure

    def unset(self, failure: Failure) -> None:
        """Let it not happen again."""
        self._waiting.remove(failure)

    def clear(self) -> None:
        """AWS is well again."""
        self._waiting.clear()

    def take(self, call: Call) -> str:
        """The name of what a call meets, used up by it; empty when nothing waits for it."""
        met = next((f for f in self._waiting if f.operation == call.operation and f.containing in call.body), None)
        if met is None:
            return ""
        if met.left is not None:
            met.left -= 1
            if not met.left:
                self._waiting.remove(met)
        return met.name

    def before(self, name: str, operation: str) -> dict[str, Any] | None:
        """The refusal a call meets; None when it meets none.

        Raises:
            ConnectTimeoutError: AWS cannot be reached.
        """
        if name == "unreachable":
            raise ConnectTimeoutError(endpoint_url=URL)
        return refusal(name, operation) if name in _REFUSALS else None

    def after(self, name: str) -> None:
        """What becomes of the answer.

        Raises:
            ReadTimeoutError: it gets lost.
        """
        if name == "answer lost":
            raise ReadTimeoutError(endpoint_url=URL)


_EACH = itertools.chain.from_iterable([(name, op) for op in ops] for name, ops in FAILURES.items())
EVERY_FAILURE = tuple((name, operation) for name, operation in _EACH if operation != _BOTH)  # without the handler
