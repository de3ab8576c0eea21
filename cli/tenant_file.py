"""`tenant add --from`: the file that names many tenants, read and checked before anything is made.

CSV with a line of headings, or JSON lines. Headings and keys are the options' names without their dashes. No key lies
in it: certificates, keys and API keys are in files of their own, which are looked for beside it.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.errors import UserError
from cli.files import read_text
from cli.names import checked_expression, checked_name, checked_tags
from cli.native_rotation import MOST_DAYS
from cli.offer import Offer, offered_chain
from cli.options import api_key, when_it_ends
from cli.tenant_add import Terms

COLUMNS = (
    *("name", "cert", "key", "api-key-file", "api-key-expiry", "cert-name"),
    *("schedule", "native-rotation-days", "tag"),
)
_SHOWN = 20  # what is wrong with more lines is seen when these are mended


@dataclass(frozen=True)
class Entry:
    """One tenant of the file; `offer`: None without a credential."""

    name: str
    terms: Terms
    offer: Offer | None


def read_entries(path: Path, terms: Terms) -> list[Entry]:
    """The tenants of a file; `terms` are theirs where their line says nothing.

    Raises:
        UserError: it cannot be read, or something is wrong with a line; every such line is named.
    """
    entries, wrong = [], []
    for number, line in _lines(path):
        try:
            entries.append(_entry(line, terms, path.parent))
        except UserError as error:
            wrong.append(f"line {number}: {error}")
    names = Counter(entry.name for entry in entries)
    wrong += [f"{name} is there {times} times." for name, times in names.items() if times > 1]
    if wrong:
        more = f" And {len(wrong) - _SHOWN} more." if len(wrong) > _SHOWN else ""
        raise UserError(f"Nothing was done, because of {path}. {' '.join(wrong[:_SHOWN])}{more}")
    if not entries:
        raise UserError(f"{path} names no tenant. Begin it with a line of headings, such as: {','.join(COLUMNS[:5])}")
    return entries


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    text = read_text(path, "the list of tenants").removeprefix("\ufeff")  # what spreadsheets begin a CSV file with
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, _object(number, line)
        return
    reader = csv.DictReader(text.splitlines(), restval="")
    for row in reader:
        if None in row:  # where csv keeps the fields that have no heading
            raise UserError(f"Line {reader.line_num} of {path} has more fields than headings. Quote what has a comma.")
        yield reader.line_num, row


def _object(number: int, line: str) -> Mapping[str, str]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"Line {number} is no JSON object. Put one tenant on each line.")
    return {key: ";".join(value) if isinstance(value, list) else str(value) for key, value in found.items()}


def _entry(line: Mapping[str, str], otherwise: Terms, folder: Path) -> Entry:
    unknown = sorted(line.keys() - set(COLUMNS))
    if unknown:
        raise UserError(f"{unknown[0][:40]!r} is none of {', '.join(COLUMNS)}.")
    given = {key: value.strip() for key, value in line.items() if value and value.strip()}
    expression = given.get("schedule")
    terms = Terms(
        checked_expression(expression) if expression else otherwise.schedule,
        _days(given["native-rotation-days"]) if "native-rotation-days" in given else otherwise.native_rotation_days,
        {**otherwise.tags, **checked_tags(given["tag"].split(";") if "tag" in given else ())},
    )
    return Entry(checked_name(given.get("name", "")), terms, _offer(given, folder))


def _offer(given: Mapping[str, str], folder: Path) -> Offer | None:
    if "cert" not in given:
        return None
    missing = next((name for name in ("key", "api-key-file") if name not in given), None)
    if missing:
        raise UserError(f"It has a cert and no {missing}.")
    chain, key = offered_chain(folder / given["cert"], folder / given["key"])
    ends = when_it_ends(given.get("api-key-expiry", ""))
    return Offer(chain, key, api_key(folder / given["api-key-file"]), given.get("cert-name"), ends)


def _days(given: str) -> int:
    if not given.isdecimal() or int(given) > MOST_DAYS:
        raise UserError(f"{given[:40]!r} is no number of days from 0 to {MOST_DAYS}.")
    return int(given)
