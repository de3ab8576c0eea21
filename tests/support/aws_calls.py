"""What the code sent to AWS: a call, and the mails and events that calls are to people and programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Call:
    """One call of the code.

    Attributes:
        operation: its name.
        body: what it sent.
        form: the same of a call that is sent as one: SNS.
        failure: how it was made to fail, see `failures`; empty when it was not.
        status: what AWS answered, None as long as it did not.
    """

    operation: str
    body: str
    form: Mapping[str, str]
    failure: str = ""
    status: int | None = None


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
    def traffic(self) -> str:
        """What it says of traffic."""
        return self.body.partition("Does traffic still work\n")[2].partition("\n\n")[0]


@dataclass(frozen=True)
class PublishedEvent:
    """An event on the default bus: its detail-type, and what it says."""

    kind: str
    detail: dict[str, Any]


def email(form: Mapping[str, str]) -> Email:
    """What a `Publish` with this form brings to a mailbox."""
    names = {key.removesuffix(".Name"): value for key, value in form.items() if key.endswith(".Name")}
    attributes = {name: form[f"{entry}.Value.StringValue"] for entry, name in names.items()}
    return Email(form["Subject"], form["Message"], attributes)
