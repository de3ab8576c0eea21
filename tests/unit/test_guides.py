"""The guides show the files they speak of, and name what there is."""

import re
from pathlib import Path
from typing import get_args

import pytest

from certificate_rotation.event_bus import SOURCE
from certificate_rotation.messages import DetailType
from tools.onboarding.cli import app

ROOT = Path(__file__).parents[2]
CONSUMERS = (ROOT / "docs/consumers.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


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


def test_the_commands_of_a_fleet_can_be_reached_by_make() -> None:
    """It is what the README tells a provider to type."""
    readme = (ROOT / "README.md").read_text()
    (tenant,) = app.registered_groups
    assert "python -m tools.onboarding tenant $(ARGS)\n" in MAKEFILE
    assert "tenant" in MAKEFILE.partition(".PHONY:")[2].partition("\n")[0].split()
    for command in tenant.typer_instance.registered_commands:  # type: ignore[union-attr]  # it has one
        name = command.name or str(command.callback.__name__)  # type: ignore[union-attr]  # as above
        assert re.search(rf"""(make tenant ARGS="{name}|`{name}`)""", readme), name


@pytest.mark.parametrize("command", [str(command.callback.__name__) for command in app.registered_commands])  # type: ignore[union-attr]  # each has one
def test_every_onboarding_command_can_be_reached_by_make(command: str) -> None:
    """It is what the guide tells a newcomer to type."""
    assert re.search(rf"^{command}: install ## \S", MAKEFILE, re.MULTILINE)
    assert f"python -m tools.onboarding {command} $(ARGS)\n" in MAKEFILE
    assert command in MAKEFILE.partition(".PHONY:")[2].partition("\n")[0].split()
    assert f"`make {command}`" in (ROOT / "docs/onboarding.md").read_text()
