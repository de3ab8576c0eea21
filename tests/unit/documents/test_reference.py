"""docs/reference.md lists what there is: parameters with their defaults, outputs, errors, alarms, metrics, events."""

import json
import re

from certificate_rotation.adapters import metrics
from tests.support.cloudformation import Stack
from tests.support.contract import ERRORS
from tests.support.pages import ROOT, named, table, text

PAGE = "docs/reference.md"
TEMPLATE = Stack().template


def names(heading: str) -> set[str]:
    """What stands between backticks in the first column."""
    return {name for first in table(PAGE, heading) for name in named(first)}


def test_every_parameter_is_there_with_its_default() -> None:
    """A wrong default is believed."""
    told = table(PAGE, "Parameters")
    told.pop("name")
    assert {name for cell in told for name in named(cell)} == set(TEMPLATE["Parameters"])
    for name, parameter in TEMPLATE["Parameters"].items():
        default = told[f"`{name}`"][0]
        given = str(parameter.get("Default", "none, required"))
        assert default.strip("`") == (given or "empty"), name


def test_every_output_is_there() -> None:
    """And none that is gone."""
    assert names("Outputs") == set(TEMPLATE["Outputs"])


def test_every_error_is_there() -> None:
    """Users match on these names."""
    assert names("Errors") == ERRORS


def test_every_alarm_is_there() -> None:
    """And none that is gone."""
    assert names("Alarms") == set(Stack().resources("AWS::CloudWatch::Alarm"))


def test_every_metric_is_there() -> None:
    """Each is named in one place of the code."""
    written = (ROOT / "functions/certificate_rotation/adapters/metrics.py").read_text()
    sent = set(metrics.OUTCOMES.values()) | set(re.findall(r'(?:found\["|\{")([A-Z]\w+)"', written))
    assert {"Unfinished", "DaysToExpiry"} <= sent
    assert names("Metrics and the log") == sent


def test_every_event_of_the_folder_is_there() -> None:
    """The page shows what the file holds."""
    told = table(PAGE, "Events")
    files = sorted((ROOT / "events").glob("*.json"))
    assert {name for cell in told for name in named(cell)} == {f"events/{file.name}" for file in files}
    for file in files:
        (shown,) = named(told[f"`events/{file.name}`"][0]) or ("",)
        if shown.startswith("{") and "…" not in shown:
            assert json.loads(shown) == json.loads(file.read_text()), file.name


def test_every_outcome_is_there() -> None:
    """The contract's six."""
    told = {name for row in re.findall(r"^\| (`\w+`) \|", text(PAGE), re.MULTILINE) for name in named(row)}
    assert {"rotated", "not_due", "dry_run", "rate_limited", "held", "busy"} <= told
