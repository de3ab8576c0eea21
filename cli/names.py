"""What a tenant and a schedule may be called, told before anything is made."""

import re

from cli.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # AWS: of a schedule
_EXPRESSION = re.compile(r"(rate|cron|at)\(.+\)")


def checked_name(name: str) -> str:
    """A tenant's name, if AWS takes it for a schedule's.

    Raises:
        UserError: it does not.
    """
    if not is_name(name):
        raise UserError(f"{name!r} names no tenant. Use 1 to 64 letters, digits and _.- for it.")
    return name


def is_name(name: str) -> bool:
    """Whether AWS takes it for a schedule's name."""
    return _NAME.fullmatch(name) is not None


def checked_expression(expression: str) -> str:
    """A schedule's expression, as far as it can be told from here.

    Raises:
        UserError: it is none.
    """
    if not _EXPRESSION.fullmatch(expression):
        raise UserError(
            f"{expression!r} is no schedule. Use one like rate(1 hour), cron(0 * * * ? *) or at(2027-01-31T12:00:00)."
        )
    return expression
