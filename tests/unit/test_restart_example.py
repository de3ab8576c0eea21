"""docs/examples/restart: the rule takes the event that is sent, and the function restarts one service and no other."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from certificate_rotation.adapters.event_bus import SOURCE
from dev import render_alert_docs
from docs.examples.restart.restart import NotSetError, handler
from tests.support.cloudformation import read_template
from tests.support.pages import ROOT, blocks

TEMPLATE = ROOT / "docs/examples/restart/template.yaml"
SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/sensors/pusher"


@pytest.fixture
def template() -> dict[str, Any]:
    """As people deploy it."""
    return read_template(TEMPLATE)


@pytest.fixture
def function(template: dict[str, Any]) -> dict[str, Any]:
    """The function's properties."""
    properties: dict[str, Any] = template["Resources"]["Restart"]["Properties"]
    return properties


def events() -> list[dict[str, Any]]:
    """Every event that is shown in docs/alerts.md, as the bus carries it."""
    news = [*render_alert_docs.news(), *render_alert_docs.news_of_the_key(), *render_alert_docs.failures()]
    return [{"source": SOURCE, "detail-type": one.detail_type, "detail": json.loads(one.detail)} for one in news]


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """AWS, EventBridge: each key of the pattern is in the event, with one of its values."""
    return all(
        matches(wanted, event[key]) if isinstance(wanted, dict) else event.get(key) in wanted
        for key, wanted in pattern.items()
    )


def test_the_rule_takes_each_rotation_of_its_secret_and_nothing_else(function: dict[str, Any]) -> None:
    """A rule with another name never fires, and a restart after a failure helps nobody."""
    pattern = function["Events"]["Rotated"]["Properties"]["Pattern"]
    assert pattern["detail"] == {"secretArn": [{"Ref": "SecretArn"}]}
    pattern["detail"]["secretArn"] = [render_alert_docs.ARN]
    taken = [event for event in events() if matches(pattern, event)]
    assert {event["detail"]["code"] for event in taken} == {"rotated"}
    assert {event["detail"]["renews"] for event in taken} == {"certificate", "apiKey"}
    pattern["detail"]["secretArn"] = ["another"]
    assert not any(matches(pattern, event) for event in events())


def test_it_restarts_the_service_it_was_told(monkeypatch: pytest.MonkeyPatch, function: dict[str, Any]) -> None:
    """Both settings come from the template, and ECS takes what it is asked."""
    assert function["Environment"]["Variables"] == {"CLUSTER": {"Ref": "Cluster"}, "SERVICE": {"Ref": "Service"}}
    assert function["Handler"] == "restart.handler"
    monkeypatch.setenv("CLUSTER", "sensors")
    monkeypatch.setenv("SERVICE", "pusher")
    ecs = boto3.client("ecs", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106 - none
    asked = {"cluster": "sensors", "service": "pusher", "forceNewDeployment": True}
    with Stubber(ecs) as stubber:
        stubber.add_response("update_service", {"service": {"serviceArn": SERVICE}}, asked)
        event = next(event for event in events() if event["detail"]["code"] == "rotated")
        assert handler(event, None, ecs) == {"restarted": SERVICE, "because": event["detail"]["subject"]}
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("missing", ["CLUSTER", "SERVICE"])
def test_a_setting_that_is_missing_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Lambda shows the message to whoever tries the function."""
    monkeypatch.setenv("CLUSTER", "sensors")
    monkeypatch.setenv("SERVICE", "pusher")
    monkeypatch.delenv(missing)
    with pytest.raises(NotSetError, match=f"^{missing} is not set. Set it to the {missing.lower()} that"):
        handler(events()[0], None)


def test_its_role_may_restart_that_service_and_do_nothing_else(function: dict[str, Any]) -> None:
    """It needs no secret, and no other service."""
    ((statement,),) = (policy["Statement"] for policy in function["Policies"])
    assert statement["Action"] == "ecs:UpdateService"
    assert statement["Resource"]["Fn::Sub"].endswith(":service/${Cluster}/${Service}")


def test_the_guide_deploys_it_with_each_of_its_parameters(template: dict[str, Any]) -> None:
    """None has a default."""
    (command,) = (block for block in blocks("docs/consumers.md", "sh") if "sam deploy" in block)
    assert "--template-file docs/examples/restart/template.yaml" in command
    given = {word.partition("=")[0] for word in command.split() if "=" in word}
    assert given == set(template["Parameters"])
