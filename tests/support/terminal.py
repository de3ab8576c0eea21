"""A person at a terminal who runs `device-id`: real processes, real prompts, and what was printed."""

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dev.stack import Stack

_SECONDS = 60


@dataclass(frozen=True)
class Printed:
    """How a command ended, and what it printed: on a terminal, errors and the rest come as one."""

    code: int
    text: str


@dataclass(frozen=True)
class Terminal:
    """Works in a folder of its own, with the AWS settings of somebody who deployed this stack."""

    stack: Stack
    folder: Path

    def run(self, *arguments: str, typed: str = "") -> Printed:
        """Run a command as a script does, without a terminal; `typed` is its standard input."""
        done = subprocess.run(
            _command(arguments),
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
        """Run a command on a terminal, and type one line when it shows the prompt.

        `term`: the kind of terminal; a dumb one has neither colours nor a cursor to move.
        """
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            _command(arguments),
            cwd=self.folder,
            env=self._environment(term),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,  # or it would ask on the terminal of whoever runs the tests
        ) as process:
            os.close(theirs)
            text, answered = "", False
            while piece := _read(ours):
                text += piece
                if prompt in text and not answered:
                    os.write(ours, f"{typed}\n".encode())
                    answered = True
            process.wait(_SECONDS)
        os.close(ours)
        assert answered, text
        return Printed(process.returncode, text.replace("\r\n", "\n"))

    def _environment(self, term: str) -> dict[str, str]:
        return {
            **self.stack.aws.environment,
            "STACK_NAME": self.stack.name,
            "TERM": term,
            "COLUMNS": "120",
        }


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).with_name("device-id")), *arguments]


def _read(terminal: int) -> str:
    """What was printed since; empty when the program has ended, which Linux reports as an error."""
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""
