"""Run a program and, however it or we are ended, leave nothing of it: no process, no temporary file.

A program that cleans up after itself can be interrupted while it does, or be killed. So a second one, which only waits,
has all that the first one starts: whatever loses its parent becomes its child (Linux: a child subreaper), also what is
in a session of its own. Elsewhere the first one is asked to clean up, as by Ctrl-C, and is killed only if it does not.
"""

import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dev.linux import LINUX

ENDED_BY_SIGNAL = 128  # shells: an exit code above it is this and the signal's number
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SET_CHILD_SUBREAPER = 36  # Linux, prctl.h: PR_SET_CHILD_SUBREAPER
_LOOK_SECONDS = 0.2
_ENDS_WITHIN_SECONDS = 30


def keep(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command until it ends or a signal ends us; what is left of it then is gone when this returns.

    Its temporary files are under one folder, and it is in a session of its own: Ctrl-C is for us alone.

    Returns:
        Its exit code; ENDED_BY_SIGNAL and the signal's number when a signal ended it or us.
    """
    if LINUX:
        _adopt_orphans()
    with _signals_noted() as came, tempfile.TemporaryDirectory(prefix="kept-", ignore_cleanup_errors=True) as scratch:
        process = subprocess.Popen(command, env={**environment, "TMPDIR": scratch}, start_new_session=True)
        try:
            while not came:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
                    break
        finally:
            if LINUX:
                _end_children()
            else:
                _ask_to_end(process)
            process.wait()
    if came:
        return ENDED_BY_SIGNAL + came[0]
    return process.returncode if process.returncode >= 0 else ENDED_BY_SIGNAL - process.returncode


@contextmanager
def _signals_noted() -> Iterator[list[int]]:
    """Which signals that end a program came; none of them ends us, and so none interrupts the cleaning up."""
    came: list[int] = []
    # What is ignored stays so: `nohup` means it.
    before = {number: signal.getsignal(number) for number in _ENDINGS if signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, lambda given, _: came.append(given))
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _adopt_orphans() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "The system has no child subreapers; they came with Linux 3.4.")


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # does nothing to one that has ended
    try:
        process.wait(_ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _end_children() -> None:
    """Until there are none: the children of one that was ended become ours."""
    while children := _children():
        for child in children:  # each is ours until we wait for it, so its number is nobody else's
            os.kill(child, signal.SIGKILL)
        for child in children:
            with suppress(ChildProcessError):  # it was waited for already
                os.waitpid(child, 0)


def _children() -> set[int]:
    """Those of every thread of this process."""
    return {
        int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()
    }
