"""The handler invoked as Lambda invokes it, in this process."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from aws_lambda_powertools.logging.filters import SuppressFilter

from certificate_rotation import handler
from certificate_rotation.domain.errors import RotationError
from tests.support.rotation_env import RotationEnv

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclass(frozen=True)
class Context:
    """What Lambda tells of an invocation, as far as it is used."""

    aws_request_id: str = "4e1f0e5c-0000-4000-8000-000000000000"
    function_name: str = "rotate-test"
    log_group_name: str = "/aws/lambda/rotate-test"
    log_stream_name: str = "2026/11/24/[$LATEST]0123456789abcdef"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout of template.yaml."""
        return 120_000


def forget() -> None:
    """What a process knows: the next invocation is a cold start."""
    for cached in (handler._logger, handler._container):  # noqa: SLF001 - a cold start
        cached.cache_clear()


@contextmanager
def cold_start(env: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment that the stack sets, until the block ends."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", env.aws.watched_session())
    for name, value in env.settings.items():
        monkeypatch.setenv(name, value)
    logger = logging.getLogger("certificate_rotation")
    before = {**vars(logger), "handlers": list(logger.handlers)}
    forget()
    yield
    forget()
    vars(logger).clear()  # Powertools marks a logger that it set up, for good
    vars(logger).update(before)
    logger.setLevel(logger.level)
    for listener in logging.root.handlers:  # from which it took the code's records away
        listener.filters[:] = [kept for kept in listener.filters if not isinstance(kept, SuppressFilter)]


def at_the_worlds_time(env: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the handler, where the real clock comes in, take the env's: it waits by moving it."""
    monkeypatch.setattr(handler, "_now", env.time.now)
    monkeypatch.setattr(handler, "time", SimpleNamespace(sleep=env.time.sleep))


def invoke(event: object) -> object:
    """Its result."""
    return handler.lambda_handler(event, cast("LambdaContext", Context()))


def outcome(event: object) -> object:
    """How a run ends."""
    try:
        answer = invoke(event)
    except RotationError:
        return "failed"
    assert isinstance(answer, dict)
    return answer["outcome"]
