"""How a command ends when it cannot do what was asked: a sentence with the cure, no traceback, no secret."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from botocore.exceptions import ClientError, ParamValidationError

from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import (
    CredentialExpired,
    InvalidCredential,
    InvalidSettings,
    RotationError,
    StorageFailure,
    cure_of,
)
from certificate_rotation.domain.half import HalfName
from cli.aws_errors import NOT_REACHED, of_aws
from cli.commands import DEFAULT_STACK

# The exit codes of every command (docs/reference.md); 0 says that it is done, and that all is well.
ATTENTION = 1  # something needs a person, and no other option of the command would help
WRONG_USE = 2  # what was typed, answered or named cannot be used; typer's own for an option it does not know
REFUSED = 3  # AWS or the service refused, does not know what was named, or gave no answer


class UserError(Exception):
    """The command cannot do what was asked. The message is for people, and its last sentence is the cure."""

    exit_code = WRONG_USE


class NeedsYouError(UserError):
    """So it is with the credential, whatever the command is told."""

    exit_code = ATTENTION


class RefusedError(UserError):
    """AWS or the service says no, or nothing."""

    exit_code = REFUSED


@contextmanager
def in_sentences(tell: Callable[[str], None]) -> Iterator[None]:
    """End the program with a sentence, told by `tell`, whatever goes wrong in the block."""
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):  # the last: whoever read what we print has gone
        raise
    except Exception as error:  # noqa: BLE001 - every failure ends here, and none is carried on from
        tell(sentence(error))
        raise typer.Exit(exit_code(error)) from None


def exit_code(error: Exception) -> int:
    """What a script is told."""
    if isinstance(error, UserError):
        return error.exit_code
    return exit_code_of(type(error).__name__)


def exit_code_of(code: str) -> int:
    """What a script is told of an error by its class name, such as Lambda reports it."""
    if code in _NEED_YOU:
        return ATTENTION
    return WRONG_USE if code in _WRONG else REFUSED


_NEED_YOU = {kind.__name__ for kind in (CredentialExpired, InvalidCredential, InvalidSettings)}
_WRONG = {errors.InvalidEvent.__name__, ParamValidationError.__name__}


def sentence(error: Exception) -> str:
    """What happened, and what to do about it."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, StorageFailure):  # its cure is about the function; here it is the person who was refused
        return f"{error} Check the rights of your profile, the KMS key and the quotas against what AWS says."
    if isinstance(error, RotationError):
        return f"{error} {cure(type(error).__name__, 'ARN', DEFAULT_STACK)}"
    if isinstance(error, (ClientError, *NOT_REACHED)):
        return of_aws(error)
    # An error without a name of ours may quote anything, so only its place is told.
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"This command failed in a way it has no name for: {type(error).__name__} in {Path(place.filename).name}, "
        f"line {place.lineno}. Report it to the maintainers."
    )


def cure(code: str, secret: str, stack: str, half: HalfName = HalfName.CERTIFICATE) -> str:
    """The cure of an error whose class name Lambda, an alert or the ledger gives; complete for one half of one."""
    if is_named(code):
        return cure_of(getattr(errors, code), secret, stack, half)
    return "Read the log of this run, and report it to the maintainers."


def is_named(code: str) -> bool:
    """Whether it is the class name of an error of the contract, which has an entry in the runbook."""
    kind = getattr(errors, code, None)
    return isinstance(kind, type) and issubclass(kind, RotationError)
