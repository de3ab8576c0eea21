"""The twelve invariants of the design, how often each was checked, and how often it did not hold.

One `TALLY` per process; `tests/conftest.py` brings those of all pytest's workers together, prints the table and leaves
it in `build/reliability.json` and `docs/reliability.md`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

INVARIANTS: Mapping[int, str] = {
    1: "AWSCURRENT is always a complete credential, and the newest one known to work",
    2: "An issued half that reached us is never lost, and no certificate is parted from its key",
    3: "No more requests leave than the vendor allows: three, then one an hour; for an API key five, then two an hour",
    4: "One request is in flight per credential",
    5: "Nothing unverified becomes AWSCURRENT",
    6: "No API key and no private key in a log line, metric, alert, result, ledger record or exception",
    7: "The API key and the client key go to the configured host alone, over verified TLS",
    8: "The customer's own keys in the secret survive",
    9: "A failure makes one alert, an escalation or a day another, a recovery closes it",
    10: "The role can do what the code does and nothing more",
    11: "A mail says of traffic what the service answered in that run, or that it was not asked",
    12: "News is late, never lost, and no refused news stops a renewal",
}


class ViolatedError(AssertionError):
    """An invariant does not hold."""


@dataclass
class InvariantCounts:
    """What was counted.

    Attributes:
        cases: per invariant, how often it was checked.
        violations: per invariant, how often it did not hold.
        figures: by name, what was tried: crash points, steps, inputs ...
    """

    cases: Counter[int] = field(default_factory=Counter)
    violations: Counter[int] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)

    def check(self, invariant: int, holds: object, otherwise: str) -> None:
        """Count a case of an invariant.

        Raises:
            ViolatedError: it does not hold; `otherwise` says what was found instead.
        """
        self.cases[invariant] += 1
        if not holds:
            self.violations[invariant] += 1
            raise ViolatedError(f"Invariant {invariant} is broken ({INVARIANTS[invariant]}): {otherwise}")

    def count(self, figure: str, number: int = 1) -> None:
        """Count something that was tried."""
        self.figures[figure] += number

    def as_plain(self) -> dict[str, dict[str, int]]:
        """For the way between two processes."""
        return {
            "cases": {str(k): v for k, v in self.cases.items()},
            "violations": {str(k): v for k, v in self.violations.items()},
            "figures": dict(self.figures),
        }

    def add(self, plain: Mapping[str, Mapping[str, int]]) -> None:
        """Add what another process counted."""
        self.cases.update({int(k): v for k, v in plain["cases"].items()})
        self.violations.update({int(k): v for k, v in plain["violations"].items()})
        self.figures.update(plain["figures"])


TALLY = InvariantCounts()
