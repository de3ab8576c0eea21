"""One clock for the code and for the service, which a test moves."""

import threading
from datetime import datetime, timedelta

from simulator import Simulator


class Time:
    """The code's clock: moves when it sleeps and when a test says so, and the simulator's moves along."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._lock = threading.Lock()
        self._now = simulator.clock.now()

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Let time pass."""
        with self._lock:
            self._now += step
            self._simulator.clock.advance(step)

    def sleep(self, seconds: float) -> None:
        """Wait, as the code does between probes."""
        if seconds:
            self.advance(timedelta(seconds=seconds))
