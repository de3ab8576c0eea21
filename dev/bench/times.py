"""How long two sides took, round by round, and how much of their ratio is luck."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

_DRAWS = 1000


@dataclass
class Times:
    """Milliseconds of the function and of the script it is compared with, a pair per round."""

    rounds: list[tuple[float, float]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of the medians: a single slow round says nothing."""
        return _ratio(self.rounds)

    def add(self, function: float, script: float) -> None:
        """One round."""
        self.rounds.append((function, script))

    def luck(self) -> tuple[float, float]:
        """Between what the ratio would lie in 95 of 100 repeats, by drawing from the rounds (bootstrap percentiles)."""
        draw = random.Random(1)  # noqa: S311 - statistics; the same rounds give the same answer
        drawn = sorted(_ratio(draw.choices(self.rounds, k=len(self.rounds))) for _ in range(_DRAWS))
        return drawn[round(_DRAWS * 0.025)], drawn[round(_DRAWS * 0.975)]

    def __str__(self) -> str:
        function, script = median(function for function, _ in self.rounds), median(script for _, script in self.rounds)
        least, most = self.luck()
        return f"{function:.0f} ms against {script:.0f} ms; by luck of the rounds from {least:.2f} to {most:.2f}"


def _ratio(rounds: Sequence[tuple[float, float]]) -> float:
    return median(function for function, _ in rounds) / median(script for _, script in rounds)
