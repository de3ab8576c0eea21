"""What CloudWatch is told of a run: lines of its embedded metric format, one when it begins, the others when it ends.

A process that is killed writes nothing more. So no alarm of template.yaml waits for a line that says "crashed": one
misses `RunCompleted`, another adds up `Unfinished`, which is 1 when a run begins and -1 when it comes to an end.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from certificate_rotation.errors import RotationError

if TYPE_CHECKING:
    from certificate_rotation.results import Result

NAMESPACE = "DeviceIdCertificateRotation"
# AWS bills every set of dimensions, so none tells credentials apart. It does tell stacks apart: else one that runs
# would keep the alarms of one that does not quiet.
DIMENSION = "FunctionName"
OUTCOMES = {"rotated": "Rotated", "not_due": "NotDue", "held": "Held", "rate_limited": "RateLimited", "busy": "Busy"}
# `Unfinished` is dated so much later than the run began. Its alarm adds up whole hours, the moment an hour is over;
# what is in that hour has ended by then (template.yaml: Timeout, two minutes), and CloudWatch has its lines. AWS takes
# times up to two hours ahead (CloudWatch API, MetricDatum).
DATED_LATER = timedelta(minutes=10)


class RunMetrics:
    """Collects what is known of one run, from `begin` to `write`.

    Attributes:
        dry_run: whether the event asks for one. It is none of the schedule's runs, so it is no sign of life.
    """

    def __init__(self, function_name: str, started: datetime) -> None:
        """`started`: aware, UTC; the time all but `Unfinished` bear."""
        self._function_name = function_name
        self._started = started
        self._line = self._new_line(started)
        self._not_after: datetime | None = None
        self._empty = True
        self._explained = False
        self.dry_run = False

    def begin(self) -> None:
        """The first thing of a run: should it be killed, this is all that is ever heard of it."""
        self._unfinished(1)

    def in_use_until(self, not_after: datetime) -> None:
        """The end of the certificate in use, aware, UTC; the last one told counts."""
        self._not_after = not_after

    def ended(self, answer: "Result") -> None:
        """The run has a result."""
        self._explained = True
        self.in_use_until(datetime.fromisoformat(answer["notAfter"]))
        self._count("AttemptsAvailable", answer["attemptsAvailable"])
        self._line.add_metadata("outcome", answer["outcome"])
        if not self.dry_run:
            self._count("RunCompleted")
            self._count(OUTCOMES[answer["outcome"]])

    def failed(self, error: Exception) -> None:
        """The run ends with an error.

        An error of ours was told: by an alert, or to who invokes a dry run. Any other counts as a crash, because
        nobody can say how far the code came.
        """
        self._line.add_metadata("outcome", "failed")
        self._line.add_metadata("error", type(error).__name__)
        if isinstance(error, RotationError):
            self._explained = True
            self._count("Failed")
            if not self.dry_run:
                self._count("RunCompleted")

    def alerts_not_published(self, number: int) -> None:
        """How many alerts of this run did not reach the topic."""
        if number:
            self._count("AlertNotPublished", number)

    def in_use_not_checked(self) -> None:
        """The service gave no answer when it was asked about the certificate in use."""
        self._count("WatchUnanswered")

    def write(self) -> None:
        """To standard output, which is where Lambda takes the log from; nothing when nothing is known."""
        if self._not_after and not self.dry_run:
            # With its fraction: CriticalDays is reached at the moment, not at the start of that day. Not of a dry run:
            # whoever looks more often than the schedule would change what the alarm's hour holds.
            self._count("DaysToExpiry", round((self._not_after - self._started) / timedelta(days=1), 3))
        if not self._empty:
            self._line.flush_metrics()
        if self._explained:
            self._unfinished(-1)

    def _unfinished(self, change: int) -> None:
        line = self._new_line(self._started + DATED_LATER)
        line.add_metric("Unfinished", MetricUnit.Count, change)
        line.flush_metrics()

    def _new_line(self, at: datetime) -> EphemeralMetrics:
        line = EphemeralMetrics(namespace=NAMESPACE)
        line.add_dimension(DIMENSION, self._function_name)
        line.set_timestamp(at)
        return line

    def _count(self, name: str, value: float = 1) -> None:
        self._line.add_metric(name, MetricUnit.Count, value)
        self._empty = False
