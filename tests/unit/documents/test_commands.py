"""Every `device-id` command that a page shows is one, with options it has."""

import re

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from tests.support.pages import pages, text

SHOWN = re.compile(r"(?:^|`|\$ |> )device-id ((?:[^`\n\\]|\\(?!n))+)", re.MULTILINE)


def shown(page: str) -> list[str]:
    """What stands after `device-id`, wherever one is typed."""
    return [found.partition("   #")[0].strip() for found in SHOWN.findall(text(page))]


@pytest.mark.parametrize("page", pages())
def test_what_a_page_has_people_type_is_a_command(page: str) -> None:
    """An option that was renamed is found by whoever needs it most."""
    for line in shown(page):
        command = get_command(app)
        words = line.split()
        while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
            assert words[0] in command.commands, f"{page}: device-id {line}"
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, f"{page}: device-id {line}"


def test_the_pages_show_each_command() -> None:
    """Else the test above reads nothing."""
    first = {line.split()[0] for page in pages() for line in shown(page)}
    assert first >= {"csr", "store", "status", "recover", "tenant"}
