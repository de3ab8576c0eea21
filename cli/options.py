"""Options that several commands have."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from certificate_rotation.domain.api_key import read_expiry
from cli.console import ask
from cli.errors import UserError
from cli.files import read_text

CommonName = Annotated[
    str | None, typer.Option(help="Common name: what the certificate is for, such as sensor.example.com.")
]
San = Annotated[
    list[str] | None, typer.Option(help="Subject alternative name: DNS name, IP address, email or URI; repeatable.")
]
KeyAlgorithm = Annotated[
    Literal["rsa2048", "rsa3072", "rsa4096", "ec256", "ec384"], typer.Option(help="Kind of the private key.")
]
Out = Annotated[Path, typer.Option(help="Beginning of the files' names: OUT.key and OUT.csr.")]
StackName = Annotated[str, typer.Option(envvar="STACK_NAME", help="The deployed stack.")]
Secret = Annotated[str | None, typer.Option(help="Whose credential: name or ARN of the secret.")]
TenantOf = Annotated[str | None, typer.Option("--tenant", metavar="NAME", help="Whose credential: this tenant's.")]
Own = Annotated[bool, typer.Option("--own", help="Whose credential: the stack's own.")]
OtherSubject = Annotated[
    bool, typer.Option("--other-subject", help="The certificate's subject may differ from that of the one in use.")
]
Region = Annotated[Literal["us", "eu"] | None, typer.Option(help="The service's region, instead of the stack's.")]
Url = Annotated[str | None, typer.Option(help="The service's base URL, instead of the stack's.")]
TrustedCa = Annotated[Path | None, typer.Option(help="PEM file of one more trust anchor, instead of the stack's.")]
ApiKeyFile = Annotated[
    Path | None, typer.Option(help="File with the API key, - for standard input; without it you are asked.")
]
ApiKeyExpiry = Annotated[
    str | None, typer.Option(help="When the API key ends, ISO 8601 or Unix time; without it nobody renews the key.")
]
CertName = Annotated[str | None, typer.Option(help="The certificate's name at the service.")]
SkipServiceCheck = Annotated[
    bool, typer.Option("--skip-service-check", help="Do not ask the service whether it accepts them.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a credential that works.")]
Output = Annotated[Literal["text", "json"], typer.Option(help="For people, or one JSON document for programs.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --output json.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant; for scripts.")]


def wants_json(output: str, as_json: bool) -> bool:  # noqa: FBT001 - two options that say the same
    """Whether a program reads it."""
    return as_json or output == "json"


def api_key(file: Path | None) -> str:
    """The API key from a file, from standard input, or as it is typed.

    Raises:
        UserError: it is empty, or cannot be read.
    """
    if file is None or (str(file) == "-" and sys.stdin.isatty()):
        given = ask("API key", option="--api-key-file", hidden=True)
    elif str(file) == "-":
        given = sys.stdin.read().strip()
    else:
        given = read_text(file, "the API key").strip()
    if not given:
        raise UserError("The API key is empty. Copy it from where the certificate was signed.")
    return given


def when_it_ends(given: str | None) -> datetime | None:
    """When the API key ends, as it was given or is typed; None where nobody knows.

    Raises:
        UserError: it cannot be read.
    """
    if given is None and sys.stdin.isatty():
        given = ask("When the API key ends (empty if not known; then nobody renews it)", option="--api-key-expiry")
    if not given:
        return None
    try:
        return read_expiry(given)
    except ValueError as error:
        raise UserError(
            f"When the API key ends {error}: {given[:40]!r}. Give it such as 2027-01-31T00:00:00Z, or leave it out if "
            "you do not know it. Nothing was stored."
        ) from None


def now() -> datetime:
    """Aware, UTC."""
    return datetime.now(UTC)
