"""The command `status`: its options, one look or one after the other, and what a script is told."""

from collections.abc import Callable
from time import sleep
from typing import Annotated

import typer

from cli import fleet_status, status_view
from cli.commands import DEFAULT_STACK, ends_help
from cli.console import begin_anew, failed
from cli.errors import ATTENTION, UserError, in_sentences
from cli.fleet_status import Shown
from cli.needs import attention, notes
from cli.options import AsJson, Output, Own, Secret, StackName, TenantOf, now, wants_json
from cli.stack import Deployment, client, deployment
from cli.status import status_of
from cli.target import Choice, chosen, the_own

EXAMPLES = ends_help(
    "device-id status --tenant acme --output json",
    "device-id status --all --needs-attention",
    "device-id status --watch",
)
_LEAST_SECONDS = 5  # each look is a run of the function and a dozen calls of AWS


def status(  # noqa: PLR0913 - one parameter per option
    *,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    tenant: TenantOf = None,
    own: Own = False,
    every: Annotated[bool, typer.Option("--all", help="Every tenant of the fleet, the worst first.")] = False,
    needs_attention: Annotated[
        bool, typer.Option("--needs-attention", help="Of --all, only those that need you.")
    ] = False,
    ends_within: Annotated[
        int | None,
        typer.Option(metavar="DAYS", min=0, help="Of --all, only those that end so soon, or nobody knows when."),
    ] = None,
    prefix: Annotated[str, typer.Option(help="Of --all, only tenants whose name begins so.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    interval: Annotated[
        int, typer.Option(metavar="SECONDS", min=_LEAST_SECONDS, help="The time between two looks of --watch.")
    ] = 30,
    output: Output = "text",
    as_json: AsJson = False,
) -> None:
    """Say how the credential is, and what needs you: exit code 0 for nothing, 1 for something."""
    with in_sentences(failed):
        choice, shown = Choice(secret, tenant, own), Shown(prefix, ends_within, needs_attention)
        for_programs = wants_json(output, as_json)
        if choice.made and (every or shown.chosen):
            raise UserError("--all is about every tenant, and --secret, --tenant, --own about one. Give one of them.")

        def look() -> bool:
            stack = deployment(stack_name)
            if every or not (choice.made or stack.own_credential):  # it was told to look after tenants only
                return _all(stack, shown, as_json=for_programs)
            if shown.chosen:
                raise UserError("--needs-attention, --ends-within and --prefix choose among all. Add --all.")
            return _one(stack, choice, as_json=for_programs)

        needed = _watched(look, interval) if watch else look()
        if needed:
            raise typer.Exit(ATTENTION)


def _one(stack: Deployment, choice: Choice, *, as_json: bool) -> bool:
    """Show one credential; whether it needs a person."""
    target = chosen(choice, stack, client("secretsmanager")) if choice.made else the_own(stack)
    seen = status_of(stack, target, now())
    needed = attention(seen)
    (status_view.show_json if as_json else status_view.show)(seen, needed, notes(seen))
    return bool(needed)


def _all(stack: Deployment, shown: Shown, *, as_json: bool) -> bool:
    """Show every tenant that is chosen; whether one of them, or the stack, needs a person."""
    rows, remarks = fleet_status.look_at_all(stack, now(), shown)
    if as_json:
        fleet_status.show_json(rows, remarks)
    else:
        fleet_status.show(rows, remarks, shown)
    return bool(remarks) or any(row.needs for row in rows)


def _watched(look: Callable[[], bool], interval: int) -> bool:
    """Look until Ctrl-C; what the last look said."""
    needed = False
    try:
        while True:
            begin_anew()
            needed = look()
            sleep(interval)
    except KeyboardInterrupt:
        return needed
