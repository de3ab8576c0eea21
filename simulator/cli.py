"""The commands ``serve`` and ``faults``, and what a person at a terminal gets to try the service with.

``serve`` writes a credential into a private directory, prints the lines to type, and deletes the directory at the end.
One module, because all of it is that one command.
"""

import contextlib
import json
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from cryptography import x509
from cryptography.x509.oid import NameOID
from rich.console import Console
from rich.table import Table

from simulator.ca import key_pem, new_csr, new_key
from simulator.faults import FAULTS, PARAMETERS
from simulator.server import LOOPBACK, CannotListenError
from simulator.service import DEFAULT_LIFETIME
from simulator.simulator import Simulator
from simulator.tenants import Tenant

USAGE_ERROR: Final = 2
PRIVATE_DIRECTORY: Final = 0o700
PRIVATE_FILE: Final = 0o600
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
        list[str] | None, typer.Option(help="A fault for one cert:refresh; repeatable, met in this order.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Make this directory for the credential, and delete it at the end.")
    ] = None,
    strict_rate: Annotated[
        bool, typer.Option("--strict-rate", help="Spent attempts never come back: one an hour after the third.")
    ] = False,
    lifetime_days: Annotated[float, typer.Option(min=0.001, help="How long certificates live.")] = (
        DEFAULT_LIFETIME / timedelta(days=1)
    ),
    age_days: Annotated[float, typer.Option(min=0, help="How old the first certificate is.")] = 0,
) -> None:
    """Serve one tenant until Ctrl-C, and print what to type to try it."""
    with _ending_signals_held_back():
        try:
            with (
                Simulator.running(
                    port=port,
                    admin_port=admin_port,
                    host=host,
                    allow_non_loopback=allow_non_loopback,
                    rate="strict" if strict_rate else "bucket",
                    issued_lifetime=timedelta(days=lifetime_days),
                    server_names=tuple(server_name or ()),
                ) as simulator,
                _private_directory(directory) as made,
            ):
                onboarded = simulator.onboard(tenant, age=timedelta(days=age_days))
                _write_credential(simulator, onboarded, made)
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
    for purpose, command in _lines_to_try(simulator, directory):
        typer.echo(f"\n# {purpose}\n{command}")
    typer.echo("\nCtrl-C stops it.")


@contextlib.contextmanager
def _private_directory(path: Path | None) -> Iterator[Path]:
    """Make a directory that nobody else can read, and delete it with all its content in the end.

    Args:
        path: Where to make it; None for a new one among the temporary files.

    Raises:
        FileExistsError: There is something at ``path``; the simulator deletes only what it made.
        OSError: The directory cannot be made.
    """
    if path is None:
        made = Path(tempfile.mkdtemp(prefix="device-id-simulator-"))
    else:
        path.mkdir(mode=PRIVATE_DIRECTORY)
        made = path.absolute()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write_credential(simulator: Simulator, tenant: Tenant, directory: Path) -> None:
    """Write the tenant's credential, and a request for its next certificate.

    Every file is for its owner only. The API key goes into a file of headers for ``curl -H @FILE``, because the
    arguments of a command can be read by everybody on the machine.
    """
    credential = tenant.credential
    next_key = new_key("ec256")
    csr = new_csr(next_key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, tenant.name)]), [])
    contents = {
        "ca.pem": simulator.trusted_ca_pem,
        "cert.pem": credential["cert"],
        "key.pem": credential["privateKey"],
        "headers": f"apiKey: {credential['apiKey']}\nContent-Type: application/json\n",
        "credential.json": json.dumps(credential, indent=2),
        "next.key.pem": key_pem(next_key),
        "next.csr.pem": csr,
        "refresh.json": json.dumps({"pemCsr": csr, "certName": f"{tenant.name}-next"[-64:]}),
    }
    for name, content in contents.items():
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  - a descriptor, for its permissions
            file.write(content)


def _lines_to_try(simulator: Simulator, directory: Path) -> list[tuple[str, str]]:
    """Return what to type in a shell: a purpose and a command each."""

    def file(name: str) -> str:
        return shlex.quote(str(directory / name))

    call = f"curl -sS --cacert {file('ca.pem')} --cert {file('cert.pem')} --key {file('key.pem')} -H @{file('headers')}"
    base = f"{simulator.url}/api/v1/token"
    lines = [
        ("Is the credential accepted?", f"{call} {base}/verdicts:statistics"),
        (
            "A new certificate (once; for another, change certName in refresh.json)",
            f"{call} -X GET --data @{file('refresh.json')} {base}/cert:refresh",
        ),
    ]
    if simulator.admin_url:
        admin = f"curl -sS -H 'Content-Type: application/json' {simulator.admin_url}"
        lines += [
            (
                "Let the next cert:refresh fail (`python -m simulator faults` lists the names)",
                f"{admin}/faults --data '{json.dumps({'fault': 'drop-after-issuing'})}'",
            ),
            ("Move the clock by an hour", f"{admin}/clock --data '{json.dumps({'advanceSeconds': 3600})}'"),
            ("See every request", f"{admin}/requests"),
        ]
    return lines


def _give_up(sentence: str) -> NoReturn:
    """Say what is wrong and how to cure it, without a traceback."""
    typer.echo(f"Error: {sentence}", err=True)
    raise typer.Exit(USAGE_ERROR)
