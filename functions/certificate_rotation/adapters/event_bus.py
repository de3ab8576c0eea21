"""EventBridge: tells programs what people are mailed, on the account's default bus.

Consumers may react to it at once instead of asking Secrets Manager again and again.
"""

from typing import TYPE_CHECKING

from certificate_rotation.adapters.aws import AwsError, aws_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_events import EventBridgeClient

SOURCE = "device-id-certificate-rotation"


class EventBus:
    """The default bus of the account and region the function runs in."""

    def __init__(self, client: "Callable[[], EventBridgeClient]") -> None:
        """`client` makes a boto3 client of EventBridge, or hands out the one there is."""
        self._client = client

    def put(self, detail_type: str, detail: str, resource: str) -> str | None:
        """Put one event.

        Args:
            detail_type: such as `Credential Rotated`.
            detail: JSON.
            resource: the ARN of what it is about.

        Returns:
            Why AWS did not take it; None when it did.
        """
        try:
            answer = self._client().put_events(
                Entries=[{"Source": SOURCE, "DetailType": detail_type, "Detail": detail, "Resources": [resource]}]
            )
        except AwsError as error:
            return aws_reason(error)
        if answer["FailedEntryCount"]:  # AWS: an entry may fail though the call succeeds
            refused = answer["Entries"][0]
            return f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
        return None
