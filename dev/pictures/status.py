"""`status.svg`: what `device-id status` says after a rotation, as docs/onboarding.md shows it."""

import re

from rich.text import Text

from dev.pictures import ROOT
from dev.pictures.console import picture

PAGE = ROOT / "docs/onboarding.md"
_BLOCK = re.compile(r"<!-- printed: status after -->\n```console\n(.*?)```\n", re.DOTALL)
_NAME = re.compile(r"  [A-Z][a-z ]{13} ")  # cli/console.py pads names to fourteen characters
_WELL = "All is well."


def draw() -> str:
    """The picture of the page's block."""
    (block,) = _BLOCK.findall(PAGE.read_text())
    command, *lines = block.splitlines()
    return picture(map(_styled, lines), command.removeprefix("$ "))


def _styled(line: str) -> Text:
    """As cli/console.py prints it."""
    text = Text(line, style="bold green" if line == _WELL else "")
    name = _NAME.match(line)
    if name:
        text.stylize("dim", 0, name.end())
    return text
