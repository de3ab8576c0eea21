"""The exchanges of the code with the outside env, one by one: a run can be killed, or somebody else act, at each."""

from collections.abc import Callable
from typing import Literal

When = Literal["before", "after"]


class Killed(BaseException):
    """Lambda stopped the process here. Not an Exception: no handler may take part in it."""


class Exchanges:
    """Every exchange of the code with the outside env in order; a run can be killed at one of them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._kill: tuple[int | str, When] | None = None
        self._dead = False
        self._meanwhile: tuple[int, Callable[[], object]] | None = None
        self.look: Callable[[], object] = lambda: None  # is called right before and right after every exchange

    def meanwhile(self, index: int, action: Callable[[], object]) -> None:
        """Let somebody else act right before the next run's exchange number `index`."""
        self.names.clear()
        self._meanwhile = (index, action)

    def kill(self, place: int | str, when: When) -> None:
        """Let the next run end right before or right after an exchange: its number, or the name of the first such."""
        self.names.clear()
        self._kill = (place, when)

    def kill_now(self) -> None:
        """For `look`: the run ends right here."""
        self._dead = True

    def revive(self) -> None:
        """Start the next process."""
        self.names.clear()
        self._kill, self._dead, self._meanwhile = None, False, None

    def before(self, name: str) -> None:
        """Something is about to be sent."""
        self.names.append(name)
        self.look()
        self._end_if("before")
        if self._meanwhile and self._meanwhile[0] == len(self.names) - 1:
            action, self._meanwhile = self._meanwhile[1], None
            action()

    def after(self) -> None:
        """It was answered."""
        self.look()
        self._end_if("after")

    def _end_if(self, when: When) -> None:
        # A dead process runs no `finally` either: whatever it still tries does not happen.
        self._dead = self._dead or self._kill in {(len(self.names) - 1, when), (self.names[-1], when)}
        if self._dead:
            raise Killed
