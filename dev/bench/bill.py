"""What a month costs, from what a deployed day did: 24 runs that find nothing to do, and a rotation."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.bench import prices
from dev.bench.prices import Price

HOURS = 730  # of a month, and runs
ROTATIONS = 1  # in a month; of a certificate that lives 90 days it is one in two months
KEPT_MONTHS = 3  # template.yaml: LogRetentionDays
# Lambda, "Configure Lambda function memory": a whole processor comes with 1,769 MB; template.yaml: MemorySize. INIT has
# one whatever the memory.
SLOWER = 1769 / 256
WAITED = 0.5  # seconds of a run, for AWS and for a service that is not next door
_GB = 256 / 1024
_WRITTEN_KB = 4  # a record of the ledger has less
LEAST_ROUND = 2  # US$
FLEETS = (1, 10, 100, 1_000, 10_000, 100_000)

# A call, by what it is billed as and how much of it. A transaction counts twice, and has two records at most.
_BILLED: Mapping[str, tuple[str, int]] = {
    **dict.fromkeys(
        ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"), ("secret calls", 1)
    ),
    "GetItem": ("reads", 1),
    "TransactGetItems": ("reads", 4),
    **dict.fromkeys(("PutItem", "UpdateItem"), ("writes", _WRITTEN_KB)),
    "TransactWriteItems": ("writes", 4 * _WRITTEN_KB),
    "Publish": ("mails", 1),
    "PutEvents": ("events", 1),
}


@dataclass(frozen=True)
class Run:
    """What one run did, in a container of its own: after an hour Lambda has taken the last one away.

    Attributes:
        calls: to AWS, by operation.
        metrics: the names of the custom metrics it sent.
        log_bytes: what it and Lambda wrote.
        init_seconds: of the processor, for INIT.
        run_seconds: of a whole processor, for the run.
    """

    calls: Counter[str]
    metrics: frozenset[str]
    log_bytes: int
    init_seconds: float
    run_seconds: float

    @property
    def billed_seconds(self) -> float:
        """What Lambda bills; the machine that this is counted on may be busy, so its own clock says nothing."""
        return self.init_seconds + SLOWER * self.run_seconds + WAITED


@dataclass(frozen=True)
class Line:
    """One line of the bill: what, how much of it, and US$ a month for one credential, and for a tenant more."""

    what: str
    counted: str
    first: float
    more: float


@dataclass(frozen=True)
class Bill:
    """A month's."""

    lines: tuple[Line, ...]

    @property
    def first(self) -> float:
        """US$ for a stack with one credential."""
        return sum(line.first for line in self.lines)

    @property
    def more(self) -> float:
        """US$ for each tenant more."""
        return sum(line.more for line in self.lines)

    def markdown(self) -> str:
        """As docs/scale.md shows it."""
        rows = [(line.what, line.counted, f"{line.first:.4f}", f"{line.more:.4f}") for line in self.lines]
        rows.append(("**together**", "", f"**{self.first:.2f}**", f"**{self.more:.2f}**"))
        fleets = ((f"{of:,}", _usd(self.first + (of - 1) * self.more), _usd(of * prices.SECRET.usd)) for of in FLEETS)
        return "\n".join(
            [
                *_table(("US$ a month", "counted", "one credential", "a tenant more"), rows),
                "",
                *_table(("tenants", "US$ a month", "of which secrets"), fleets),
                "",
                f"Prices: {', '.join(prices.PAGES)}.",
            ]
        )


def monthly(checks: Sequence[Run], rotation: Run, alarm_metrics: int) -> Bill:
    """What a month of such days costs.

    Args:
        checks: the runs of a day that found nothing to do.
        rotation: one that rotated.
        alarm_metrics: how many metrics the alarms read, added up.

    Raises:
        KeyError: a call has no price yet.
    """
    return Bill(tuple(_lines(checks, rotation, alarm_metrics)))


def _lines(checks: Sequence[Run], rotation: Run, alarm_metrics: int) -> Iterator[Line]:
    billed: dict[str, float] = defaultdict(float)
    for runs, times in ((checks, HOURS / len(checks)), ([rotation], ROTATIONS)):
        for run in runs:
            for call, number in run.calls.items():
                kind, units = _BILLED[call]
                billed[kind] += number * units * times
    log = HOURS * _mean(run.log_bytes for run in checks) + ROTATIONS * rotation.log_bytes
    seconds = HOURS * _mean(run.billed_seconds for run in checks) + ROTATIONS * rotation.billed_seconds
    steady = _mean(len(run.metrics) for run in checks)
    metrics = steady + ROTATIONS * len(rotation.metrics - checks[0].metrics) / HOURS

    def each(what: str, price: Price, number: float, counted: str = "") -> Line:
        cost = price.of(number)
        return Line(what, f"{counted or f'{number:,.0f}'} at {price}", cost, cost)

    def once(what: str, price: Price, number: float, counted: str) -> Line:
        return Line(what, f"{counted} at {price}", price.of(number), 0)

    yield each("Secrets Manager, the secret", prices.SECRET, 1)
    yield each("Secrets Manager, calls", prices.SECRET_CALLS, billed["secret calls"])
    yield once("CloudWatch, custom metrics sent every hour", prices.METRIC, metrics, f"{steady:g}")
    yield once("CloudWatch, metrics that alarms read", prices.ALARM, alarm_metrics, f"{alarm_metrics}")
    yield Line("CloudWatch, dashboard", "an account's first three are free, another one is 3.00", 0, 0)
    yield each("CloudWatch, log taken", prices.LOG_TAKEN, log, f"{log / 1e6:.1f} MB")
    yield each("CloudWatch, log kept", prices.LOG_KEPT, log * KEPT_MONTHS, f"{log * KEPT_MONTHS / 1e6:.1f} MB")
    yield each("Lambda, GB-seconds at 256 MB, INIT included", prices.GB_SECONDS, seconds * _GB)
    yield each("Lambda, runs", prices.RUNS, HOURS + ROTATIONS)
    yield each("EventBridge Scheduler, runs", prices.SCHEDULED, HOURS)
    yield each("DynamoDB, read units", prices.READS, billed["reads"])
    yield each("DynamoDB, write units", prices.WRITES, billed["writes"])
    yield each("KMS, calls of AWS's own key for the ledger", prices.KEY_CALLS, HOURS + ROTATIONS)
    yield each("SNS, mails", prices.MAILS, billed["mails"])
    yield each("EventBridge, events for programs", prices.EVENTS, billed["events"])


def _mean(numbers: Iterable[float]) -> float:
    found = list(numbers)
    return sum(found) / len(found)


def _usd(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= LEAST_ROUND else f"{amount:.2f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from (f"| {' | '.join(heads)} |", "|---" * len(heads) + "|")
    yield from (f"| {' | '.join(row)} |" for row in rows)
