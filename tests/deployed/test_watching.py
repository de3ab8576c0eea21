"""The alarms and the dashboard as they were deployed, over metrics as the deployed function writes them.

The local AWS keeps alarms and calls them crudely; what they say in which hour is tried in tests/unit/alarms, against
AWS's rules.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from dev.inbox import Inbox
from dev.stack import Stack
from tests.support.alarms.cloudwatch import measured
from tests.support.cloudformation import read_template
from tests.support.deployed_customer import Customer

NAMESPACE = "DeviceIdCertificateRotation"


@pytest.fixture(scope="module")
def alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    """The deployed alarms by metric."""
    described = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack.name} ")["MetricAlarms"]
    return {alarm["MetricName"]: alarm for alarm in described}


def test_every_alarm_is_deployed_and_writes_to_the_topic(stack: Stack, alarms: dict[str, dict[str, Any]]) -> None:
    """All six; three read the same metric."""
    described = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack.name} ")["MetricAlarms"]
    defined = [r for r in read_template()["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(described) == len(defined) == 6
    assert alarms.keys() == {alarm["MetricName"] for alarm in described}
    assert {tuple(alarm["AlarmActions"]) for alarm in described} == {(stack.outputs["AlertTopicArn"],)}


def test_the_alarms_read_what_the_deployed_function_writes(
    customer: Customer, stack: Stack, alarms: dict[str, dict[str, Any]]
) -> None:
    """Its name is known only once it is deployed."""
    customer.onboard(age=timedelta(days=1))
    answer = stack.invoke({})
    lines = [line for line in answer.log.splitlines() if '"_aws"' in line]
    written = {metric.name: metric for line in lines for metric, _, _ in measured(line)}
    assert written.keys() == {"DaysToExpiry", "Unfinished"}
    for name in ("DaysToExpiry", "Unfinished"):
        of_alarm = frozenset((one["Name"], one["Value"]) for one in alarms[name]["Dimensions"])
        assert (alarms[name]["Namespace"], of_alarm) == (written[name].namespace, written[name].dimensions)


def test_the_dead_letter_alarm_watches_the_schedules_queue(stack: Stack, alarms: dict[str, dict[str, Any]]) -> None:
    """Another queue would stay empty for ever."""
    scheduler = stack.client("scheduler")
    (listed,) = scheduler.list_schedules()["Schedules"]
    target = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])["Target"]
    (dimension,) = alarms["ApproximateNumberOfMessagesVisible"]["Dimensions"]
    assert target["DeadLetterConfig"]["Arn"].endswith(f":{dimension['Value']}")


def test_the_dashboard_is_deployed_and_shows_this_stack(stack: Stack) -> None:
    """Its link leads to it, and it speaks of this function."""
    name = stack.outputs["DashboardLink"].rpartition("/")[2]
    body = stack.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    assert json.loads(body)["widgets"]
    assert stack.outputs["FunctionName"] in body
    assert "${" not in body


@pytest.fixture
def at_peace(stack: Stack, alarms: dict[str, dict[str, Any]]) -> Iterator[None]:
    """Put the alarm on expiry back afterwards."""
    yield
    stack.client("cloudwatch").set_alarm_state(
        AlarmName=alarms["DaysToExpiry"]["AlarmName"], StateValue="OK", StateReason="the test is over"
    )


def test_an_alarm_reaches_who_reads_the_topic(
    stack: Stack, inbox: Inbox, alarms: dict[str, dict[str, Any]], at_peace: None
) -> None:
    """The topic takes what CloudWatch publishes, and the mail says what to do."""
    alarm = alarms["DaysToExpiry"]
    inbox.read()
    stack.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[{"MetricName": "DaysToExpiry", "Dimensions": alarm["Dimensions"], "Value": alarm["Threshold"]}],
    )
    (email,) = inbox.read()
    assert email.subject.startswith("ALARM: ")
    assert "certificate or API key about to expire" in email.subject
    assert "ends in 7 days or less" in json.loads(email.body)["AlarmDescription"]
