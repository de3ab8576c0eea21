"""Where OpenSSL reads a key from on the user's machine, if that has no anonymous files in memory (macOS).

The function never comes here: it is no part of what SAM deploys.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from certificate_rotation.domain.key_pair import PLACE, Place
from cli.files import PRIVATE

OPEN_FILES = Path("/proc/self/fd")  # Linux: how OpenSSL opens an anonymous file by its number
# What ends a command from outside and can be put off; SIGKILL cannot. Windows has no SIGHUP.
_ENDINGS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def keys_kept() -> AbstractContextManager[None]:
    """How keys are shown to OpenSSL while a command runs: from memory where that can be, else from a private directory.

    Both are Linux's: memfd_create(2), which makes such a file, and /proc, which has a path to it.
    """
    in_memory = hasattr(os, "memfd_create") and OPEN_FILES.is_dir()
    return nullcontext() if in_memory else identity_in(private_directory)


@contextmanager
def identity_in(place: Place) -> Iterator[None]:
    """Show certificates from another place while the block runs."""
    before = PLACE.set(place)
    try:
        yield
    finally:
        PLACE.reset(before)


@contextmanager
def private_directory(identity: str) -> Iterator[str]:
    """The path of a file that only its owner can read, for the moment that OpenSSL needs to read it."""
    with _put_off(), TemporaryDirectory(prefix="device-id-") as folder:  # its mode is 0700
        path = Path(folder, "identity.pem")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
            file.write(identity)
        yield str(path)


@contextmanager
def _put_off() -> Iterator[None]:
    """Have the signals that end a command wait until the directory is gone."""
    came: list[int] = []
    before = {one: signal.signal(one, lambda number, _: came.append(number)) for one in _ENDINGS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        for number in came:
            signal.raise_signal(number)
