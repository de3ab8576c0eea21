"""A boto3 client that is made when it is first used: to make one takes longer than a whole check."""

from collections.abc import Callable
from functools import cached_property
from typing import Any


class Later:
    """Stands for a client that most runs never use; has everything it has."""

    def __init__(self, make: Callable[[], Any]) -> None:
        """`make` makes the client."""
        self._make = make

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - a boto3 client of any service
        return self._make()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as _client
        return getattr(self._client, name)
