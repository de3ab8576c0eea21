"""SIGKILL for the process that runs the deployed function, at a place of its run that was chosen beforehand."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.linux import LINUX, NO_PROC
from dev.stack import Stack
from simulator import Request
from tests.support.aws_proxy import PATIENCE, AwsProxy, When
from tests.support.deployed_customer import Customer
from tests.support.emulation import EmulatedStack
from tests.support.invariants import TALLY

_DIED = ("Worker process died", "signal: killed")  # in the words of the local AWS, and of the emulator
_WORKS_SECONDS = 1.5  # how long the service keeps a request that is to lose its sender


@dataclass(frozen=True)
class AtAws:
    """A call to AWS, by its number among those of its kind: before AWS gets it, or after AWS did it."""

    operation: str
    nth: int
    when: When = "after"


@dataclass(frozen=True)
class AtTheService:
    """A request the service is at work on; it goes on when its sender is gone."""

    endpoint: str


Place = AtAws | AtTheService


def run_until_killed(customer: Customer, aws_proxy: AwsProxy, place: Place, **event: object) -> None:
    """Invoke the function, and kill its process when the run has come to the place."""
    if not LINUX:
        pytest.skip(NO_PROC)
    with ThreadPoolExecutor(1) as caller:
        with _keeping(place, customer, aws_proxy) as came:
            running = caller.submit(customer.stack.invoke, event)
            _await(lambda: came() or running.done())
            assert came(), f"the run ended before {place}: {running.result()}"
            kill_worker(customer.stack)
            TALLY.count("processes of the deployed function killed by SIGKILL")
        assert any(words in running.result().payload["errorMessage"] for words in _DIED)


@contextmanager
def _keeping(place: Place, customer: Customer, aws_proxy: AwsProxy) -> Iterator[Callable[[], bool]]:
    """Keep the coming run there; what is yielded says whether it came."""
    match place:
        case AtAws(operation, nth, when):
            with aws_proxy.holding(operation, nth, when) as held:
                yield held.came.is_set
        case AtTheService(endpoint):
            customer.simulator.fault("slow", tenant=customer.name, endpoint=endpoint, seconds=_WORKS_SECONDS)

            def kept() -> list[Request]:
                asked = customer.simulator.requests_to(endpoint)
                return [request for request in asked if (request.tenant, request.fault) == (customer.name, "slow")]

            yield lambda: bool(kept())
            _await(lambda: all(request.status for request in kept()))  # the service does its work all the same


def kill_worker(stack: Stack) -> None:
    """SIGKILL, which no process can answer; return when it is gone."""
    if isinstance(stack, EmulatedStack):
        stack.emulator.kill_function()
        return
    (worker,) = workers(stack)
    os.kill(worker, signal.SIGKILL)
    _await(lambda: worker not in workers(stack))


def workers(stack: Stack) -> list[int]:
    """The processes that run the deployed function: descendants of ours, since we started the local AWS."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return [process for process in parents if _descends(process, parents) and _runs(process, stack)]


def _parent(process: Path) -> int:
    try:
        after_name = (process / "stat").read_text().rpartition(")")[2].split()  # the name may hold spaces
    except OSError:  # it has ended since we looked
        return 0
    return int(after_name[1])


def _descends(process: int, parents: dict[int, int]) -> bool:
    while process := parents.get(process, 0):
        if process == os.getpid():
            return True
    return False


def _runs(process: int, stack: Stack) -> bool:
    """The local AWS keeps a worker's program in a folder named after the function. A zombie has no command line."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes().decode()
    except OSError:
        return False
    return f"-{stack.outputs['FunctionName']}-" in command and command.rstrip("\0").endswith("/_worker.py")


def _await(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up_at, "what was waited for never happened"
        time.sleep(0.02)
