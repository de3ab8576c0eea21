"""Invariant 11 from the outside: what each mail says of traffic, beside what the service answered in that run."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.support.aws_calls import Email
from tests.support.invariants import TALLY
from tests.support.service_records import Answers

_SAYS = {"accepted": "Yes:", "refused": "No:", "no answer": "Not known:"}
NOT_ASKED, NOT_KNOWN = "Not asked", "Not known:"
_SKEW = timedelta(seconds=61)  # mails tell whole seconds, and containers' clocks differ


@dataclass(frozen=True)
class Seen:
    """One run as an observer saw it.

    Attributes:
        begun: when, by the env's clock.
        ended: likewise.
        in_use: certificates, by serial number, and API keys that were in use in it: one pair, or two where one half
            was replaced.
        answers: what the service answered.
        unreached: whether a request did not get through to the service.
        strangers: of those in use, what the service never issued: it lets none of them through the TLS handshake.
        alone: nobody else ran or acted meanwhile, so that the last answer counts.
        told_all: AWS refused nothing, so that the run knew of each promotion of its own.
    """

    begun: datetime
    ended: datetime
    in_use: tuple[tuple[int, str], ...]
    answers: Answers
    unreached: bool
    strangers: frozenset[int]
    alone: bool
    told_all: bool


def rendered_at(mail: Email) -> datetime:
    """When a mail was written, by its own word: it may be sent by a later run."""
    found = re.search(r"^Now: (\S+)Z$", mail.body, re.MULTILINE)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else datetime.min.replace(tzinfo=UTC)


class Traffic:
    """The runs so far, and the mails they made."""

    def __init__(self) -> None:
        self._runs: list[Seen] = []

    def remember(self, run: Seen) -> None:
        """Mails of this run may be sent by later ones."""
        self._runs.append(run)

    def check(self, run: Seen, mail: Email, asked: int | None) -> None:
        """A mail's sentence is what the service answered in the run that wrote it.

        Args:
            run: the one that sent it.
            mail: the mail.
            asked: how many requests had left this run by then; None if an earlier run wrote the mail.
        """
        if asked is not None:
            allowed = _allowed(run, mail, asked)
        else:
            at = rendered_at(mail)
            wrote = [one for one in (*self._runs, run) if one.begun - _SKEW <= at <= one.ended + _SKEW]
            allowed = set[str]().union(*(_allowed(one, mail, None) for one in wrote))
        said = next((form for form in (*_SAYS.values(), NOT_ASKED) if mail.traffic.startswith(form)), "")
        TALLY.check(11, said in allowed, f"the mail {mail.code} says {mail.traffic!r}, which may be {allowed}")


def _serial(mail: Email) -> int | None:
    """Of the certificate in use that a mail is about; None when it could not be read."""
    found = re.search(r"^Serial number: ([0-9a-f]+)$", mail.body, re.MULTILINE)
    return int(found[1], 16) if found else None


def _pairs(run: Seen, mail: Email, *, certain: bool) -> list[tuple[int, str]]:
    """Which a mail may be about: it names the certificate alone. What was dropped, was so before a promotion."""
    serial = _serial(mail)
    found = [pair for pair in run.in_use if pair[0] == serial]
    if not (certain and found):
        return found
    return found[:1] if mail.code == "dropped" else found[-1:]


def _allowed(run: Seen, mail: Email, asked: int | None) -> set[str]:
    """The forms that would be true, after so many requests of the run."""
    serial = _serial(mail)
    if serial is None:
        return {NOT_ASKED, NOT_KNOWN}
    certain = asked is not None and run.alone and not run.unreached
    pairs = _pairs(run, mail, certain=certain and run.told_all)
    if not pairs:
        return set()
    answers = run.answers.up_to(asked) if certain else run.answers
    verdicts = list[str]()
    for pair in pairs:
        about = answers.about(*pair)
        verdicts += about[-1:] if certain and pair == run.in_use[0] else about
    forms = {_SAYS[one] for one in verdicts}
    if run.unreached:
        forms |= {NOT_KNOWN, *([_SAYS["refused"]] if serial in run.strangers else [])}
    return forms if forms and certain else forms | {NOT_ASKED}
