"""The aws_proxy between the deployed function and the local AWS: every call is seen, and one of them can be held.

A proxy on the loopback. It passes on what it gets, byte for byte, so signatures stay valid.

AWS, `PutSecretValue`: each label that is named leaves the version that had it. The local AWS leaves it there too, which
nothing but a second version under the same label notices: so after such a call it is taken off here.
"""

import json
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, override

from dev.stack import Stack

When = Literal["before", "after"]

PATIENCE = 30.0  # seconds until a call that should come, or a held one that should go on, is given up
_DENIED = re.compile(rb"is not authorized to perform: ([\w:-]+)")
_OF_ONE_CONNECTION = {"connection", "transfer-encoding", "content-length"}  # RFC 9110, section 7.6.1


@dataclass(frozen=True)
class Call:
    """One call of the function: its operation, and the action AWS denied it, if it did."""

    operation: str
    denied: str | None


@dataclass
class Held:
    """A call that is kept: `before` AWS gets to see it, or `after` AWS did it and before the function learns so."""

    operation: str
    nth: int
    when: When
    came: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def keep(self) -> None:
        """Say that it came, and wait for its end."""
        self.came.set()
        self.over.wait(PATIENCE)


class AwsProxy:
    """What the function says to AWS while the block of `watching` runs."""

    def __init__(self, stack: Stack) -> None:
        self.calls: list[Call] = []
        self._aws = urllib.parse.urlsplit(stack.aws.url).netloc
        self._secrets = stack.client("secretsmanager")
        self._held: Held | None = None
        self._refused = ""
        self._lock = threading.Lock()

    @classmethod
    @contextmanager
    def before(cls, stack: Stack) -> Iterator[tuple["AwsProxy", str]]:
        """Stand before the stack's AWS; yields it and its address."""
        aws_proxy = cls(stack)
        server = ThreadingHTTPServer(("127.0.0.1", 0), aws_proxy._handler())
        threading.Thread(target=server.serve_forever, name="aws_proxy", daemon=True).start()
        try:
            yield aws_proxy, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()

    @classmethod
    @contextmanager
    def watching(cls, stack: Stack) -> Iterator["AwsProxy"]:
        """Have the deployed function speak to AWS through it."""
        functions, name = stack.client("lambda"), stack.outputs["FunctionName"]
        given = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        with cls.before(stack) as (aws_proxy, url):
            watched = {**given, "AWS_ENDPOINT_URL": url}
            try:
                functions.update_function_configuration(FunctionName=name, Environment={"Variables": watched})
                yield aws_proxy
            finally:
                functions.update_function_configuration(FunctionName=name, Environment={"Variables": given})

    def forget(self) -> None:
        """Begin anew: what was said so far does not count."""
        self.calls.clear()

    def denials(self) -> list[str]:
        """The actions AWS denied."""
        return [call.denied for call in self.calls if call.denied]

    @contextmanager
    def holding(self, operation: str, nth: int, when: When) -> Iterator[Held]:
        """Keep the nth call of an operation, counted from now, until the block ends; it is never answered."""
        self._held = held = Held(operation, nth, when)
        try:
            yield held
        finally:
            self._held = None
            held.over.set()

    @contextmanager
    def refusing(self, operation: str) -> Iterator[None]:
        """AWS denies every call of an operation until the block ends."""
        self._refused = operation
        try:
            yield
        finally:
            self._refused = ""

    def _to_hold(self, operation: str) -> Held | None:
        with self._lock:
            held = self._held
            if held is None or held.operation != operation:
                return None
            held.nth -= 1
            return held if held.nth == 0 else None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        aws_proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                with suppress(ConnectionError):  # the function was killed
                    aws_proxy._pass_on(self)

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Not to the terminal: `calls` is the record."""

        return Handler

    def _pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        operation = _operation(request.headers.get("X-Amz-Target"), body)
        held = self._to_hold(operation)
        if held and held.when == "before":
            held.keep()
            request.close_connection = True
            return
        if operation == self._refused:
            _answer(
                request, HTTPStatus.BAD_REQUEST, {}, b'{"__type": "AccessDeniedException", "message": "for a test"}'
            )
            return
        connection = HTTPConnection(self._aws, timeout=PATIENCE)
        connection.request("POST", request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        denied = _DENIED.search(content) if answer.status >= HTTPStatus.BAD_REQUEST else None
        self.calls.append(Call(operation, denied[1].decode() if denied else None))
        if operation == "PutSecretValue" and answer.status == HTTPStatus.OK:
            self._take_labels_off_others(**json.loads(body))
        if held:
            held.keep()
            request.close_connection = True
            return
        _answer(request, answer.status, dict(answer.getheaders()), content)

    def _take_labels_off_others(
        self,
        SecretId: str,  # noqa: N803 - AWS's names
        ClientRequestToken: str,  # noqa: N803
        VersionStages: list[str],  # noqa: N803
        **_: str,
    ) -> None:
        known = self._secrets.describe_secret(SecretId=SecretId)["VersionIdsToStages"]
        for label in VersionStages:
            first, *more = [version for version, labels in known.items() if label in labels]
            if more:
                leaves = {} if first == ClientRequestToken else {"RemoveFromVersionId": first}
                self._secrets.update_secret_version_stage(
                    SecretId=SecretId, VersionStage=label, MoveToVersionId=ClientRequestToken, **leaves
                )


def _answer(request: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], content: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        if name.lower() not in _OF_ONE_CONNECTION:
            request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def _operation(target: str | None, body: bytes) -> str:
    """What AWS is asked: JSON services say it in a header, SNS in its form."""
    return target.rpartition(".")[2] if target else urllib.parse.parse_qs(body.decode())["Action"][0]
