"""Tells programs that a certificate was rotated: an event on the account's default EventBridge bus.

Consumers may react to it at once instead of asking Secrets Manager again and again.
"""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation.errors import StorageFailure
from certificate_rotation.messages import Situation, may_be_evicted
from certificate_rotation.results import utc_text
from certificate_rotation.secret_store import aws_reason
from certificate_rotation.state import LastRotation

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "device-id-certificate-rotation"
DETAIL_TYPE = "Certificate Rotated"


class Announcements:
    """Puts events on the default bus of the account and region the function runs in."""

    def __init__(self, client: "EventBridgeClient") -> None:
        """`client`: a boto3 client of EventBridge."""
        self._client = client

    def rotated(self, rotation: LastRotation, situation: Situation) -> None:
        """Announce that a new certificate is in use; `situation` is that of the new one.

        Raises:
            StorageFailure: AWS did not take the event. The next run announces it again.
        """
        detail = {
            "version": 1,
            "secretArn": situation.secret,
            "certName": rotation.cert_name,
            "serialNumber": situation.serial,
            "notAfter": utc_text(situation.not_after) if situation.not_after else None,
            "previousCertName": rotation.previous_cert_name,
            "deletedCertName": rotation.deleted_cert_name or None,
            "reloadNow": may_be_evicted(rotation),
        }
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": SOURCE,
                        "DetailType": DETAIL_TYPE,
                        "Detail": json.dumps(detail),
                        "Resources": [situation.secret],
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise StorageFailure(f"AWS refused the event for consumers. {aws_reason(error)}") from error
        if answer["FailedEntryCount"]:  # AWS: an entry may fail though the call succeeds
            refused = answer["Entries"][0]
            raise StorageFailure(
                f"AWS refused the event for consumers. {refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
            )
