"""`device-id` on a machine without anonymous files in memory: where a key is for a moment, and that it goes."""

import os
import re
import signal
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from certificate_rotation.domain import key_pair
from certificate_rotation.domain.x509 import Chain, PrivateKey
from cli import key_files
from cli.key_files import identity_in, keys_kept, private_directory
from tests.support.factories import certificate

ROOT = Path(__file__).parents[2]


def refused_by_tls() -> ssl.SSLError:
    """As OpenSSL refuses a key."""
    error = ssl.SSLError(1, "no")
    error.reason = "EE_KEY_TOO_SMALL"
    return error


class Context:
    """A TLS context that looks around where it is sent, and may be interrupted there."""

    def __init__(self, happens: object = None) -> None:
        """`happens`: an exception, or a signal that comes."""
        self._happens = happens
        self.path = Path()
        self.modes: list[int] = []

    def load_cert_chain(self, path: str) -> None:
        """As ssl does."""
        self.path = Path(path)
        self.modes = [stat.S_IMODE(one.stat().st_mode) for one in (self.path.parent, self.path)]
        assert "PRIVATE KEY" in self.path.read_text()
        if isinstance(self._happens, Exception):
            raise self._happens
        if isinstance(self._happens, signal.Signals):
            signal.raise_signal(self._happens)
            assert self.path.is_file(), "the signal waits"


def shown(context: Context, key: PrivateKey) -> None:
    """Show a certificate as on a Mac."""
    with identity_in(private_directory):
        key_pair.show(context, key, Chain((certificate(key),)))  # type: ignore[arg-type]  # as much of one as is needed


def test_only_its_owner_can_read_it_and_only_as_long_as_it_is_needed(ec_key: PrivateKey) -> None:
    """A temporary folder is everybody's."""
    context = Context()
    shown(context, ec_key)
    assert context.modes == [0o700, 0o600]
    assert not context.path.parent.exists()


@pytest.mark.parametrize("error", [refused_by_tls(), MemoryError()])
def test_it_is_gone_when_that_fails(ec_key: PrivateKey, error: Exception) -> None:
    """A key that TLS cannot use is a key all the same."""
    context = Context(error)
    with pytest.raises((ValueError, MemoryError)):
        shown(context, ec_key)
    assert context.modes == [0o700, 0o600]
    assert not context.path.parent.exists()


class StoppedError(BaseException):
    """What a signal's handler of somebody's raises."""


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def stopping(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that ends a program, caught so that it ends only the block."""

    def stop(*_: object) -> None:
        raise StoppedError

    before = signal.signal(request.param, stop)
    yield request.param
    signal.signal(request.param, before)


def test_a_signal_waits_until_it_is_gone(ec_key: PrivateKey, stopping: signal.Signals) -> None:
    """And then does what it would have done."""
    context = Context(stopping)
    with pytest.raises(StoppedError):
        shown(context, ec_key)
    assert context.modes == [0o700, 0o600]
    assert not context.path.parent.exists()


PROGRAM = """
import os, signal, sys
from cli.key_files import private_directory
with private_directory("text") as path:
    print(path, flush=True)
    os.kill(os.getpid(), int(sys.argv[1]))
print("carried on")
"""


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_is_ended_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    """A real one: Python by itself would end at once, and the folder would stay."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(int(ending))],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'functions'}", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    (path,) = done.stdout.splitlines()
    assert Path(path).is_relative_to(tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (-ending, [])


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each directory that was made for a key."""
    made: list[str] = []

    def make(prefix: str) -> TemporaryDirectory[str]:
        directory = TemporaryDirectory(prefix=prefix)
        made.append(directory.name)
        return directory

    monkeypatch.setattr(key_files, "TemporaryDirectory", make)
    return made


@pytest.mark.parametrize("missing", ["memfd_create", "/proc"])
def test_the_directory_is_for_machines_that_need_it(
    monkeypatch: pytest.MonkeyPatch, ec_key: PrivateKey, on_disk: list[str], missing: str
) -> None:
    """Where there is memory no disk is used; where one of the two is missing, OpenSSL itself reads the directory's."""
    context, chain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), Chain((certificate(ec_key),))
    with keys_kept():
        key_pair.show(context, ec_key, chain)
    assert on_disk == []
    if missing == "/proc":
        monkeypatch.setattr(key_files, "OPEN_FILES", Path("/no-such-folder"))
    else:
        monkeypatch.delattr(os, "memfd_create")
    with keys_kept():
        key_pair.show(context, ec_key, chain)
    assert len(on_disk) == 1
    assert not Path(on_disk[0]).exists()


def test_the_function_has_no_such_place() -> None:
    """It keeps to memory: what could write a key to a disk is not deployed with it."""
    function = ROOT / "functions/certificate_rotation"
    assert [path for path in function.rglob("*.py") if re.search(r"tempfile|PLACE\.set", path.read_text())] == []
