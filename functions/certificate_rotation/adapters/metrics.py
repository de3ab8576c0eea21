"""CloudWatch metrics of a run: lines of the embedded format, one when it begins, the others when it ends.

A process that is killed writes nothing more. So no alarm of template.yaml waits for a line that says "crashed": one
adds up `Unfinished`, which is 1 when a run begins and -1 when it comes to an end; another misses that -1.

AWS bills a metric for each hour in which it is sent. A run that finds nothing to do sends the two that alarms read,
and no other (`make bench` counts them; docs/scale.md has the bill).
"""

from datetime import datetime, timedelta

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from certificate_rotation.domain.errors import RotationError
from certificate_rotation.domain.report import Report
from certificate_rotation.domain.verdict import Answer

NAMESPACE = "DeviceIdCertificateRotation"
# AWS bills every set of dimensions, so none tells credentials apart. It does tell stacks apart: else one that runs
# would keep the alarms of one that does not quiet.
DIMENSION = "FunctionName"
OUTCOMES = {"rotated": "Rotated", "held": "Held", "rate_limited": "RateLimited", "busy": "Busy", "failed": "Failed"}
# `Unfinished` is dated so much later than the run began. Its alarm adds up whole hours, the moment an hour is over;
# what is in that hour has ended by then (template.yaml: Timeout, two minutes), and CloudWatch has its lines. AWS takes
# times up to two hours ahead (CloudWatch API, MetricDatum).
DATED_LATER = timedelta(minutes=10)
ENDED = (-1.0,)
LOOKED = (-0.5, -0.5)  # adds up to the same, and is no sign of life: its alarm misses a -1


def begin(function_name: str, started: datetime) -> None:
    """The first thing of a run: should it be killed, this is all that is ever heard of it. `started`: aware, UTC."""
    _write(function_name, started + DATED_LATER, {"Unfinished": (1.0,)})


def finish(function_name: str, started: datetime, report: Report) -> None:
    """What is known of a run that came to its end.

    An error of ours was told: by an alert, or to who invokes a dry run. Any other counts as a crash, because nobody can
    say how far the code came. A dry run is none of the schedule's, so it is no sign of life; and whoever makes one more
    often than the schedule runs would change what the alarms' hours hold.
    """
    explained = report.error is None or isinstance(report.error, RotationError)
    looked = report.dry_run or report.of_step
    outcome = {"outcome": report.outcome} | ({"error": type(report.error).__name__} if report.error else {})
    _write(function_name, started, {} if looked else _found(started, report, explained=explained), outcome)
    if explained:
        _write(function_name, started + DATED_LATER, {"Unfinished": LOOKED if looked else ENDED})


def _found(started: datetime, report: Report, *, explained: bool) -> dict[str, tuple[float, ...]]:
    found: dict[str, float] = {}
    if explained and report.outcome in OUTCOMES:
        found[OUTCOMES[report.outcome]] = 1
        if report.halves and not report.error:
            found["AttemptsAvailable"] = min(half.attempts for half in report.halves.values())
    if report.first_end:  # with its fraction: CriticalDays is reached at the moment, not at the start of that day
        found["DaysToExpiry"] = round((report.first_end - started) / timedelta(days=1), 3)
    if report.mails_refused:
        found["AlertNotPublished"] = report.mails_refused
    if report.in_use.answer is Answer.NONE:
        found["WatchUnanswered"] = 1
    return {name: (value,) for name, value in found.items()}


def _write(
    function_name: str, at: datetime, found: dict[str, tuple[float, ...]], metadata: dict[str, str] | None = None
) -> None:
    """To standard output, which is where Lambda takes the log from."""
    if not found:
        return
    line = EphemeralMetrics(namespace=NAMESPACE)
    line.add_dimension(DIMENSION, function_name)
    line.set_timestamp(at)
    for name, values in found.items():
        for value in values:
            line.add_metric(name, MetricUnit.Count, value)
    for name, text in (metadata or {}).items():
        line.add_metadata(name, text)
    line.flush_metrics()
