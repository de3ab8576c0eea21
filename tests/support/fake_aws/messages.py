"""SNS and EventBridge: what they take, and what they refuse. What was taken is read in `LocalAws.calls`."""

import json
import re
import uuid
from typing import Any

from tests.support.fake_aws.service import Answer, Asked, FakeService, Refused, operation

_LARGEST = 262_144  # AWS: bytes of a message with its attributes, and of the entries of one call
_MOST_ENTRIES = 10  # AWS: of one call
# AWS, API reference "Publish": ASCII text that begins with a letter, number or punctuation mark, without line breaks or
# control characters, less than 100 characters long.
_SUBJECT = re.compile(r"[!-~][ -~]{0,98}")
_REQUIRED = ("Source", "DetailType", "Detail")


class FakeSns(FakeService):
    """The topics of an account."""

    name = "sns"

    def __init__(self) -> None:
        super().__init__()
        self._topics: set[str] = set()

    @operation("Name")
    def create_topic(self, asked: Asked) -> Answer:
        """The same again if there is one of this name."""
        self._topics.add(arn := self.arn(asked["Name"]))
        return {"TopicArn": arn}

    @operation("TopicArn", "Subject", "Message", "MessageAttributes")
    def publish(self, asked: Asked) -> Answer:
        """To a topic."""
        if asked.get("TopicArn") not in self._topics:
            raise Refused("NotFound", "Topic does not exist")
        if "Subject" in asked and not _SUBJECT.fullmatch(asked["Subject"]):
            raise Refused("InvalidParameter", "Invalid parameter: Subject")
        if not asked["Message"]:
            raise Refused("InvalidParameter", "Invalid parameter: Empty message")
        size = len(asked["Message"].encode())
        for name, attribute in asked.get("MessageAttributes", {}).items():
            if not attribute.get("StringValue"):
                raise Refused("InvalidParameter", f"The message attribute '{name}' must contain non-empty value")
            size += sum(len(part.encode()) for part in (name, attribute["DataType"], attribute["StringValue"]))
        if size > _LARGEST:
            raise Refused("InvalidParameter", "Invalid parameter: Message too long")
        return {"MessageId": str(uuid.uuid4())}


class FakeEvents(FakeService):
    """The default bus of an account."""

    name = "events"

    @operation("Entries")
    def put_events(self, asked: Asked) -> Answer:
        """An entry may fail though the call succeeds."""
        entries = asked["Entries"]
        if len(entries) > _MOST_ENTRIES:
            raise Refused("ValidationException", f"Member must have length less than or equal to {_MOST_ENTRIES}")
        if sum(_size(entry) for entry in entries) > _LARGEST:
            raise Refused("ValidationException", "Total size of the entries in the request is over the limit.")
        answers = [_taken(entry) for entry in entries]
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


def _size(entry: dict[str, Any]) -> int:
    parts = [*(entry.get(name, "") for name in _REQUIRED), *entry.get("Resources", [])]
    return sum(len(part.encode()) for part in parts)


def _taken(entry: dict[str, Any]) -> Answer:
    for name in _REQUIRED:
        if not entry.get(name):
            why = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": why}
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return {"EventId": str(uuid.uuid4())}
