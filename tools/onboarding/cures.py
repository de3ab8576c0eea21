"""What a person can do about an error of one credential, by the error's name."""

from certificate_rotation import errors
from certificate_rotation.errors import RotationError, cure_of


def cure(code: str, secret: str, stack: str) -> str:
    """The cure of an error whose class name Lambda, an alert or the ledger gives; complete for one credential."""
    kind = getattr(errors, code, None)
    if isinstance(kind, type) and issubclass(kind, RotationError):
        return cure_of(kind, secret, stack)
    return "Read the log of this run, and report it to the maintainers."
