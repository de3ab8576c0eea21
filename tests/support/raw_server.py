"""A TLS server that does one thing to every connection, for what no well-made service does."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

import trustme

type Answer = Callable[[bytes], Iterable[bytes]]
"""What to send, piece by piece, to a request."""


class RawServer:
    """Takes a request and sends an answer.

    Attributes:
        url: https, on a name its certificate is good for.
        trusted_ca_pem: the authority that signed that certificate.
        connections: how many connections were opened, whatever became of them.
        received: what clients sent after the handshake.
        sent: how many bytes of answers went out.
    """

    def __init__(self, answer: bytes | Answer | None, newest: ssl.TLSVersion, clients: Path | None) -> None:
        authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.maximum_version = newest
        self._context.num_tickets = 0  # a ticket tells a client that it was let in
        if clients:
            self._context.load_verify_locations(clients)
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        authority.issue_cert("localhost").configure_cert(self._context)
        self._answer: Answer | None = (lambda _: [answer]) if isinstance(answer, bytes) else answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self.trusted_ca_pem = authority.cert_pem.bytes().decode()
        self.connections = 0
        self.received: list[bytes] = []
        self.sent = 0

    @classmethod
    @contextlib.contextmanager
    def running(
        cls,
        answer: bytes | Answer | None,
        newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        clients: Path | None = None,
    ) -> Iterator[Self]:
        """Serve until the block ends.

        Args:
            answer: sent to every request, until the client hangs up; None hangs up right after the handshake.
            newest: the newest TLS version spoken.
            clients: a file with the authority of clients and its list of revoked ones; None asks for no certificate.
        """
        server = cls(answer, newest, clients)
        thread = threading.Thread(target=server._serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
            thread.join()
            server._listener.close()

    @property
    def settings(self) -> dict[str, str]:
        """Those with which the function speaks to this server."""
        return {"SERVICE_URL": self.url, "TRUSTED_CA_PEM": self.trusted_ca_pem}

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the end: the listener was shut down
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with contextlib.suppress(OSError):  # the client's business
                    self._exchange(connection)

    def _exchange(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with self._context.wrap_socket(connection, server_side=True) as tls:
            if self._answer is None:
                return
            request = read_request(tls)
            self.received.append(request)
            for piece in self._answer(request):
                tls.sendall(piece)
                self.sent += len(piece)


def read_request(tls: ssl.SSLSocket) -> bytes:
    """A whole request, or as much of it as comes."""
    request, missing = b"", 1
    while missing > 0 and (received := tls.recv(65_536)):
        request += received
        head, ended, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        missing = (int(length[1]) if length else 0) - len(body) if ended else 1
    return request


def answer(status: str, *headers: str, body: str = "{}") -> bytes:
    """A whole answer, its length told."""
    return "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body)).encode()
