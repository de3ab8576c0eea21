"""HTTPS to the vendor: verified TLS 1.2 or later, our client certificate, one try, bounded in size and time.

What a failure proves is decided where it happens. Before the connection stands, nothing was sent: `NotSentError`. A
server that refuses our certificate says so in the handshake or, in TLS 1.3, with the first bytes after it:
`CertificateRefusedError`. Neither is an error urllib3 or requests know of, so they pass through both as they are. Every
other failure proves nothing: the request may have arrived. That is why connection, socket and exchange are one module.
"""

import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, override

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.wait import wait_for_read

from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.key_pair import show

MAX_ANSWER_BYTES = 262_144  # a certificate chain is a few kilobytes; more is not an answer
CONNECT_SECONDS = 5.0  # for connecting to one address, and again for the handshake
# For all of it: urllib3 gives every address of a name its own time, one after the other; three are reckoned with.
CONNECTING_SECONDS = 4 * CONNECT_SECONDS
VERDICT_SECONDS = 0.3  # see `Connection`

type Response = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

# OpenSSL's names for what a server says when it refuses a client certificate (RFC 8446, section 6.2).
_OUR_CERTIFICATE_REFUSED = (
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
    "ALERT_ACCESS_DENIED",
    "ALERT_CERTIFICATE_REQUIRED",
)


class NotSentError(Exception):
    """No byte of a request left."""


class CertificateRefusedError(Exception):
    """The server refused our client certificate: nothing was done for us."""


class NoAnswerError(Exception):
    """The request was sent, and no readable answer came back."""


def get(
    context: ssl.SSLContext, url: str, headers: Mapping[str, str], *, body: Mapping[str, str] | None, seconds: float
) -> Response:
    """One GET, never repeated and never redirected, whose answer is waited for at most `seconds`.

    Raises:
        NotSentError, CertificateRefusedError, NoAnswerError: what is known of it; none quotes what the server said.
    """
    try:
        request = requests.Request("GET", url, dict(headers), json=body).prepare()
        # Not over a requests.Session: it asks the environment for a proxy, a login and a trust store, and reads the
        # whole of a redirect, endless or not, to see where it leads.
        with (
            closing(SingleTryAdapter(context)) as adapter,
            adapter.send(request, stream=True, timeout=(CONNECT_SECONDS, seconds)) as response,
        ):
            return response.status_code, response.headers, _bounded(response)
    except requests.exceptions.InvalidURL as error:
        raise NotSentError(f"the address cannot be used ({type(error).__name__})") from None
    except (OSError, HTTPError) as error:  # requests' own errors are OSErrors
        said = _describe(error)
    raise NoAnswerError(said)  # without the library's error: it may quote the server, who may have echoed our request


def client_context(credential: Credential, trusted_ca_pem: str) -> ssl.SSLContext:
    """A context that verifies the server, by the public trust anchors and one more, and shows our certificate.

    Over it, an answer takes at most as long as the timeout of one read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Socket
    context.load_verify_locations(cafile=requests.adapters.DEFAULT_CA_BUNDLE_PATH)  # takes longer than an exchange
    if trusted_ca_pem:
        context.load_verify_locations(cadata=trusted_ca_pem)
    show(context, credential.key, credential.chain)
    return context


class _Socket(ssl.SSLSocket):
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
        try:
            return super().recv_into(*args, **kwargs)
        except ssl.SSLError as error:
            if _refuses_us(error):
                raise CertificateRefusedError(f"after the TLS handshake ({error.reason})") from None
            raise


class Connection(HTTPSConnection):
    """A connection that tells a failed handshake from a failed answer, which urllib3 reports alike."""

    @override
    def connect(self) -> None:
        try:
            super().connect()
            self._await_verdict()
        except ssl.SSLError as error:
            if _refuses_us(error):
                raise CertificateRefusedError(f"in the TLS handshake ({error.reason})") from None
            raise NotSentError(_describe(error)) from None
        except (OSError, HTTPError) as error:
            raise NotSentError(_describe(error)) from None

    def _await_verdict(self) -> None:
        """Let the server refuse our certificate before the request leaves.

        In TLS 1.3 the client is done before the server has looked at its certificate (RFC 8446, section 2). A request
        sent at once may meet a closed connection, and its outcome would be unknown. A server that accepts answers
        with a session ticket; for one that sends none, we wait a moment.
        """
        sock = self.sock
        if not isinstance(sock, ssl.SSLSocket) or sock.version() != "TLSv1.3":
            return
        if not wait_for_read(sock, VERDICT_SECONDS):
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


class Pool(HTTPSConnectionPool):
    """Connections of our kind."""

    ConnectionCls = Connection


class SingleTryAdapter(HTTPAdapter):
    """Sends once, over one TLS context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """`context` as `client_context` makes it."""
        self._context = context
        super().__init__(max_retries=0)  # requests' 0 also forbids repeating a request after it was sent

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": Pool}

    @override
    def cert_verify(self, conn: Any, url: str, verify: object, cert: object) -> None:
        """Leave it to the context: requests would read the public trust anchors into it for every connection."""
        conn.cert_reqs = "CERT_REQUIRED"


def _bounded(response: requests.Response) -> bytes:
    """The body, bounded in size: an endless one must not keep us. `client_context` bounds its time."""
    body = bytearray()
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise requests.ConnectionError("the answer does not end")
    return bytes(body)


def _refuses_us(error: ssl.SSLError) -> bool:
    return (error.reason or "").endswith(_OUR_CERTIFICATE_REFUSED)


def _describe(error: BaseException) -> str:
    """What happened: in the system's words or ours, never in the server's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted ({error.verify_message})"
    inner = next((a for a in error.args if isinstance(a, BaseException)), None) or error.__cause__
    if inner is not None:
        return _describe(inner)
    if not isinstance(error, OSError):  # of http.client, urllib3 or zlib, which quote what they cannot read
        return f"{type(error).__module__}.{type(error).__name__}"
    text = error.strerror or getattr(error, "reason", None) or str(error)
    return f"{type(error).__name__}, {text}" if text else type(error).__name__
