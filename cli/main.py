"""The commands `csr`, `store`, `status`, `recover` and `tenant`: their options, and in which order things are asked."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import csr as requesting
from cli import fleet_status, status_view
from cli import recover as recovering
from cli import store as storing
from cli.commands import DEFAULT_STACK
from cli.console import about, ask, failed
from cli.errors import ATTENTION, in_sentences
from cli.needs import attention
from cli.options import (
    ApiKeyExpiry,
    ApiKeyFile,
    AsJson,
    CertName,
    OtherSubject,
    Own,
    Region,
    Replace,
    Secret,
    SkipServiceCheck,
    StackName,
    TenantOf,
    TrustedCa,
    Url,
    api_key,
    needs_linux,
    now,
)
from cli.secret import described
from cli.service import Options, Service
from cli.stack import Deployment, client, deployment, deployment_if_any
from cli.status import status_of
from cli.target import Choice, chosen, the_own, without_a_stack
from cli.tenant_commands import app as tenant_app

app = typer.Typer(
    help="The first credential, how things are, and a certificate brought back. AWS is found as by the AWS CLI.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(tenant_app, name="tenant")


@app.command(epilog="Example: device-id csr --common-name sensor.example.com --san sensor.example.com")
def csr(  # noqa: PLR0913 - one parameter per option
    *,
    common_name: Annotated[
        str | None, typer.Option(help="Common name: what the certificate is for, such as sensor.example.com.")
    ] = None,
    san: Annotated[
        list[str] | None, typer.Option(help="Subject alternative name: DNS name, IP address, email or URI; repeatable.")
    ] = None,
    key_algorithm: Annotated[
        Literal["rsa2048", "rsa3072", "rsa4096", "ec256", "ec384"], typer.Option(help="Kind of the private key.")
    ] = "rsa2048",
    out: Annotated[Path, typer.Option(help="Beginning of the files' names: OUT.key and OUT.csr.")] = Path("device-id"),
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    tenant: TenantOf = None,
    own: Own = False,
) -> None:
    """Make a private key and a certificate request on this machine."""
    with in_sentences(failed):
        name = common_name or ask("Common name, such as sensor.example.com", option="--common-name")
        requesting.make(
            out, name, san or [], key_algorithm, requesting.Destination(Choice(secret, tenant, own), stack_name)
        )


@app.command(epilog="Example: device-id store --cert device-id.pem --key device-id.key --cert-name sensor-1")
def store(  # noqa: PLR0913 - one parameter per option
    *,
    cert: Annotated[Path, typer.Option(help="The signed certificate, PEM.")] = Path("device-id.pem"),
    key: Annotated[Path, typer.Option(help="Its private key, PEM.")] = Path("device-id.key"),
    api_key_file: ApiKeyFile = None,
    api_key_expiry: ApiKeyExpiry = None,
    cert_name: CertName = None,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    tenant: TenantOf = None,
    own: Own = False,
    service_region: Region = None,
    service_url: Url = None,
    trusted_ca: TrustedCa = None,
    skip_service_check: SkipServiceCheck = False,
    replace: Replace = False,
    other_subject: OtherSubject = False,
) -> None:
    """Check certificate, key and API key, and put them into the secret."""
    with in_sentences(failed):
        needs_linux()
        choice = Choice(secret, tenant, own)
        chain, private_key = storing.offered_chain(cert, key)
        storing.check_valid(chain, now())
        options = Options(service_region, service_url, trusted_ca)
        alone = secret and (options.name_it or skip_service_check)  # where and what is told: no stack is needed
        stack = deployment_if_any(stack_name) if alone else deployment(stack_name)
        service = None if skip_service_check else Service.at(options, stack.environment if stack and not alone else {})
        secrets = client("secretsmanager")
        target = (
            chosen(choice, stack, secrets)
            if stack
            else without_a_stack(described(secrets, secret or "")["ARN"], stack_name)
        )
        about(target.words)
        offer = storing.Offer(chain, private_key, api_key(api_key_file), cert_name, api_key_expiry)
        storing.store(secrets, target, offer, service, allowed=storing.Allowed(replace, other_subject), now=now())


@app.command(epilog="Example: device-id status --tenant acme --json")
def status(  # noqa: PLR0913 - one parameter per option
    *,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    tenant: TenantOf = None,
    own: Own = False,
    every: Annotated[bool, typer.Option("--all", help="Every tenant of the fleet, the worst first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say how the credential is, and what needs you: exit code 0 for nothing, 1 for something."""
    with in_sentences(failed):
        choice, stack = Choice(secret, tenant, own), deployment(stack_name)
        if every or not (choice.made or stack.own_credential):  # it was told to look after tenants only
            _status_of_all(stack, as_json=as_json)
            return
        status = status_of(stack, chosen(choice, stack, client("secretsmanager")) if choice.made else the_own(stack))
        needed = attention(status, now())
        (status_view.show_json if as_json else status_view.show)(status, needed)
        if needed:
            raise typer.Exit(ATTENTION)


def _status_of_all(stack: Deployment, *, as_json: bool) -> None:
    rows, remarks = fleet_status.look_at_all(stack, now())
    (fleet_status.show_json if as_json else fleet_status.show)(rows, remarks)
    if remarks or any(row.needs for row in rows):
        raise typer.Exit(ATTENTION)


@app.command(epilog="Example: device-id recover --cert from-the-log.pem")
def recover(  # noqa: PLR0913 - one parameter per option
    *,
    cert: Annotated[
        Path | None, typer.Option(help="PEM file with the certificate, copied from the function's log.")
    ] = None,
    cert_name: Annotated[
        str | None, typer.Option(help="Name of one in the ledger; the newest useful one else.")
    ] = None,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    tenant: TenantOf = None,
    own: Own = False,
    service_region: Region = None,
    service_url: Url = None,
    trusted_ca: TrustedCa = None,
    other_subject: OtherSubject = False,
) -> None:
    """Put a certificate that was issued and got stuck into use, back together with its key."""
    with in_sentences(failed):
        needs_linux()
        choice, stack, secrets = Choice(secret, tenant, own), deployment(stack_name), client("secretsmanager")
        service = Service.at(Options(service_region, service_url, trusted_ca), stack.environment)
        target = chosen(choice, stack, secrets)
        about(target.words)
        place = recovering.Place(secrets, client("dynamodb"), target, stack.ledger_table)
        wanted = recovering.Wanted(cert, cert_name, other_subject)
        recovering.recover(place, wanted, service, now())
