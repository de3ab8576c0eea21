"""The pages of this repository, taken apart: headings, links, tables, blocks."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOT_OURS = {".venv", ".aws-sam", "build", ".git", "node_modules", ".pytest_cache", ".hypothesis"}
_FENCE = re.compile(r"^ *```(\w*).*?\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def pages() -> list[str]:
    """Every Markdown file, from the root on."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(str(path) for path in found if not _NOT_OURS & set(path.parts))


@cache
def text(page: str) -> str:
    """A page as it is."""
    return (ROOT / page).read_text()


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text(page))


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of one language."""
    return [block for kind, block in _FENCE.findall(text(page)) if kind == language]


def links(page: str) -> list[str]:
    """Where the page leads to, pictures included."""
    return _LINK.findall(prose(page))


def anchors(page: str) -> set[str]:
    """What a link to this page may name after `#`, as GitHub makes it of the headings."""
    found: list[str] = []
    for heading in map(str.strip, _HEADING.findall(prose(page))):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)).lower()
        slug = words.replace(" ", "-")
        again = sum(1 for one in found if one == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", one))
        found.append(f"{slug}-{again}" if again else slug)
    return set(found)


def table(page: str, heading: str) -> dict[str, list[str]]:
    """The rows of the tables under a heading, by their first cell; of several rows with the same one, the last."""
    _, _, section = text(page).partition(f"## {heading}\n")
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    rows = [re.split(r" \| ", row) for row in re.findall(r"^\| (.+) \|$", section, re.MULTILINE)]
    return {first: rest for first, *rest in rows if first != "---"}


def named(cells: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cells)
