"""The commands under `tenant`: their options, and in which order things are asked."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import DEFAULT_STACK, EXIT_CODES, ends_help
from cli.console import done, failed, plain, waiting
from cli.errors import REFUSED, UserError, in_sentences
from cli.names import checked_expression, checked_name, checked_tags
from cli.native_rotation import MOST_DAYS
from cli.offer import Offer, check_valid, offered_chain
from cli.options import (
    ApiKeyExpiry,
    ApiKeyFile,
    AsJson,
    CertName,
    OtherSubject,
    Output,
    Replace,
    SkipServiceCheck,
    StackName,
    api_key,
    now,
    wants_json,
    when_it_ends,
)
from cli.service import Options, Service
from cli.stack import Deployment, client, deployment
from cli.store import Allowed
from cli.tenant_add import Adding, Terms
from cli.tenant_file import COLUMNS, read_entries
from cli.tenant_many import add_many
from cli.tenants import HOURLY, Tenant, Tenants, fleet_of

app = typer.Typer(help="Tenants of a fleet: add, pause, resume, remove, list.", epilog=EXIT_CODES, no_args_is_help=True)


@app.command(
    epilog=ends_help(
        "device-id tenant add acme --cert acme.pem --key acme.key --api-key-file acme.api-key",
        "device-id tenant add --from tenants.csv",
    )
)
def add(  # noqa: PLR0913 - one parameter per option
    name: Annotated[
        str | None, typer.Argument(help="The tenant's; names the schedule and, behind the prefix, the secret.")
    ] = None,
    *,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help=f"Many at once: CSV with headings, or JSON lines. Of each: {', '.join(COLUMNS)}.",
        ),
    ] = None,
    cert: Annotated[
        Path | None,
        typer.Option(help="The signed certificate, PEM, to store at once; without it, see `device-id store`."),
    ] = None,
    key: Annotated[Path, typer.Option(help="Its private key, PEM.")] = Path("device-id.key"),
    api_key_file: ApiKeyFile = None,
    api_key_expiry: ApiKeyExpiry = None,
    cert_name: CertName = None,
    skip_service_check: SkipServiceCheck = False,
    replace: Replace = False,
    other_subject: OtherSubject = False,
    schedule: Annotated[
        str | None,
        typer.Option(
            help=f"How often to look: rate(...), cron(...), or at(...) once. Without it as before; {HOURLY} at first."
        ),
    ] = None,
    native_rotation_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_DAYS,
            help="Have Secrets Manager itself rotate it so often as well; 0 ends that. Without it as before.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A tag of the secret, besides the stack's. May be given again."),
    ] = None,
    stack_name: StackName = DEFAULT_STACK,
) -> None:
    """Give a tenant a secret and a schedule, and store their first credential if it is named."""
    with in_sentences(failed):
        if (name is None) == (from_file is None):
            raise UserError("Name one tenant, or many with --from FILE.")
        if schedule is not None:
            checked_expression(schedule)
        terms, allowed = Terms(schedule, native_rotation_days, checked_tags(tag or ())), Allowed(replace, other_subject)
        if from_file:
            if cert or api_key_file or api_key_expiry or cert_name:
                raise UserError("With --from, the file says of each tenant what their credential is. Leave that out.")
            entries = read_entries(from_file, terms)
            adding = _adding(stack_name, allowed, asks=not skip_service_check)
            code = add_many(adding, entries, now(), replace=replace)
            if code:
                raise typer.Exit(code)
        if name:
            checked_name(name)
            offer = None
            if cert:
                chain, private_key = offered_chain(cert, key)
                check_valid(chain, now())
                given, ends = api_key(api_key_file), when_it_ends(api_key_expiry)
                offer = Offer(chain, private_key, given, cert_name, ends)
            adding = _adding(stack_name, allowed, asks=bool(offer) and not skip_service_check)
            adding.check(terms)
            adding.finish(name, adding.secret(name, terms), terms, offer, now())


def _adding(stack_name: str, allowed: Allowed, *, asks: bool) -> Adding:
    stack = deployment(stack_name)
    service = Service.at(Options(), stack.environment) if asks else None
    return Adding(stack, client("secretsmanager"), client("scheduler"), service, allowed)


Name = Annotated[str, typer.Argument(help="The tenant's.")]


@app.command(epilog=ends_help("device-id tenant pause acme"))
def pause(name: Name, *, stack_name: StackName = DEFAULT_STACK) -> None:
    """Stop looking at a tenant's credential; everything is kept."""
    with in_sentences(failed):
        _tenants(deployment(stack_name)).pause(checked_name(name))


@app.command(epilog=ends_help("device-id tenant resume acme"))
def resume(name: Name, *, stack_name: StackName = DEFAULT_STACK) -> None:
    """Look at a paused tenant's credential again."""
    with in_sentences(failed):
        _tenants(deployment(stack_name)).resume(checked_name(name))


@app.command(epilog=ends_help("device-id tenant remove acme"))
def remove(name: Name, *, stack_name: StackName = DEFAULT_STACK) -> None:
    """Take a tenant out of the fleet; their secret stays."""
    with in_sentences(failed):
        if not _tenants(deployment(stack_name)).remove(checked_name(name)):
            raise typer.Exit(REFUSED)


@app.command(name="list", epilog=ends_help("device-id tenant list --output json"))
def list_(*, stack_name: StackName = DEFAULT_STACK, output: Output = "text", as_json: AsJson = False) -> None:
    """Name every tenant. `device-id status --all` says how they are."""
    with in_sentences(failed):
        stack = deployment(stack_name)
        with waiting("Reading the schedules ..."):
            found = list(_tenants(stack).all())
        if wants_json(output, as_json):
            plain(json.dumps([{"name": tenant.name, "paused": tenant.paused} for tenant in found], indent=2))
        else:
            show(found, fleet_of(stack).prefix)


def _tenants(stack: Deployment) -> Tenants:
    return Tenants(fleet_of(stack), client("secretsmanager"), client("scheduler"))


def show(tenants: list[Tenant], prefix: str) -> None:
    """For people: one line each, and how many there are."""
    for tenant in tenants:
        plain(f"{tenant.name}{'  (paused)' if tenant.paused else ''}")
    paused = sum(tenant.paused for tenant in tenants)
    done(
        f"{len(tenants)} tenant{'' if len(tenants) == 1 else 's'}, {paused} paused. Their secrets begin with {prefix}/."
    )
