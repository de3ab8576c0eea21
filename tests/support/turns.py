"""Several containers side by side, of which one goes on at a time: up to its next exchange with the outside env.

Each is a thread, and none of them moves unless it is its turn: so what happens hangs on the order of the turns alone.
Nobody waits for another here. The code sleeps by the env's clock, which moves at once, and it meets a lease with an
answer, not by waiting.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import override

from certificate_rotation.adapters.mtls import Response
from tests.support.exchanges import Exchanges, Killed
from tests.support.rotation_env import RotationEnv

ANSWERED = "refresh answered"  # the request for a new half is two turns: other runs may act while it is open
_PATIENCE = 60  # seconds for one turn, on the busiest machine: more is a deadlock


class StuckError(Exception):
    """A container neither came to an exchange nor to its end."""


@dataclass
class _Container:
    run: Callable[[], str]
    may_go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    thread: threading.Thread | None = None
    dead: bool = False
    outcome: str = ""
    error: BaseException | None = None


class Turns(Exchanges):
    """The containers by name, and whose turn it is. A container starts with its first turn.

    Attributes:
        made: who made which exchange, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, str]] = []
        self._containers: dict[str, _Container] = {}
        self._here = threading.local()
        self._stands = threading.Semaphore(0)  # the one whose turn it was has come to its next exchange, or to its end

    def add(self, name: str, run: Callable[[], str]) -> None:
        """A container of a name, and what it does: it tells the outcome."""
        self._containers[name] = _Container(run)

    def turn(self, name: str) -> bool:
        """Let a container make one exchange, and go on to right before the next; False when it has ended already."""
        container = self._containers[name]
        if container.thread is None:
            self._start(name, container)
        if container.outcome or container.error:
            return False
        self._let_go(container)
        return True

    def kill_here(self, name: str) -> None:
        """End a container where it stands."""
        container = self._containers[name]
        container.dead = True
        if not (container.outcome or container.error):
            self._let_go(container)  # what it still tries does not happen

    def outcomes(self) -> list[str]:
        """How each one ended."""
        return [container.outcome for container in self._containers.values()]

    def end(self) -> None:
        """Leave no thread behind, whatever happened."""
        for name, container in self._containers.items():
            if container.thread:
                self.kill_here(name)
                container.thread.join(_PATIENCE)

    @override
    def before(self, name: str) -> None:
        container: _Container = self._here.container
        if not container.dead:
            self._stands.release()
            container.may_go.acquire()
        if container.dead:
            raise Killed
        self.names.append(name)
        self.made.append((self._here.name, name))

    @override
    def after(self) -> None:
        if self._here.container.dead:
            raise Killed

    def _start(self, name: str, container: _Container) -> None:
        def live() -> None:
            self._here.name, self._here.container = name, container
            try:
                container.outcome = container.run()
            except Killed:
                container.outcome = "killed"
            except BaseException as error:  # noqa: BLE001 - it belongs to the test, which is in another thread
                container.error = error
            self._stands.release()

        container.thread = threading.Thread(target=live, name=name, daemon=True)
        container.thread.start()
        self._wait(container)

    def _let_go(self, container: _Container) -> None:
        container.may_go.release()
        self._wait(container)

    def _wait(self, container: _Container) -> None:
        if not self._stands.acquire(timeout=_PATIENCE):
            raise StuckError(f"{container.thread} does not come to an exchange")
        if container.error:
            raise container.error


def answered_in_a_turn(env: RotationEnv, turns: Turns) -> Callable[[Response], Response]:
    """For `RotationEnv.on_its_way`: the answer to a request for a new half arrives in a turn of its own."""
    before = env.on_its_way

    def arrives(answer: Response) -> Response:
        turns.before(ANSWERED)
        return before(answer)

    return arrives
