"""The mailbox of somebody who reads the stack's alerts: a queue, because the local AWS sends no email."""

import json
from dataclasses import dataclass

from dev.stack import Stack


@dataclass(frozen=True)
class Email:
    """What a subscriber of the topic reads; `attributes` are what one may filter by: severity, code, secret."""

    subject: str
    body: str
    attributes: dict[str, str]


class Inbox:
    """Subscribed to the stack's topic from the moment it is made."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.client("sqs")
        self._url = self._sqs.create_queue(QueueName=f"{stack.name}-inbox")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = stack.outputs["AlertTopicArn"]
        # AWS: a topic delivers to a queue only where the queue's own policy lets it.
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        # Not RawMessageDelivery: that would leave the subject out, and people read it first.
        stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def read(self) -> list[Email]:
        """Every email since the last look, oldest first."""
        emails = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                envelope = json.loads(message["Body"])
                given = envelope.get("MessageAttributes", {})  # an alarm of CloudWatch's has none
                attributes = {name: value["Value"] for name, value in given.items()}
                emails.append(Email(envelope["Subject"], envelope["Message"], attributes))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return emails
