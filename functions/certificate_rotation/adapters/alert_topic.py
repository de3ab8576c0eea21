"""SNS: the topic people read by email."""

from typing import TYPE_CHECKING

from certificate_rotation.adapters.aws import AwsError, aws_reason
from certificate_rotation.domain.state import News

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef as Filter


class AlertTopic:
    """One topic.

    Attributes:
        arn: its name.
    """

    def __init__(self, client: "Callable[[], SNSClient]", arn: str) -> None:
        """`client` makes a boto3 client of SNS, or hands out the one there is."""
        self._client, self.arn = client, arn

    def publish(self, news: News) -> str | None:
        """Send a mail, with message attributes for filters.

        SNS delivers and filters by attributes only with the message structure String (developer guide, "Amazon SNS
        message attributes"), so the text is sent as it is.

        Returns:
            Why AWS did not take it; None when it did.
        """
        values = {"severity": news.severity, "code": news.code, "secret": news.secret}
        filters: dict[str, Filter] = {
            name: {"DataType": "String", "StringValue": value} for name, value in values.items()
        }
        try:
            self._client().publish(
                TopicArn=self.arn, Subject=news.subject, Message=news.text, MessageAttributes=filters
            )
        except AwsError as error:
            return aws_reason(error)
        return None
