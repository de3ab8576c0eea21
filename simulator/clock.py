"""The simulator's time: the machine's own, plus an offset that tests move."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that keeps running after it is moved, so that hours and months pass in no time.

    Signing, expiry, activation and the hourly limits follow it. The one limit per second does not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """Return the simulated time, aware and in UTC."""
        with self._lock:
            return datetime.now(UTC) + self._offset

    @property
    def moved(self) -> bool:
        """Whether simulated time differs from the machine's."""
        with self._lock:
            return self._offset != timedelta(0)

    def advance(self, step: timedelta) -> datetime:
        """Move by ``step`` (negative goes back) and return the new time.

        Raises:
            OverflowError: There is no such date; the clock stays where it was.
        """
        with self._lock:
            moment = datetime.now(UTC) + self._offset + step
            self._offset += step
        return moment

    def set(self, moment: datetime) -> datetime:
        """Jump to ``moment`` and run on from there; return the new time.

        Raises:
            ValueError: ``moment`` has no time zone.
        """
        if moment.tzinfo is None:
            raise ValueError("the clock takes an aware datetime: give the moment a time zone, for example UTC")
        with self._lock:
            self._offset = moment - datetime.now(UTC)
        return self.now()

    def reset(self) -> datetime:
        """Return to the machine's own time."""
        with self._lock:
            self._offset = timedelta(0)
        return self.now()
