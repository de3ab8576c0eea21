"""What `make bench` says that a month costs: reckoned from what was counted, and the same on every page."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from dev.bench.bill import HOURS, SLOWER, WAITED, Bill, Run, monthly
from dev.bench.day import alarm_metrics, metrics_in
from dev.bench.prices import ALARM, GB_SECONDS, METRIC, SECRET, SECRET_CALLS
from dev.bench.thresholds import THRESHOLDS
from tests.support.alarms.account import FUNCTION, YOUNG, written
from tests.support.cloudformation import read_template
from tests.support.pages import table, text

QUIET = Run(Counter({"GetItem": 1, "GetSecretValue": 1}), frozenset({"A", "B"}), 1_000, 0.5, 0.1)
ROTATES = replace(QUIET, calls=Counter({"GetSecretValue": 3}), metrics=frozenset({"A", "B", "C"}))


def line(bill: Bill, what: str) -> float:
    """US$ of one line for one credential."""
    (found,) = (line.first for line in bill.lines if line.what.startswith(what))
    return found


def test_a_month_is_its_hours_and_a_rotation() -> None:
    """A day with a rotation, times thirty, would have thirty of them."""
    bill = monthly([QUIET] * 24, ROTATES, 6)
    assert line(bill, "Secrets Manager, calls") == pytest.approx(SECRET_CALLS.of(HOURS + 3))
    assert line(bill, "CloudWatch, custom metrics") == pytest.approx(METRIC.of(2 + 1 / HOURS))
    assert line(bill, "CloudWatch, metrics that alarms read") == pytest.approx(ALARM.of(6))
    seconds = (HOURS + 1) * (0.5 + SLOWER * 0.1 + WAITED)
    assert line(bill, "Lambda, GB-seconds") == pytest.approx(GB_SECONDS.of(seconds / 4))


def test_a_tenant_more_has_no_metrics_and_no_alarms_of_its_own() -> None:
    """They are the stack's."""
    bill = monthly([QUIET] * 24, ROTATES, 6)
    of_the_stack = line(bill, "CloudWatch, custom") + line(bill, "CloudWatch, metrics")
    assert bill.first - bill.more == pytest.approx(of_the_stack)
    assert bill.more > SECRET.usd


def test_a_call_without_a_price_is_no_gift() -> None:
    """Left out, the bill would be too small, and nobody would see it."""
    with pytest.raises(KeyError, match="GetParameter"):
        monthly([replace(QUIET, calls=Counter({"GetParameter": 1}))], ROTATES, 6)


def test_an_alarm_is_billed_by_the_metrics_it_reads() -> None:
    """Arithmetic of two metrics is two; a composite alarm has a price of its own."""
    one = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "A"}}
    two = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"MetricStat": 1}] * 2 + [{"Expression": 1}]}}
    assert alarm_metrics({"Resources": {"one": one, "two": two}}) == 3
    with pytest.raises(ValueError, match="another price"):
        alarm_metrics({"Resources": {"one": one, "all": {"Type": "AWS::CloudWatch::CompositeAlarm"}}})


def test_the_metrics_are_read_from_the_log_as_cloudwatch_reads_it() -> None:
    """Of a log there are other lines, too."""
    directive = '{"_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": "A"}, {"Name": "B"}]}]}, "A": [1], "B": [2]}'
    assert metrics_in(f'START\n{directive}\n{{"message": "_aws"}}\nEND\n') == {"A", "B"}


def test_every_page_has_the_figures_that_were_counted() -> None:
    """`make bench` writes docs/scale.md; the others are written by hand."""
    first, more = (cell.strip("*") for cell in table("docs/scale.md", "The bill")["**together**"][1:])
    of_the_stack = sum(float(cells[1]) - float(cells[2]) for cells in _lines())
    readme = text("README.md")
    assert f"[{first} US$ a month](docs/scale.md#the-bill), or {float(first) - of_the_stack:.2f} within" in readme
    assert f"any number of tenants, {more} US$ a month each" in readme
    assert f"credential costs {first} US$ without the free tier" in text("CHANGELOG.md")


def test_what_was_counted_is_what_the_code_sends_and_the_template_has() -> None:
    """A metric more in every hour is 0.30 a month, an alarm more 0.10: then `make bench` is to be run again."""
    steady, alarms = (
        int(re.split(" at ", cells[0])[0]) for what, cells in _rows() if "every hour" in what or "alarms read" in what
    )
    assert steady == len({metric for _, metric, _, _ in written(YOUNG, FUNCTION)})
    assert alarms == alarm_metrics(read_template())


def test_the_bill_is_within_its_bars() -> None:
    """What a month may cost at most."""
    bars = {threshold.key: threshold for threshold in THRESHOLDS}
    first, more = (float(cell.strip("*")) for cell in table("docs/scale.md", "The bill")["**together**"][1:])
    assert bars["monthly_usd"].met(first)
    assert bars["tenant_monthly_usd"].met(more)


def _rows() -> list[tuple[str, list[str]]]:
    return [(what, cells) for what, cells in table("docs/scale.md", "The bill").items() if len(cells) == 3]


def _lines() -> list[list[str]]:
    return [cells for what, cells in _rows() if what not in {"US$ a month", "**together**"}]
