"""Options that several commands have."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.console import ask
from cli.errors import UserError
from cli.files import read_text

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
ApiKeyExpiry = Annotated[str | None, typer.Option(help="When the API key ends, to be kept beside it.")]
CertName = Annotated[str | None, typer.Option(help="The certificate's name at the service.")]
SkipServiceCheck = Annotated[
    bool, typer.Option("--skip-service-check", help="Do not ask the service whether it accepts them.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a credential that works.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]


def needs_linux() -> None:
    """Refuse where the service cannot be asked.

    Raises:
        UserError: this is no Linux.
    """
    if not hasattr(os, "memfd_create"):
        raise UserError(
            "A credential is tried with TLS from memory, so that its key needs no file; only Linux can do that. Run "
            "this command in AWS CloudShell or in a container."
        )


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


def now() -> datetime:
    """Aware, UTC."""
    return datetime.now(UTC)
