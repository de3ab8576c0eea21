"""Runs the function and the scripts in turn, so that whatever the machine does meanwhile happens to all of them.

A run's time is what somebody waits for it. On a machine that does something else as well it is mostly waiting for AWS,
the service and the processor, and of so few rounds the ratio is then a matter of luck. So the page also says how far
luck goes, and the ratio of the processor's time, by which two versions of the code can be told apart.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.progress import track

from dev.bench.environment import DUE, NOT_DUE, Environment
from dev.bench.times import Times
from dev.built_function import Function
from dev.emulator import Emulator, emulated
from dev.local_aws import ROOT

_CODE = ROOT / "dev/bench"  # as /var/task: the scripts are the package `baselines` in it


class BenchFailedError(RuntimeError):
    """Something that was to be measured did not do its job; the message holds what it answered."""


@dataclass
class Cold:
    """First invocations of new execution environments: INIT alone, and INIT together with the first run.

    `naive_...` is the same against the thirty lines of a user, here and below.
    """

    start: Times = field(default_factory=Times)
    check: Times = field(default_factory=Times)
    naive_check: Times = field(default_factory=Times)
    check_calls: Counter[str] = field(default_factory=Counter)


@dataclass
class Warm:
    """Later invocations of one execution environment; `..._processor` is the processor's time of the same runs."""

    check: Times = field(default_factory=Times)
    check_processor: Times = field(default_factory=Times)
    rotation: Times = field(default_factory=Times)
    rotation_processor: Times = field(default_factory=Times)
    naive_check: Times = field(default_factory=Times)
    naive_check_processor: Times = field(default_factory=Times)
    naive_rotation: Times = field(default_factory=Times)
    naive_rotation_processor: Times = field(default_factory=Times)
    check_calls: Counter[str] = field(default_factory=Counter)
    rotation_calls: Counter[str] = field(default_factory=Counter)
    rotation_exchanges: Counter[str] = field(default_factory=Counter)
    script_calls: int = 0  # of a rotation
    naive_calls: int = 0
    peak_memory_mib: float = 0.0


def script(name: str, like: Function) -> Function:
    """A handler of `baselines`, with the same layer and limits as the function."""
    layers = () if name == "clients" else like.layers  # the bare one needs only what the runtime brings
    return Function(_CODE, f"baselines.{name}.handler", layers, like.timeout, like.memory, like.json_log)


def cold(environment: Environment, function: Function, rounds: int) -> Cold:
    """Start everything anew in every round, each time with a customer nobody has looked at."""
    measured = Cold()
    event = {"secretId": environment.customer(NOT_DUE)}
    with (
        environment.calls.counted() as calls,
        environment.exchanges() as asked,
    ):  # its time does not count: it fills the caches
        first(environment, function, event, "not_due")
    measured.check_calls = calls
    for _ in track(range(rounds), "Cold starts", transient=True):
        ours = first(environment, function, {"secretId": environment.customer(NOT_DUE)}, "not_due")
        bare = first(environment, script("clients", function), {})
        look = {"secretId": environment.customer(NOT_DUE), "probes": asked.total()}
        straight = first(environment, script("check", function), look)
        naive = first(environment, script("naive", function), {"secretId": environment.customer(NOT_DUE)}, "not_due")
        measured.start.add(ours.init_ms, bare.init_ms)
        measured.check.add(ours.both_ms, straight.both_ms)
        measured.naive_check.add(ours.both_ms, naive.both_ms)
    return measured


def warm(environment: Environment, function: Function, checks: int, rotations: int) -> Warm:
    """Invoke what runs already, again and again: the same customer for checks, a new one for each rotation."""
    measured = Warm()
    with (
        emulated(function, environment.settings) as ours,
        emulated(script("check", function), environment.settings) as look,
        emulated(script("rotation", function), environment.settings) as rotate,
        emulated(script("naive", function), environment.settings) as naive,
    ):
        customer = environment.customer(NOT_DUE)
        for number in track(range(checks + 1), "Checks", transient=True):
            with environment.calls.counted() as calls, environment.exchanges() as asked:
                spent = _spent(ours, {"secretId": customer}, "not_due")
            against = _spent(look, {"secretId": customer, "probes": asked.total()})
            thirty_lines = _spent(naive, {"secretId": customer}, "not_due")
            if number:  # the first one started everything
                measured.check.add(spent.run_ms, against.run_ms)
                measured.naive_check.add(spent.run_ms, thirty_lines.run_ms)
                measured.naive_check_processor.add(spent.processor_ms, thirty_lines.processor_ms)
                measured.check_processor.add(spent.processor_ms, against.processor_ms)
                measured.check_calls |= calls
        for number in track(range(rotations + 1), "Rotations", transient=True):
            environment.forget_records()
            event, same = {"secretId": environment.customer(DUE)}, {"secretId": environment.customer(DUE)}
            with environment.calls.counted() as calls, environment.exchanges() as asked:
                spent = _spent(ours, event, "rotated")
            third = {"secretId": environment.customer(DUE)}
            with environment.calls.counted() as of_script:
                against = _spent(rotate, same, "rotated")
            with environment.calls.counted() as of_naive:
                thirty_lines = _spent(naive, third, "rotated")
            if number:
                measured.rotation.add(spent.run_ms, against.run_ms)
                measured.naive_rotation.add(spent.run_ms, thirty_lines.run_ms)
                measured.naive_rotation_processor.add(spent.processor_ms, thirty_lines.processor_ms)
                measured.rotation_processor.add(spent.processor_ms, against.processor_ms)
                measured.rotation_calls |= calls
                measured.rotation_exchanges |= asked
                measured.script_calls, measured.naive_calls = of_script.total(), of_naive.total()
        measured.peak_memory_mib = ours.peak_memory_mib
    return measured


@dataclass(frozen=True)
class First:
    """What the first run of a new execution environment took, INIT apart; the processor's time, and log, of both."""

    init_ms: float
    run_ms: float
    processor_ms: float
    log: str

    @property
    def both_ms(self) -> float:
        """What somebody waits for it."""
        return self.init_ms + self.run_ms


def first(environment: Environment, what: Function, event: Mapping[str, object], outcome: str = "") -> First:
    """Start a new execution environment, invoke it once, and stop it."""
    with emulated(what, environment.settings) as started:
        run = _timed(started, event, outcome)
        return First(started.init_ms, run, started.processor_ms, started.log)


@dataclass(frozen=True)
class _Spent:
    """What one run took."""

    run_ms: float
    processor_ms: float


def _spent(environment: Emulator, event: Mapping[str, object], outcome: str = "") -> _Spent:
    """Of an execution environment that runs already."""
    before = environment.processor_ms
    return _Spent(_timed(environment, event, outcome), environment.processor_ms - before)


def _timed(environment: Emulator, event: Mapping[str, object], outcome: str = "") -> float:
    answer = environment.invoke(event)
    if answer.failed or (outcome and answer.payload["outcome"] != outcome):
        raise BenchFailedError(f"expected {outcome or 'success'}, and got {answer.payload}\n{answer.log[-2000:]}")
    return environment.runs_ms[-1]
