"""Invariant 12 from the outside: what happened is kept here until it was mailed and put on the bus."""

import itertools
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.support.aws_calls import Email, PublishedEvent
from tests.support.invariants import TALLY

_DAY = timedelta(days=1, minutes=3)  # a failure that was told within a day need not be told again
_ONE_RUN = timedelta(minutes=2)  # template.yaml: Timeout
_ENDS = {"rotated", "recovered"}
_SKEW = timedelta(minutes=1, seconds=1)  # of two runs' clocks
_FAILURE = "Rotation Failed"
_LATE = re.compile(r"This mail is late: AWS did not take it at (\S+?)\.")


type Told = tuple[str, str, str, datetime, bool]  # code, half, text, when, and whether the run remembered it


@dataclass(frozen=True)
class Fact:
    """Something people and programs must know.

    Attributes:
        code: an error's class name, or `rotated` or `dropped`.
        at: when it happened.
        about: words that stand in no other message: the name of the certificate it is about, or what is said of an API
            key, which has none; empty for a failure.
        half: which one; of the credential as a whole, the certificate.
        reload: consumers hold a certificate that opens nothing any more.
        earlier: it happened in an earlier run than the one under way.
    """

    code: str
    at: datetime
    about: str = ""
    half: str = "certificate"
    reload: bool = False
    earlier: bool = field(default=False, compare=False)

    def is_told_by(self, code: str, half: str, text: str, told_at: datetime) -> bool:
        """Whether a message says it.

        What was put into use by a run that died, and replaced by a person before the next, is told as dropped. And a
        later run asks about what consumers hold once more: it may be accepted by then.
        """
        same = code == self.code or (self.code, code) == ("rotated", "dropped")
        asked_again = (self.earlier or told_at - self.at > _ONE_RUN) and "is still accepted" in text
        right = same and half == self.half and self.about in text
        if not right or (self.reload and "must reload" not in text and not asked_again):
            return False
        if self.about and half == "apiKey":  # one is as another
            return told_at >= self.at
        return bool(self.about) or told_at >= self.at - _DAY


class News:
    """What happened, what was told, and when."""

    def __init__(self) -> None:
        self._mailed: list[Told] = []
        self._announced: list[Told] = []
        self._unmailed: list[Fact] = []
        self._unannounced: list[Fact] = []
        self._not_closed: set[Fact] = set()

    def run_begins(self) -> None:
        """What waits is of an earlier one from here on."""
        self._unmailed = [replace(fact, earlier=True) for fact in self._unmailed]
        self._unannounced = [replace(fact, earlier=True) for fact in self._unannounced]

    def happened(self, fact: Fact) -> None:
        """It must be known, or become known."""
        if fact.code == "rotated":
            self._unmailed = [_after(fact, one) for one in self._unmailed]
            self._unannounced = [_after(fact, one) for one in self._unannounced]
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

    @property
    def of_both_waits(self) -> bool:
        """Whether a new certificate and a new API key are in use, and nobody was told of either."""
        return len({fact.half for fact in (*self._unmailed, *self._unannounced) if fact.code == "rotated"}) > 1

    def told(self, mails: list[Email], events: list[PublishedEvent], now: datetime, *, remembered: bool) -> None:
        """AWS took these. `remembered`: the run came to write down that it told them."""
        self._mailed += [(mail.code, mail.half, mail.body, now, remembered) for mail in mails]
        self._announced += [(str(e.detail["code"]), e.half, json.dumps(e.detail), now, remembered) for e in events]
        self._unmailed = [fact for fact in self._unmailed if not _known(fact, self._mailed)]
        self._unannounced = [fact for fact in self._unannounced if not _known(fact, self._announced)]

    def check(self, half: str | None = None, unclosed: Collection[str] = ()) -> None:
        """After a run that was free to tell of a half; None for both.

        `unclosed`: of which halves a new one was put into use, and no run can tell before the secret can be read again.
        """
        for told, facts in (("mailed", self._unmailed), ("told by an event", self._unannounced)):
            may_wait = {fact for fact in facts if fact.code == "rotated" and fact.half in unclosed}
            left = [fact for fact in facts if half in {None, fact.half} and fact not in may_wait]
            TALLY.check(12, not left, f"nobody was {told} {left}")

    def check_at_rest(self) -> None:
        """All is well: the last that people and programs heard of each half is that it is."""
        for told, half in itertools.product((self._mailed, self._announced), ("certificate", "apiKey")):
            # What is late says of when it speaks, by the clock of a run that may have been ahead of another's.
            ahead = {False: _SKEW, True: timedelta(0)}
            orders = (told, sorted(told, key=lambda one: _spoken_of(one[2], one[3]) - ahead[one[0] in _ENDS]))
            last = [_last_heard(order, half) for order in orders]
            codes = [f"{code} ({of})" for code, of, _, _, _ in told[-6:]]
            fine = any(code in _ENDS for code in last)
            TALLY.check(12, fine, f"all is well, and the last that was told of the {half} is {last[0]}: {codes}")


def _last_heard(told: list[Told], half: str) -> str:
    """What people think of a half; what a run did not come to remember nobody says the end of."""
    heard = ((code, sure) for code, of, _, _, sure in reversed(told) if of == half and code != "dropped")
    code, remembered = next(heard, ("recovered", True))
    return code if remembered else "recovered"


def _after(rotated: Fact, before: Fact) -> Fact:
    """What was not told before the other half was renewed too.

    AWSPREVIOUS holds the first one's new half by then, so nobody can ask about what consumers hold: the mail says so.
    """
    lost = before.reload and before.half != rotated.half and before.at < rotated.at
    return replace(before, reload=False) if lost else before


def _known(fact: Fact, told: list[Told]) -> bool:
    return any(fact.is_told_by(*one[:4]) for one in reversed(told))


def _spoken_of(text: str, told_at: datetime) -> datetime:
    """The moment a message is about: of an event its own, of a mail that is late the one it names."""
    if text.startswith("{"):
        return datetime.fromisoformat(json.loads(text)["at"])
    late = _LATE.match(text)
    return datetime.fromisoformat(late[1]) if late else told_at
