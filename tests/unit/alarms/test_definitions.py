"""What a person sees of the alarms and the dashboard: names, words, links; and that they read what is measured."""

import re

import pytest

from certificate_rotation.adapters.metrics import DIMENSION, NAMESPACE
from tests.support.alarms.account import FUNCTION, YOUNG, written
from tests.support.alarms.alarm import WALL_CLOCK_PERIODS, Alarm
from tests.support.alarms.dashboard import metrics_shown, widgets
from tests.support.cloudformation import REGION, STACK, TEMPLATE, Stack, read_template

SEVEN_DAYS, ONE_DAY, ONE_HOUR = 604_800, 86_400, 3_600  # seconds
LONGEST_WARM_UP = 2_880  # minutes; CloudWatch API, WarmUpConfiguration
TOPIC = f"{STACK}-AlertTopic"
ROOT = TEMPLATE.parent
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


@pytest.mark.parametrize("hours", [2, 3, 24, 72])
def test_every_alarm_is_within_the_limits_of_cloudwatch(hours: int) -> None:
    """Seven days in all, and one day with periods shorter than an hour; else the deployment fails."""
    bounds = read_template()["Parameters"]["HeartbeatHours"]
    assert bounds["MinValue"] <= hours <= bounds["MaxValue"]
    for properties in Stack({"HeartbeatHours": hours}).resources("AWS::CloudWatch::Alarm").values():
        alarm, seconds = Alarm(properties), properties["Period"]
        assert seconds * alarm.periods <= (SEVEN_DAYS if seconds >= ONE_HOUR else ONE_DAY)
        assert 1 <= alarm.needed <= alarm.periods
        assert not alarm.wall_clock or seconds in WALL_CLOCK_PERIODS
        warm_up = properties.get("WarmUpConfiguration", {}).get("WarmUpPeriodDurationInMinutes", 1)
        assert 1 <= warm_up <= LONGEST_WARM_UP


def test_no_alarm_calculates_with_metrics_of_two_clocks() -> None:
    """Lambda dates an error otherwise than the function does, and tells it later: their difference rings by itself.

    Simulated with hours of the clock: 50 times in thirty days for a credential that fails around the full hour, ten
    times in a day for a fleet; with a sliding window 180 and 300 times.
    """
    assert [name for name, properties in ALARMS.items() if "Metrics" in properties] == []


def test_the_alarms_are_six_whose_cost_is_written_down() -> None:
    """0.10 USD a month for each metric an alarm reads."""
    (cost,) = re.findall(r"The six cost (\S+) USD", TEMPLATE.read_text())
    assert (len(ALARMS), cost) == (6, f"{0.1 * len(ALARMS):.2f}")


def test_alarms_read_only_what_the_function_and_its_queue_report() -> None:
    """A name with a typing mistake is an alarm that never sounds, or always does."""
    read = {Alarm(properties).metric for properties in ALARMS.values()}
    own = {metric for metric in read if metric.namespace == NAMESPACE}
    assert {metric.name for metric in own} == {"Unfinished", "DaysToExpiry", "AlertNotPublished"}
    assert all(metric.dimensions == {(DIMENSION, FUNCTION)} for metric in own)
    assert {metric for _, metric, _, _ in written(YOUNG, FUNCTION)} <= own, "AWS bills what a steady hour sends"
    assert {(m.namespace, m.name) for m in read - own} == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    }


def test_the_dashboard_shows_what_an_alarm_reads() -> None:
    """Who gets an alarm looks there next."""
    read = {Alarm(properties).metric for properties in ALARMS.values()}
    of_alarms = {(m.namespace, m.name, *pair) for m in read for pair in m.dimensions}
    assert of_alarms <= metrics_shown()


def test_the_dashboard_shows_every_alarm() -> None:
    """One of them may be unable to write."""
    (widget,) = widgets("alarm")
    assert set(widget["properties"]["alarms"]) == {f"{STACK}-{name}.Arn" for name in ALARMS}


def test_the_dashboards_query_reads_the_functions_log() -> None:
    """What failed is found by the error that was raised, what crashed by what Lambda itself writes."""
    (widget,) = widgets("log")
    query = widget["properties"]["query"]
    assert query.startswith(f"SOURCE '{STACK}-FunctionLogGroup' | ")
    assert "errorType" in query
    assert "platform.report" in query
    assert " by run | " in query, "an error with a name is in both lines, and would be listed twice"


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
