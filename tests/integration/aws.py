"""A local AWS for one test: a secret, a ledger, a topic somebody reads, and a way to watch and refuse what is sent."""

import functools
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, Self

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.session import Session
from moto.core.botocore_stubber import BotocoreStubber

from tests.integration import memory, writing
from tests.integration.failures import URL, Failures

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

When = Literal["before", "after"]


# moto answers inside this process: what botocore would send goes to it, serialised as for AWS.
_moto = BotocoreStubber()
_moto.enabled = True


def in_process() -> boto3.Session:
    """A session whose clients moto answers, at once and without a socket; its credentials open nothing anywhere.

    moto reads no signature and no user agent: without them a call takes a quarter less time.
    """
    plain = Session()
    plain.set_default_client_config(Config(signature_version=UNSIGNED, user_agent="tests"))
    session = boto3.Session(
        botocore_session=plain,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - of nobody
        region_name=memory.REGION,
    )
    session.events.register("before-send", _moto)  # type: ignore[arg-type]  # the stubs forget that it may answer
    return session


class Killed(BaseException):
    """Lambda stopped the process here. Not an Exception: no handler may take part in it."""


class Exchanges:
    """Every exchange of the code with the outside world in order; a run can be killed at one of them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._kill: tuple[int | str, When] | None = None
        self._dead = False
        self._meanwhile: tuple[int, Callable[[], object]] | None = None
        self.look: Callable[[], object] = lambda: None  # is called right before and right after every exchange

    def meanwhile(self, index: int, action: Callable[[], object]) -> None:
        """Let somebody else act right before the next run's exchange number `index`."""
        self.names.clear()
        self._meanwhile = (index, action)

    def kill(self, place: int | str, when: When) -> None:
        """Let the next run end right before or right after an exchange: its number, or the name of the first such."""
        self.names.clear()
        self._kill = (place, when)

    def revive(self) -> None:
        """Start the next process."""
        self.names.clear()
        self._kill, self._dead, self._meanwhile = None, False, None

    def before(self, name: str) -> None:
        """Something is about to be sent."""
        self.names.append(name)
        self.look()
        self._end_if("before")
        if self._meanwhile and self._meanwhile[0] == len(self.names) - 1:
            action, self._meanwhile = self._meanwhile[1], None
            action()

    def after(self) -> None:
        """It was answered."""
        self.look()
        self._end_if("after")

    def _end_if(self, when: When) -> None:
        # A dead process runs no `finally` either: whatever it still tries does not happen.
        self._dead = self._dead or self._kill in {(len(self.names) - 1, when), (self.names[-1], when)}
        if self._dead:
            raise Killed


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
    """What a subscriber of the topic reads; `document` is what programs got while messages had two forms."""

    subject: str
    body: str
    attributes: dict[str, str]
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The error's class name, or what happened."""
        return self.attributes["code"]

    @property
    def traffic(self) -> str:
        """What it says of traffic."""
        return self.body.partition("Does traffic still work\n")[2].partition("\n\n")[0]


@dataclass(frozen=True)
class Announced:
    """An event on the default bus: its detail-type, and what it says."""

    kind: str
    detail: dict[str, Any]


@dataclass
class Clients:
    """One set of clients as the function makes them."""

    secrets: "SecretsManagerClient"
    dynamodb: "DynamoDBClient"
    sns: "SNSClient"
    events: "EventBridgeClient"

    @classmethod
    def made_by(cls, session: boto3.Session) -> Self:
        """A new set, answered by moto."""
        config = Config(retries={"mode": "standard", "total_max_attempts": 3})
        return cls(
            session.client("secretsmanager", config=config),
            session.client("dynamodb", config=config),
            session.client("sns", config=config),
            session.client("events", config=config),
        )

    def all(self) -> tuple["SecretsManagerClient", "DynamoDBClient", "SNSClient", "EventBridgeClient"]:
        """Each of them."""
        return self.secrets, self.dynamodb, self.sns, self.events


# A client takes longer to make than a rotation takes with it: what one test is done with, the next one uses.
_idle: list[Clients] = []


@functools.cache
def _administrator(session: boto3.Session) -> tuple[Clients, str]:
    """Clients nobody watches, and a topic: moto makes a signing key for each, which takes longer than a rotation."""
    clients = Clients.made_by(session)
    topic = clients.sns.create_topic(Name="alerts")["TopicArn"]
    for client in clients.all():
        client.meta.events.register("before-call", _look)  # type: ignore[arg-type]  # as in `in_process`
    return clients, topic


