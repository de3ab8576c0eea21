"""The stand-in for CloudWatch decides as AWS documents it; what it does not know it refuses."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.alarms.account import BEGIN, DAY, HOUR, MINUTE, ours
from tests.support.alarms.alarm import Alarm, State, judge
from tests.support.alarms.cloudwatch import CloudWatch, minute_of

RETAINED: State = "INSUFFICIENT_DATA"
METRIC = ours("Measured")
SLIDING: dict[str, Any] = {
    "Namespace": METRIC.namespace,
    "MetricName": METRIC.name,
    "Dimensions": [{"Name": name, "Value": value} for name, value in METRIC.dimensions],
    "Statistic": "Sum",
    "Period": 3600,
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}
WALL_CLOCK = SLIDING | {"EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}}}


def breaching(value: float) -> bool:
    """X in AWS's tables."""
    return bool(value)


# AWS, "Using CloudWatch alarms", the two tables of how missing data are evaluated: three periods are asked for and five
# looked at, oldest first; then what comes of ignore, breaching and notBreaching.
TABLES: list[tuple[int, str, State, State, State]] = [
    (3, "0-X-X", "OK", "OK", "OK"),
    (3, "0----", "OK", "OK", "OK"),
    (3, "-----", RETAINED, "ALARM", "OK"),
    (3, "0XX-X", "ALARM", "ALARM", "ALARM"),
    (3, "----X", RETAINED, "ALARM", "OK"),
    (3, "X----", RETAINED, "ALARM", "OK"),
    (2, "0-X-X", "ALARM", "ALARM", "ALARM"),
    (2, "00X0X", "ALARM", "ALARM", "ALARM"),
    (2, "0-X--", "OK", "ALARM", "OK"),
    (2, "----0", "OK", "ALARM", "OK"),
    (2, "----X", RETAINED, "ALARM", "OK"),
]


@pytest.mark.parametrize(("needed", "data", "ignore", "breach", "fine"), TABLES)
def test_missing_data_are_treated_as_in_the_tables_of_aws(
    needed: int, data: str, ignore: State, breach: State, fine: State
) -> None:
    """An evaluator that is kinder than CloudWatch proves nothing."""
    points = [None if point == "-" else float(point == "X") for point in data]
    for missing, expected in [("ignore", ignore), ("breaching", breach), ("notBreaching", fine)]:
        state = judge(points, breaching=breaching, periods=3, needed=needed, missing=missing, state=RETAINED)
        assert (missing, state) == (missing, expected)


def test_an_unknown_treatment_is_refused() -> None:
    """A template that begins to use it needs an evaluator that knows it."""
    with pytest.raises(NotImplementedError, match="missing"):
        judge([None], breaching=breaching, periods=1, needed=1, missing="missing", state="OK")


def changes(
    properties: dict[str, Any], values: dict[timedelta, float], until: timedelta, **alarm: int
) -> list[tuple[State, timedelta]]:
    """What an alarm that was just made becomes, and when; each value is seen two minutes after its time."""
    watched, cloudwatch = Alarm(properties, made_at=minute_of(BEGIN), **alarm), CloudWatch()
    for after, value in values.items():
        cloudwatch.put(METRIC, value, BEGIN + after, seen=BEGIN + after + 2 * MINUTE)
    changed, now = [], BEGIN
    while now < BEGIN + until:
        now += MINUTE
        if watched.look(cloudwatch, minute_of(now), cloudwatch.arrive(minute_of(now))):
            changed.append((watched.state, now - BEGIN))
    return changed


def at(hours: float) -> timedelta:
    """So long after the alarm was made, at midnight."""
    return timedelta(hours=hours)


def test_a_sliding_window_ends_at_the_minute_it_looks() -> None:
    """It sees a value as soon as it can be seen, until its hour has passed; longer where CloudWatch looks further."""
    value = {at(1.5): 1.0}
    assert changes(SLIDING, value, at(6)) == [("OK", MINUTE), ("ALARM", at(1.5) + 2 * MINUTE), ("OK", at(2.5) + MINUTE)]
    further = changes(SLIDING, value, at(6), further_periods=2)
    assert further == [("OK", MINUTE), ("ALARM", at(1.5) + 2 * MINUTE), ("OK", at(4.5) + MINUTE)]


@pytest.mark.parametrize("further", [0, 3])
def test_a_wall_clock_window_holds_whole_hours_that_are_over_and_no_more(further: int) -> None:
    """AWS: "evaluates complete, calendar-aligned periods"; later than a sliding one, and always at the same minute."""
    told = changes(WALL_CLOCK, {at(1.5): 1.0}, at(6), further_periods=further)
    assert told == [("OK", MINUTE), ("ALARM", at(2)), ("OK", at(3))]


def test_what_is_seen_late_changes_an_hour_that_is_over() -> None:
    """A line that was written in the last minute of an hour is not there yet when the hour is looked at first."""
    told = changes(WALL_CLOCK, {at(2) - MINUTE: 1.0}, at(4))
    assert told == [("OK", MINUTE), ("ALARM", at(2) + MINUTE), ("OK", at(3))]


@pytest.mark.parametrize("minute", [0, 25])
def test_a_window_longer_than_a_day_is_looked_at_once_an_hour(minute: int) -> None:
    """AWS does not say at which minute."""
    long = WALL_CLOCK | {"EvaluationPeriods": 25}
    told = changes(long, {at(1.5): 1.0}, 2 * DAY, looks_at=minute)
    first = timedelta(minutes=minute) or HOUR
    assert told[0] == ("OK", first)
    assert changes(long | {"DatapointsToAlarm": 1}, {at(1.5): 1.0}, at(4), looks_at=minute)[1] == (
        "ALARM",
        at(2) + timedelta(minutes=minute),
    )


def test_a_warm_up_ends_when_the_window_is_full_or_its_time_is_over() -> None:
    """Until then nothing is told."""
    warm = WALL_CLOCK | {
        "EvaluationPeriods": 2,
        "TreatMissingData": "breaching",
        "WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 600},
    }
    assert changes(warm, {}, at(12)) == [("ALARM", at(10))]
    assert changes(warm, {at(1.5): 0, at(3.5): 0}, at(12)) == [("ALARM", at(10))]
    assert changes(warm, {at(1.5): 0, at(2.5): 0}, at(3.5)) == [("OK", at(3))]


def test_values_are_added_up_by_the_minute_they_bear() -> None:
    """However many, and in whatever order they arrive."""
    cloudwatch, begin = CloudWatch(), minute_of(BEGIN)
    for minute, value, seen in [(5, 2.0, 9), (3, -1.0, 7), (5, 4.0, 6), (9, 8.0, 9)]:
        cloudwatch.put(METRIC, value, later(minute), seen=later(seen), times=2)
    assert cloudwatch.arrive(begin + 8) == {METRIC: begin + 3}
    assert cloudwatch.statistic(METRIC, "Sum", begin, begin + 9) == 6
    assert cloudwatch.arrive(begin + 9) == {METRIC: begin + 5}
    found = {name: cloudwatch.statistic(METRIC, name, begin, begin + 9) for name in ("Sum", "Minimum", "Maximum")}
    assert found == {"Sum": 10, "Minimum": -1, "Maximum": 4}
    assert cloudwatch.statistic(METRIC, "Sum", begin + 6, begin + 9) is None


def later(minutes: int) -> datetime:
    """So many minutes after the begin."""
    return BEGIN + timedelta(minutes=minutes)
