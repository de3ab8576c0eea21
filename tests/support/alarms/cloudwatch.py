"""CloudWatch's store of metrics: what was measured, of which minute it is, and since when anybody can see it."""

import heapq
import itertools
import json
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

_STATISTICS: dict[str, Callable[["_Total"], float]] = {
    "Sum": lambda total: total.sum,
    "Minimum": lambda total: total.minimum,
    "Maximum": lambda total: total.maximum,
}


@dataclass(frozen=True)
class Metric:
    """One metric: AWS keeps what differs in any dimension apart."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, properties: Mapping[str, object], dimensions: Iterable[Mapping[str, str]]) -> "Metric":
        """As an alarm names it."""
        pairs = frozenset((one["Name"], one["Value"]) for one in dimensions)
        return cls(str(properties["Namespace"]), str(properties["MetricName"]), pairs)


@dataclass
class _Total:
    """All values of some minutes together."""

    sum: float = 0
    minimum: float = float("inf")
    maximum: float = float("-inf")

    def add(self, total: "_Total") -> None:
        self.sum += total.sum
        self.minimum = min(self.minimum, total.minimum)
        self.maximum = max(self.maximum, total.maximum)


@dataclass
class _Series:
    """One metric as far as it can be seen: a total for each minute that has any, and which minutes those are."""

    totals: dict[int, _Total] = field(default_factory=dict)
    minutes: list[int] = field(default_factory=list)


class CloudWatch:
    """What one account measured. Times are minutes since 1970, to which AWS keeps them."""

    def __init__(self) -> None:
        self._series: dict[Metric, _Series] = defaultdict(_Series)
        self._on_the_way: list[tuple[int, int, Metric, int, _Total]] = []
        self._order = itertools.count()

    def put(self, metric: Metric, value: float, at: datetime, seen: datetime, times: int = 1) -> None:
        """Store a value dated `at`, so many times; an alarm that looks before `seen` misses it."""
        arrival = (minute_of(seen), next(self._order), metric, minute_of(at), _Total(value * times, value, value))
        heapq.heappush(self._on_the_way, arrival)

    def arrive(self, now: int) -> dict[Metric, int]:
        """Let everybody see what can be seen by now; of each metric that changed, the oldest minute that did."""
        changed: dict[Metric, int] = {}
        while self._on_the_way and self._on_the_way[0][0] <= now:
            _, _, metric, minute, total = heapq.heappop(self._on_the_way)
            series = self._series[metric]
            if minute not in series.totals:
                series.totals[minute] = _Total()
                insort(series.minutes, minute)
            series.totals[minute].add(total)
            changed[metric] = min(changed.get(metric, minute), minute)
        return changed

    def statistic(self, metric: Metric, name: str, begin: int, end: int) -> float | None:
        """What was measured from minute `begin` until before `end`, as far as it can be seen; None when nothing was."""
        series = self._series[metric]
        first, last = bisect_left(series.minutes, begin), bisect_left(series.minutes, end)
        if first == last:
            return None
        together = _Total()
        for minute in series.minutes[first:last]:
            together.add(series.totals[minute])
        return _STATISTICS[name](together)


def minute_of(time: datetime) -> int:
    """The minute a moment is in, since 1970."""
    return int(time.timestamp() // 60)


def measured(line: str) -> list[tuple[Metric, float, datetime]]:
    """What CloudWatch makes of a line of the embedded metric format: each value with its metric and its time."""
    document = json.loads(line)
    at = datetime.fromtimestamp(document["_aws"]["Timestamp"] / 1000, UTC)
    return [
        (Metric(directive["Namespace"], metric["Name"], frozenset((d, document[d]) for d in dimensions)), value, at)
        for directive in document["_aws"]["CloudWatchMetrics"]
        for dimensions in directive["Dimensions"]
        for metric in directive["Metrics"]
        for value in document[metric["Name"]]
    ]
