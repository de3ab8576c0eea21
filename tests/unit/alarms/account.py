"""An account in which one stack's function runs, or does not, while time passes and the alarms of the template look."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta

from certificate_rotation.errors import ServiceFailure
from certificate_rotation.metrics import DIMENSION, NAMESPACE, RunMetrics
from certificate_rotation.results import Result, utc_text
from tests.cloudformation import STACK, Stack
from tests.unit.alarms.alarm import Alarm, State
from tests.unit.alarms.cloudwatch import CloudWatch, Metric

FUNCTION = f"{STACK}-CertificateRotationFunction"
ERRORS = Metric("AWS/Lambda", "Errors", frozenset({("FunctionName", FUNCTION)}))
DEAD_LETTERS = Metric(
    "AWS/SQS", "ApproximateNumberOfMessagesVisible", frozenset({("QueueName", f"{STACK}-UndeliveredRuns.QueueName")})
)
RUN_TAKES = timedelta(seconds=40)
LAMBDA_TELLS_AFTER = timedelta(minutes=1)
# CloudWatch takes nothing that is older than two weeks, and the code's own library checks that.
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=13)

type Run = Callable[[RunMetrics], None]
"""What one run tells its metrics before it ends."""


class Account:
    """The template's alarms over the metrics of one stack."""

    def __init__(self, further_periods: int = 2, **parameters: int) -> None:
        """`parameters` of the stack that differ from their defaults."""
        self.now = BEGIN
        self.cloudwatch = CloudWatch()
        alarms = Stack(parameters).resources("AWS::CloudWatch::Alarm")
        self.alarms = {name: Alarm(properties, further_periods) for name, properties in alarms.items()}
        self.changes: list[tuple[str, State]] = []  # what alarms told, in order

    def state(self, alarm: str) -> State:
        """Of one alarm by its logical id."""
        return self.alarms[alarm].state

    def standing(self) -> set[str]:
        """The alarms that stand."""
        return {name for name, alarm in self.alarms.items() if alarm.state == "ALARM"}

    def wait(self, **step: float) -> None:
        """Let time pass, `timedelta`'s own arguments; every alarm looks once a minute."""
        until = self.now + timedelta(**step)
        while self.now < until:
            self.now += timedelta(minutes=1)
            for name, alarm in self.alarms.items():
                before = alarm.state
                alarm.evaluate(self.cloudwatch, self.now)
                if alarm.state != before:
                    self.changes.append((name, alarm.state))

    def run(self, how: Run, *, error: bool = False, function: str = FUNCTION) -> None:
        """Have the function run to its end; `error` is what Lambda saw of it."""
        printed = io.StringIO()
        with redirect_stdout(printed):
            metrics = RunMetrics(function, self.now)
            how(metrics)
            metrics.write()
        for line in printed.getvalue().splitlines():
            self.cloudwatch.take(line, seen=self.now + RUN_TAKES)
        self._lambda_counts(function, error=error)

    def crash(self) -> None:
        """Have the function killed: it says nothing."""
        self._lambda_counts(FUNCTION, error=True)

    def hours(self, number: int, each: Callable[[], None] = lambda: None) -> None:
        """Let the schedule invoke the function once an hour, up to five minutes late as its flexible window allows."""
        for hour in range(number):
            late = hour * 7 % 6
            self.wait(minutes=late)
            each()
            self.wait(minutes=60 - late)

    def young(self) -> None:
        """A run that has nothing to do."""
        self.run(result("not_due", self.now + timedelta(days=60)))

    def fails(self) -> None:
        """A run that ends in an error with a name, which an alert told."""
        self.run(failure(ServiceFailure("503"), self.now + timedelta(days=60)), error=True)

    def _lambda_counts(self, function: str, *, error: bool) -> None:
        metric = Metric(ERRORS.namespace, ERRORS.name, frozenset({(DIMENSION, function)}))
        self.cloudwatch.put(metric, float(error), self.now, seen=self.now + RUN_TAKES + LAMBDA_TELLS_AFTER)


def result(outcome: str, not_after: datetime, *, dry_run: bool = False) -> Run:
    """A run that ends in a result."""
    answer: Result = {
        "outcome": outcome,
        "secretId": "arn",
        "certName": None,
        "notAfter": utc_text(not_after),
        "daysLeft": 0,
        "renewAt": utc_text(not_after),
        "attemptsAvailable": 3,
        "nextAttemptAt": None,
    }

    def run(metrics: RunMetrics) -> None:
        metrics.dry_run = dry_run
        metrics.ended(answer)

    return run


def failure(error: Exception, not_after: datetime | None = None, *, dry_run: bool = False) -> Run:
    """A run that ends in an error; `not_after` when it came as far as to read the certificate."""

    def run(metrics: RunMetrics) -> None:
        metrics.dry_run = dry_run
        if not_after:
            metrics.in_use_until(not_after)
        metrics.failed(error)

    return run


def ours(name: str) -> Metric:
    """A metric of the function."""
    return Metric(NAMESPACE, name, frozenset({(DIMENSION, FUNCTION)}))
