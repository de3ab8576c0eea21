"""SNS's and EventBridge's fakes against moto: what they take, and what they refuse."""

import boto3
import pytest

from tests.support.fake_contract import INVALID, REFUSED_BY_BOTO3, Asked, Step, Twin, compare, nothing, step, twins

PUBLISH = "publish"
ATTRIBUTE = {"DataType": "String", "StringValue": "x"}
_SUBJECTS = "API reference, Publish: Subject"
MAILS: tuple[Step, ...] = (
    step(PUBLISH, Message="text"),
    step(PUBLISH, Message="text", Subject="a" * 99, MessageAttributes={"one": ATTRIBUTE, "two": ATTRIBUTE}),
    step(PUBLISH, "InvalidParameter", _SUBJECTS, Message="text", Subject="a" * 100),
    step(PUBLISH, "InvalidParameter", Message="text", Subject="a" * 101),
    step(PUBLISH, "InvalidParameter", _SUBJECTS, Message="text", Subject="two\nlines"),
    step(PUBLISH, "InvalidParameter", _SUBJECTS, Message="text", Subject="Ärger"),
    step(PUBLISH, "InvalidParameter", _SUBJECTS, Message="text", Subject=" begins with a space"),
    step(PUBLISH, Message="x" * 262_144),
    step(PUBLISH, "InvalidParameter", Message="x" * 262_145),
    step(
        PUBLISH,
        "InvalidParameter",
        "developer guide, message attributes: they count",
        Message="x" * 262_144,
        MessageAttributes={"one": ATTRIBUTE},
    ),
    step(PUBLISH, "InvalidParameter", "API reference, Publish: Message", Message=""),
    step(
        PUBLISH,
        "InvalidParameter",
        Message="text",
        MessageAttributes={"one": {"DataType": "String", "StringValue": ""}},
    ),
    step(PUBLISH, "NotFound", Message="text", TopicArn="arn:aws:sns:us-east-1:123456789012:nowhere"),
    step(PUBLISH, REFUSED_BY_BOTO3, Text="text"),
    step("create_topic", Name="alerts"),
)

EVENT = {"Source": "us", "DetailType": "It Happened", "Detail": "{}", "Resources": ["arn"]}
EVENTS: tuple[Step, ...] = (
    step("put_events", Entries=[EVENT]),
    step("put_events", Entries=[EVENT, {**EVENT, "Detail": "no JSON"}, EVENT]),
    *(
        step("put_events", Entries=[{name: value for name, value in EVENT.items() if name != left_out}])
        for left_out in EVENT
    ),
    step("put_events", Entries=[EVENT] * 10),
    step("put_events", INVALID, Entries=[EVENT] * 11),
    step(
        "put_events",
        INVALID,
        "user guide, PutEvents: entry size",
        Entries=[{**EVENT, "Detail": f'{{"a": "{"x" * 262_144}"}}'}],
    ),
    step("put_events", REFUSED_BY_BOTO3, Entries=[]),
    step("put_events", REFUSED_BY_BOTO3, Entries=[{"Text": "x"}]),
)


@pytest.mark.parametrize("number", range(len(MAILS)))
def test_mails_are_taken_as_moto_takes_them(aws_session: boto3.Session, number: int) -> None:
    """A mail that SNS refuses reaches nobody."""
    compare(twins(aws_session), "sns", MAILS[number], _with_topic, nothing)


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_events_are_taken_as_moto_takes_them(aws_session: boto3.Session, number: int) -> None:
    """One that the bus refuses reaches no program, though the call succeeds."""
    compare(twins(aws_session), "events", EVENTS[number], lambda _, asked: asked, nothing)


def _with_topic(twin: Twin, asked: Asked) -> Asked:
    if "Name" in asked:
        return asked
    return {"TopicArn": twin.sns.create_topic(Name="alerts")["TopicArn"], **asked}
