"""The one way the service says no."""

from collections.abc import Mapping
from types import MappingProxyType

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of the simulator
    """An answer other than 200: ``{"code", "message"}`` (vendor: the shape of every error).

    Attributes:
        status: HTTP status, also the ``code`` of the body.
        message: One sentence; never holds an API key.
        headers: Headers to send besides.
        html: A page to send instead, when the answer is not the service's own but a proxy's.
    """

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] = NO_HEADERS, *, html: str | None = None
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = int(status)
        self.message = message
        self.headers = headers
        self.html = html
