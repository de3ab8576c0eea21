"""The guides show the files they speak of, and name what there is."""

import re
from pathlib import Path
from typing import get_args

import pytest

from certificate_rotation.adapters.event_bus import SOURCE
from certificate_rotation.notifications.messages import DetailType
from cli.main import app

ROOT = Path(__file__).parents[2]
CONSUMERS = (ROOT / "docs/consumers.md").read_text()


def test_the_consumers_guide_shows_the_examples_as_they_are() -> None:
    """The files are run by tests; what people copy from the page must be the same."""
    shown = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```\n", CONSUMERS, re.DOTALL)
    assert [name for name, _ in shown] == ["docs/examples/consumer.py", "docs/examples/consumer.sh"]
    for name, text in shown:
        assert (ROOT / name).read_text() == text, f"{name} is not what docs/consumers.md shows"


def test_the_consumers_guide_names_the_events_that_are_sent() -> None:
    """A rule with another name never fires."""
    assert f'"{SOURCE}"' in CONSUMERS
    assert [kind for kind in get_args(DetailType) if f"`{kind}`" not in CONSUMERS] == []
    assert '"Credential Rotated"' in CONSUMERS, "as a rule's pattern has it"


def test_the_page_about_fleets_names_each_command_of_a_fleet() -> None:
    """It is what a provider types."""
    page = (ROOT / "docs/fleet.md").read_text()
    (tenant,) = app.registered_groups
    for command in tenant.typer_instance.registered_commands:  # type: ignore[union-attr]  # it has one
        name = command.name or str(command.callback.__name__)  # type: ignore[union-attr]  # as above
        assert re.search(rf"(`device-id tenant {name}\b|`{name}`)", page), name


@pytest.mark.parametrize("command", [str(command.callback.__name__) for command in app.registered_commands])  # type: ignore[union-attr]  # each has one
def test_the_guide_names_each_command(command: str) -> None:
    """It is what a newcomer types."""
    assert f"`device-id {command}`" in (ROOT / "docs/onboarding.md").read_text()


PAGES = [ROOT / name for name in ("template.yaml", "fleet/tenant.yaml", "Makefile")]


@pytest.mark.parametrize(
    "page", [*PAGES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name
)
def test_no_page_sends_an_operator_to_make(page: Path) -> None:
    """`make` read a stack's name for a variable, ran what stood behind a semicolon, and turned exit code 1 into 2."""
    assert re.findall(r"make (?:csr|store|status|recover|tenant)\b|ARGS=", page.read_text()) == []
