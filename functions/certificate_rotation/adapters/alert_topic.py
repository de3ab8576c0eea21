"""SNS: the topic people read by email."""

from typing import TYPE_CHECKING

from certificate_rotation.adapters.aws import AwsError, aws_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sns import SNSClient


class AlertTopic:
    """One topic.

    Attributes:
        arn: its name.
    """

    def __init__(self, client: "Callable[[], SNSClient]", arn: str) -> None:
        """`client` makes a boto3 client of SNS, or hands out the one there is."""
        self._client, self.arn = client, arn

    def publish(self, subject: str, text: str, *, severity: str, code: str, secret: str) -> str | None:
        """Send a mail. The last three become message attributes, for filters.

        SNS delivers and filters by attributes only with the message structure String (developer guide, "Amazon SNS
        message attributes"), so the text is sent as it is.

        Returns:
            Why AWS did not take it; None when it did.
        """
        attributes = {"severity": severity, "code": code, "secret": secret}
        try:
            self._client().publish(
                TopicArn=self.arn,
                Subject=subject,
                Message=text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except AwsError as error:
            return aws_reason(error)
        return None
