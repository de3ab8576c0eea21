"""The orders in which containers can take their turns: written down, enumerated, and those left out that are the same.

An order is written as it happens: `A5 B7 A` is five exchanges of A, seven of B, the rest of A, and then the rest of B.
`A5! B` kills A before its sixth. `+B` at the end: B's clock is a minute ahead.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from tests.support.commuting import commute, reads

type Made = list[tuple[str, str]]  # who made which exchange, in order


@dataclass(frozen=True, order=True)
class Order:
    """Whose turn it is.

    Attributes:
        cuts: who makes how many exchanges before another one goes on.
        last: who goes on then, to the end; after that the others, by name.
        kills: the last one cut dies where it stands.
        ahead: whose clock is a minute ahead; empty for nobody's.
    """

    cuts: tuple[tuple[str, int], ...]
    last: str
    kills: bool = False
    ahead: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """As it was written down."""
        words = text.split()
        ahead = words.pop()[1:] if words[-1].startswith("+") else ""
        cuts = [(word[0], int(word[1:].rstrip("!"))) for word in words[:-1]]
        return cls(tuple(cuts), words[-1], "!" in text, ahead)

    def __str__(self) -> str:
        parts = [f"{who}{number}" for who, number in self.cuts]
        text = " ".join([*parts[:-1], parts[-1] + "!" * self.kills, self.last] if parts else [self.last])
        return f"{text} +{self.ahead}" if self.ahead else text


@dataclass(frozen=True)
class Found:
    """An order that was played, or is the same as one that was.

    Attributes:
        order: the order.
        segments: who made which exchanges until another went on, to the very end.
    """

    order: Order
    segments: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, order: Order, made: Made) -> Self:
        """Cut what was made into its segments."""
        segments = list[tuple[str, tuple[str, ...]]]()
        for who, exchange in made:
            if segments and segments[-1][0] == who:
                segments[-1] = (who, (*segments[-1][1], exchange))
            else:
                segments.append((who, (exchange,)))
        return cls(order, tuple(segments))

    def children(self) -> Iterator[Self]:
        """Every order with one more switch, later than those of this one: what is known of it without playing it."""
        fixed = len(self.order.cuts)
        for place in range(fixed, len(self.segments) - 1):  # nobody is left to go on beside the last segment
            who, exchanges = self.segments[place]
            before = self.segments[:place]
            cuts = tuple((name, len(made)) for name, made in before)
            alive = {name for name, _ in self.segments[place:]} - {who}
            for number, other in itertools.product(range(1, len(exchanges)), sorted(alive)):
                yield type(self)(Order((*cuts, (who, number)), other), (*before, (who, exchanges[:number])))

    @property
    def has_every_cut(self) -> bool:
        """Whether it was played as it is written: a run may be shorter than the one it was cut from."""
        return [(who, len(made)) for who, made in self.segments[: len(self.order.cuts)]] == list(self.order.cuts)


class Explorer:
    """Enumerates orders.

    Attributes:
        played: how many.
        symmetric: how many were left out, because they are the same as one that was played.
        switches: how many there were in those that were played.
    """

    def __init__(self, names: str, *, same: bool, moves_at_first: bool = False) -> None:
        """For containers of these names, one letter each.

        `same`: they are invoked with the same event, so that their names can be exchanged. `moves_at_first`: something
        else happens at the first switch, which commutes with nothing.
        """
        self.played, self.symmetric, self.switches = 0, 0, 0
        self._names, self._same, self._moves_at_first = names, same, moves_at_first
        self._known: dict[Order, Found] = {}

    def explore(self, play: Callable[[Order], Made], *, most: int, killing: int) -> None:
        """Play every order with at most so many switches.

        Args:
            play: plays one, and tells who made which exchange.
            most: of switches.
            killing: up to how many switches each is played once more with a run killed.
        """
        level = [self._played(Order((), first), play) for first in (self._names[:1] if self._same else self._names)]
        for depth in range(1, most + 1):
            following = list[Found]()
            for child in sorted((c for found in level for c in found.children()), key=lambda c: c.order):
                if self._skips_third_first(child.order):
                    self.symmetric += 1
                    continue
                same, moved = self._twin(child)
                if same:
                    self._known[child.order] = same
                    self.symmetric += 1
                else:
                    following.append(self._played(child.order, play))
                # Killed a write later is another case; a read later, or with an earlier switch moved, is none.
                if depth <= killing and not (same and (moved < depth - 1 or reads(child.segments[-1][1][-1]))):
                    self._played(replace(child.order, kills=True), play)
            level = [found for found in following if found.has_every_cut]

    def _played(self, order: Order, play: Callable[[Order], Made]) -> Found:
        skewed = replace(order, ahead=order.last if self.played % 2 else "")
        found = Found.of(order, play(skewed))
        self.played += 1
        self.switches += len(order.cuts)
        self.symmetric += self._same  # the same with the names exchanged
        if not order.kills:
            self._known[order] = found
        return found

    def _skips_third_first(self, order: Order) -> bool:
        """Of two that are the same and have not begun, the one with the earlier name begins first."""
        begins = dict.fromkeys([*(who for who, _ in order.cuts), order.last])
        return self._same and list(begins) != sorted(begins)

    def _twin(self, child: Found) -> tuple[Found | None, int]:
        """What an order amounts to that differs from a known one by an exchange that commutes, and at which switch.

        The exchange is the last one before a switch, moved behind all that the other run makes before this one goes on.
        """
        cuts = child.order.cuts
        for place in range(int(self._moves_at_first), len(cuts)):
            who, number = cuts[place]
            twin = self._known.get(_one_less(child.order, place)) if number > 1 else None
            if twin is None or not twin.has_every_cut or len(twin.segments) < place + 3:
                continue
            (other, between), (goes_on, _) = twin.segments[place + 1 : place + 3]
            moved = child.segments[place][1][-1]
            if other != who == goes_on and all(commute(moved, exchange) for exchange in between):
                return _moved(child.order, twin, place, moved), place
        return None, 0


def _one_less(order: Order, place: int) -> Order:
    """The switch one exchange earlier, and what is left out made when the run goes on."""
    cuts = list(order.cuts)
    cuts[place] = (cuts[place][0], cuts[place][1] - 1)
    if place + 2 < len(cuts):
        cuts[place + 2] = (cuts[place + 2][0], cuts[place + 2][1] + 1)
    return Order(tuple(cuts), order.last)


def _moved(order: Order, twin: Found, place: int, exchange: str) -> Found:
    """What would be made in an order that need not be played."""
    segments = list(twin.segments)
    who, made = segments[place]
    segments[place] = (who, (*made, exchange))
    segments[place + 2] = (who, segments[place + 2][1][1:])
    return Found(order, tuple(segment for segment in segments if segment[1]))
