"""How a command ends when it cannot do what was asked: a sentence with the cure, no traceback, no secret."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from certificate_rotation.adapters.aws import aws_reason
from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import RotationError, StorageFailure, cure_of
from cli.commands import DEFAULT_STACK

ATTENTION = 1  # the command did its work, and found something a person has to see to
FAILED = 2  # it could not do its work

_SIGN_IN = "Sign in first (`aws sso login`, or `aws configure`), or name a profile in AWS_PROFILE."
_CURES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((NoCredentialsError, PartialCredentialsError, SSOError, TokenRetrievalError), _SIGN_IN),
    ((ProfileNotFound,), "`aws configure list-profiles` shows those you have."),
    ((NoRegionError,), "Set AWS_DEFAULT_REGION to the region of the stack."),
    ((EndpointConnectionError, HTTPClientError), "Check the network, and AWS_ENDPOINT_URL if it is set."),
)
_CURES_BY_CODE = {
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "UnrecognizedClientException": _SIGN_IN,
    "AccessDenied": "Use a profile that may do this, or have this right given to yours.",
    "AccessDeniedException": "Use a profile that may do this, or have this right given to yours.",
}


class UserError(Exception):
    """The command cannot do what was asked. The message is for people, and its last sentence is the cure."""


@contextmanager
def in_sentences(tell: Callable[[str], None]) -> Iterator[None]:
    """End the program with a sentence, told by `tell`, whatever goes wrong in the block."""
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):  # the last: whoever read what we print has gone
        raise
    except Exception as error:  # noqa: BLE001 - every failure ends here, and none is carried on from
        tell(sentence(error))
        raise typer.Exit(FAILED) from None


def sentence(error: Exception) -> str:
    """What happened, and what to do about it."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, StorageFailure):  # its cure is about the function; here it is the person who was refused
        return f"{error} Check the rights of your profile, the KMS key and the quotas against what AWS says."
    if isinstance(error, RotationError):
        return f"{error} {cure(type(error).__name__, 'ARN', DEFAULT_STACK)}"
    if isinstance(error, ClientError | BotoCoreError):
        return _of_aws(error)
    # An error without a name of ours may quote anything, so only its place is told.
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"This command failed in a way it has no name for: {type(error).__name__} in {Path(place.filename).name}, "
        f"line {place.lineno}. Report it to the maintainers."
    )


def _of_aws(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code"))
        what_to_do = _CURES_BY_CODE.get(code, "If AWS asks for nothing else above, try again in a minute.")
        return f"AWS refused {error.operation_name}: {_closed(aws_reason(error))} {what_to_do}"
    known = (known for kinds, known in _CURES if isinstance(error, kinds))
    return f"AWS cannot be asked: {_closed(str(error))} {next(known, 'Check AWS_PROFILE and the other AWS settings.')}"


def _closed(text: str) -> str:
    """The text as a sentence, on one line."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def cure(code: str, secret: str, stack: str) -> str:
    """The cure of an error whose class name Lambda, an alert or the ledger gives; complete for one credential."""
    kind = getattr(errors, code, None)
    if isinstance(kind, type) and issubclass(kind, RotationError):
        return cure_of(kind, secret, stack)
    return "Read the log of this run, and report it to the maintainers."
