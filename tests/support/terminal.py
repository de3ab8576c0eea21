"""A person at a terminal who runs `device-id`: real processes, real prompts, and what was printed."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.local_aws import ROOT
from dev.stack import Stack

_SECONDS = 60
_ON_A_MAC = "import os; del os.memfd_create; from cli.main import app; app(prog_name='device-id')"


@dataclass(frozen=True)
class Printed:
    """How a command ended, and what it printed: on a terminal, errors and the rest come as one."""

    code: int
    text: str


@dataclass(frozen=True)
class Terminal:
    """Works in a folder of its own, with the AWS settings of somebody who deployed this stack.

    `mac`: on a machine that has no anonymous files in memory.
    """

    stack: Stack
    folder: Path
    mac: bool = False

    def run(self, *arguments: str, typed: str = "") -> Printed:
        """Run a command as a script does, without a terminal; `typed` is its standard input."""
        done = subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment("dumb"),
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Printed(done.returncode, done.stdout)

    def answer(self, *arguments: str, prompt: str, typed: str, term: str = "dumb") -> Printed:
        """Run a command on a terminal, and type one line when it shows the prompt; see `converse`."""
        return self.converse(*arguments, answers=[(prompt, typed)], term=term)

    def converse(self, *arguments: str, answers: Sequence[tuple[str, str]], term: str = "dumb") -> Printed:
        """Run a command on a terminal, and type a line at each of its prompts, which come in this order.

        `term`: the kind of terminal; a dumb one has neither colours nor a cursor to move.
        """
        left = list(answers)
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment(term),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,  # or it would ask on the terminal of whoever runs the tests
        ) as process:
            os.close(theirs)
            text = ""
            while piece := _read(ours):
                text += piece
                if left and left[0][0] in text:
                    os.write(ours, f"{left.pop(0)[1]}\n".encode())
            process.wait(_SECONDS)
        os.close(ours)
        assert not left, text
        return Printed(process.returncode, text.replace("\r\n", "\n"))

    def _environment(self, term: str) -> dict[str, str]:
        return {
            **self.stack.aws.environment,
            "STACK_NAME": self.stack.name,
            "TERM": term,
            "COLUMNS": "120",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}",
        }

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        if self.mac:
            return [sys.executable, "-P", "-c", _ON_A_MAC, *arguments]
        return [str(Path(sys.executable).with_name("device-id")), *arguments]


def _read(terminal: int) -> str:
    """What was printed since; empty when the program has ended, which Linux reports as an error."""
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""
