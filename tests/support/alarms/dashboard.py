"""The dashboard of template.yaml, as CloudWatch reads it."""

import json
from typing import Any

from tests.support.cloudformation import Stack

type Widget = dict[str, Any]


def widgets(kind: str = "") -> list[Widget]:
    """The widgets of one type, or all."""
    (properties,) = Stack().resources("AWS::CloudWatch::Dashboard").values()
    body = json.loads(properties["DashboardBody"])
    return [widget for widget in body["widgets"] if kind in {"", widget["type"]}]


def metrics_shown() -> set[tuple[str, ...]]:
    """Every metric it shows: namespace, name, then the name and value of its dimension."""
    shown = set()
    for widget in widgets("metric"):
        above: list[str] = []
        for line in widget["properties"]["metrics"]:
            parts = [part for part in line if isinstance(part, str)]
            # AWS: "." repeats what stands there in the line above, "..." all of it.
            above = above if parts == ["..."] else [above[i] if p == "." else p for i, p in enumerate(parts)]
            shown.add(tuple(above))
    return shown
