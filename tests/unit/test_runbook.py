"""docs/runbook.md has an answer to everything that can arrive by email."""

import json
import re
from pathlib import Path

import pytest

from certificate_rotation.events import command_from
from tests.support.alarms.promises import PROMISES, Promise
from tests.support.cloudformation import ACCOUNT, REGION, Stack
from tests.support.contract import ERRORS

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
ALARMS = Stack().resources("AWS::CloudWatch::Alarm")
PARTS = ["Meaning", "Urgency", "Steps", "Over when"]
HELP, KEY = "If alarms do not arrive", "A key of your own"


def sections() -> dict[str, str]:
    """What stands under each heading of the third level."""
    pieces = re.split(r"^### (.+)$", RUNBOOK, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_every_alarm_and_every_error_has_an_entry() -> None:
    """And no entry is left of one that is gone."""
    assert sections().keys() - {HELP, KEY, "Any other code"} == ALARMS.keys() | ERRORS


@pytest.mark.parametrize("name", sorted(sections().keys() - {HELP, KEY}))
def test_every_entry_says_what_how_urgent_what_to_do_and_when_it_is_over(name: str) -> None:
    """In this order: who reads it at night does not search."""
    entry = sections()[name]
    assert re.findall(r"^\*\*(.+?)\.\*\*", entry, flags=re.MULTILINE) == PARTS
    assert re.search(r"^1\. ", entry, flags=re.MULTILINE)
    assert re.search(r"\*\*Urgency\.\*\* (Now|Today|This week|Watch)\b", entry)


def test_every_event_the_runbook_suggests_is_understood() -> None:
    """A suggestion that fails helps nobody."""
    suggested = set(re.findall(r"`(\{[^`]*\})`", RUNBOOK))
    assert len(suggested) >= 4
    for event in suggested:
        command_from(json.loads(event))


def test_every_parameter_and_link_the_runbook_names_exists() -> None:
    """Names change."""
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", RUNBOOK))
    stack = Stack()
    known = {*stack.template["Parameters"], *stack.template["Resources"], *ERRORS}
    aws = {name for name in named if name.endswith(("Exception", "Error", "Denied")) or name.startswith("AWS")}
    aws |= {"NotFound", "FilterPolicy", "Token"}
    assert named - known - aws == set()
    anchors = {heading.lower().replace(" ", "-") for heading in sections()}
    assert set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK)) <= anchors


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.words)
def test_what_it_says_of_time_is_what_the_simulation_of_the_alarms_holds(promise: Promise) -> None:
    """A promise that no test keeps is a guess."""
    assert promise.words in " ".join(sections()[promise.alarm].split())


def test_the_statements_for_a_key_of_your_own_let_cloudwatch_publish_and_its_log_encrypt() -> None:
    """AWS, SNS, "Enable compatibility between event sources from AWS services and encrypted topics".

    And CloudWatch Logs, "Encrypt log data using KMS": without the second one the stack cannot be made.
    """
    (block,) = re.findall(r"```json\n(.+?)```", sections()[KEY], flags=re.DOTALL)
    alarms, log = json.loads(block)
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert log["Principal"] == {"Service": f"logs.{REGION}.amazonaws.com"}
    assert {action.rstrip("*") for action in log["Action"]} == {
        *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt", "kms:GenerateDataKey", "kms:Describe")
    }
    (group,) = Stack().resources("AWS::Logs::LogGroup").values()
    (arn,) = log["Condition"]["ArnEquals"].values()
    assert arn == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group['LogGroupName']}"
