"""The pages a person follows at night are complete: no command and no event leads to another credential."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
EVENT = re.compile(r"`(\{[^`]*\})`")
COMMAND = re.compile(r"`device-id (?:csr|store|recover|status)\b[^`]*`")
COMPLETE = re.compile(r"--secret ARN|--all")
OF_THE_SCHEDULE = "the stack's own sends `{}`"  # not to be invoked


def test_every_event_of_the_runbook_names_the_secret() -> None:
    """`{"force": true}` for a tenant's alert rotates the stack's own credential."""
    events = [json.loads(event) for event in EVENT.findall(RUNBOOK.replace(OF_THE_SCHEDULE, ""))]
    assert len(events) >= 10
    assert [event for event in events if event.get("secretId") != "ARN"] == []


def test_every_command_of_the_runbook_names_the_secret() -> None:
    """An alert may be a tenant's; whoever reads the runbook is not to find that out by what happens."""
    commands = COMMAND.findall(RUNBOOK)
    assert len(commands) >= 8
    assert [command for command in commands if not COMPLETE.search(command)] == []


@pytest.mark.parametrize("page", ["docs/fleet.md", "docs/onboarding.md"])
def test_what_refuses_to_guess_is_told_where_tenants_are(page: str) -> None:
    """Who keeps a fleet learns it from the page, not from the refusal."""
    text = " ".join((ROOT / page).read_text().split())
    assert "`--tenant NAME`, `--secret NAME-or-ARN`, or `--own`" in text
    assert "--other-subject" in text or page == "docs/fleet.md"
