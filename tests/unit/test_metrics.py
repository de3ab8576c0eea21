"""What a run measures of the two halves together."""

from copy import replace
from datetime import timedelta

import pytest

from certificate_rotation.adapters.metrics import DIMENSION, NAMESPACE, finish
from certificate_rotation.domain.errors import ServiceFailure
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.report import HalfReport, Report
from tests.support.alarms.account import WRITTEN
from tests.support.alarms.cloudwatch import Metric, measured

DAY = timedelta(days=1)


def told(report: Report, capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """The values of a run's end, by name."""
    finish("function", WRITTEN, report)
    found: dict[str, list[float]] = {}
    for line in capsys.readouterr().out.splitlines():
        for metric, value, _ in measured(line):
            assert metric == Metric(NAMESPACE, metric.name, frozenset({(DIMENSION, "function")}))
            found.setdefault(metric.name, []).append(value)
    return found


def report(certificate: float | None, key: float | None, *, attempts: tuple[int, int] = (3, 5)) -> Report:
    """So many days are left of each; None where nobody knows."""
    halves = {
        half: HalfReport(Life() if left is None else Life(WRITTEN + left * DAY), None, number, None)
        for half, left, number in zip(HalfName, (certificate, key), attempts, strict=True)
    }
    return Report("arn", WRITTEN, "not_due", halves=halves)


@pytest.mark.parametrize(
    ("certificate", "key", "days"),
    [(60, None, 60), (60, 12.25, 12.25), (12.25, 60, 12.25), (60, -3, -3), (-3, 60, -3), (5, 5, 5), (None, 9, 9)],
)
def test_the_days_are_those_of_the_nearer_end(
    certificate: float | None, key: float | None, days: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verdicts stop with the first half that ends, and one alarm watches for both."""
    assert told(report(certificate, key), capsys)["DaysToExpiry"] == [days]


@pytest.mark.parametrize("found", [report(None, None), Report("arn", WRITTEN, "failed", error=ServiceFailure("503"))])
def test_where_no_end_is_known_none_is_measured(found: Report, capsys: pytest.CaptureFixture[str]) -> None:
    """A zero would ring the alarm of a credential that has ended."""
    assert "DaysToExpiry" not in told(found, capsys)


@pytest.mark.parametrize(("attempts", "least"), [((3, 5), 3), ((2, 1), 1), ((0, 5), 0), ((3, 0), 0)])
def test_the_attempts_are_those_of_the_half_that_has_fewer(
    attempts: tuple[int, int], least: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is what somebody who watches one number should hear of."""
    held = replace(report(60, 60, attempts=attempts), outcome="held")
    assert told(held, capsys)["AttemptsAvailable"] == [least]


def test_a_run_that_finds_nothing_to_do_sends_what_alarms_read_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    """That is nearly every hour, and AWS bills each metric for each hour in which it is sent."""
    assert told(report(60, 60), capsys) == {"DaysToExpiry": [60], "Unfinished": [-1]}


@pytest.mark.parametrize("error", [None, ServiceFailure("503")])
def test_a_step_of_secrets_managers_own_rotation_measures_nothing(
    error: Exception | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no sign of the schedule's life, and its failures are AWS's to repeat."""
    step = replace(report(60, 60), of_step=True, outcome="failed" if error else "staged", error=error)
    assert told(step, capsys) == {"Unfinished": [-0.5, -0.5]}
