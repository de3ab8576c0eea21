"""Lets news of many credentials with one cause wait, and sends them as one message. `digest` decides, this does.

What waits is written down before anybody counts on it. A batch is forgotten only after it went out: a crash in between
repeats a message, never swallows one.
"""

from collections.abc import Callable
from datetime import datetime

from certificate_rotation import digest
from certificate_rotation.digest import Batch, Record
from certificate_rotation.digest_records import DigestRecords
from certificate_rotation.errors import StorageFailure

_ROUNDS = 12  # how often a run looks again because another one changed the record first


class Digests:
    """The digests of one topic. Every method raises `StorageFailure` when AWS refuses."""

    def __init__(self, records: DigestRecords, send: Callable[[str, Batch, datetime], bool]) -> None:
        """`send` publishes the batch of a cause, and says whether AWS took it."""
        self._records, self._send = records, send

    def waits(self, cause: str, name: str, now: datetime, *, urgent: bool) -> bool:
        """Whether the news of a credential waits for a digest; if not, it is to be told on its own."""
        for _ in range(_ROUNDS):
            known = self._records.load(cause)
            place = digest.place(known, name, now)
            if known is None or place == "open":
                if self._records.open(cause, known, name, now):
                    return False
            elif place == "alone":
                if name in known.told or self._records.alone(cause, known, name):
                    return False
            elif place == "wait" or self._join(cause, known, name, by_name=place == "join", urgent=urgent):
                self.catch_up(cause, now)
                return True
        raise StorageFailure("The digest of alerts changed again and again while this run was at work.")

    def catch_up(self, cause: str, now: datetime) -> bool:
        """Send what is overdue; whether anything still waits, or could not be sent."""
        for _ in range(_ROUNDS):
            known = self._records.load(cause)
            due = digest.overdue(known, now)
            if known is None or due is None:
                return digest.owes(known)
            won = (self._records.close if due == "close" else self._records.take_over)(cause, known, now)
            if won and not self._send_batch(cause, now):
                break
        return True

    def _join(self, cause: str, known: Record, name: str, *, by_name: bool, urgent: bool) -> bool:
        if by_name:
            return self._records.join(cause, known, name, urgent=urgent)
        return self._records.count(cause, known, urgent=urgent)

    def _send_batch(self, cause: str, now: datetime) -> bool:
        """Send the batch that is ours since `now`; False when AWS did not take the message."""
        ours = now + digest.SENDING
        known = self._records.load(cause)  # read again: some may have joined right before it became a batch
        if known is None or known.sending is None or known.sending_until != ours:
            return True  # it took so long that another run sends it
        return self._send(cause, known.sending, now) and self._records.sent(cause, ours)
