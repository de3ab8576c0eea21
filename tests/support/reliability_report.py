"""Where the figures of a run go: the terminal, `build/reliability.json` and `docs/reliability.md`."""

import json
import re
from pathlib import Path

from tests.support.invariants import INVARIANTS, InvariantCounts

ROOT = Path(__file__).parents[2]
JSON = ROOT / "build/reliability.json"
PAGE = ROOT / "docs/reliability.md"
_MARKS = ("<!-- figures: written by make test -->", "<!-- end of figures -->")


def lines(tally: InvariantCounts) -> list[str]:
    """The table as a person reads it in a terminal."""
    rows = [f"{'':2}  {'invariant':<92}  {'cases':>9}  violations"]
    rows += [f"{n:>2}  {text:<92}  {tally.cases[n]:>9,}  {tally.violations[n]:>10,}" for n, text in INVARIANTS.items()]
    width = max(map(len, tally.figures), default=0)
    rows += [f"{'':2}  {name:<{width}}  {number:>9,}" for name, number in sorted(tally.figures.items())]
    return rows


def write_json(tally: InvariantCounts) -> None:
    """For programs: a list of invariants."""
    JSON.parent.mkdir(exist_ok=True)
    found = [
        {"invariant": text, "cases": tally.cases[n], "violations": tally.violations[n]}
        for n, text in INVARIANTS.items()
    ]
    JSON.write_text(json.dumps(found, indent=1) + "\n")


def write_page(tally: InvariantCounts) -> None:
    """For readers: the figures between their marks, everything else left as it is."""
    table = ["| | invariant | cases | violations |", "|---|---|---|---|"]
    table += [f"| {n} | {text} | {tally.cases[n]:,} | {tally.violations[n]:,} |" for n, text in INVARIANTS.items()]
    tried = ["| tried | |", "|---|---|"]
    tried += [f"| {name} | {number:,} |" for name, number in sorted(tally.figures.items())]
    figures = "\n".join([_MARKS[0], "", *table, "", *tried, "", _MARKS[1]])
    pattern = re.compile(f"{re.escape(_MARKS[0])}.*?{re.escape(_MARKS[1])}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: figures, PAGE.read_text()))
