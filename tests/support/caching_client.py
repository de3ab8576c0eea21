"""What stands in for the package aws-secretsmanager-caching, which is no dependency: the calls that an example makes.

As its source says (aws/aws-secretsmanager-caching-python): labels by DescribeSecret, a version once by its id, both
kept until the refresh interval is over or somebody asks for a refresh, which takes place with the next read.
"""

from collections.abc import Callable
from typing import Any

REFRESH_INTERVAL = 3600.0  # seconds: its default; it takes a random half of it off, which this one does not


class SecretCache:
    """A cache in front of a boto3 client."""

    def __init__(self, client: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401 - a client of moto's or a fake
        self._client, self._clock = client, clock
        self._read_at: dict[str, float] = {}
        self._current: dict[str, str] = {}
        self._versions: dict[tuple[str, str], str] = {}

    def get_secret_string(self, secret_id: str, version_stage: str | None = None) -> str:
        """The text of the version with a label, AWSCURRENT unless told."""
        if secret_id not in self._read_at or self._clock() - self._read_at[secret_id] >= REFRESH_INTERVAL:
            stages = self._client.describe_secret(SecretId=secret_id)["VersionIdsToStages"]
            wanted = version_stage or "AWSCURRENT"
            self._current[secret_id] = next(version for version, labels in stages.items() if wanted in labels)
            self._read_at[secret_id] = self._clock()
        key = (secret_id, self._current[secret_id])
        if key not in self._versions:
            answer = self._client.get_secret_value(SecretId=secret_id, VersionId=key[1])
            self._versions[key] = answer["SecretString"]
        return self._versions[key]

    def refresh_secret_now(self, secret_id: str) -> None:
        """Have the next read ask again. The real one sleeps for up to five seconds first."""
        self._read_at.pop(secret_id, None)
