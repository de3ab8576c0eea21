"""The contract of the fakes of AWS: what is asked of them is asked of moto too, and the two must say and keep the same.

Where moto is not like AWS the fakes are like AWS, and the step names the page of AWS's documentation that says so.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError, ParamValidationError

from tests.support.fake_aws.account import FakeAccount

DONE = ""
FAILED, INVALID = "ConditionalCheckFailedException", "ValidationException"
PARAMETER, REQUEST = "InvalidParameterException", "InvalidRequestException"
EXISTS, MISSING, CANCELLED = "ResourceExistsException", "ResourceNotFoundException", "TransactionCanceledException"
REFUSED_BY_BOTO3 = "ParamValidationError"

# What each side makes up by itself, or words as it likes.
_OWN = {
    "ARN",
    "CreatedDate",
    "DeletedDate",
    "DeletionDate",
    "EventId",
    "LastAccessedDate",
    "LastChangedDate",
    "Message",
}
_OWN |= {"MessageId", "NextToken", "ResponseMetadata", "TableDescription", "TopicArn", "message", "ScannedCount"}
_OWN |= {"ConsumedCapacity", "ItemCollectionMetrics"}  # moto says so without being asked


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        method: the client's.
        asked: its parameters.
        code: AWS's, or the name of boto3's error; `DONE` where it is done.
        page: the page of AWS's documentation that says so where moto does something else. It ends its story, if what is
            kept differs from then on.
    """

    method: str
    asked: Mapping[str, Any]
    code: str = DONE
    page: str = ""


def step(method: str, code: str = DONE, page: str = "", /, **asked: object) -> Step:
    """Written shortly."""
    return Step(method, asked, code, page)


type Asked = Mapping[str, Any]
type Complete = Callable[[Twin, Asked], Asked]  # adds where it is to happen


class Twin:
    """One of the two, and what was made in it for a test."""

    def __init__(self, session: boto3.Session | FakeAccount) -> None:
        self.secrets: Any = session.client("secretsmanager")
        self.dynamodb: Any = session.client("dynamodb")
        self.sns: Any = session.client("sns")
        self.events: Any = session.client("events")
        self.name = f"contract-{uuid.uuid4()}"

    def say(self, client: Any, method: str, asked: Asked) -> tuple[str, object]:  # noqa: ANN401 - any of the four
        """The code, and the answer."""
        try:
            return DONE, _without_own(getattr(client, method)(**asked))
        except ParamValidationError:
            return REFUSED_BY_BOTO3, None
        except KeyError:  # moto looked for something without asking first
            return "KeyError", None
        except ClientError as error:
            reasons = [reason["Code"] for reason in error.response.get("CancellationReasons", [])]
            return error.response["Error"]["Code"], (type(error).__name__, reasons)

    def versions(self) -> object:
        """Everything the secret holds; None where there is none."""
        try:
            listed = self.secrets.list_secret_version_ids(SecretId=self.name, IncludeDeprecated=True)["Versions"]
            read = [self.secrets.get_secret_value(SecretId=self.name, VersionId=one["VersionId"]) for one in listed]
        except (ClientError, KeyError):  # as above
            return None
        return {one["VersionId"]: _without_own(one) for one in read}

    def items(self) -> object:
        """Everything the table holds."""
        return sorted((_without_own(one) for one in self.dynamodb.scan(TableName=self.name)["Items"]), key=str)

    def make_table(self) -> None:
        """Empty, with a key of two parts."""
        self.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s")],
            BillingMode="PAY_PER_REQUEST",
        )

    def drop(self) -> None:
        """Whatever there is of it: moto looks through all it has to find one."""
        with suppress(ClientError):
            self.dynamodb.delete_table(TableName=self.name)
        with suppress(ClientError):
            self.secrets.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)


def twins(moto: boto3.Session) -> tuple[Twin, Twin]:
    """The fakes, and moto over real boto3."""
    return Twin(FakeAccount()), Twin(moto)


def compare(
    twins: tuple[Twin, Twin], client: str, asked: Step, complete: Complete, kept: Callable[[Twin], object]
) -> None:
    """The two must agree; where they do not, AWS's documentation is on the side of the fake."""
    (said, kept_now), moto = (
        (twin.say(getattr(twin, client), asked.method, complete(twin, asked.asked)), kept(twin)) for twin in twins
    )
    assert said[0] == asked.code, f"the fake says {said} to {asked}"
    if asked.page:
        assert (said, kept_now) != moto, f"moto does as AWS does now: {asked}"
    else:
        assert said == moto[0], asked
        assert kept_now == moto[1], asked


def nothing(_: Twin) -> None:
    """What is kept of mails and events."""


def _without_own(answer: Any) -> Any:  # noqa: ANN401 - any answer
    if not isinstance(answer, dict):
        return [_without_own(part) for part in answer] if isinstance(answer, list) else answer
    kept = {name: _without_own(value) for name, value in answer.items() if name not in _OWN}
    for name in ("VersionStages", "SS", "NS"):  # which have no order
        if name in kept:
            kept[name] = sorted(kept[name])
    if "VersionIdsToStages" in kept:
        kept["VersionIdsToStages"] = {version: sorted(labels) for version, labels in kept["VersionIdsToStages"].items()}
    if "Name" in kept:
        kept["Name"] = "the name"
    return kept
