"""The command `init`: its options, and which step follows which."""

from pathlib import Path
from typing import Annotated

import typer

from cli import init as steps
from cli.commands import DEFAULT_STACK, ends_help, written
from cli.console import about, failed
from cli.csr import Destination
from cli.deploying import Checkout, deploy
from cli.errors import ATTENTION, UserError, in_sentences
from cli.options import (
    ApiKeyExpiry,
    ApiKeyFile,
    CertName,
    CommonName,
    KeyAlgorithm,
    Out,
    Region,
    San,
    SkipServiceCheck,
    StackName,
    TrustedCa,
    Url,
    now,
)
from cli.service import Options, Service
from cli.stack import NoStackError, client, deployment
from cli.store import Allowed, store
from cli.target import Choice, the_own

EXAMPLES = ends_help(
    "device-id init --common-name sensor.example.com",
    "device-id init --alert-email ops@example.com --service-region eu --api-key-expiry 2027-01-31",
)
AlertEmail = Annotated[str | None, typer.Option(help="Who reads the alerts of a stack that is to be deployed.")]
CheckoutAt = Annotated[
    Path | None,
    typer.Option(
        help="The repository to deploy a stack from, if it is neither here nor where this was installed from."
    ),
]
Wait = Annotated[int, typer.Option(metavar="SECONDS", min=0, help="How long to wait for the click in AWS's mail.")]


def init(  # noqa: PLR0913 - one parameter per option
    *,
    common_name: CommonName = None,
    san: San = None,
    key_algorithm: KeyAlgorithm = "rsa2048",
    out: Out = Path("device-id"),
    cert: Annotated[Path | None, typer.Option(help="The signed certificate, PEM, if it is not OUT.pem.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, PEM, if it is not OUT.key.")] = None,
    api_key_file: ApiKeyFile = None,
    api_key_expiry: ApiKeyExpiry = None,
    cert_name: CertName = None,
    alert_email: AlertEmail = None,
    checkout: CheckoutAt = None,
    service_region: Region = None,
    service_url: Url = None,
    trusted_ca: TrustedCa = None,
    skip_service_check: SkipServiceCheck = False,
    wait: Wait = 600,
    stack_name: StackName = DEFAULT_STACK,
) -> None:
    """Go from nothing to a credential that is watched: request, deploy, store, confirm, look. Run again, it goes on."""
    with in_sentences(failed):
        if not (cert or key or Path(f"{out}.pem").exists()):
            named = ("--out", str(out)) if str(out) != "device-id" else ()
            again = written("init", *named, stack=stack_name)
            steps.request(out, common_name, san or [], key_algorithm, Destination(Choice(), stack_name, again))
            raise typer.Exit(ATTENTION)
        files = steps.Files(
            cert or Path(f"{out}.pem"), key or Path(f"{out}.key"), api_key_file, api_key_expiry, cert_name
        )
        options, offer = Options(service_region, service_url, trusted_ca), None
        try:
            stack = deployment(stack_name)
        except NoStackError:
            source = Checkout.found(checkout)
            offer = steps.offered(files, now())  # whoever is asked is asked now, and not minutes later
            deploy(source, stack_name, alert_email, options)
            stack = deployment(stack_name)
        if not stack.own_credential:
            raise UserError(f"The stack {stack_name} is for tenants alone. Add one: `device-id tenant add --help`.")
        target, secrets = the_own(stack), client("secretsmanager")
        about(target.words)
        if steps.has_none(secrets, target):
            service = None if skip_service_check else Service.at(options, stack.environment)
            offer = offer or steps.offered(files, now())
            store(secrets, target, offer, service, allowed=Allowed(), now=now())
        steps.wait_for_readers(stack, wait)
        if steps.first_status(stack, now()):
            raise typer.Exit(ATTENTION)
