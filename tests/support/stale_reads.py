"""Secrets Manager answers what was true a moment ago: AWS promises nobody that a read sees the last write.

The ledger's reads are consistent, so they stay true.
"""

import json
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tests.support import moto_memory

READS = ("DescribeSecret", "GetSecretValue")
_WRITES = ("PutSecretValue", "UpdateSecretVersionStage")
FURTHEST = 3  # writes that a read may lag behind

_OK: Mapping[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": HTTPStatus.OK}}
_NOT_FOUND: Mapping[str, Any] = {
    "Error": {"Code": "ResourceNotFoundException", "Message": "Secrets Manager can't find the resource"},
    "ResponseMetadata": {"HTTPStatusCode": HTTPStatus.BAD_REQUEST},
}


class StaleReads:
    """What the secret was before each of the last writes, and whether the next read is to be told that."""

    def __init__(self, name: str) -> None:
        """For the secret of this name."""
        self._name = name
        self._past: deque[dict[str, tuple[list[str], str]]] = deque(maxlen=FURTHEST)
        self._behind = 0
        self.told = 0  # how many answers were old

    def before_write(self, operation: str) -> None:
        """Remember how things are, if this is about to change them."""
        if operation in _WRITES:
            self._past.append(moto_memory.versions(self._name))

    def next_read_lags(self, writes: int) -> None:
        """Let the next read see the secret as it was before so many writes."""
        self._behind = writes

    def answer(self, operation: str, body: str) -> dict[str, Any] | None:
        """What the read sees; None when it sees how things are."""
        behind = self._behind
        if operation not in READS or not behind:
            return None
        self._behind = 0
        if behind > len(self._past):  # nothing was there yet
            return None
        self.told += 1
        asked, versions = json.loads(body), self._past[-behind]
        if operation == "DescribeSecret":
            arn = moto_memory.backend("secretsmanager").secrets[self._name].arn
            stages = {version: labels for version, (labels, _) in versions.items()}
            return {**_OK, "ARN": arn, "Name": self._name, "VersionIdsToStages": stages}
        for version, (labels, text) in versions.items():
            if text and (version == asked.get("VersionId") or asked.get("VersionStage") in labels):
                return {**_OK, "ARN": asked["SecretId"], "VersionId": version, "SecretString": text}
        return dict(_NOT_FOUND)
