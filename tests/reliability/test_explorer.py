"""The explorer itself: what it leaves out is the same as something it played, and what it plays it can play again."""

import itertools

import pytest

from tests.support.commuting import commute
from tests.support.orders import Explorer, Made, Order

PROGRAM = ("GetItem", "GetSecretValue", "UpdateItem", "PutSecretValue", "Publish", "TransactWriteItems")
LENGTHS = {"A": len(PROGRAM), "B": len(PROGRAM) - 2}


def play(order: Order) -> Made:
    """Two programs that do the same whatever the other does."""
    left = {name: list(PROGRAM[: LENGTHS[name]]) for name in "AB"}
    segments = [*order.cuts, (order.last, len(PROGRAM)), ("A", len(PROGRAM)), ("B", len(PROGRAM))]
    return [(who, left[who].pop(0)) for who, number in segments for _ in range(min(number, len(left[who])))]


def happened_before(made: Made) -> frozenset[tuple[int, int]]:
    """Which exchange of A came before which one of B, where it makes a difference."""
    a, b = ([place for place, (who, _) in enumerate(made) if who == name] for name in "AB")
    pairs = itertools.product(enumerate(a), enumerate(b))
    return frozenset((i, j) for (i, p), (j, q) in pairs if p < q and not commute(made[p][1], made[q][1]))


def every_order(most: int) -> set[frozenset[tuple[int, int]]]:
    """All there are with at most so many switches, by trying every way to put the exchanges into a row."""
    found = set()
    total = sum(LENGTHS.values())
    for places in itertools.combinations(range(total), LENGTHS["A"]):
        row = ["A" if place in places else "B" for place in range(total)]
        away = [a for place, (a, b) in enumerate(itertools.pairwise(row)) if a != b and a in row[place + 1 :]]
        if len(away) <= most:
            left = {name: iter(PROGRAM[: LENGTHS[name]]) for name in "AB"}
            found.add(happened_before([(who, next(left[who])) for who in row]))
    return found


@pytest.mark.parametrize("most", [1, 2, 3])
def test_what_is_left_out_is_the_same_as_what_was_played(most: int) -> None:
    """An order that is skipped and is not the same would be a hole in the proof."""
    played = list[frozenset[tuple[int, int]]]()

    def remember(order: Order) -> Made:
        made = play(order)
        played.append(happened_before(made))
        return made

    explorer = Explorer("AB", same=False)
    explorer.explore(remember, most=most, killing=0)
    assert set(played) == every_order(most)
    assert explorer.symmetric > 0
    assert len(played) == explorer.played


@pytest.mark.parametrize("text", ["A", "A5 B", "A5! B", "A5 B7 A", "A5 B7 A12! B +B"])
def test_an_order_is_read_as_it_is_written(text: str) -> None:
    """A failure is told by it, and brought back by it."""
    assert str(Order.parse(text)) == text
