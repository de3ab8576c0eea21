"""The two halves of a credential. Each ends by itself, is renewed by itself, and is limited by itself. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class HalfName(StrEnum):
    """The contract's names of the halves, as events and results have them."""

    CERTIFICATE = "certificate"
    API_KEY = "apiKey"

    @property
    def words(self) -> str:
        """As people read it."""
        return "certificate" if self is HalfName.CERTIFICATE else "API key"

    @property
    def other(self) -> "HalfName":
        """The one beside it."""
        return HalfName.API_KEY if self is HalfName.CERTIFICATE else HalfName.CERTIFICATE


class HalfOf(NamedTuple):
    """A half of one credential, which is known by its secret's ARN (or the function, by its name)."""

    arn: str
    half: HalfName


class Life(NamedTuple):
    """When a half ends, and when it is due. Times are aware, UTC; None where nobody knows.

    Attributes:
        ends: from then on the service refuses it.
        renew_at: when renewal is due.
        by_note: whether `ends` is a note in the secret: what a person wrote there proves nothing.
    """

    ends: datetime | None = None
    renew_at: datetime | None = None
    by_note: bool = False

    def has_ended(self, now: datetime) -> bool:
        """Whether its date has passed; what nobody knows has not."""
        return self.ends is not None and now >= self.ends

    def has_surely_ended(self, now: datetime) -> bool:
        """The same, where the date is more than a note."""
        return not self.by_note and self.has_ended(now)

    def is_stale(self, now: datetime) -> bool:
        """Whether it is a note that has passed."""
        return self.by_note and self.has_ended(now)

    def is_within(self, span: timedelta, now: datetime) -> bool:
        """Whether its end is no further away than `span`."""
        return self.ends is not None and now >= self.ends - span

    def held_until(self, critical: timedelta) -> datetime | None:
        """When a hold over an open attempt ends by itself: the end is near, and renewal is due."""
        if self.ends is None or self.renew_at is None:
            return None
        return max(self.ends - critical, self.renew_at)
