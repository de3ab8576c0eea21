"""`device-id`: all its commands, and of `csr`, `store` and `recover` the options and the order things are asked in."""

from pathlib import Path
from typing import Annotated

import typer

from cli import csr as requesting
from cli import init_command, renew_command, status_command
from cli import recover as recovering
from cli import recover_api_key as recovering_api_key
from cli import store as storing
from cli.commands import DEFAULT_STACK, EXIT_CODES, ends_help
from cli.console import about, ask, failed, plain
from cli.errors import UserError, in_sentences
from cli.key_files import keys_kept
from cli.offer import Offer, check_valid, offered_chain
from cli.options import (
    ApiKeyExpiry,
    ApiKeyFile,
    CertName,
    CommonName,
    KeyAlgorithm,
    OtherSubject,
    Out,
    Own,
    Region,
    Replace,
    San,
    Secret,
    SkipServiceCheck,
    StackName,
    TenantOf,
    TrustedCa,
    Url,
    api_key,
    now,
    when_it_ends,
)
from cli.secret import described
from cli.service import Options, Service
from cli.stack import client, deployment, deployment_if_any
from cli.target import Choice, chosen, without_a_stack
from cli.tenant_commands import app as tenant_app
from cli.version import this_version

app = typer.Typer(
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(tenant_app, name="tenant")


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - how typer calls it
    if wanted:
        plain(f"device-id {this_version()}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """The first credential, how things are, and what got stuck brought back. AWS is found as by the AWS CLI."""
    context.with_resource(keys_kept())


app.command(epilog=init_command.EXAMPLES)(init_command.init)


@app.command(epilog=ends_help("device-id csr --common-name sensor.example.com --san sensor.example.com"))
def csr(  # noqa: PLR0913 - one parameter per option
    *,
    common_name: CommonName = None,
    san: San = None,
    key_algorithm: KeyAlgorithm = "rsa2048",
    out: Out = Path("device-id"),
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


@app.command(epilog=ends_help("device-id store --cert device-id.pem --key device-id.key --cert-name sensor-1"))
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
        choice = Choice(secret, tenant, own)
        chain, private_key = offered_chain(cert, key)
        check_valid(chain, now())
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
        given, ends = api_key(api_key_file), when_it_ends(api_key_expiry)
        offer = Offer(chain, private_key, given, cert_name, ends)
        storing.store(secrets, target, offer, service, allowed=storing.Allowed(replace, other_subject), now=now())


app.command(epilog=status_command.EXAMPLES)(status_command.status)
app.command(epilog=renew_command.EXAMPLES)(renew_command.renew)


@app.command(epilog=ends_help("device-id recover --cert from-the-log.pem", "device-id recover --api-key --tenant acme"))
def recover(  # noqa: PLR0913 - one parameter per option
    *,
    cert: Annotated[
        Path | None, typer.Option(help="PEM file with the certificate, copied from the function's log.")
    ] = None,
    cert_name: Annotated[
        str | None, typer.Option(help="Name of one in the ledger; the newest useful one else.")
    ] = None,
    of_api_key: Annotated[
        bool, typer.Option("--api-key", help="The API key that lies sealed in the ledger, instead of a certificate.")
    ] = False,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    tenant: TenantOf = None,
    own: Own = False,
    service_region: Region = None,
    service_url: Url = None,
    trusted_ca: TrustedCa = None,
    other_subject: OtherSubject = False,
) -> None:
    """Put a certificate, back together with its key, or an API key that was issued and got stuck into use."""
    with in_sentences(failed):
        if of_api_key and (cert or cert_name or other_subject):
            raise UserError("--api-key is about no certificate. Give it without --cert, --cert-name, --other-subject.")
        choice, stack, secrets = Choice(secret, tenant, own), deployment(stack_name), client("secretsmanager")
        service = Service.at(Options(service_region, service_url, trusted_ca), stack.environment)
        target = chosen(choice, stack, secrets)
        about(target.words)
        place = recovering.Place(secrets, client("dynamodb"), target, stack.ledger_table)
        if of_api_key:
            recovering_api_key.recover_api_key(place, service, now())
            return
        wanted = recovering.Wanted(cert, cert_name, other_subject)
        recovering.recover(place, wanted, service, now())
