"""A connection whose answer is there already: urllib3 and requests read it as if it had come from a network."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, ClassVar, override
from unittest.mock import patch

from urllib3.connection import HTTPSConnection

from certificate_rotation.adapters import mtls


class _Socket:
    """As much of a socket as http.client needs."""

    def __init__(self, answer: bytes) -> None:
        self._answer = BytesIO(answer)

    def makefile(self, *_: object, **__: object) -> BytesIO:
        return self._answer

    def ignore(self, *_: object) -> None:
        """Nobody is at the other end."""

    sendall = settimeout = close = shutdown = ignore


class Answered(HTTPSConnection):
    """Gets `answer` to whatever it sends."""

    answer: ClassVar[bytes] = b""

    @override
    def connect(self) -> None:
        aws_proxy: Any = _Socket(self.answer)
        self.sock, self.is_verified = aws_proxy, True


@contextmanager
def answering(answer: bytes = b"") -> Iterator[type[Answered]]:
    """While the block runs, every connection of the code gets this answer, or what is set instead."""
    Answered.answer = answer
    context = ssl.create_default_context()  # one for all: reading a client's key into it takes longer than the rest
    with (
        patch.object(mtls, "client_context", lambda *_: context),
        patch.object(mtls.Pool, "ConnectionCls", Answered),  # above it, all is as deployed
    ):
        yield Answered
