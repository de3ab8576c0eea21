"""What a terminal showed, as SVG, and the words of such an SVG again."""

import html
import io
import re
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

WIDTH = 108  # columns

# Rich's own format asks the reader's browser to download a font. This one takes the reader's.
_FORMAT = """\
<svg class="rich-terminal" role="img" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
    font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
_TEXT = re.compile(r'<text class="[^"]*-r\d+"[^>]*? y="([\d.]+)"[^>]*>([^<]*)</text>')


def picture(lines: Iterable[Text], title: str) -> str:
    """A terminal of that title with these lines, the longer ones wrapped."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False, emoji=False)
    for line in lines:
        console.print(line)
    return "\n".join(one.rstrip() for one in console.export_svg(title=title, code_format=_FORMAT).splitlines()) + "\n"


def words(svg: str) -> list[str]:
    """The lines of a `picture`, as they are wrapped."""
    rows: dict[float, str] = {}
    for y, text in _TEXT.findall(svg):
        rows[float(y)] = rows.get(float(y), "") + html.unescape(text).replace("\N{NO-BREAK SPACE}", " ")
    return [rows[y].strip() for y in sorted(rows)]
