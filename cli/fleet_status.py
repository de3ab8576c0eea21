"""`status --all`: how every tenant of a fleet is, the worst first, for people and for programs.

Each is asked about as the schedule asks: by the function, which has the rights and settings that count. A person needs
no right to read a tenant's secret for it. The ledger adds what people were told.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from certificate_rotation.adapters.aws import aws_reason
from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import State
from certificate_rotation.domain.times import days_left, utc_text
from cli.console import counted, done, listed, plain, remark
from cli.invocation import Failure
from cli.needs import Need, about_readers, about_the_credential, about_the_schedule
from cli.stack import Deployment, client
from cli.status import CredentialStatus, dry_run, status_of, subscriptions
from cli.status_view import failure_json, incident_json
from cli.target import the_own, the_tenants
from cli.tenants import Tenant, Tenants, fleet_of

AT_ONCE = 8  # runs of the function: a new account may have ten at a time, and the schedules need some
SHOWN = 20  # tenants whose trouble is told in sentences; --json has all
OWN = "(the stack's own)"
_HEAD = ("TENANT", "DAYS", "ENDS FIRST", "NEEDS YOU", "A RUN NOW", "SCHEDULE")


@dataclass(frozen=True)
class Row:
    """One tenant: what was seen of them, and what needs a person."""

    name: str
    paused: bool
    status: CredentialStatus
    needs: tuple[Need, ...]

    @property
    def days_left(self) -> int | None:
        """Until the first half of the two ends; None when a run cannot tell."""
        first = self.status.ends_first
        return days_left(first.life.ends, self.status.at) if first and first.life.ends else None

    @property
    def badness(self) -> tuple[int, float, str]:
        """Sorts the worst first: who needs a person, then who is paused; each by the days that are left."""
        left = float("-inf") if self.days_left is None else self.days_left
        return (0 if self.needs else 1 if self.paused else 2, left, self.name)


@dataclass(frozen=True)
class Shown:
    """Which of all are to be shown.

    Attributes:
        prefix: how their names begin; the stack's own has none.
        ends_within: of which a half ends in so many days, or nobody knows when; None for whenever it does.
        needy: only who needs a person.
    """

    prefix: str = ""
    ends_within: int | None = None
    needy: bool = False

    @property
    def chosen(self) -> bool:
        """Whether somebody chose."""
        return self != Shown()

    def takes(self, row: Row) -> bool:
        """Whether it is one of these, whatever its name."""
        soon = self.ends_within is None or row.days_left is None or row.days_left <= self.ends_within
        return soon and (bool(row.needs) or not self.needy)


EVERYBODY = Shown()


def look_at_all(stack: Deployment, now: datetime, shown: Shown = EVERYBODY) -> tuple[list[Row], list[str]]:
    """Look at every tenant whose name is asked for, a few at a time; nothing is changed by it.

    Returns:
        Those that are to be shown, worst first; and what else needs a person, about the stack as a whole.
    """
    everybody = Tenants(fleet_of(stack), client("secretsmanager"), client("scheduler")).all()
    tenants = [tenant for tenant in everybody if tenant.name.startswith(shown.prefix)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(counted(pool.map(_looker(stack, now), tenants), len(tenants), "Asking about every tenant ..."))
    if stack.own_credential and not shown.prefix:
        own = status_of(stack, the_own(stack), now)
        rows.append(Row(OWN, paused=False, status=own, needs=(*about_the_credential(own), *about_the_schedule(own))))
    rows = sorted(filter(shown.takes, rows), key=lambda row: row.badness)
    return rows, about_readers(stack.topic_arn, subscriptions(stack))


def _looker(stack: Deployment, now: datetime) -> Callable[[Tenant], Row]:
    functions, secrets = client("lambda"), client("secretsmanager")  # a dry run may be repeated, so not a patient one
    ledger, prefix = Ledger(client("dynamodb"), stack.ledger_table), fleet_of(stack).prefix
    policy = stack.settings.policy

    def arn_of(name: str) -> str:
        try:
            return str(secrets.describe_secret(SecretId=name)["ARN"])
        except ClientError:
            return name

    def look(tenant: Tenant) -> Row:
        name = f"{prefix}/{tenant.name}"
        try:
            said = dry_run(functions, stack.function, name)
        except ClientError as error:
            said = {}, Failure("", f"The function could not be asked. {aws_reason(error)}")
        arn = said[0].get("secretId") or arn_of(name)
        state = ledger.load(arn) if arn != name else State()
        status = CredentialStatus.of_tenant(the_tenants(stack, tenant.name, arn), now, said, state, policy)
        return Row(tenant.name, tenant.paused, status, tuple(about_the_credential(status)))

    return look


def show(rows: Sequence[Row], remarks: Sequence[str], shown: Shown = EVERYBODY) -> None:
    """For people: a table, and sentences about the worst."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    for line in lines:
        plain("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    troubled = [row for row in rows if row.needs]
    for text in (*remarks, *notes(rows)):
        remark(text)
    if not troubled:
        nobody = "None is such a one." if shown.chosen else "Nobody is a tenant yet."
        done(f"{len(rows)} looked at. All is well." if rows else nobody)
        return
    sentences = [f"{row.name}: {need.sentence}" for row in troubled[:SHOWN] for need in row.needs]
    listed(f"{len(troubled)} of {len(rows)} need you:", sentences, style="bold red")
    if len(troubled) > SHOWN:
        remark(f"{len(troubled) - SHOWN} more need you; --json has the sentences of all.")


def notes(rows: Sequence[Row]) -> list[str]:
    """What a person should know, and nobody is harmed by today."""
    names = [row.name for row in rows if row.status.renewed_by_nobody]
    if not names:
        return []
    some = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    which = f"Nobody renews the API key of {some}, because nobody knows when it ends."
    return [f"{which} `device-id status` of each says what to do."]


def show_json(rows: Sequence[Row], remarks: Sequence[str]) -> None:
    """For programs: one JSON object on standard output."""
    document = {
        "fine": not remarks and not any(row.needs for row in rows),
        "attention": list(remarks),
        "notes": notes(rows),
        "count": len(rows),
        "tenants": [
            {
                "name": row.name,
                "secretId": row.status.target.secret,
                "paused": row.paused,
                "attention": [need.sentence for need in row.needs],
                "dryRun": dict(row.status.answer) or None,
                "failure": failure_json(row.status),
                "endsFirst": _ends_first_json(row),
                "incidents": {half.name.value: incident_json(half) for half in row.status.halves},
            }
            for row in rows
        ],
    }
    plain(json.dumps(document, indent=2))


def _ends_first_json(row: Row) -> dict[str, object] | None:
    first = row.status.ends_first
    if first is None or first.life.ends is None:
        return None
    return {"renews": first.name.value, "at": utc_text(first.life.ends), "daysLeft": row.days_left}


def _cells(row: Row) -> tuple[str, ...]:
    first = row.status.ends_first
    days = "?" if row.days_left is None else str(row.days_left)
    needs = row.needs[0].short if row.needs else "-"
    which = first.name.words if first else "?"
    return (row.name, days, which, needs, _run_now(row.status), "paused" if row.paused else "on")


def _run_now(status: CredentialStatus) -> str:
    """What a dry run says. It does not ask the service where it decides nothing, so it never says that all is well."""
    if status.failure:
        return "fails"
    would, about = str(status.answer.get("wouldDo")), status.answer.get("renews")
    return "not due" if would == "nothing" else f"{would} ({HalfName(about).words})" if about else would
