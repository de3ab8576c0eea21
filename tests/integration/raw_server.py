"""A TLS server that does one thing to every connection, for what no well-made service does."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Self

import trustme


class RawServer:
    """Takes a request and sends a fixed answer.

    Attributes:
        url: https, on a name its certificate is good for.
        trusted_ca_pem: the authority that signed that certificate.
        connections: how many connections were opened, whatever became of them.
        received: what clients sent after the handshake.
    """

    def __init__(self, answer: bytes | None, newest: ssl.TLSVersion, pause: float) -> None:
        authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.maximum_version = newest
        self._context.num_tickets = 0  # a ticket tells a client that it was let in
        authority.issue_cert("localhost").configure_cert(self._context)
        self._answer, self._pause = answer, pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self.trusted_ca_pem = authority.cert_pem.bytes().decode()
        self.connections = 0
        self.received: list[bytes] = []

    @classmethod
    @contextlib.contextmanager
    def running(
        cls, answer: bytes | None, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, pause: float = 0
    ) -> Iterator[Self]:
        """Serve until the block ends.

        Args:
            answer: sent to every request; None closes the connection right after the handshake.
            newest: the newest TLS version spoken.
            pause: seconds after each byte of the answer; 0 sends it at once.
        """
        server = cls(answer, newest, pause)
        thread = threading.Thread(target=server._serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
            thread.join()
            server._listener.close()

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
            request = b""
            while not request.endswith(b"}"):  # the body is one JSON object
                request += tls.recv(65_536) or b"}"
            self.received.append(request)
            if not self._pause:
                tls.sendall(self._answer)
                return
            for byte in self._answer:
                tls.sendall(bytes([byte]))
                time.sleep(self._pause)
