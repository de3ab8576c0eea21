"""The stand-in for CloudWatch decides as AWS documents it; what it does not know it refuses."""

from typing import Any

import pytest

from tests.unit.alarms.alarm import State, judge
from tests.unit.alarms.metric_math import calculate

RETAINED: State = "INSUFFICIENT_DATA"


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


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("errors", [1, None, None]),
        ("errors - failed", [1, -1, None]),
        ("errors - FILL(failed, 0)", [1, -1, 0]),
        ("FILL(nothing, 0)", [None, None, None]),
    ],
)
def test_what_is_missing_in_an_expression_counts_as_zero(expression: str, expected: list[Any]) -> None:
    """A run that crashed says nothing of its own, and must not make Lambda's count disappear."""
    series: dict[str, list[float | None]] = {
        "errors": [1, None, None],
        "failed": [None, 1, None],
        "nothing": [None, None, None],
    }
    assert calculate(expression, series) == expected


@pytest.mark.parametrize("expression", ["MAX(errors)", "errors / 2", "RATE(errors)", "errors if errors else 0"])
def test_metric_math_that_is_not_known_is_refused(expression: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(NotImplementedError):
        calculate(expression, {"errors": [1.0]})
