"""What the code sent to AWS: a call, and the mails and events that calls are to people and programs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass
class Call:
    """One call of the code.

    Attributes:
        operation: its name.
        asked: what it sent.
        failure: how it was made to fail, see `failures`; empty when it was not.
        status: what AWS answered, None as long as it did not.
    """

    operation: str
    asked: Mapping[str, Any]
    failure: str = ""
    status: int | None = None

    @cached_property
    def body(self) -> str:
        """What it sent, as text."""
        return json.dumps(self.asked, default=str)


@dataclass(frozen=True)
class Email:
    """What a subscriber of the topic reads."""

    subject: str
    body: str
    attributes: dict[str, str]

    @property
    def code(self) -> str:
        """The error's class name, or what happened."""
        return self.attributes["code"]

    @property
    def half(self) -> str:
        """Which half it is about; of the credential as a whole, the certificate."""
        return "apiKey" if "\nHalf: API key\n" in self.body else "certificate"

    @property
    def traffic(self) -> str:
        """What it says of traffic."""
        return self.body.partition("Does traffic still work\n")[2].partition("\n\n")[0]


@dataclass(frozen=True)
class PublishedEvent:
    """An event on the default bus: its detail-type, and what it says."""

    kind: str
    detail: dict[str, Any]

    @property
    def half(self) -> str:
        """As of a mail."""
        return str(self.detail["renews"] or "certificate")


def email(published: Mapping[str, Any]) -> Email:
    """What a `Publish` brings to a mailbox."""
    attributes = {name: value["StringValue"] for name, value in published["MessageAttributes"].items()}
    return Email(published["Subject"], published["Message"], attributes)
