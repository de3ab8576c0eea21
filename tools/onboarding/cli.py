"""The commands `csr`, `store`, `status`, `recover` and `tenant`: their options, and in which order things are asked."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tools.onboarding import csr as requesting
from tools.onboarding import fleet
from tools.onboarding import recover as recovering
from tools.onboarding import status as reporting
from tools.onboarding import store as storing
from tools.onboarding.account import client, deployment
from tools.onboarding.attention import attention
from tools.onboarding.looking import see
from tools.onboarding.options import (
    DEFAULT_STACK,
    ApiKeyExpiry,
    ApiKeyFile,
    AsJson,
    CertName,
    Region,
    Replace,
    Secret,
    SkipServiceCheck,
    StackName,
    TrustedCa,
    Url,
    api_key,
    needs_linux,
    now,
)
from tools.onboarding.service import Options, Service
from tools.onboarding.stopping import ATTENTION, in_sentences
from tools.onboarding.telling import ask, failed
from tools.onboarding.tenant_cli import app as tenant_app

app = typer.Typer(
    help="The first credential, how things are, and a certificate brought back. AWS is found as by the AWS CLI.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(tenant_app, name="tenant")


@app.command()
def csr(
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
) -> None:
    """Make a private key and a certificate request on this machine."""
    with in_sentences(failed):
        name = common_name or ask("Common name, such as sensor.example.com", option="--common-name")
        requesting.make(out, name, san or [], key_algorithm)


@app.command()
def store(  # noqa: PLR0913 - one parameter per option
    *,
    cert: Annotated[Path, typer.Option(help="The signed certificate, PEM.")] = Path("device-id.pem"),
    key: Annotated[Path, typer.Option(help="Its private key, PEM.")] = Path("device-id.key"),
    api_key_file: ApiKeyFile = None,
    api_key_expiry: ApiKeyExpiry = None,
    cert_name: CertName = None,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    service_region: Region = None,
    service_url: Url = None,
    trusted_ca: TrustedCa = None,
    skip_service_check: SkipServiceCheck = False,
    replace: Replace = False,
) -> None:
    """Check certificate, key and API key, and put them into the secret."""
    with in_sentences(failed):
        needs_linux()
        chain, private_key = storing.offered_chain(cert, key)
        storing.check_valid(chain, now())
        options = Options(service_region, service_url, trusted_ca)
        stack = None if secret and (options.name_it or skip_service_check) else deployment(stack_name)
        service = None if skip_service_check else Service.at(options, stack.environment if stack else {})
        offer = storing.Offer(chain, private_key, api_key(api_key_file), cert_name, api_key_expiry)
        secret_id = secret or (stack.secret_arn if stack else "")
        storing.store(client("secretsmanager"), secret_id, offer, service, replace=replace, now=now())


@app.command()
def status(
    *,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    every: Annotated[bool, typer.Option("--all", help="Every tenant of the fleet, the worst first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say how the credential is, and what needs you: exit code 0 for nothing, 1 for something."""
    with in_sentences(failed):
        if every:
            _status_of_all(stack_name, as_json=as_json)
            return
        seen = see(deployment(stack_name), secret)
        needed = attention(seen, now())
        (reporting.show_json if as_json else reporting.show)(seen, needed)
        if needed:
            raise typer.Exit(ATTENTION)


def _status_of_all(stack_name: str, *, as_json: bool) -> None:
    rows, remarks = fleet.look_at_all(deployment(stack_name), now())
    (fleet.show_json if as_json else fleet.show)(rows, remarks)
    if remarks or any(row.needs for row in rows):
        raise typer.Exit(ATTENTION)


@app.command()
def recover(  # noqa: PLR0913 - one parameter per option
    *,
    cert: Annotated[Path | None, typer.Option(help="PEM file with the certificate, copied from the error log.")] = None,
    cert_name: Annotated[
        str | None, typer.Option(help="Name of one in the ledger; the newest useful one else.")
    ] = None,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    service_region: Region = None,
    service_url: Url = None,
    trusted_ca: TrustedCa = None,
) -> None:
    """Put a certificate that was issued and got stuck into use, back together with its key."""
    with in_sentences(failed):
        needs_linux()
        stack = deployment(stack_name)
        service = Service.at(Options(service_region, service_url, trusted_ca), stack.environment)
        secret_id = secret or stack.secret_arn
        place = recovering.Place(client("secretsmanager"), client("dynamodb"), secret_id, stack.ledger_table)
        wanted = recovering.Wanted(cert, cert_name)
        recovering.recover(place, wanted, service, now())
