"""A local AWS for one test: a secret, a ledger, a topic somebody reads, and a way to watch and refuse what is sent."""

import functools
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from tests.support import moto_memory, moto_writes
from tests.support.aws_calls import Call, Email, PublishedEvent, email
from tests.support.aws_clients import MOTO, Clients, in_process
from tests.support.aws_failures import URL, Failures
from tests.support.exchanges import Exchanges
from tests.support.stale_reads import StaleReads

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
    found = moto_memory.answer(model.name, params["body"])
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
        self.stale = StaleReads(self.name)
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
        moto_memory.forget(self.name)

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
            self.stale.before_write(call.operation)
            found = self.stale.answer(call.operation, call.body) or moto_memory.answer(call.operation, call.body)
            if self.directly and not found and call.failure != "repeated":
                found = moto_writes.write(call.operation, call.form or json.loads(call.body))
        if found:
            return _answered(found)
        self._atomic.acquire()  # AWS checks a condition and writes as one; moto's threads do not
        return None

    def _before_send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        call = self.calls[-1]
        if call.failure != "repeated":
            return None
        first = MOTO("", request)
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
        return [email(call.form) for call in self.calls if call.operation == "Publish" and call.status == HTTPStatus.OK]

    def announced(self) -> list[PublishedEvent]:
        """The events on the default bus so far, oldest first."""
        put = [call for call in self.calls if call.operation == "PutEvents" and call.status == HTTPStatus.OK]
        entries = [entry for call in put for entry in json.loads(call.body)["Entries"]]
        return [PublishedEvent(entry["DetailType"], json.loads(entry["Detail"])) for entry in entries]

    def records(self) -> list[dict[str, Any]]:
        """Every item of the ledger in plain values, sorted as the table sorts them."""
        with self._atomic:
            return moto_memory.records(self.name)

    def versions(self) -> dict[str, tuple[list[str], str]]:
        """Every version of the secret: its labels and its text, which is empty where it is binary."""
        return moto_memory.versions(self.name)

    def put_by_hand(self, value: str | bytes) -> None:
        """Store a new AWSCURRENT as a person does."""
        self.stale.before_write("PutSecretValue")
        moto_memory.put_by_hand(self.name, value)


def _answered(parsed: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
    return AWSResponse(URL, parsed["ResponseMetadata"]["HTTPStatusCode"], HTTPHeaders(), None), parsed
