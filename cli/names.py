"""What a tenant, a schedule and a tag may be called, told before anything is made."""

import re
from collections.abc import Iterable

from cli.errors import UserError

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # AWS: of a schedule
_TAG = re.compile(r"(?!aws:)([\w .:/+@-]{1,128})=([\w .:/=+@-]{0,256})")  # Secrets Manager, "Tag"
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


def checked_tags(given: Iterable[str]) -> dict[str, str]:
    """Tags as they are typed, KEY=VALUE.

    Raises:
        UserError: one is none that AWS takes.
    """
    found = {}
    for one in given:
        tag = _TAG.fullmatch(one)
        if not tag:
            raise UserError(f"{one!r} is no tag. Use one like cost-centre=4711; a key that begins with aws: is AWS's.")
        found[tag[1]] = tag[2]
    return found
