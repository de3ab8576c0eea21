"""Trying thousands of inputs in one test, and telling which of them a failure is about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.fuzz_inputs import Junk
from tests.support.invariants import TALLY

BATCHES, EACH = 5, 2_050  # of every kind

batches = pytest.mark.parametrize("batch", range(BATCHES))
# cryptography warns of certificates that are odd but readable; the function's log shows it.
odd_certificates = pytest.mark.filterwarnings("ignore::UserWarning")


def inputs(kind: str, batch: int) -> Iterator[Junk]:
    """A source for every input of a batch; an error tells the number of the one it is about."""
    for number in range(batch * EACH, (batch + 1) * EACH):
        TALLY.count(f"{kind} tried")
        yield Junk(number)


@contextmanager
def telling(what: object) -> Iterator[None]:
    """Show with an error what it is about."""
    try:
        yield
    except Exception as error:
        error.add_note(f"About {what!r:.2000}")
        raise


def outcome[T, E: Exception](call: Callable[[], T], refusal: type[E]) -> T | E:
    """What comes of it: a result, or this error; any other one fails the test."""
    try:
        return call()
    except refusal as error:
        return error
