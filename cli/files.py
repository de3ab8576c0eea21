"""Files on the user's machine. What holds a key is for its owner alone, and nothing is ever overwritten."""

import os
from pathlib import Path

from cli.errors import UserError

PRIVATE = 0o600
PUBLIC = 0o644
_MOST_BYTES = 1_048_576  # no certificate and no key is as long; another file is named by mistake


def read_text(path: Path, what: str) -> str:
    """The text of a file.

    Raises:
        UserError: it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} ({what}) cannot be read: {error.strerror}. Check the name and its rights.") from None
    if len(content) > _MOST_BYTES:
        raise UserError(f"{path} is too large to be {what}. Check the name.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UserError(f"{path} is not text, so it is not {what} in PEM. Check the name.") from None


def must_not_exist(path: Path, why: str) -> None:
    """Refuse a path that is taken.

    Raises:
        UserError: something is there.
    """
    if os.path.lexists(path):
        raise UserError(f"{path} exists already, {why}. Keep it, and choose another name with --out.")


def write_new(path: Path, text: str, mode: int) -> None:
    """Make a file with these rights from its first moment on, and have it on the disk before returning.

    Raises:
        UserError: something is there, or the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)  # a key that is lost with the power cannot be made again
    except OSError as error:
        raise UserError(f"{path} cannot be made: {error.strerror}. Choose another name with --out.") from None
