"""`tenant add --from`: many tenants, one after the other. Every run does what is missing; what is there stays."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from botocore.exceptions import ClientError

from certificate_rotation.domain.errors import RotationError
from cli.commands import written
from cli.console import counted, done, listed, quietly, remark
from cli.errors import UserError, exit_code, sentence
from cli.tenant_add import Adding
from cli.tenant_file import Entry


def add_many(adding: Adding, entries: Sequence[Entry], now: datetime, *, replace: bool) -> int:
    """Add each; a failure is told at the end and keeps no other from being added. The exit code.

    `replace`: also those who have a credential get the one of the file.
    """
    for entry in entries:
        adding.check(entry.terms)
    came, failures = Counter[str](), {}
    for entry in counted(entries, len(entries), "Adding tenants ..."):
        try:
            with quietly():
                came.update(_add(adding, entry, now, replace=replace))
        except (UserError, RotationError, ClientError) as error:  # theirs; where AWS is not reached, all would fail
            failures[entry.name] = error
    done(f"{len(entries) - len(failures)} of {len(entries)} are tenants now: {came['new']} new.")
    done(f"{came['stored']} credentials were stored. {came['had one']} had one, which was left as it is.")
    if came["without"]:
        missing = f"{came['without']} have no credential yet, and the file names none."
        remark(f"{missing} Put it in: {written('store', '--tenant', 'NAME', stack=adding.stack)}")
    if came["no end"]:
        remark(f"Of {came['no end']} nobody knows when the API key ends, so nobody renews it. Give api-key-expiry.")
    if failures:
        lines = [f"{name}: {sentence(error)}" for name, error in failures.items()]
        listed(f"{len(failures)} failed; the same command tries them again:", lines, style="bold red")
    return max((exit_code(error) for error in failures.values()), default=0)


def _add(adding: Adding, entry: Entry, now: datetime, *, replace: bool) -> list[str]:
    """Add one; what is to be counted of it."""
    arn = adding.secret(entry.name, entry.terms)
    has_one = adding.has_credential(arn)
    offer = entry.offer if replace or not has_one else None
    came = ["new"] if adding.finish(entry.name, arn, entry.terms, offer, now) else []
    if offer:
        return [*came, "stored", *([] if offer.api_key_expiry else ["no end"])]
    return [*came, "had one" if has_one else "without"]
