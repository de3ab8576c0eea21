"""CloudWatch's store of metrics: what was measured, when it is dated, and since when anybody can see it."""

import json
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_STATISTICS: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Minimum": min, "Maximum": max}


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


@dataclass(frozen=True)
class Point:
    """One value; AWS keeps its time to the minute."""

    at: datetime
    value: float
    seen: datetime

    @staticmethod
    def time_of(point: "Point") -> datetime:
        """By which points are kept sorted."""
        return point.at


class CloudWatch:
    """What one account measured."""

    def __init__(self) -> None:
        self._points: dict[Metric, list[Point]] = defaultdict(list)

    def put(self, metric: Metric, value: float, at: datetime, seen: datetime) -> None:
        """Store a value dated `at`; an alarm that looks before `seen` misses it."""
        point = Point(at.replace(second=0, microsecond=0), value, seen)
        insort(self._points[metric], point, key=Point.time_of)

    def take(self, line: str, seen: datetime) -> None:
        """Store what a line of the embedded metric format measures."""
        for metric, value, at in measured(line):
            self.put(metric, value, at, seen)

    def statistic(self, metric: Metric, name: str, begin: datetime, end: datetime, now: datetime) -> float | None:
        """What was measured from `begin` until before `end`, as far as it can be seen; None when that is nothing."""
        points = self._points.get(metric, [])
        if not points or points[-1].at < begin:
            return None
        first, last = (bisect_left(points, time, key=Point.time_of) for time in (begin, end))
        values = [point.value for point in points[first:last] if point.seen <= now]
        return _STATISTICS[name](values) if values else None


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
