"""The command `renew`: its options, and what is asked before what cannot be undone."""

from typing import Annotated

import typer

from cli.commands import DEFAULT_STACK, ends_help
from cli.console import about, failed
from cli.errors import in_sentences
from cli.options import AsJson, Output, Own, Secret, StackName, TenantOf, Yes, wants_json
from cli.renew import Half, Order, confirmed
from cli.renew import renew as renewing
from cli.stack import client, deployment
from cli.target import Choice, chosen

EXAMPLES = ends_help(
    "device-id renew --dry-run",
    "device-id renew --tenant acme --force --half apiKey",
    "device-id renew --force --allow-eviction --yes --output json",
)


def renew(  # noqa: PLR0913 - one parameter per option
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what a run would do.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Renew though it is not due; no limit is passed.")] = False,
    half: Annotated[Half | None, typer.Option(help="Which half --force means; without it the certificate.")] = None,
    allow_eviction: Annotated[
        bool, typer.Option("--allow-eviction", help="Accept that the service may delete the one in use at once.")
    ] = False,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    tenant: TenantOf = None,
    own: Own = False,
    yes: Yes = False,
    output: Output = "text",
    as_json: AsJson = False,
) -> None:
    """Have the function look at a credential now, as the schedule does, and renew what is due or forced."""
    with in_sentences(failed):
        order, choice = Order(dry_run, force, allow_eviction, half), Choice(secret, tenant, own)
        for_programs = wants_json(output, as_json)
        stack = deployment(stack_name)
        target = chosen(choice, stack, client("secretsmanager"))
        if not for_programs:
            about(target.words)
        confirmed(order, target, yes=yes)
        code = renewing(client("lambda", patient=True), stack.function, target, order, as_json=for_programs)
        if code:
            raise typer.Exit(code)
