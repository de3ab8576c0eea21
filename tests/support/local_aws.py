"""A local AWS for one test: a secret, a ledger, a topic somebody reads, and a way to watch and refuse what is sent."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from tests.support.aws_calls import Call, Email, PublishedEvent, email
from tests.support.aws_clients import Clients, of_moto
from tests.support.aws_failures import Failures
from tests.support.exchanges import Exchanges
from tests.support.fake_aws.account import FakeAccount
from tests.support.fake_aws.service import operation_of
from tests.support.stale_reads import StaleReads

_BY_HAND = "BY_HAND"  # for as long as a value is stored


@dataclass
class LocalAws:
    """moto or the fakes, and what one test made there."""

    session: boto3.Session | FakeAccount = field(default_factory=FakeAccount)
    name: str = field(default_factory=lambda: f"test-{uuid.uuid4()}")
    exchanges: Exchanges = field(default_factory=Exchanges)

    def __post_init__(self) -> None:
        """Make the ledger's table."""
        if isinstance(self.session, boto3.Session):
            self.admin, self.topic = of_moto(self.session)
        else:
            self.admin = Clients.of(self.session)
            self.topic = self.admin.sns.create_topic(Name="alerts")["TopicArn"]
        self.failures = Failures()
        self.stale = StaleReads(self.versions)
        self.calls: list[Call] = []  # of the code, in order
        self._atomic = threading.RLock()  # AWS checks a condition and writes as one; threads do not
        key = [("credential", "HASH"), ("record", "RANGE")]
        self.admin.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in key],  # type: ignore[typeddict-item]
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in key],
            BillingMode="PAY_PER_REQUEST",
        )

    def begin_rotation(self, token: str) -> None:
        """As Secrets Manager itself begins one, before it invokes the function; on the fakes alone."""
        if isinstance(self.session, boto3.Session):
            raise TypeError("moto has no rotation that could be played step by step")
        self.session.secrets.begin_rotation(self.name, token)

    def clients(self) -> Clients:
        """Clients for the function: what they send can be watched, refused and ended."""
        secrets, dynamodb, sns, events = (cast("Any", WatchedClient(self, client)) for client in self.admin.all())
        return Clients(secrets, dynamodb, sns, events)

    def watched_session(self) -> "WatchedSession":
        """The same for code that makes its own clients."""
        return WatchedSession(self)

    def close(self) -> None:
        """Drop what the test stored: moto looks through all it has to find one."""
        if isinstance(self.session, boto3.Session):
            self.admin.dynamodb.delete_table(TableName=self.name)
            with suppress(ClientError):  # there is none, or it is about to be deleted
                self.admin.secrets.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)

    @contextmanager
    def refusing(self, operation: str, containing: str = "") -> Iterator[None]:
        """AWS denies an operation while the block runs: every call whose body holds `containing`."""
        refusal = self.failures.set("denied", operation, times=None, containing=containing)
        try:
            yield
        finally:
            self.failures.unset(refusal)

    def exchange(self, call: Call, send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """One exchange of the code: what AWS answers, parsed, or what stands in the way."""
        self.calls.append(call)
        self.exchanges.before(call.operation)
        call.failure = self.failures.take(call)
        answer = self.failures.before(call.failure, call.operation)
        if answer is None:
            with self._atomic:
                self.stale.before_write(call.operation)
                answer = self.stale.answer(call.operation, call.asked) or self._sent(call, send)
        call.status = answer["ResponseMetadata"]["HTTPStatusCode"]
        self.exchanges.after()
        self.failures.after(call.failure)
        return answer

    def _sent(self, call: Call, send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        first = _answer(send)
        if call.failure != "repeated":
            return first
        # AWS answers the repeat of a transaction by its token, as it did the first time; moto knows no such token.
        return first if call.operation == "TransactWriteItems" else _answer(send)

    def emails(self) -> list[Email]:
        """What the topic's subscribers were sent so far, oldest first."""
        return [email(call.asked) for call in self._taken("Publish")]

    def announced(self) -> list[PublishedEvent]:
        """The events on the default bus so far, oldest first."""
        entries = [entry for call in self._taken("PutEvents") for entry in call.asked["Entries"]]
        return [PublishedEvent(entry["DetailType"], json.loads(entry["Detail"])) for entry in entries]

    def _taken(self, operation: str) -> list[Call]:
        return [call for call in self.calls if call.operation == operation and call.status == HTTPStatus.OK]

    def records(self) -> list[dict[str, Any]]:
        """Every item of the ledger in plain values, sorted by its key."""
        with self._atomic:
            items = self.admin.dynamodb.scan(TableName=self.name)["Items"]
        plain = [{name: TypeDeserializer().deserialize(value) for name, value in item.items()} for item in items]
        return sorted(plain, key=lambda record: (record["credential"], record["record"]))

    def versions(self, of: str = "") -> dict[str, tuple[list[str], str]]:
        """Every version of the secret, or of another: its labels and its text, which is empty where it is binary."""
        secrets, name = self.admin.secrets, of or self.name
        if isinstance(self.session, FakeAccount):
            return self.session.secrets.versions(name)  # it is looked at after every run
        listed = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
        return {
            one["VersionId"]: (
                one["VersionStages"],
                secrets.get_secret_value(SecretId=name, VersionId=one["VersionId"]).get("SecretString", ""),
            )
            for one in listed
        }

    def put_by_hand(self, value: str | bytes) -> None:
        """Store a new AWSCURRENT as a person does."""
        self.stale.before_write("PutSecretValue")
        secrets, what = self.admin.secrets, {"SecretString" if isinstance(value, str) else "SecretBinary": value}
        if isinstance(self.session, FakeAccount) or not self.versions():
            secrets.put_secret_value(SecretId=self.name, **what)  # type: ignore[arg-type]  # one of the two
            return
        # moto leaves AWSCURRENT on the version that had it, if it came there by a move: so it is moved here, too.
        new = secrets.put_secret_value(SecretId=self.name, VersionStages=[_BY_HAND], **what)["VersionId"]  # type: ignore[arg-type]  # as above
        old = secrets.get_secret_value(SecretId=self.name, VersionStage="AWSCURRENT")["VersionId"]
        move = partial(secrets.update_secret_version_stage, SecretId=self.name)
        move(VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old)
        move(VersionStage=_BY_HAND, RemoveFromVersionId=new)


class WatchedSession:
    """A session of boto3 for code that makes its own clients."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self.made: list[str] = []  # clients, by the name of their service

    def client(self, name: str, **choices: Any) -> Any:  # noqa: ANN401 - whichever client it is
        """One whose calls are exchanges."""
        self.made.append(name)
        return WatchedClient(self._aws, self._aws.session.client(name, **choices))  # type: ignore[call-overload]


class WatchedClient:
    """A client in which each call is an exchange, whoever answers it."""

    def __init__(self, aws: LocalAws, client: Any) -> None:  # noqa: ANN401 - as above
        self._aws, self._client = aws, client
        self.exceptions: Any = client.exceptions

    def get_paginator(self, method: str) -> "_Pages":
        """As boto3's."""
        return _Pages(partial(self._call, method))

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        return partial(self._call, method)

    def _call(self, method: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        call = Call(operation_of(method), asked)
        answer = self._aws.exchange(call, partial(getattr(self._client, method), **asked))
        if "Error" in answer:
            raise self.exceptions.from_code(answer["Error"]["Code"])(answer, call.operation)
        return answer


@dataclass
class _Pages:
    """All fits on one page here."""

    ask: Callable[..., dict[str, Any]]

    def paginate(self, **asked: object) -> Iterator[dict[str, Any]]:
        """That page."""
        page = self.ask(**asked)
        if page.keys() & {"LastEvaluatedKey", "NextToken"}:
            raise NotImplementedError("there is a second page")
        yield page


def _answer(send: Callable[[], Any]) -> dict[str, Any]:
    try:
        return dict(send())
    except ClientError as error:
        return dict(error.response)
