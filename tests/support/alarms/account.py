"""An account in which one stack's function runs, or does not, while time passes and the alarms of the template look.

What AWS leaves open is left to chance, with a seed: where in the minute a run begins, how long it takes, when and in
which order CloudWatch sees its lines, at which minute of the hour a long window is looked at.
"""

import io
import random
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta

from certificate_rotation.adapters.metrics import DIMENSION, NAMESPACE, begin, finish
from certificate_rotation.domain.errors import ServiceFailure
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.report import HalfReport, Outcome, Report
from tests.support.alarms.alarm import Alarm, State
from tests.support.alarms.cloudwatch import CloudWatch, Metric, measured, minute_of
from tests.support.cloudformation import STACK, Stack

FUNCTION = f"{STACK}-CertificateRotationFunction"
DEAD_LETTERS = Metric(
    "AWS/SQS", "ApproximateNumberOfMessagesVisible", frozenset({("QueueName", f"{STACK}-UndeliveredRuns.QueueName")})
)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONGEST_RUN = timedelta(minutes=2)  # template.yaml: Timeout
SEEN_AFTER = timedelta(minutes=2)  # longer than CloudWatch usually takes from a line in the log to its metric
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
# What a run writes is written now, and dated anew: the code's library takes no time that is weeks away.
WRITTEN = datetime.now(UTC).replace(microsecond=0)

type Run = Report | None
"""What one run found and did; a crash reports nothing."""


class Account:
    """The template's alarms over the metrics of one stack, which was just deployed.

    Attributes:
        changes: what alarms told, in order: a mail each, where the alarm has an action for that state.
    """

    def __init__(self, seed: int = 0, further_periods: int = 2, **parameters: object) -> None:
        """`parameters` of the stack that differ from their defaults."""
        self.chance = random.Random(seed)  # noqa: S311 - not for secrets
        self.now = BEGIN
        self.cloudwatch = CloudWatch()
        self.alarms = {
            name: Alarm(
                properties,
                further_periods=further_periods,
                made_at=minute_of(BEGIN),
                looks_at=self.chance.randrange(60),
            )
            for name, properties in Stack(parameters).resources("AWS::CloudWatch::Alarm").items()
        }
        self.changes: list[tuple[str, State, datetime]] = []

    def state(self, alarm: str) -> State:
        """Of one alarm by its logical id."""
        return self.alarms[alarm].state

    def standing(self) -> set[str]:
        """The alarms that stand."""
        return {name for name, alarm in self.alarms.items() if alarm.state == "ALARM"}

    def mails(self, alarm: str = "") -> list[State]:
        """What mails say, of one alarm or of all: CloudWatch sends one for each change of state that has an action."""
        actions = {"ALARM": "AlarmActions", "OK": "OKActions"}
        return [
            state
            for name, state, _ in self.changes
            if alarm in {"", name} and actions[state] in self.alarms[name].properties
        ]

    def told(self, alarm: str, state: State) -> list[datetime]:
        """When an alarm changed to that state."""
        return [at for name, changed_to, at in self.changes if (name, changed_to) == (alarm, state)]

    def wait(self, time: timedelta) -> None:
        """Let time pass; the alarms look every minute."""
        until = self.now + time
        while self.now < until:
            self.now = min(until, self.now.replace(second=0, microsecond=0) + MINUTE)
            minute = minute_of(self.now)
            changed = self.cloudwatch.arrive(minute)
            for name, alarm in self.alarms.items():
                if alarm.look(self.cloudwatch, minute, changed):
                    self.changes.append((name, alarm.state, self.now))

    def run(self, how: Run, *, times: int = 1, function: str = FUNCTION) -> None:
        """Have the function run to its end, or so many tenants' within the same minute."""
        started = self.now + timedelta(seconds=self.chance.uniform(0, 60))
        ended = started + self.chance.random() * LONGEST_RUN
        for at_the_end, metric, value, after in written(how, function):
            seen = (ended if at_the_end else started) + self.chance.random() * SEEN_AFTER
            self.cloudwatch.put(metric, value, started + after, seen, times)

    def young(self) -> None:
        """A run that has nothing to do."""
        self.run(YOUNG)

    def fails(self) -> None:
        """A run that ends in an error with a name, which an alert told."""
        self.run(FAILS)

    def crash(self) -> None:
        """A run that is killed: it says nothing more."""
        self.run(CRASH)

    def hourly(self, each: Callable[[], None], hours: int, window: timedelta = timedelta(minutes=5)) -> None:
        """Let a schedule invoke the function once an hour, at any moment of its flexible window."""
        for _ in range(hours):
            after = self.chance.random() * window
            self.wait(after)
            each()
            self.wait(HOUR - after)

    def fleet(self, how: Run, tenants: int, hours: int) -> None:
        """Let the schedules of so many tenants invoke the function once an hour each, spread over the hour."""
        for minute in range(hours * 60):
            begun, before = (tenants * part // 60 for part in (minute % 60 + 1, minute % 60))
            # Those of one minute are of two sorts, early and late.
            early = self.chance.randint(0, begun - before)
            for times in filter(None, (early, begun - before - early)):
                self.run(how, times=times)
            self.wait(MINUTE)

    def deployed(self, hours: int = 6) -> None:
        """The first hours of a schedule that works, after which what is told counts."""
        self.hourly(self.young, hours)
        self.changes.clear()


type Point = tuple[bool, Metric, float, timedelta]
"""Whether it is measured at a run's end, the metric, the value, and how much later than the begin it is dated."""

_WRITTEN: dict[tuple[str, str], list[Point]] = {}


def written(how: Run, function: str) -> list[Point]:
    """What a run measures; found out once for all that are alike."""
    alike = repr(how), function  # a report holds mappings, so it has no hash
    if alike not in _WRITTEN:
        _WRITTEN[alike] = _measure(how, function)
    return _WRITTEN[alike]


def _measure(how: Run, function: str) -> list[Point]:
    points: list[Point] = []
    for at_the_end in (False, True):
        printed = io.StringIO()
        with redirect_stdout(printed):
            if not at_the_end:
                begin(function, WRITTEN)
            elif how:
                finish(function, WRITTEN, how)
        for line in printed.getvalue().splitlines():
            points += [(at_the_end, metric, value, at - WRITTEN) for metric, value, at in measured(line)]
    return points


def result(outcome: Outcome, left: timedelta, *, dry_run: bool = False) -> Report:
    """A run that ends in a result; `left` of the certificate in use when it began."""
    return Report("arn", WRITTEN, outcome, dry_run=dry_run, halves=halves(left))


def failure(error: Exception, left: timedelta | None = None, *, dry_run: bool = False) -> Report:
    """A run that ends in an error; `left` when it came as far as to read the certificate."""
    return Report("arn", WRITTEN, dry_run=dry_run, halves={} if left is None else halves(left), error=error)


def halves(left: timedelta) -> dict[HalfName, HalfReport]:
    """So much is left of the certificate, and nobody knows when the API key ends."""
    return {
        HalfName.CERTIFICATE: HalfReport(Life(WRITTEN + left), None, 3, None),
        HalfName.API_KEY: HalfReport(Life(), None, 5, None),
    }


def ours(name: str) -> Metric:
    """A metric of the function."""
    return Metric(NAMESPACE, name, frozenset({(DIMENSION, FUNCTION)}))


YOUNG = result("not_due", 60 * DAY)
FAILS = failure(ServiceFailure("503"), 60 * DAY)
CRASH = None  # the process is killed
