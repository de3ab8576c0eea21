"""What a command owes to any desk: one form for programs, colours only where they are seen, a question."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli import console, tenant_commands
from cli.console import confirm
from cli.errors import UserError
from cli.main import app
from cli.tenants import Tenant
from tests.unit.test_cli_exit_codes import leaves
from tests.unit.test_cli_whose import MANY

ROOT = Path(__file__).parents[2]


def test_a_shell_completes_verbs_and_options() -> None:
    """By what the shell's own hook calls."""
    for typed, expected in (("device-id st", {"store", "status"}), ("device-id status --needs", {"--needs-attention"})):
        words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
        done = CliRunner().invoke(app, prog_name="device-id", env={"_DEVICE_ID_COMPLETE": "complete_bash", **words})
        assert set(done.stdout.split()) == expected


def test_every_verb_that_reports_has_the_same_option_for_programs() -> None:
    """Nobody looks up which spelling this one has."""
    reporting = {
        name: {option for one in command.params for option in one.opts}
        for name, command in leaves(get_command(app))
        if any("--json" in one.opts or "--output" in one.opts for one in command.params)
    }
    assert {"status", "tenant list"} <= set(reporting)
    assert [name for name, options in reporting.items() if not {"--json", "--output"} <= options] == []


def test_both_spellings_print_the_same_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short one came first, and scripts have it."""

    class One:
        """A fleet of one."""

        def all(self) -> list[Tenant]:
            """As the tenants of a stack."""
            return [Tenant("acme", paused=True)]

    monkeypatch.setattr(tenant_commands, "deployment", lambda _: MANY)
    monkeypatch.setattr(tenant_commands, "_tenants", lambda _: One())
    printed = [CliRunner().invoke(app, ["tenant", "list", *how]).stdout for how in (["--json"], ["--output", "json"])]
    assert printed[0] == printed[1]
    assert json.loads(printed[0]) == [{"name": "acme", "paused": True}]
    assert CliRunner().invoke(app, ["tenant", "list"]).stdout.startswith("acme  (paused)\n")


COLOURED = "from cli.console import done, listed, remark; done('well'); remark('so'); listed('Next', ['one'], mark='1')"


@pytest.mark.parametrize(
    ("settings", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_no_color_leaves_nothing_but_text(settings: dict[str, str], *, coloured: bool) -> None:
    """Bold and dim are rubbish in a log too. FORCE_COLOR: Rich takes the pipe for a terminal."""
    environment = {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'functions'}",
        "TERM": "xterm-256color",
        "FORCE_COLOR": "1",
        **settings,
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", COLOURED], env=environment, capture_output=True, text=True, check=True
    )
    assert ("\x1b[" in done.stdout) is coloured
    helped = [sys.executable, "-P", "-m", "cli", "--help"]
    done_too = subprocess.run(helped, env=environment, capture_output=True, text=True, check=True)
    assert ("\x1b[" in done_too.stdout) is coloured, "what typer prints by itself"
    plain = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
    assert plain == "well\nNote: so\n\nNext\n  1. one\n"


def test_what_cannot_be_undone_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the whole word counts; a script says it beforehand, or is told how."""
    confirm("It goes.", yes=True)
    with pytest.raises(UserError, match=r"there is no terminal to ask on. Give it with --yes."):
        confirm("It goes.", yes=False)
    asked: list[str] = []

    def answer(word: str) -> None:
        def typed(question: str, **_: object) -> str:
            asked.append(question)
            return word

        monkeypatch.setattr(console, "ask", typed)

    answer("yes")
    confirm("It goes.", yes=False)
    assert asked == ["It goes. Type yes to go on"]
    for word in ("", "y", "no", "YES!"):
        answer(word)
        with pytest.raises(UserError, match="Nothing was done"):
            confirm("It goes.", yes=False)
