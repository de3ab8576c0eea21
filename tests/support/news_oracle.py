"""Invariant 12 from the outside: what happened is kept here until it was mailed and put on the bus."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.support.aws_calls import Email, PublishedEvent
from tests.support.invariants import TALLY

_DAY = timedelta(days=1, minutes=3)  # a failure that was told within a day need not be told again
_ONE_RUN = timedelta(minutes=2)  # template.yaml: Timeout
_ENDS = {"rotated", "recovered"}
_FAILURE = "Rotation Failed"


@dataclass(frozen=True)
class Fact:
    """Something people and programs must know.

    Attributes:
        code: an error's class name, or `rotated` or `dropped`.
        at: when it happened.
        about: the name of the certificate it is about; empty for a failure.
        reload: consumers hold a certificate that opens nothing any more.
    """

    code: str
    at: datetime
    about: str = ""
    reload: bool = False

    def is_told_by(self, code: str, text: str, told_at: datetime) -> bool:
        """Whether a message says it.

        What was put into use by a run that died, and replaced by a person before the next, is told as dropped. And a
        later run asks about what consumers hold once more: it may be accepted by then.
        """
        same = code == self.code or (self.code, code) == ("rotated", "dropped")
        asked_again = told_at - self.at > _ONE_RUN and "is still accepted" in text
        if not same or self.about not in text or (self.reload and "must reload" not in text and not asked_again):
            return False
        return bool(self.about) or told_at >= self.at - _DAY


class News:
    """What happened, what was told, and when."""

    def __init__(self) -> None:
        self._mailed: list[tuple[str, str, datetime]] = []  # code, text, when
        self._announced: list[tuple[str, str, datetime]] = []
        self._unmailed: list[Fact] = []
        self._unannounced: list[Fact] = []
        self._not_closed: set[Fact] = set()

    def happened(self, fact: Fact) -> None:
        """It must be known, or become known."""
        if not _known(fact, self._mailed):
            self._unmailed.append(fact)
        if not _known(fact, self._announced):
            self._unannounced.append(fact)

    def not_closed(self) -> None:
        """The run that put a certificate into use died: the next one tells it, if it is in use by then."""
        self._not_closed = {fact for fact in (*self._unmailed, *self._unannounced) if fact.code == "rotated"}

    def replaced_by_hand(self) -> None:
        """Somebody put another certificate into use: what was not even closed is not so any more."""
        self._unmailed = [fact for fact in self._unmailed if fact not in self._not_closed]
        self._unannounced = [fact for fact in self._unannounced if fact not in self._not_closed]

    @property
    def waits(self) -> bool:
        """Whether something was not told yet."""
        return bool(self._unmailed or self._unannounced)

    def told(self, mails: list[Email], events: list[PublishedEvent], now: datetime) -> None:
        """AWS took these."""
        self._mailed += [(mail.code, mail.body, now) for mail in mails]
        self._announced += [(str(e.detail["code"]), json.dumps(e.detail), now) for e in events]
        self._unmailed = [fact for fact in self._unmailed if not _known(fact, self._mailed)]
        self._unannounced = [fact for fact in self._unannounced if not _known(fact, self._announced)]

    def check(self) -> None:
        """After a run that was free to tell."""
        TALLY.check(12, not self._unmailed, f"nobody was mailed {self._unmailed}")
        TALLY.check(12, not self._unannounced, f"no event told programs {self._unannounced}")

    def check_at_rest(self) -> None:
        """All is well: the last that people and programs heard of is that it is."""
        for told in (self._mailed, self._announced):
            last = next((code for code, _, _ in reversed(told) if code != "dropped"), "recovered")
            TALLY.check(12, last in _ENDS, f"all is well, and the last that was told is {last}")


def _known(fact: Fact, told: list[tuple[str, str, datetime]]) -> bool:
    return any(fact.is_told_by(*one) for one in reversed(told))
