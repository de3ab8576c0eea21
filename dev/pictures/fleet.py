"""`fleet.svg`: what a fleet costs in a month, and how long a check of one tenant takes, from 10 tenants to 10,000."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from dev.pictures import ROOT

COSTS, TIMES = ROOT / "docs/scale.md", ROOT / "docs/performance.md"
SIZES = (10, 100, 1_000, 10_000)
_COST = re.compile(r"^\| ([\d,]+) \| ([\d,]+) \| [\d,]+ \|$", re.MULTILINE)
_EACH = re.compile(r"^\| \*\*together\*\* \|.*\| \*\*([\d.]+)\*\* \|$", re.MULTILINE)
_TIME = re.compile(r"([\d,]+): ([\d.]+) ms and ([\d,.]+) calls")
_WIDTH, _HEIGHT, _LEFT, _TOP, _PANEL_WIDTH, _PANEL_HEIGHT = 900, 330, 70, 78, 330, 190
_INK, _FAINT, _LINE = "#24292f", "#8c959f", "#0969da"


@dataclass(frozen=True)
class Panel:
    """One line over the sizes of a fleet; `height` puts a value between 0, the bottom, and 1."""

    title: str
    remark: str
    values: Mapping[int, float]
    label: Callable[[float], str]
    height: Callable[[float], float]


def draw() -> str:
    """The picture of the two pages' figures."""
    costs, times = COSTS.read_text(), TIMES.read_text()
    month = {_whole(size): float(_whole(cost)) for size, cost in _COST.findall(costs)}
    (each,) = _EACH.findall(costs)
    checks = {_whole(size): (float(ms), calls) for size, ms, calls in _TIME.findall(times)}
    (calls,) = {checks[size][1] for size in SIZES}
    most = max(ms for ms, _ in checks.values())
    panels = (
        Panel(
            "US$ in a month",
            f"{each} for each tenant; 0.40 of it is the secret",
            {size: month[size] for size in SIZES},
            lambda cost: f"{cost:,.0f}",
            lambda cost: math.log10(cost) / 4,
        ),
        Panel(
            "Processor's time of one check, in ms",
            f"{calls} calls to AWS, whatever the size of the fleet",
            {size: checks[size][0] for size in SIZES},
            lambda ms: f"{ms:.1f}",
            lambda ms: ms / most / 1.4,
        ),
    )
    drawn = "".join(_panel(panel, _LEFT + number * (_PANEL_WIDTH + 100)) for number, panel in enumerate(panels))
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" xmlns="http://www.w3.org/2000/svg" '
        'font-family="sans-serif" font-size="14">\n'
        "<title>A fleet from 10 tenants to 10,000</title>\n"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#ffffff"/>\n{drawn}</svg>\n'
    )


def _panel(panel: Panel, left: float) -> str:
    bottom = _TOP + _PANEL_HEIGHT
    places = {size: left + 20 + number * (_PANEL_WIDTH - 40) / 3 for number, size in enumerate(panel.values)}
    points = [
        (places[size], bottom - panel.height(value) * _PANEL_HEIGHT, value) for size, value in panel.values.items()
    ]
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y, _ in points)
    marks = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{_LINE}"/>\n' + _text(x, y - 12, panel.label(value), bold=True)
        for x, y, value in points
    )
    sizes = "".join(_text(x, bottom + 22, f"{size:,}", ink=_FAINT) for size, x in places.items())
    return (
        _text(left, 34, panel.title, bold=True, anchor="start")
        + _text(left, 54, panel.remark, ink=_FAINT, anchor="start")
        + f'<path d="M{left} {bottom}h{_PANEL_WIDTH}" stroke="{_FAINT}" fill="none"/>\n'
        + f'<polyline points="{line}" stroke="{_LINE}" stroke-width="2" fill="none"/>\n'
        + marks
        + sizes
        + _text(left + _PANEL_WIDTH / 2, bottom + 44, "tenants", ink=_FAINT)
    )


def _text(  # noqa: PLR0913 - SVG's own attributes
    x: float, y: float, text: str, *, ink: str = _INK, anchor: str = "middle", bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{ink}" text-anchor="{anchor}"{weight}>{escape(text)}</text>\n'


def _whole(text: str) -> int:
    return int(text.replace(",", ""))
