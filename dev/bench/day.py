"""A day of the built function without its nights: a run for each hour, in a new container, and a rotation.

Whatever AWS would bill is counted as it happens: the calls, the metrics in the log, the log itself, the time.
`python -m dev.bench.day` writes the bill of what is built into docs/scale.md; `make bench` does so too.
"""

import json
from collections.abc import Mapping
from typing import Any

from rich.progress import track

from dev.bench.bill import Bill, Run, monthly
from dev.bench.environment import DUE, NOT_DUE, Environment, environment
from dev.bench.measuring import first
from dev.bench.report import BILL, between
from dev.built_function import Function, built_function, built_template

RUNS = 24


def bill(local: Environment, function: Function) -> Bill:
    """What a month of such days costs."""
    event = {"secretId": local.customer(NOT_DUE)}
    checks = [_run(local, function, event, "not_due") for _ in track(range(RUNS), "A day", transient=True)]
    rotation = _run(local, function, {"secretId": local.customer(DUE)}, "rotated")
    return monthly(checks, rotation, alarm_metrics(built_template()))


def alarm_metrics(template: Mapping[str, Any]) -> int:
    """How many metrics its alarms read, which is what AWS bills them by.

    Raises:
        ValueError: there is a kind of alarm whose price is another.
    """
    found = [resource for resource in template["Resources"].values() if resource["Type"].endswith("Alarm")]
    if {alarm["Type"] for alarm in found} - {"AWS::CloudWatch::Alarm"}:
        raise ValueError("an alarm of another kind has another price: put it into prices.py")
    metrics = [alarm["Properties"].get("Metrics", [{"MetricStat": {}}]) for alarm in found]
    return sum("MetricStat" in one for of_alarm in metrics for one in of_alarm)


def _run(local: Environment, function: Function, event: Mapping[str, object], outcome: str) -> Run:
    with local.calls.counted() as calls:
        spent = first(local, function, event, outcome)
    of_init = spent.init_ms / spent.both_ms
    seconds = spent.processor_ms / 1000
    return Run(calls, metrics_in(spent.log), len(spent.log.encode()), seconds * of_init, seconds * (1 - of_init))


def metrics_in(log: str) -> frozenset[str]:
    """The custom metrics that CloudWatch makes of a log: the embedded metric format."""
    documents = (json.loads(line) for line in log.splitlines() if line.startswith('{"') and '"_aws":' in line)
    return frozenset(
        metric["Name"]
        for document in documents
        for directive in document["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    )


if __name__ == "__main__":
    with environment() as here:
        between(BILL, f"{bill(here, built_function()).markdown()}\n")
