"""Secrets Manager answers what was true a moment ago: AWS promises nobody that a read sees the last write.

The ledger's reads are consistent, so they stay true.
"""

from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

READS = ("DescribeSecret", "GetSecretValue")
_WRITES = ("PutSecretValue", "UpdateSecretVersionStage")
FURTHEST = 3  # writes that a read may lag behind

type Versions = Mapping[str, tuple[list[str], str]]  # the labels and the text of each

_OK: Mapping[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": HTTPStatus.OK}}
_NOT_FOUND: Mapping[str, Any] = {
    "Error": {"Code": "ResourceNotFoundException", "Message": "Secrets Manager can't find the resource"},
    "ResponseMetadata": {"HTTPStatusCode": HTTPStatus.BAD_REQUEST},
}


class StaleReads:
    """What the secret was before each of the last writes, and whether the next read is to be told that."""

    def __init__(self, versions: Callable[[], Versions]) -> None:
        """`versions` tells how the secret is now."""
        self._versions = versions
        self._past: deque[Versions] = deque(maxlen=FURTHEST)
        self._behind = 0
        self.told = 0  # how many answers were old

    def before_write(self, operation: str) -> None:
        """Remember how things are, if this is about to change them."""
        if operation in _WRITES:
            self._past.append(self._versions())

    def next_read_lags(self, writes: int) -> None:
        """Let the next read see the secret as it was before so many writes."""
        self._behind = writes

    def answer(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the read sees; None when it sees how things are."""
        behind = self._behind
        if operation not in READS or not behind:
            return None
        self._behind = 0
        if behind > len(self._past):  # nothing was there yet
            return None
        self.told += 1
        versions = self._past[-behind]
        if operation == "DescribeSecret":
            stages = {version: labels for version, (labels, _) in versions.items()}
            return {**_OK, "ARN": asked["SecretId"], "VersionIdsToStages": stages}
        for version, (labels, text) in versions.items():
            if text and (version == asked.get("VersionId") or asked.get("VersionStage") in labels):
                return {**_OK, "ARN": asked["SecretId"], "VersionId": version, "SecretString": text}
        return dict(_NOT_FOUND)
