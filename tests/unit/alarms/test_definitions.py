"""What a person sees of the alarms and the dashboard: names, words, links; and that they read what is measured."""

import re

import pytest

from certificate_rotation.metrics import DIMENSION, NAMESPACE
from tests.cloudformation import ACCOUNT, REGION, STACK, TEMPLATE, Stack, read_template
from tests.unit.alarms.account import FUNCTION
from tests.unit.alarms.alarm import Alarm
from tests.unit.alarms.dashboard import metrics_shown, widgets

SEVEN_DAYS, ONE_DAY, ONE_HOUR = 604_800, 86_400, 3_600  # seconds
TOPIC = f"{STACK}-AlertTopic"
ALARMS = Stack().resources("AWS::CloudWatch::Alarm")


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_writes_to_the_topic(name: str) -> None:
    """An alarm nobody is told of is a coloured dot."""
    assert ALARMS[name]["AlarmActions"] == [TOPIC]
    assert ALARMS[name].get("OKActions", [TOPIC]) == [TOPIC]
    assert "InsufficientDataActions" not in ALARMS[name]


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_says_what_it_means_and_what_to_do(name: str) -> None:
    """Its email has little more than the name and the description; AWS allows it 1024 characters, and 255 the name."""
    given = ALARMS[name]
    assert given["AlarmName"].startswith(f"{STACK} ")
    assert given["AlarmName"].isascii()
    assert len(given["AlarmName"]) <= 100
    assert 200 < len(given["AlarmDescription"]) <= 1024
    assert given["AlarmDescription"].endswith(f"Steps: docs/runbook.md, {name}.")


@pytest.mark.parametrize("hours", [2, 3, 24, 168])
def test_every_alarm_is_within_the_limits_of_cloudwatch(hours: int) -> None:
    """Seven days in all, and one day with periods shorter than an hour; else the deployment fails."""
    bounds = read_template()["Parameters"]["HeartbeatHours"]
    assert bounds["MinValue"] <= hours <= bounds["MaxValue"]
    for properties in Stack({"HeartbeatHours": hours}).resources("AWS::CloudWatch::Alarm").values():
        alarm = Alarm(properties, 0)
        seconds = alarm.period.total_seconds()
        assert seconds * alarm.periods <= (SEVEN_DAYS if seconds >= ONE_HOUR else ONE_DAY)
        assert 1 <= alarm.needed <= alarm.periods


def test_the_alarms_are_five_whose_cost_is_written_down() -> None:
    """0.10 USD a month for each metric an alarm reads."""
    read = sum(len(Alarm(properties, 0).metrics()) for properties in ALARMS.values())
    (cost,) = re.findall(r"The five cost (\S+) USD", TEMPLATE.read_text())
    assert (len(ALARMS), read, cost) == (5, 6, "0.60")


def test_alarms_read_only_what_the_function_and_its_queue_report() -> None:
    """A name with a typing mistake is an alarm that never sounds, or always does."""
    read = {metric for properties in ALARMS.values() for metric in Alarm(properties, 0).metrics()}
    own = {metric for metric in read if metric.namespace == NAMESPACE}
    assert {metric.name for metric in own} == {"RunCompleted", "Failed", "DaysToExpiry", "AlertNotPublished"}
    assert all(metric.dimensions == {(DIMENSION, FUNCTION)} for metric in own)
    assert {(m.namespace, m.name) for m in read - own} == {
        ("AWS/Lambda", "Errors"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    }


def test_the_dashboard_shows_what_an_alarm_reads() -> None:
    """Who gets an alarm looks there next."""
    read = {metric for properties in ALARMS.values() for metric in Alarm(properties, 0).metrics()}
    of_alarms = {(m.namespace, m.name, *pair) for m in read for pair in m.dimensions}
    assert of_alarms <= metrics_shown()


def test_the_dashboard_shows_every_alarm() -> None:
    """One of them may be unable to write."""
    (widget,) = widgets("alarm")
    # The local AWS has no RunCrashedAlarm, so no reference to it could be resolved there: it is shown by its name.
    by_name = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{ALARMS['RunCrashedAlarm']['AlarmName']}"
    by_reference = {f"{STACK}-{name}.Arn" for name in ALARMS if name != "RunCrashedAlarm"}
    assert set(widget["properties"]["alarms"]) == {by_name} | by_reference


def test_the_dashboards_query_reads_the_functions_log() -> None:
    """What failed is found by the error that was raised, what crashed by what Lambda itself writes."""
    (widget,) = widgets("log")
    query = widget["properties"]["query"]
    assert query.startswith(f"SOURCE '{STACK}-FunctionLogGroup' | ")
    assert "errorType" in query
    assert "platform.report" in query


def test_no_two_parts_of_the_dashboard_overlap() -> None:
    """CloudWatch would move them about."""
    cells = [
        (x, y)
        for widget in widgets()
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_dashboards_name_is_unique_in_the_account() -> None:
    """AWS keeps dashboards of all regions together: the same stack in two regions must not overwrite one."""
    (properties,) = Stack().resources("AWS::CloudWatch::Dashboard").values()
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", properties["DashboardName"])
    assert {STACK, REGION} == {part for part in (STACK, REGION) if part in properties["DashboardName"]}
