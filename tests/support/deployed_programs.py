"""A program that listens to the deployed function's events: a rule on the default bus, and a queue behind it."""

import json
from typing import Any

from certificate_rotation.adapters.event_bus import SOURCE
from dev.stack import Stack


class Programs:
    """Hears every event from the moment it is made."""

    def __init__(self, stack: Stack) -> None:
        self._sqs, events = stack.client("sqs"), stack.client("events")
        self._url = self._sqs.create_queue(QueueName=f"{stack.name}-programs")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        # The local AWS asks for no policy of the queue here; AWS does (EventBridge, "Using resource-based policies").
        events.put_rule(Name=f"{stack.name}-programs", EventPattern=json.dumps({"source": [SOURCE]}))
        events.put_targets(Rule=f"{stack.name}-programs", Targets=[{"Id": "queue", "Arn": arn}])

    def read(self) -> list[dict[str, Any]]:
        """The events since the last look, oldest first."""
        found = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return found
