"""How CloudWatch decides about the state of an alarm.

AWS, "Alarm evaluation window": every minute the alarm looks at its most recent periods, which slide with the time.
AWS, "How alarm state is evaluated when data is missing": it looks at more periods than asked for, AWS does not say how
many more. Data in them, however old, are used first; what then lacks is filled as the alarm says.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from tests.unit.alarms.cloudwatch import CloudWatch, Metric
from tests.unit.alarms.metric_math import Series, calculate

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_COMPARES = {
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}


class Alarm:
    """One alarm as the template defines it."""

    def __init__(self, properties: Mapping[str, Any], further_periods: int) -> None:
        """`further_periods`: how many periods more than asked for it looks at."""
        self.properties = properties
        self.state: State = "INSUFFICIENT_DATA"
        self.periods = int(properties["EvaluationPeriods"])
        self.needed = int(properties.get("DatapointsToAlarm", self.periods))
        self._looked_at = self.periods + further_periods
        statistics = self._statistics()
        self._read = {
            name: (Metric.of(given["Metric"], given["Metric"]["Dimensions"]), str(given["Stat"]))
            for name, given in statistics.items()
        }
        # AWS wants it to be the same for all metrics of an expression.
        (seconds,) = {int(given["Period"]) for given in statistics.values()}
        self.period = timedelta(seconds=seconds)

    def metrics(self) -> set[Metric]:
        """What it reads."""
        return {metric for metric, _ in self._read.values()}

    def _statistics(self) -> dict[str, Mapping[str, Any]]:
        """By id, what is read: metric, statistic, period. One without an expression has the empty id."""
        if "Metrics" in self.properties:
            return {one["Id"]: one["MetricStat"] for one in self.properties["Metrics"] if "MetricStat" in one}
        alone = self.properties
        return {"": {"Metric": alone, "Stat": alone["Statistic"], "Period": alone["Period"]}}

    def evaluate(self, cloudwatch: CloudWatch, now: datetime) -> None:
        """Look at the data of this minute, and change the state if they say so."""
        self.state = judge(
            self._data(cloudwatch, now),
            breaching=self._breaches,
            periods=self.periods,
            needed=self.needed,
            missing=self.properties.get("TreatMissingData", "missing"),
            state=self.state,
        )

    def _data(self, cloudwatch: CloudWatch, now: datetime) -> Series:
        """The data points, oldest first."""
        end = now.replace(second=0, microsecond=0)
        begins = [end - self.period * back for back in range(self._looked_at, 0, -1)]
        read = {
            name: [cloudwatch.statistic(metric, statistic, begin, begin + self.period, now) for begin in begins]
            for name, (metric, statistic) in self._read.items()
        }
        shown = [one["Expression"] for one in self.properties.get("Metrics", ()) if one.get("ReturnData", True)]
        return calculate(shown[0], read) if shown else read[""]

    def _breaches(self, value: float) -> bool:
        compares = _COMPARES[self.properties["ComparisonOperator"]]
        return bool(compares(value, float(self.properties["Threshold"])))


def judge(  # noqa: PLR0913 - what AWS lets one set, and what it remembers
    data: Series,
    *,
    breaching: Callable[[float], bool],
    periods: int,
    needed: int,
    missing: str,
    state: State,
) -> State:
    """The state after a look at `data`, oldest first, of which None is missing."""
    real = [breaching(value) for value in data if value is not None][-periods:]
    lacking = periods - len(real)
    if not lacking:
        return "ALARM" if sum(real) >= needed else "OK"
    match missing:
        case "breaching":
            return "ALARM" if sum(real) + lacking >= needed else "OK"
        case "notBreaching":
            return "ALARM" if sum(real) >= needed else "OK"
        case "ignore":
            if sum(real) >= needed:
                return "ALARM"
            return state if all(real) else "OK"
    raise NotImplementedError(f"TreatMissingData: {missing}")