def _look(model: Any, params: Any, **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:  # noqa: ANN401 - botocore's
    found = memory.answer(model.name, params["body"])
    return _answered(found) if found else None


@dataclass
class LocalAws:
    """moto, and what one test made in it.

    `directly`: writes, too, go straight into moto's memory; see `writing`.
    """

    session: boto3.Session
    name: str = field(default_factory=lambda: f"test-{uuid.uuid4()}")
    exchanges: Exchanges = field(default_factory=Exchanges)
    directly: bool = False

    def __post_init__(self) -> None:
        """Make the ledger's table."""
        self.admin, self.topic = _administrator(self.session)
        self._handed_out: list[Clients] = []
        self.failures = Failures()
        self.calls: list[Call] = []  # of the code, in order
        self._atomic = threading.RLock()
        key = [("credential", "HASH"), ("record", "RANGE")]
        self.admin.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in key],  # type: ignore[typeddict-item]
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in key],
            BillingMode="PAY_PER_REQUEST",
        )

    def clients(self) -> Clients:
        """Clients for the function: what they send can be watched, refused and ended."""
        clients = _idle.pop() if _idle else Clients.made_by(self.session)
        for client in clients.all():
            self._watch(client.meta.events)
        self._handed_out.append(clients)
        return clients

    def watched_session(self) -> boto3.Session:
        """The same for code that makes its own clients."""
        session = in_process()
        self._watch(session.events)
        return session

    def _watch(self, events: Any) -> None:  # noqa: ANN401 - botocore's
        events.register("before-call", self._before_call)
        events.register_first("before-send", self._before_send)
        events.register("after-call", self._after_call)

    def close(self) -> None:
        """Take back the clients that were handed out, and drop what the test stored."""
        for clients in self._handed_out:
            for client in clients.all():
                client.meta.events.unregister("before-call", self._before_call)
                client.meta.events.unregister("before-send", self._before_send)  # type: ignore[arg-type]  # as in `in_process`
                client.meta.events.unregister("after-call", self._after_call)
        _idle.extend(self._handed_out)
        self._handed_out.clear()
        memory.forget(self.name)

    @contextmanager
    def refusing(self, operation: str, containing: str = "") -> Iterator[None]:
        """AWS denies an operation while the block runs: every call whose body holds `containing`."""
        refusal = self.failures.set("denied", operation, times=None, containing=containing)
        try:
            yield
        finally:
            self.failures.unset(refusal)

    def _before_call(self, model: Any, params: Any, context: dict[str, Any], **_: object) -> Any:  # noqa: ANN401 - botocore's
        body = params["body"]
        form = body if isinstance(body, dict) else {}
        call = Call(model.name, body.decode() if isinstance(body, bytes) else str(body), form)
        context["call"] = call
        self.calls.append(call)
        self.exchanges.before(call.operation)
        call.failure = self.failures.take(call.operation, call.body)
        refused = self.failures.before(call.failure, call.operation)
        if refused:
            return _answered(refused)
        with self._atomic:
            found = memory.answer(call.operation, call.body)
            if self.directly and not found and call.failure != "repeated":
                found = writing.write(call.operation, call.form or json.loads(call.body))
        if found:
            return _answered(found)
        self._atomic.acquire()  # AWS checks a condition and writes as one; moto's threads do not
        return None

    def _before_send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        call = self.calls[-1]
        if call.failure != "repeated":
            return None
        first = _moto("", request)
        # AWS answers the repeat of a transaction by its token, as it did the first time; moto knows no such token.
        return first if call.operation == "TransactWriteItems" else None

    def _after_call(self, http_response: Any, context: dict[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore's
        call = context["call"]
        call.status = http_response.status_code
        with suppress(RuntimeError):  # answered above, so never acquired
            self._atomic.release()
        self.exchanges.after()
        self.failures.after(call.failure)

    def emails(self) -> list[Email]:
        """What the topic's subscribers were sent so far, oldest first."""
        return [
            _email(call.form) for call in self.calls if call.operation == "Publish" and call.status == HTTPStatus.OK
        ]

    def announced(self) -> list[Announced]:
        """The events on the default bus so far, oldest first."""
        put = [call for call in self.calls if call.operation == "PutEvents" and call.status == HTTPStatus.OK]
        entries = [entry for call in put for entry in json.loads(call.body)["Entries"]]
        return [Announced(entry["DetailType"], json.loads(entry["Detail"])) for entry in entries]

    def records(self) -> list[dict[str, Any]]:
        """Every item of the ledger in plain values, sorted as the table sorts them."""
        with self._atomic:
            return memory.records(self.name)

    def versions(self) -> dict[str, tuple[list[str], str]]:
        """Every version of the secret: its labels and its text, which is empty where it is binary."""
        return memory.versions(self.name)

    def put_by_hand(self, value: str | bytes) -> None:
        """Store a new AWSCURRENT as a person does."""
        memory.put_by_hand(self.name, value)


def _answered(parsed: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
    return AWSResponse(URL, parsed["ResponseMetadata"]["HTTPStatusCode"], HTTPHeaders(), None), parsed


def _email(form: Mapping[str, str]) -> Email:
    names = {key.removesuffix(".Name"): value for key, value in form.items() if key.endswith(".Name")}
    attributes = {name: form[f"{entry}.Value.StringValue"] for entry, name in names.items()}
    if form.get("MessageStructure") != "json":
        return Email(form["Subject"], form["Message"], attributes)
    message = json.loads(form["Message"])
    return Email(form["Subject"], message["email"], attributes, json.loads(message["default"]))
