"""`demo.svg`: every step of a demo that ran, four of them with what they showed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from dev.pictures import ROOT
from dev.pictures.console import WIDTH, picture

# How the titles begin of the steps that are shown whole: the story in four scenes. Of all others the title is shown.
WHOLE = ("Onboard:", "Wait for the schedule", "A consumer reads", "Let the service fail")
_STEP = re.compile(r"\d+\. (.+)")
_RULE = re.compile(r"-{10,}.*")
_MAIL_ENDS_BEFORE = "What happens by itself"
_RANDOM = re.compile(r"-CredentialSecret-[0-9A-F]+-[0-9a-z]+")  # of a secret's name; a subject may cut it short


def record(file: Path) -> int:
    """Run the demo, show it, and keep what it printed; its exit code."""
    file.parent.mkdir(exist_ok=True)
    # Colours as on a terminal, but nothing that moves: see rich's documentation, "Environment variables".
    looks = {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "0", "COLUMNS": str(WIDTH)}
    demo = subprocess.Popen(
        [sys.executable, "-m", "dev.demo"], cwd=ROOT, env=os.environ | looks, stdout=subprocess.PIPE, text=True
    )
    printed = []
    assert demo.stdout is not None  # noqa: S101 - it was asked for
    for line in demo.stdout:
        sys.stdout.write(line)
        printed.append(line)
    code = demo.wait()
    if code == 0:
        file.write_text("".join(printed))
    return code


def draw(recorded: str) -> str:
    """The picture of a recorded run."""
    lines = [Text.from_ansi(line) for line in _RANDOM.sub("", recorded).splitlines()]
    return picture(_shortened(lines), "make demo")


def _shortened(lines: list[Text]) -> Iterator[Text]:
    whole = in_mail = skipped = False
    for line in lines:
        step = _STEP.fullmatch(line.plain)
        if step:
            if step[1].startswith(WHOLE) or whole:  # air around what is shown whole
                yield Text()
            whole, in_mail = step[1].startswith(WHOLE), False
            yield line
        elif line.plain.startswith("Done."):
            yield Text()
            yield line
            return
        elif not whole:
            continue
        elif _RULE.fullmatch(line.plain):
            in_mail, skipped = not in_mail, False
            yield line[:WIDTH]
        elif in_mail and (skipped or line.plain == _MAIL_ENDS_BEFORE):
            if not skipped:
                yield Text("...", style="dim")
            skipped = True
        elif line.plain or in_mail:
            yield line
