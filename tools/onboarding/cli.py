"""The commands `csr`, `store`, `status` and `recover`: their options, and in which order things are asked."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from tools.onboarding import csr as requesting
from tools.onboarding import recover as recovering
from tools.onboarding import status as reporting
from tools.onboarding import store as storing
from tools.onboarding.account import client, deployment
from tools.onboarding.attention import attention
from tools.onboarding.files import read_text
from tools.onboarding.looking import see
from tools.onboarding.service import Options, Service
from tools.onboarding.stopping import ATTENTION, CannotError, in_sentences
from tools.onboarding.telling import ask, failed

app = typer.Typer(
    help="The first credential, how things are, and a certificate brought back. AWS is found as by the AWS CLI.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StackName = Annotated[str, typer.Option(envvar="STACK_NAME", help="The deployed stack.")]
Secret = Annotated[str | None, typer.Option(help="Name or ARN of a secret other than the stack's.")]
Region = Annotated[Literal["us", "eu"] | None, typer.Option(help="The service's region, instead of the stack's.")]
Url = Annotated[str | None, typer.Option(help="The service's base URL, instead of the stack's.")]
TrustedCa = Annotated[Path | None, typer.Option(help="PEM file of one more trust anchor, instead of the stack's.")]

DEFAULT_STACK = "device-id-certificate"  # samconfig.toml


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
    api_key_file: Annotated[
        Path | None, typer.Option(help="File with the API key, - for standard input; without it you are asked.")
    ] = None,
    api_key_expiry: Annotated[str | None, typer.Option(help="When the API key ends, to be kept beside it.")] = None,
    cert_name: Annotated[str | None, typer.Option(help="The certificate's name at the service.")] = None,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    service_region: Region = None,
    service_url: Url = None,
    trusted_ca: TrustedCa = None,
    skip_service_check: Annotated[
        bool, typer.Option("--skip-service-check", help="Do not ask the service whether it accepts them.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a credential that works.")] = False,
) -> None:
    """Check certificate, key and API key, and put them into the secret."""
    with in_sentences(failed):
        _needs_linux()
        chain, private_key = storing.offered_chain(cert, key)
        storing.check_valid(chain, _now())
        options = Options(service_region, service_url, trusted_ca)
        stack = None if secret and (options.name_it or skip_service_check) else deployment(stack_name)
        service = None if skip_service_check else Service.at(options, stack.environment if stack else {})
        offer = storing.Offer(chain, private_key, _api_key(api_key_file), cert_name, api_key_expiry)
        secret_id = secret or (stack.secret_arn if stack else "")
        storing.store(client("secretsmanager"), secret_id, offer, service, replace=replace, now=_now())


@app.command()
def status(
    *,
    stack_name: StackName = DEFAULT_STACK,
    secret: Secret = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Say how the credential is, and what needs you: exit code 0 for nothing, 1 for something."""
    with in_sentences(failed):
        seen = see(deployment(stack_name), secret)
        needed = attention(seen, _now())
        (reporting.show_json if as_json else reporting.show)(seen, needed)
        if needed:
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
        _needs_linux()
        stack = deployment(stack_name)
        service = Service.at(Options(service_region, service_url, trusted_ca), stack.environment)
        secret_id = secret or stack.secret_arn
        place = recovering.Place(client("secretsmanager"), client("dynamodb"), secret_id, stack.ledger_table)
        wanted = recovering.Wanted(cert, cert_name)
        recovering.recover(place, wanted, service, _now())


def _needs_linux() -> None:
    if not hasattr(os, "memfd_create"):
        raise CannotError(
            "A credential is tried with TLS from memory, so that its key needs no file; only Linux can do that. Run "
            "this command in AWS CloudShell or in a container."
        )


def _api_key(file: Path | None) -> str:
    if file is None or (str(file) == "-" and sys.stdin.isatty()):
        api_key = ask("API key", option="--api-key-file", hidden=True)
    elif str(file) == "-":
        api_key = sys.stdin.read().strip()
    else:
        api_key = read_text(file, "the API key").strip()
    if not api_key:
        raise CannotError("The API key is empty. Copy it from where the certificate was signed.")
    return api_key


def _now() -> datetime:
    return datetime.now(UTC)
