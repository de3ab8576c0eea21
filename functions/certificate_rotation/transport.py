"""HTTPS to the vendor: verified TLS 1.2 or later, our client certificate, one try, bounded in size and time."""

import ssl
import time
from typing import Any, override

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util.wait import wait_for_read

from certificate_rotation.credential import Credential
from certificate_rotation.identity import show

MAX_ANSWER_BYTES = 262_144  # a certificate chain is a few kilobytes; more is not an answer
_VERDICT_SECONDS = 0.3  # see _Connection


class _AnswerSocket(ssl.SSLSocket):
    """Bounds the time of an answer as a whole, headers and body: a socket's own timeout bounds each read of it."""

    _give_up_at: float | None = None

    @override
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        timeout = self.gettimeout() or 0.0
        if self._give_up_at is None:
            self._give_up_at = time.monotonic() + timeout
        left = self._give_up_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self.settimeout(min(timeout, left))
        return super().recv_into(*args, **kwargs)


class _Connection(HTTPSConnection):
    """A connection whose failures tell whether a request can have left.

    urllib3 reports a failed handshake and a failed answer alike. Here whatever fails before the connection stands is
    a `NewConnectionError`, which urllib3 and requests pass on as such.
    """

    @override
    def connect(self) -> None:
        try:
            super().connect()
            self._await_verdict()
        except ConnectTimeoutError:
            raise
        except (OSError, HTTPError) as error:
            raise NewConnectionError(self, f"{type(error).__name__} before a request was sent") from error

    def _await_verdict(self) -> None:
        """Let the server refuse our certificate before the request leaves.

        In TLS 1.3 the client is done before the server has looked at its certificate (RFC 8446, section 2). A request
        sent at once may meet a closed connection, and its outcome would be unknown. A server that accepts answers
        with a session ticket; for one that sends none, we wait a moment.
        """
        sock = self.sock
        if not isinstance(sock, ssl.SSLSocket) or sock.version() != "TLSv1.3":
            return
        if not wait_for_read(sock, _VERDICT_SECONDS):
            return
        timeout = sock.gettimeout()
        sock.setblocking(False)
        try:
            if not sock.recv(1):
                raise ConnectionResetError("the server closed the connection after the handshake")
        except ssl.SSLWantReadError:
            pass  # a ticket was read, and nothing else is there
        finally:
            sock.settimeout(timeout)


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class SingleTryAdapter(HTTPAdapter):
    """Sends once, over one TLS context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(max_retries=0)  # requests' 0 also forbids repeating a request after it was sent

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _Pool}

    @override
    def cert_verify(self, conn: Any, url: str, verify: object, cert: object) -> None:
        """Leave it to the context: requests would read the public trust anchors into it for every connection."""
        conn.cert_reqs = "CERT_REQUIRED"


def client_context(credential: Credential, trusted_ca_pem: str) -> ssl.SSLContext:
    """A context that verifies the server, by the public trust anchors and one more, and shows our certificate.

    Over it, an answer takes at most as long as the timeout of one read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _AnswerSocket
    context.load_verify_locations(cafile=requests.adapters.DEFAULT_CA_BUNDLE_PATH)  # takes longer than a whole exchange
    if trusted_ca_pem:
        context.load_verify_locations(cadata=trusted_ca_pem)
    show(context, credential.key, credential.chain)
    return context


def read_bounded(response: requests.Response) -> bytes:
    """The body, bounded in size: an endless one must not keep us. `client_context` bounds its time."""
    body = bytearray()
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise requests.ConnectionError("the answer does not end")
    return bytes(body)
