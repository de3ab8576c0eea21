"""Runs the function and the scripts in turn, so that whatever the machine does meanwhile happens to all of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from rich.progress import track

from dev.bench.environment import DUE, NOT_DUE, Environment
from dev.built_function import Function
from dev.emulator import Emulator, emulated
from dev.local_aws import ROOT

_CODE = ROOT / "dev/bench"  # as /var/task: the scripts are the package `baselines` in it


class BenchFailedError(RuntimeError):
    """Something that was to be measured did not do its job; the message holds what it answered."""


@dataclass
class Times:
    """Milliseconds of the function and of the script it is compared with, a pair per round."""

    function: list[float] = field(default_factory=list)
    script: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of the medians: a single slow round says nothing."""
        return median(self.function) / median(self.script)

    def add(self, function: float, script: float) -> None:
        """One round."""
        self.function.append(function)
        self.script.append(script)

    def __str__(self) -> str:
        # On a busy machine the medians are too long, and the fastest rounds show what was in the way of the others.
        fastest = f"fastest {min(self.function):.0f} against {min(self.script):.0f}"
        return f"{median(self.function):.0f} ms against {median(self.script):.0f} ms; {fastest}"


@dataclass
class Cold:
    """First invocations of new execution environments: INIT alone, and INIT together with the first run."""

    start: Times = field(default_factory=Times)
    check: Times = field(default_factory=Times)
    check_calls: Counter[str] = field(default_factory=Counter)


@dataclass
class Warm:
    """Later invocations of one execution environment."""

    check: Times = field(default_factory=Times)
    rotation: Times = field(default_factory=Times)
    check_calls: Counter[str] = field(default_factory=Counter)
    rotation_calls: Counter[str] = field(default_factory=Counter)
    rotation_exchanges: Counter[str] = field(default_factory=Counter)
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
        _first(environment, function, event, "not_due")
    measured.check_calls = calls
    for _ in track(range(rounds), "Cold starts", transient=True):
        init, run = _first(environment, function, {"secretId": environment.customer(NOT_DUE)}, "not_due")
        bare, _ = _first(environment, script("clients", function), {})
        look = {"secretId": environment.customer(NOT_DUE), "probes": asked.total()}
        straight = sum(_first(environment, script("check", function), look))
        measured.start.add(init, bare)
        measured.check.add(init + run, straight)
    return measured


def warm(environment: Environment, function: Function, checks: int, rotations: int) -> Warm:
    """Invoke what runs already, again and again: the same customer for checks, a new one for each rotation."""
    measured = Warm()
    with (
        emulated(function, environment.settings) as ours,
        emulated(script("check", function), environment.settings) as look,
        emulated(script("rotation", function), environment.settings) as rotate,
    ):
        customer = environment.customer(NOT_DUE)
        for number in track(range(checks + 1), "Checks", transient=True):
            with environment.calls.counted() as calls, environment.exchanges() as asked:
                spent = _timed(ours, {"secretId": customer}, "not_due")
            against = _timed(look, {"secretId": customer, "probes": asked.total()})
            if number:  # the first one started everything
                measured.check.add(spent, against)
                measured.check_calls |= calls
        for number in track(range(rotations + 1), "Rotations", transient=True):
            environment.forget_records()
            event, same = {"secretId": environment.customer(DUE)}, {"secretId": environment.customer(DUE)}
            with environment.calls.counted() as calls, environment.exchanges() as asked:
                spent = _timed(ours, event, "rotated")
            against = _timed(rotate, same, "rotated")
            if number:
                measured.rotation.add(spent, against)
                measured.rotation_calls |= calls
                measured.rotation_exchanges |= asked
        measured.peak_memory_mib = ours.peak_memory_mib
    return measured


def _first(
    environment: Environment, what: Function, event: Mapping[str, object], outcome: str = ""
) -> tuple[float, float]:
    """INIT and the first run of a new execution environment, in milliseconds."""
    with emulated(what, environment.settings) as started:
        run = _timed(started, event, outcome)
        return started.init_ms, run


def _timed(environment: Emulator, event: Mapping[str, object], outcome: str = "") -> float:
    answer = environment.invoke(event)
    if answer.failed or (outcome and answer.payload["outcome"] != outcome):
        raise BenchFailedError(f"expected {outcome or 'success'}, and got {answer.payload}\n{answer.log[-2000:]}")
    return environment.runs_ms[-1]
