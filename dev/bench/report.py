"""Writes down what was measured: for people in docs/performance.md, for programs in build/bench.json."""

import json
import os
import platform
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dev.bench.thresholds import THRESHOLDS
from dev.local_aws import ROOT

PAGE = ROOT / "docs/performance.md"
BILL = ROOT / "docs/scale.md"
NUMBERS = ROOT / "build/bench.json"
_BEGIN, _END = "<!-- make bench writes from here -->", "<!-- to here -->"
_NEW_PAGE = f"{_BEGIN}\n{_END}\n"


@dataclass(frozen=True)
class Report:
    """What was measured.

    Attributes:
        values: a number for each key of `thresholds`.
        remarks: what stands behind some of the numbers, by the same keys.
        more: further lines, for the curious.
        bill: what a month costs, line by line, as the page about it shows it.
    """

    values: Mapping[str, float]
    remarks: Mapping[str, str]
    more: tuple[str, ...] = ()
    bill: str = ""

    def show(self) -> None:
        """Print the thresholds beside the numbers."""
        console = Console(highlight=False, soft_wrap=True)
        for threshold in THRESHOLDS:
            value = self.values[threshold.key]
            met = "[green]met   [/]" if threshold.met(value) else "[red]missed[/]"
            remark = escape(self.remarks.get(threshold.key, ""))  # a link's brackets are no style
            console.print(
                f"{met} {threshold.what}: [bold]{threshold.text(value)}[/] ({threshold.limit_text}) [dim]{remark}[/]"
            )
        for line in self.more:
            console.print(f"       [dim]{line}[/]")
        written = ", ".join(str(file.relative_to(ROOT)) for file in (PAGE, BILL, NUMBERS))
        console.print(f"Written: {written}.")

    def write(self) -> None:
        """Write the files. Of a page only its own part: what people wrote around it stays."""
        NUMBERS.parent.mkdir(exist_ok=True)
        NUMBERS.write_text(
            json.dumps({threshold.key: round(self.values[threshold.key], 3) for threshold in THRESHOLDS}, indent=2)
            + "\n"
        )
        between(PAGE, self._markdown())
        between(BILL, f"{self.bill}\n")

    def _markdown(self) -> str:
        lines = [_machine(), "", "| | measured | bar | | of |", "|---|---|---|---|---|"]
        for threshold in THRESHOLDS:
            value = self.values[threshold.key]
            met = "met" if threshold.met(value) else "**missed**"
            row = (
                threshold.what,
                threshold.text(value),
                threshold.limit_text,
                met,
                self.remarks.get(threshold.key, ""),
            )
            lines.append(f"| {' | '.join(row)} |")
        return "\n".join([*lines, "", *(f"- {line}" for line in self.more), ""])


def between(page: Path, text: str) -> None:
    """Put the text where the page has room for it; what people wrote around it stays."""
    page.parent.mkdir(exist_ok=True)
    before, _, rest = (page.read_text() if page.exists() else _NEW_PAGE).partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n{_END}{after}")


def counted(calls: Counter[str]) -> str:
    """Calls by kind, as people read them."""
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in sorted(calls.items()))


def _machine() -> str:
    """When and where, without naming the machine."""
    processors = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("cryptography", "requests", "aws-lambda-powertools"))
    processor = processors[0] if processors else "unknown"
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {os.cpu_count()} x {processor} ({platform.machine()}), "
        f"{memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}, {packages}. "
        f"Load of the machine at the end: {os.getloadavg()[0]:.1f}, this benchmark included."
    )
