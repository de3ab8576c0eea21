"""How CloudWatch decides about the state of an alarm.

AWS, "Alarm evaluation window": a sliding window ends at the minute the alarm looks. A wall clock window holds whole
hours or days, and only those that are over. An alarm looks once a minute, and once an hour where its window is longer
than a day.

AWS, "How alarm state is evaluated when data is missing": a sliding window looks at more periods than asked for, AWS
does not say how many more. Data in them, however old, are used first; what then lacks is filled as the alarm says.

AWS, "Alarm warm-up periods": until the time is over, or every period of the window has data, nothing is decided.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from tests.support.alarms.cloudwatch import CloudWatch, Metric

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
type Series = Sequence[float | None]

DAY, HOUR = 24 * 60, 60  # minutes
_COMPARES = {
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}
WALL_CLOCK_PERIODS = {60, 300, 3600, 86400, 604800}  # seconds; AWS, CloudFormation, WallClockWindow


class Alarm:
    """One alarm as the template defines it. Times are minutes since 1970."""

    def __init__(
        self, properties: Mapping[str, Any], *, further_periods: int = 0, made_at: int = 0, looks_at: int = 0
    ) -> None:
        """What AWS leaves open: `further_periods` a sliding window looks at; `looks_at`, the minute of the hour."""
        self.properties = properties
        self.state: State = "INSUFFICIENT_DATA"
        self.metric = Metric.of(properties, properties["Dimensions"])
        self.periods = int(properties["EvaluationPeriods"])
        self.needed = int(properties.get("DatapointsToAlarm", self.periods))
        self.period = int(properties["Period"]) // 60
        self.window = self.period * self.periods
        self.wall_clock = "WallClockWindow" in properties.get("EvaluationWindow", {})
        self._looked_at = self.periods + (0 if self.wall_clock else further_periods)
        warm_up = properties.get("WarmUpConfiguration")
        self._warm_until = made_at + int(warm_up["WarmUpPeriodDurationInMinutes"]) if warm_up else 0
        self._minute = looks_at
        self._looked: int | None = None  # where the window ended when it last looked
        self._stale, self._blank = True, False  # whether to look again, and whether it last saw nothing at all

    def look(self, cloudwatch: CloudWatch, now: int, changed: Mapping[Metric, int]) -> bool:
        """Look at the data of this minute if they can have changed; whether the state did, which is when it tells."""
        end = now // self.period * self.period if self.wall_clock else now
        if changed.get(self.metric, end) < end or (end != self._looked and not (self._blank and not self.wall_clock)):
            self._stale = True
        if not self._stale or (self.window > DAY and now % HOUR != self._minute):
            return False
        self._stale, self._looked = False, end
        data = self._data(cloudwatch, end)
        self._blank = not any(value is not None for value in data)
        if now < self._warm_until:
            if None in data[-self.periods :]:
                self._stale = True
                return False
            self._warm_until = 0
        before, self.state = self.state, self._judge(data)
        return self.state != before

    def _data(self, cloudwatch: CloudWatch, end: int) -> Series:
        """The data points, oldest first."""
        begins = (end - self.period * back for back in range(self._looked_at, 0, -1))
        statistic = self.properties["Statistic"]
        return [cloudwatch.statistic(self.metric, statistic, begin, begin + self.period) for begin in begins]

    def _judge(self, data: Series) -> State:
        return judge(
            data,
            breaching=self._breaches,
            periods=self.periods,
            needed=self.needed,
            missing=self.properties.get("TreatMissingData", "missing"),
            state=self.state,
        )

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
