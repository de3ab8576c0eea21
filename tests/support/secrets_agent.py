"""A small server that answers as the AWS Secrets Manager Agent does, from a client of Secrets Manager's.

As its page in the user guide and its source say (aws/aws-secretsmanager-agent, `server.rs`): GET alone, the token in a
header, nothing that was forwarded, an answer as that of GetSecretValue, kept for a time unless `refreshNow` says else.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import ClientError

TTL = 300.0  # seconds: its default, `ttl_seconds`
TOKEN = "a token of the task's"  # noqa: S105 - of a test's


class SecretsAgent:
    """Listens on localhost; `url` says where."""

    def __init__(self, client: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401 - a client of moto's or a fake
        self._client, self._clock = client, clock
        self._kept: dict[tuple[str, str], tuple[float, str]] = {}
        self.url = ""

    @classmethod
    @contextmanager
    def running(cls, client: Any, clock: Callable[[], float]) -> Iterator["SecretsAgent"]:  # noqa: ANN401 - as above
        """Serve until the block ends."""
        agent = cls(client, clock)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """One request."""
                status, body = agent.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Nothing: paths of tests hold names of secrets."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            agent.url = f"http://localhost:{server.server_port}"
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield agent
            finally:
                server.shutdown()
                thread.join()

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        """Status and body, in the order in which the agent looks."""
        address = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if "x-forwarded-for" in headers:
            return 400, "Forwarded"
        if headers.get("x-aws-parameters-secrets-token") != TOKEN:
            return 403, "Bad Token"
        if address.path != "/secretsmanager/get":
            return 404, "Not found"
        wanted = (query["secretId"], query.get("versionStage", "AWSCURRENT"))
        read_at, body = self._kept.get(wanted, (0.0, ""))
        if body and query.get("refreshNow") != "true" and self._clock() - read_at < TTL:
            return 200, body
        try:
            value = self._client.get_secret_value(SecretId=wanted[0], VersionStage=wanted[1])
        except ClientError as error:
            told = error.response["Error"]
            return 400, json.dumps({"__type": told["Code"], "message": told["Message"]})
        body = json.dumps({name: value[name] for name in ("ARN", "Name", "VersionId", "SecretString", "VersionStages")})
        self._kept[wanted] = (self._clock(), body)
        return 200, body
