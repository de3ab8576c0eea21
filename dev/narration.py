"""How a command tells a person what it does: numbered steps, facts, waiting, mail as it is read."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from dev.inbox import Email

_console = Console(highlight=False, emoji=False)  # an ARN holds ":secret:"
_numbers = itertools.count(1)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what comes now; what `fact` tells in the block belongs to it."""
    _console.print(f"\n[bold cyan]{next(_numbers)}. {escape(title)}[/]", soft_wrap=True)
    yield


def fact(name: str, value: str) -> None:
    """One thing that is so."""
    _console.print(f"   [dim]{escape(name)}:[/] {escape(value)}", soft_wrap=True)


@contextmanager
def waiting(reason: str, seconds: float) -> Iterator[Callable[[], bool]]:
    """Show that time passes; yields a function that tells whether there is any left."""
    began = time.monotonic()
    with _console.status(reason) as status:

        def still_time() -> bool:
            passed = time.monotonic() - began
            status.update(f"{reason} ({passed:.0f} s)")
            return passed < seconds

        yield still_time
    waited = round(time.monotonic() - began)
    if waited:
        fact("Waited", f"{waited} seconds")


def mail(email: Email) -> None:
    """A mail as a person reads it."""
    _console.rule("Email to operator@example.com", characters="-")
    _console.print(f"[bold]Subject: {escape(email.subject)}[/]\n\n{escape(email.body)}", soft_wrap=True)
    _console.rule(characters="-")


def finish() -> None:
    """Say that all went well, and what to do next."""
    _console.print(
        "\n[bold green]Done.[/] Everything that was started is stopped again, and nothing was kept.\n"
        "Next, in this folder:\n"
        "  [bold]make sandbox[/]                        keeps all of this up, to try every command in\n"
        "  [bold].venv/dev/bin/device-id init --help[/]  puts it into your own account: README.md, Deploy it\n"
        "  [bold]make simulator[/]                      lets you talk to the service by hand\n"
        "  [bold]make test[/]                           checks the project",
        soft_wrap=True,
    )
