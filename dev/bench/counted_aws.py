"""AWS over HTTP for as long as a block runs: moto, with every call to it counted by name."""

import io
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Calls:
    """In front of moto's application: notes the name of every operation, in order."""

    def __init__(self, application: "WSGIApplication") -> None:
        """`application` answers the calls."""
        self._application = application
        self._names: list[str] = []

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one call."""
        self._names.append(_operation(environ))
        return self._application(environ, start_response)

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """The calls of the block, by operation; filled in when it ends."""
        found: Counter[str] = Counter()
        before = len(self._names)
        yield found
        found.update(self._names[before:])


def _operation(environ: "WSGIEnvironment") -> str:
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:  # AWS's JSON protocol: secretsmanager.GetSecretValue, DynamoDB_20120810.GetItem
        return target.rpartition(".")[2]
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return parse_qs(body.decode(errors="replace")).get("Action", ["unknown"])[0]  # SNS still speaks the query protocol


@contextmanager
def counted_aws() -> Iterator[tuple[str, Calls]]:
    """Serve it; yields its address and the calls it gets."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request otherwise
    calls = Calls(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, calls, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, name="aws", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
