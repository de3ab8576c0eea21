"""The commands ``serve`` and ``faults``."""

import contextlib
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from simulator.expiry import READABLE
from simulator.faults import FAULTS, PARAMETERS
from simulator.server import LOOPBACK, CannotListenError
from simulator.service import DEFAULT_LIFETIME
from simulator.simulator import Simulator
from simulator.tokens import TokenRules
from simulator.workplace import lines_to_try, private_directory, write_credential

USAGE_ERROR: Final = 2
_RULES: Final = TokenRules()
_ENDING_SIGNALS: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

app = typer.Typer(
    help="A local Third-Party Device-ID service over real mutual TLS, for tests and demonstrations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals hold keys
)


@app.command()
def serve(  # noqa: PLR0913  - one parameter per option
    *,
    port: Annotated[int, typer.Option(help="Port of the service; 0 picks a free one.")] = 0,
    admin_port: Annotated[
        int | None, typer.Option(help="Turn the admin API on at this port of the loopback; 0 picks a free one.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = LOOPBACK,
    allow_non_loopback: Annotated[
        bool, typer.Option("--allow-non-loopback", help="Listen although other machines can reach the address.")
    ] = False,
    server_name: Annotated[
        list[str] | None, typer.Option(help="Another host name for the server's certificate; repeatable.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Name of the tenant to onboard.")] = "demo",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="A fault for one refresh, of the certificate if that can have it; repeatable, met in this order."
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Make this directory for the credential, and delete it at the end.")
    ] = None,
    strict_rate: Annotated[
        bool,
        typer.Option("--strict-rate", help="Spent attempts never come back: one certificate an hour, two API keys."),
    ] = False,
    lifetime_days: Annotated[float, typer.Option(min=0.001, help="How long certificates live.")] = (
        DEFAULT_LIFETIME / timedelta(days=1)
    ),
    age_days: Annotated[float, typer.Option(min=0, help="How old the first certificate is.")] = 0,
    token_lifetime_days: Annotated[
        float, typer.Option(min=0.001, help="How long API keys live that token:refresh makes.")
    ] = _RULES.lifetime / timedelta(days=1),
    api_key_left_days: Annotated[
        float | None, typer.Option(help="How long the first API key still lives, told as apiKeyExpiry.")
    ] = None,
    token_expiry: Annotated[
        str, typer.Option(help=f"How token:refresh writes expiry: {', '.join(READABLE)}.")
    ] = _RULES.expiry,
    deleted_token: Annotated[
        str, typer.Option(help="What deletedToken holds: name, or key for the key itself.")
    ] = _RULES.deleted,
) -> None:
    """Serve one tenant until Ctrl-C, and print what to type to try it."""
    api_key_left = None if api_key_left_days is None else timedelta(days=api_key_left_days)
    with _ending_signals_held_back():
        try:
            rules = TokenRules(
                timedelta(days=token_lifetime_days),
                token_expiry,  # type: ignore[arg-type]  # checked by TokenRules
                deleted_token,  # type: ignore[arg-type]  # checked by TokenRules
            )
            with (
                Simulator.running(
                    port=port,
                    admin_port=admin_port,
                    host=host,
                    allow_non_loopback=allow_non_loopback,
                    rate="strict" if strict_rate else "bucket",
                    issued_lifetime=timedelta(days=lifetime_days),
                    server_names=tuple(server_name or ()),
                    token_rules=rules,
                ) as simulator,
                private_directory(directory) as made,
            ):
                onboarded = simulator.onboard(tenant, age=timedelta(days=age_days), api_key_left=api_key_left)
                write_credential(simulator, onboarded, made)
                for name in fault or ():
                    simulator.fault(name)
                _explain(simulator, made)
                signal.sigwait(_ENDING_SIGNALS)
        except FileExistsError as refused:
            _give_up(
                f"{refused.filename} exists already: name a directory that does not, since it is deleted at the end"
            )
        except (CannotListenError, ValueError, OSError) as refused:
            _give_up(str(refused))
    typer.echo("Stopped; the credential is deleted.")


@app.command()
def faults() -> None:
    """List the faults by name."""
    table = Table(box=None, pad_edge=False)
    table.add_column("fault", no_wrap=True)
    table.add_column("what happens")
    table.add_column("parameters", overflow="fold")
    for name, description in FAULTS.items():
        parameters = ", ".join(f"{parameter}={default}" for parameter, default in PARAMETERS.get(name, {}).items())
        table.add_row(name, description, parameters)
    Console(markup=False, highlight=False).print(table)


@contextlib.contextmanager
def _ending_signals_held_back() -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM for ``sigwait``, in all threads, so that none can interrupt the tidying up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _explain(simulator: Simulator, directory: Path) -> None:
    """Print where everything is; commands on a line of their own and never wrapped, to be copied."""
    typer.echo(f"Device-ID simulator: {simulator.url}")
    typer.echo(f"Admin API: {simulator.admin_url or 'off (turn it on with --admin-port 0)'}")
    typer.echo(f"Credential, deleted at the end: {directory}")
    for purpose, command in lines_to_try(simulator, directory):
        typer.echo(f"\n# {purpose}\n{command}")
    typer.echo("\nCtrl-C stops it.")


def _give_up(sentence: str) -> NoReturn:
    """Say what is wrong and how to cure it, without a traceback."""
    typer.echo(f"Error: {sentence}", err=True)
    raise typer.Exit(USAGE_ERROR)
