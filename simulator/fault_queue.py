"""The queue in which faults wait for requests."""

import threading

from simulator.faults import Fault


class FaultQueue:
    """The faults that wait for requests: those set for so many requests in order, then those set until cleared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault, times: int | None) -> None:
        """Queue a fault for the next ``times`` requests, or until cleared when None.

        Raises:
            ValueError: ``times`` is below 1.
        """
        if times is not None and times < 1:
            raise ValueError("a fault is set for at least one request: times must be 1 or more, or None")
        with self._lock:
            self._waiting.append((fault, times))

    def take(self, tenant: str, endpoint: str) -> Fault | None:
        """Return the fault this request meets, and use it up."""
        with self._lock:
            matching = [
                (index, fault, times)
                for index, (fault, times) in enumerate(self._waiting)
                if fault.endpoint == endpoint and fault.tenant in {None, tenant}
            ]
            if not matching:
                return None
            # Counted faults go first, so that one can be slipped in front of a lasting one.
            index, fault, times = min(matching, key=lambda match: (match[2] is None, match[0]))
            if times == 1:
                del self._waiting[index]
            elif times is not None:
                self._waiting[index] = (fault, times - 1)
            return fault

    def clear(self) -> None:
        """Forget every fault that waits."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[tuple[Fault, int | None]]:
        """Return the faults that wait, each with the requests it is still for (None: until cleared)."""
        with self._lock:
            return list(self._waiting)
