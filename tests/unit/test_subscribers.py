"""Who subscribes as docs/onboarding.md says hears of every alarm: filters and event rule, as AWS evaluates them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloudformation import STACK, Stack

GUIDE = (Path(__file__).parents[2] / "docs/onboarding.md").read_text()
ALARMS = [properties["AlarmName"] for properties in Stack().resources("AWS::CloudWatch::Alarm").values()]
ALERT = {"severity": "CRITICAL", "code": "Unauthorized", "secret": "arn"}


def passes(policy: dict[str, list[Any]], attributes: dict[str, str]) -> bool:
    """Whether SNS delivers a message with these attributes.

    AWS, SNS, "Subscription filter policies": each name of the policy must be among the attributes, and one of its
    values match. "Key matching": `{"exists": false}` matches where the name is missing, "only if at least one attribute
    is present".
    """
    return bool(attributes) and all(
        attributes.get(name) in values or {"exists": name in attributes} in values for name, values in policy.items()
    )


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether an EventBridge rule takes an event. AWS, EventBridge, "Event patterns": lists of values, prefix, $or."""
    for name, wanted in pattern.items():
        if name == "$or":
            found = any(matches(one, event) for one in wanted)
        elif isinstance(wanted, dict):
            found = matches(wanted, event.get(name, {}))
        else:
            given = event.get(name)
            prefixes = [one["prefix"] for one in wanted if isinstance(one, dict)]
            found = given in wanted or any(str(given).startswith(prefix) for prefix in prefixes)
        if not found:
            return False
    return True


@pytest.mark.parametrize("severities", [["CRITICAL"], ["CRITICAL", {"exists": False}]])
def test_no_filter_lets_an_alarm_through(severities: list[Any]) -> None:
    """CloudWatch's messages carry no attributes: a pager with any filter hears of no schedule that stopped."""
    policy = {"severity": severities}
    assert passes(policy, ALERT)
    assert not passes(policy, ALERT | {"severity": "INFO"})
    assert not passes(policy, {})
    assert passes({"severity": [{"exists": False}]}, {"code": "another program's"}), "what that operator is for"


def test_nobody_is_told_to_subscribe_a_pager_with_a_filter() -> None:
    """The README once did."""
    assert "Leave a pager's subscription unfiltered" in GUIDE
    assert re.findall(r"^aws sns subscribe .*\n.*FilterPolicy", GUIDE, flags=re.MULTILINE) == []


@pytest.fixture
def rule() -> dict[str, Any]:
    """The guide's pattern for who wants what is urgent, alarms included."""
    (block,) = (b for b in re.findall(r"```json\n(.+?)```", GUIDE, flags=re.DOTALL) if '"$or"' in b)
    pattern: dict[str, Any] = json.loads(block)
    return pattern


@pytest.mark.parametrize("alarm", ALARMS)
def test_the_rule_takes_every_alarm_when_it_rings(rule: dict[str, Any], alarm: str) -> None:
    """AWS, CloudWatch, "Alarm events and EventBridge": sent whenever the state changes, and delivery is guaranteed."""
    event = {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change"}
    detail = {"alarmName": alarm, "state": {"value": "ALARM"}}
    assert matches(rule, event | {"detail": detail})
    assert not matches(rule, event | {"detail": detail | {"state": {"value": "OK"}}})
    assert not matches(rule, event | {"detail": detail | {"alarmName": f"another {alarm.removeprefix(STACK)}"}})


@pytest.mark.parametrize(("severity", "taken"), [("CRITICAL", True), ("WARNING", False), ("INFO", False)])
def test_the_rule_takes_what_is_critical_of_the_functions_own_events(
    rule: dict[str, Any], severity: str, taken: object
) -> None:
    """The severity is in the event as it is in the mail."""
    event = {"source": "device-id-certificate-rotation", "detail": {"severity": severity}}
    assert matches(rule, event) == taken


def test_the_only_mailbox_is_never_brought_back_by_a_deployment() -> None:
    """CloudFormation restores no subscription, so guide and runbook say how to subscribe and to confirm for good."""
    runbook = (Path(__file__).parents[2] / "docs/runbook.md").read_text()
    for text in (GUIDE, runbook):
        assert "aws sns subscribe --topic-arn" in text
        assert re.search(
            r"aws sns confirm-subscription --topic-arn \S+ --authenticate-on-unsubscribe true --token", text
        )
