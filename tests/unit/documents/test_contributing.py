"""CONTRIBUTING.md sends people to files that are there."""

import pytest

from tests.support.pages import ROOT, named, table

FUNCTION = ROOT / "functions/certificate_rotation"
CHANGES = table("CONTRIBUTING.md", "Where a change goes")
CHANGES.pop("to change")


def paths(cells: list[str]) -> list[str]:
    """What of the cells is a path, not a command or a name."""
    return [one for one in named(" ".join(cells)) if ("/" in one or one.endswith((".py", ".yaml"))) and " " not in one]


@pytest.mark.parametrize("change", CHANGES)
def test_where_a_change_goes_is_there(change: str) -> None:
    """A table of files that moved is worse than none."""
    assert paths(CHANGES[change]) != []
    for path in paths(CHANGES[change]):
        assert list(ROOT.glob(path)) + list(FUNCTION.glob(path)) != [], path


def test_every_module_of_the_function_that_decides_something_has_a_change_to_go_with_it() -> None:
    """Somebody who never saw the code finds, from the tree and this table, where to change."""
    told = {path for cells in CHANGES.values() for path in paths(cells)}
    assert {
        str(path.relative_to(FUNCTION))
        for folder in ("domain", "adapters", "notifications", "halves")
        for path in (FUNCTION / folder).glob("*.py")
    } - told <= PLUMBING


# Values, names and wiring, which the change of something else leads to.
PLUMBING = {
    *(f"{folder}/__init__.py" for folder in ("domain", "adapters", "notifications", "halves")),
    *(f"domain/{name}.py" for name in ("invocation", "key_pair", "report", "times", "verdict")),
    *(f"adapters/{name}.py" for name in ("alert_topic", "aws", "secret_store")),
}


@pytest.mark.parametrize("place", table("CONTRIBUTING.md", "Layout"))
def test_the_layout_is_the_tree(place: str) -> None:
    """As `ls` shows it."""
    for path in named(place):
        assert (ROOT / path).exists(), path
