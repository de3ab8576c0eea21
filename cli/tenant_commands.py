"""The commands under `tenant`: their options, and in which order things are asked."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import store as storing
from cli.commands import DEFAULT_STACK
from cli.console import about, done, failed, listed, plain, waiting
from cli.errors import ATTENTION, in_sentences
from cli.names import checked_expression, checked_name
from cli.options import (
    ApiKeyExpiry,
    ApiKeyFile,
    AsJson,
    CertName,
    OtherSubject,
    Replace,
    SkipServiceCheck,
    StackName,
    api_key,
    needs_linux,
    now,
)
from cli.secret import look
from cli.service import Options, Service
from cli.stack import Deployment, client, deployment
from cli.target import the_tenants
from cli.tenants import HOURLY, Tenant, Tenants, fleet_of

app = typer.Typer(help="Tenants of a fleet: add, pause, resume, remove, list.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The tenant's; names the schedule and, behind the prefix, the secret.")]


@app.command(epilog="Example: device-id tenant add acme --cert acme.pem --key acme.key --api-key-file acme.api-key")
def add(  # noqa: PLR0913 - one parameter per option
    name: Name,
    *,
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
    stack_name: StackName = DEFAULT_STACK,
) -> None:
    """Give a tenant a secret and a schedule, and store their first credential if it is named."""
    with in_sentences(failed):
        checked_name(name)
        if schedule is not None:
            checked_expression(schedule)
        offer = None
        if cert:
            needs_linux()
            chain, private_key = storing.offered_chain(cert, key)
            storing.check_valid(chain, now())
            offer = storing.Offer(chain, private_key, api_key(api_key_file), cert_name, api_key_expiry)
        stack = deployment(stack_name)
        tenants, secrets = _tenants(stack), client("secretsmanager")
        with waiting(f"Looking for the secret of {name} ..."):
            arn = tenants.make_secret(name)
        target = the_tenants(stack, name, arn)
        if offer:
            about(target.words)
            service = None if skip_service_check else Service.at(Options(), stack.environment)
            storing.store(secrets, target, offer, service, allowed=storing.Allowed(replace, other_subject), now=now())
        with waiting(f"Looking for the schedule of {name} ..."):
            tenants.schedule(name, arn, schedule)
        if not offer and not look(secrets, arn).text:
            listed("Next", [f"Put the credential into the secret: {target.command('store')}"], mark="1")


@app.command()
def pause(name: Name, *, stack_name: StackName = DEFAULT_STACK) -> None:
    """Stop looking at a tenant's credential; everything is kept."""
    with in_sentences(failed):
        _tenants(deployment(stack_name)).pause(checked_name(name))


@app.command()
def resume(name: Name, *, stack_name: StackName = DEFAULT_STACK) -> None:
    """Look at a paused tenant's credential again."""
    with in_sentences(failed):
        _tenants(deployment(stack_name)).resume(checked_name(name))


@app.command()
def remove(name: Name, *, stack_name: StackName = DEFAULT_STACK) -> None:
    """Take a tenant out of the fleet; their secret stays."""
    with in_sentences(failed):
        if not _tenants(deployment(stack_name)).remove(checked_name(name)):
            raise typer.Exit(ATTENTION)


@app.command(name="list")
def list_(*, stack_name: StackName = DEFAULT_STACK, as_json: AsJson = False) -> None:
    """Name every tenant. `device-id status --all` says how they are."""
    with in_sentences(failed):
        stack = deployment(stack_name)
        with waiting("Reading the schedules ..."):
            found = list(_tenants(stack).all())
        if as_json:
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
