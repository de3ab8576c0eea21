"""What CloudWatch is told of a run: one line of its embedded metric format when the run ends, however it ends.

A process that is killed writes no line. So no alarm of template.yaml waits for a line that says "crashed": one misses
`RunCompleted`, another subtracts `Failed` from what Lambda itself counts as errors.
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


class RunMetrics:
    """Collects what is known of one run; `write` ends it.

    Attributes:
        dry_run: whether the event asks for one. It is none of the schedule's runs, so it is no sign of life.
    """

    def __init__(self, function_name: str, started: datetime) -> None:
        """`started`: aware, UTC. Lambda stamps its own metrics so, and an alarm compares the two minute by minute."""
        self._line = EphemeralMetrics(namespace=NAMESPACE)
        self._line.add_dimension(DIMENSION, function_name)
        self._line.set_timestamp(started)
        self._started = started
        self._not_after: datetime | None = None
        self._empty = True
        self.dry_run = False

    def in_use_until(self, not_after: datetime) -> None:
        """The end of the certificate in use, aware, UTC; the last one told counts."""
        self._not_after = not_after

    def ended(self, answer: "Result") -> None:
        """The run has a result."""
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
        """One line to standard output, which is where Lambda takes the log from; none when nothing is known."""
        if self._not_after:
            # With its fraction: CriticalDays is reached at the moment, not at the start of that day.
            self._count("DaysToExpiry", round((self._not_after - self._started) / timedelta(days=1), 3))
        if not self._empty:
            self._line.flush_metrics()

    def _count(self, name: str, value: float = 1) -> None:
        self._line.add_metric(name, MetricUnit.Count, value)
        self._empty = False
