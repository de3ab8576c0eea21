"""Searches every test of the suite for keys: in what it logged, printed, raised, was told, and left on disk.

Every private key that is made in this process, and every API key the service hands out, is known from that moment on,
whoever made it. `tests/conftest.py` loads this as a plugin.
"""

import functools
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, override
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certificate_rotation import handler
from certificate_rotation.domain.errors import RotationError
from certificate_rotation.domain.x509 import PrivateKey, private_key_pem
from simulator import Tenant
from simulator.tokens import NewToken
from tests.support.canary import Canary
from tests.support.factories import API_KEY
from tests.support.invariants import TALLY, InvariantCounts, ViolatedError
from tests.support.log_capture import text_of

_CACHES = ("__pycache__", "/dev/", "/proc/", ".coverage")
_QUOTED = 40  # characters; a long token may be cut off after these
_TOOL = 4  # of those `sys.monitoring` leaves to whoever comes


class Hygiene(logging.Handler):
    """What the running test said, and the keys it may not have said.

    Keys made while a test is set up are remembered for ever, because fixtures that live longer may hold them; those
    that the test itself made, until its end.
    """

    def __init__(self, tally: InvariantCounts = TALLY) -> None:
        super().__init__(logging.DEBUG)
        self._tally = tally
        self._lasting, self._passing = Canary(), Canary()
        self._said: list[str] = []
        self._written: set[str] = set()
        self.in_test = False

    def watch_for(self, *, api_key: str = "", private_key_pem: str = "", lasting: bool = False) -> None:
        """From now on these must not show up; `lasting`: in no later test either."""
        canary = self._passing if self.in_test and not lasting else self._lasting
        canary.watch_for(api_key=api_key, private_key_pem=private_key_pem)

    def hear(self, text: str) -> None:
        """Something was said: to a log, to a person, to a table."""
        self._said.append(text)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.hear(text_of(record))

    def wrote(self, path: str) -> None:
        """A file was opened for writing."""
        self._written.add(path)

    def begin(self) -> None:
        """Forget what was said so far, and the keys of the last test."""
        self._said, self._written, self._passing, self.in_test = [], set(), Canary(), False

    def finish(self, printed: str, *, files: bool = True) -> None:
        """Search all that was said in this test, and the `files` it left; then begin anew.

        Raises:
            ViolatedError: there was a key in it.
        """
        written = sorted(self._written) if files else []
        left = [Path(path).read_bytes().decode("latin-1") for path in written if _is_left(path)]
        texts, canaries = [*self._said, printed, *left], (self._lasting, self._passing)
        self.begin()
        told = "\n".join(texts)
        if not any(canary.found_in(told) for canary in canaries):
            self._tally.check(6, holds=True, otherwise="")
            return
        where = [text[:500] for text in texts if any(canary.found_in(text) for canary in canaries)]
        self._tally.check(6, holds=False, otherwise=f"a key is in {where}")


HYGIENE = Hygiene()


def _is_left(path: str) -> bool:
    return not any(part in path for part in _CACHES) and Path(path).is_file()


def pytest_configure() -> None:
    """Listen from before the first fixture on."""
    _listen()


@functools.cache
def _listen() -> None:
    """Once in a process; to loggers set as the function sets them."""
    handler.quiet_libraries()
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger().addHandler(HYGIENE)
    HYGIENE.watch_for(api_key=API_KEY)
    tell_of(ec, "generate_private_key", _key_made)
    tell_of(rsa, "generate_private_key", _key_made)
    tell_of(ed25519.Ed25519PrivateKey, "generate", _key_made)
    tell_of(Tenant, "add_token", _token_made)
    tell_of(pytest.CaptureFixture, "readouterr", lambda printed: HYGIENE.hear(f"{printed.out}\n{printed.err}"))
    sys.addaudithook(_audit)
    sys.monitoring.use_tool_id(_TOOL, "hygiene")
    sys.monitoring.register_callback(_TOOL, sys.monitoring.events.RAISE, _raised)
    sys.monitoring.set_events(_TOOL, sys.monitoring.events.RAISE)


def tell_of(owner: object, name: str, told: Callable[[Any], None]) -> None:
    """From now on, tell what comes back from a function."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def telling(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
        made = original(*args, **kwargs)
        told(made)
        return made

    patch.object(owner, name, telling).start()


def _key_made(key: PrivateKey) -> None:
    HYGIENE.watch_for(private_key_pem=private_key_pem(key))


def _token_made(made: NewToken) -> None:
    """Whole, and each line of it: the faults make tokens that a program may quote in part."""
    for piece in {made.key, *made.key.splitlines(), made.key[:_QUOTED]}:
        HYGIENE.watch_for(api_key=piece)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(args[0], str) and args[2] & (os.O_WRONLY | os.O_RDWR):
        HYGIENE.wrote(args[0])


def _raised(_code: object, _offset: int, error: BaseException) -> None:
    """An error of the contract, whoever catches it, with those it came from: as a traceback shows them."""
    if isinstance(error, RotationError):
        HYGIENE.hear("\n".join(f"{type(one).__name__}: {one}" for one in _chain(error)))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """From here on the keys are the test's own."""
    HYGIENE.in_test = True
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """When all of a test is over, fail it if it gave a key away."""
    report = yield
    if call.when == "teardown" and item.get_closest_marker("sends_key_in_url"):
        HYGIENE.begin()
    elif call.when == "teardown":
        TALLY.count("tests searched for keys")
        try:
            printed = "\n".join(text for _, text in report.sections)
            HYGIENE.finish(printed, files=not item.get_closest_marker("makes_key_files"))
        except ViolatedError as error:
            report.outcome, report.longrepr = "failed", str(error)
    return report
