"""What the commands print: sentences and facts. Colours and progress are for terminals; errors go to stderr."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from getpass import getpass
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from typer import rich_utils

from cli.errors import UserError

# no-color.org; Rich itself would still write what is bold and dim.
_COLOURS: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
if _COLOURS is None:  # what typer prints by itself: help, and errors of use
    rich_utils.COLOR_SYSTEM = None
# An ARN holds ":secret:", which is no emoji; and what is long is to be copied whole.
_out = Console(color_system=_COLOURS, highlight=False, emoji=False, soft_wrap=True)
_err = Console(color_system=_COLOURS, highlight=False, emoji=False, soft_wrap=True, stderr=True)
_NAME_WIDTH = 14


def about(target: str) -> None:
    """What the command is about to change, said before it does."""
    _out.print(f"This is about {escape(target)}.")


def done(sentence: str) -> None:
    """What was done, or that all is well."""
    _out.print(f"[bold green]{escape(sentence)}[/]")


def fact(name: str, value: str) -> None:
    """One thing that is so."""
    _out.print(f"  [dim]{escape(name):{_NAME_WIDTH}}[/] {escape(value)}")


def remark(sentence: str) -> None:
    """Something the person should know."""
    _out.print(f"[yellow]Note:[/] {escape(sentence)}")


def listed(title: str, lines: Sequence[str], *, style: str = "bold", mark: str = "-") -> None:
    """A title and what belongs under it; with the mark `1` the lines are numbered steps."""
    _out.print(f"\n[{style}]{escape(title)}[/]")
    for number, line in enumerate(lines, 1):
        _out.print(f"  {f'{number}.' if mark == '1' else mark} {escape(line)}")


def plain(text: str) -> None:
    """For programs: exactly this."""
    sys.stdout.write(f"{text}\n")


def output(text: str) -> None:
    """What another program said, beside our own words."""
    sys.stderr.write(f"{text.strip()}\n")


def failed(sentence: str) -> None:
    """Why the command could not do it, and the cure."""
    _err.print(f"[bold red]Error:[/] {escape(sentence)}")


@contextmanager
def waiting(reason: str) -> Iterator[None]:
    """Show on a terminal that something is waited for."""
    with nullcontext() if _out.quiet else _err.status(escape(reason)):
        yield


def counted[T](what: Iterable[T], total: int, reason: str) -> Iterator[T]:
    """Show on a terminal how much of something has come."""
    yield from track(what, reason, total, console=_err, transient=True, disable=not _err.is_terminal)


@contextmanager
def quietly() -> Iterator[None]:
    """Print nothing but failures while the block runs: what came of many is told at the end."""
    before, _out.quiet = _out.quiet, True
    try:
        yield
    finally:
        _out.quiet = before


def begin_anew() -> None:
    """Empty the terminal; in a file nothing is wiped."""
    _out.clear()


def confirm(question: str, *, yes: bool) -> None:
    """Have a person say that what cannot be undone is meant; `yes` when they said so already.

    Raises:
        UserError: they say no, or there is no terminal to ask on.
    """
    if yes:
        return
    if ask(f"{question} Type yes to go on", option="--yes") != "yes":
        raise UserError("Nothing was done, because nobody typed yes. Run it again if it is meant.")


def ask(question: str, *, option: str, hidden: bool = False) -> str:
    """Ask on the terminal.

    Args:
        question: what is wanted, in a few words.
        option: the option that gives it instead.
        hidden: whether what is typed must not be seen.

    Raises:
        UserError: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise UserError(f"{question}: there is no terminal to ask on. Give it with {option}.")
    prompt = f"{question} (stays hidden): " if hidden else f"{question}: "
    try:
        return (getpass(prompt) if hidden else input(prompt)).strip()
    except EOFError:
        raise UserError(f"{question}: nothing was typed. Run it again, or give it with {option}.") from None
