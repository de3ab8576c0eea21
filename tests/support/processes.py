"""What a program has started, and whether that is still running (Linux: /proc)."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def descendants(process: int) -> set[int]:
    """All that a process started, as far as it or one of these is still the parent."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    children = {int(child) for task in tasks for child in (task / "children").read_text().split()}
    return children.union(*(descendants(child) for child in children))


def running(processes: set[int]) -> set[str]:
    """Those that still are, by what was typed to start them."""
    commands = {Path(f"/proc/{process}/cmdline") for process in processes}
    return {command.read_text() for command in commands if command.exists()}


def end(processes: set[int]) -> None:
    """For a test that found some left, so that the next one does not find them too."""
    for left in processes:
        with suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)
