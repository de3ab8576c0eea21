"""`make bench`: measures, prints the thresholds beside the numbers, writes the pages' figures and build/bench.json."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import Annotated, Any

import typer
from rich.console import Console

from dev.bench import day
from dev.bench.bill import Bill
from dev.bench.environment import environment
from dev.bench.measuring import BenchFailedError, Cold, Warm, cold, warm
from dev.bench.report import Report, counted
from dev.bench.times import Times
from dev.build import size
from dev.built_function import FUNCTION, LAYER, Function, built_function
from dev.local_aws import ROOT, without_aws
from dev.stack import BUILT_TEMPLATE, CommandFailedError, build

_HOW_TO_READ = (
    "A time is what somebody waits, a ratio is that of the medians, and 95 of 100 repeats would give one between the "
    "two named beside it. A rotation calls AWS {ours} times, the script {script} and the thirty lines {naive}, so "
    "whatever else the machine does moves its ratio. Whether the code does more than before is told by the "
    "processor's time."
)
_console = Console(stderr=True, highlight=False)


def main(
    rounds: Annotated[int, typer.Option(help="Cold starts of each kind.")] = 15,
    checks: Annotated[int, typer.Option(help="Warm checks.")] = 60,
    rotations: Annotated[int, typer.Option(help="Rotations.")] = 100,
    due: Annotated[int, typer.Option(help="Tenants of the fleet that are due.")] = 1_000,
    not_due: Annotated[int, typer.Option(help="Tenants of the fleet that are not due.")] = 10_000,
) -> None:
    """Measure the built function; a few minutes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: everything that was started is stopped
    try:
        _console.print("Building the function and its layer with the SAM CLI ...")
        build()
        function = built_function()
        with environment() as local:
            _console.print(f"Starting everything anew, {rounds} times, under the Lambda emulator ...")
            starts = cold(local, function, rounds)
            _console.print(f"{checks} checks and {rotations} rotations of a function that runs already ...")
            runs = warm(local, function, checks, rotations)
            _console.print(f"A day, for the bill: {day.RUNS} runs, each in a new container, and a rotation ...")
            bill = day.bill(local, function)
        _console.print(f"A fleet: {due:,} tenants that are due, and up to {not_due:,} that are not ...")
        rotated, looked = _fleet(function, due, not_due)
    except (BenchFailedError, CommandFailedError, RuntimeError) as error:
        _console.print(f"The benchmark stopped: {error}", markup=False)
        sys.exit(1)
    report = _report(starts, runs, bill, rotated, looked)
    report.write()
    report.show()


def _fleet(function: Function, due: int, not_due: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Both halves at once, in a process each: they share nothing, and together they take half as long."""
    variables = {**without_aws(os.environ), "PYTHONPATH": str(function.code)}
    commands = [(sys.executable, "-m", "dev.bench.fleet", *of) for of in (("due", str(due)), ("not-due", str(not_due)))]
    with ExitStack() as running:
        started = []
        for command in commands:
            process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True)
            started.append(running.enter_context(process))
            running.callback(process.kill)  # does nothing to one that has ended
        rotated, looked = (process.communicate()[0] for process in started)
    if any(process.returncode for process in started):
        raise BenchFailedError("the fleet stopped; what it said is above")
    return json.loads(rotated), json.loads(looked)


def _report(starts: Cold, runs: Warm, bill: Bill, rotated: dict[str, Any], looked: list[dict[str, Any]]) -> Report:
    (code, code_zipped), (layer, layer_zipped) = (size(BUILT_TEMPLATE.parent / part) for part in (FUNCTION, LAYER))
    values = {
        "cold_start_ratio": starts.start.ratio,
        "cold_check_ratio": starts.check.ratio,
        "naive_cold_check_ratio": starts.naive_check.ratio,
        "check_ratio": runs.check.ratio,
        "naive_check_ratio": runs.naive_check.ratio,
        "rotation_ratio": runs.rotation.ratio,
        "naive_rotation_ratio": runs.naive_rotation.ratio,
        "check_aws_calls": max(runs.check_calls.total(), starts.check_calls.total()),
        "rotation_aws_calls": runs.rotation_calls.total(),
        "rotation_https_calls": runs.rotation_exchanges.total(),
        "peak_memory_mib": runs.peak_memory_mib,
        "layer_zip_mib": layer_zipped,
        "monthly_usd": bill.first,
        "tenant_monthly_usd": bill.more,
        "fleet_rotations": rotated["rotations"],
        "fleet_lost": rotated["lost"],
        "fleet_over_limit": rotated["over_limit"],
    }
    remarks = {
        "cold_start_ratio": str(starts.start),
        "cold_check_ratio": str(starts.check),
        "naive_cold_check_ratio": str(starts.naive_check),
        "check_ratio": _with_processor(runs.check, runs.check_processor),
        "naive_check_ratio": _with_processor(runs.naive_check, runs.naive_check_processor),
        "rotation_ratio": _with_processor(runs.rotation, runs.rotation_processor),
        "naive_rotation_ratio": _with_processor(runs.naive_rotation, runs.naive_rotation_processor),
        "check_aws_calls": f"{counted(runs.check_calls)}; in a new container {counted(starts.check_calls)}",
        "rotation_aws_calls": counted(runs.rotation_calls),
        "rotation_https_calls": counted(runs.rotation_exchanges),
        "layer_zip_mib": f"{layer:.1f} MiB unzipped",
        "monthly_usd": "[line by line](scale.md#the-bill)",
    }
    fleet = "; ".join(f"{of['tenants']:,}: {of['check_ms']:.1f} ms and {of['calls']:.0f} calls" for of in looked)
    told = f"{rotated['messages']:,} messages went out to people"
    more = (
        _HOW_TO_READ.format(ours=runs.rotation_calls.total(), script=runs.script_calls, naive=runs.naive_calls),
        f"The function's own code: {code * 1024:.0f} KiB, {code_zipped * 1024:.0f} KiB zipped.",
        f"A check in a fleet of so many tenants, in processor's time, without moto's and the probe's: {fleet}.",
        f"A rotation in the fleet takes, counted the same way, {rotated['rotation_ms']:.0f} ms; {told}.",
    )
    return Report(values, remarks, more, bill.markdown())


def _with_processor(waited: Times, processor: Times) -> str:
    return f"{waited}. In processor's time **{processor.ratio:.2f} x**: {processor}"


if __name__ == "__main__":
    typer.run(main)
