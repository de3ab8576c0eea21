"""Notifies people and programs: a message per failure, not per run; of many credentials with one cause, five an hour.

Late, never lost, and never in the way. What AWS does not take is kept beside the credential's record until it does. A
message goes out before it is written down as sent: a crash in between repeats it, never swallows one. For the same
reason a ledger that cannot be read or written keeps no message from going out. Nothing here fails a run.
What is sent and what is written down about it is one module, because neither is right without the other.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Iterable
from copy import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Literal, NamedTuple

from certificate_rotation.adapters.alert_topic import AlertTopic
from certificate_rotation.adapters.event_bus import EventBus
from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.ledger_items import NEWS
from certificate_rotation.domain.errors import InvalidEvent, StorageFailure
from certificate_rotation.domain.half import HalfOf
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.state import Incident, News, NewsChanges, State
from certificate_rotation.notifications import messages
from certificate_rotation.notifications.incidents import LAST_DAY, notice
from certificate_rotation.notifications.messages import ALONE

logger = logging.getLogger(__name__)

# DynamoDB: an item is at most 400 KB, and news is about 3. Beyond this many the least important goes.
MOST_NEWS = 30
PATIENCE = 3  # refusals of one kind in a run, after which the rest waits for the next run: one bad message stops none
QUIET_DAY = timedelta(days=1)  # without a bad event, after which the incident about bad events is over


class Delivery(NamedTuple):
    """What became of news.

    Attributes:
        changes: to be written down: what AWS did not take; and what was written down before and it has taken now, or
            what newer news stands for.
        mails_refused: how many mails AWS did not take.
    """

    changes: NewsChanges = MappingProxyType({})
    mails_refused: int = 0


class Alerts:
    """Sends to one SNS topic and the event bus, and remembers open incidents in the ledger."""

    def __init__(self, topic: AlertTopic, events: EventBus, ledger: Ledger) -> None:
        """The three it writes to."""
        self._topic, self._events, self._ledger = topic, events, ledger

    def failed(self, error: Exception, report: Report, invocation: Invocation) -> Delivery:
        """Notify of a failure, unless people know enough of it already; and of what waits. Writes down what it did."""
        now, half = report.at, report.half
        time_left = report.ends - now if report.ends else None
        found = self.known(report.secret)
        known = found or State()
        if found and report.concerned:  # the run may have counted one since it looked
            attempts = known.of(half).attempts
            counted = replace(report.concerned, attempts=attempts.available(now), next_attempt_at=attempts.next_at(now))
            report = replace(report, halves={**report.halves, half: counted})
        code, incident = type(error).__name__, known.of(half).incident
        due = notice(known, half, code, time_left, now)
        if due is None:
            if not (report.of_function and incident and incident.code == code):
                return self.catch_up(report.secret, known, invocation)
            done = self._deliver([], known.news, invocation)
            self._remember(report, replace(incident, seen_at=now), known, done.changes)
            return done
        message = messages.failed(error, report, due.incident, due.reason)
        alone = report.of_function or due.incident.level >= LAST_DAY
        # What waits of the same failure is older than this, which says since when it lasts.
        stale = {news.name: None for news in known.news if news.code == code and news.half == half}
        waiting = [news for news in known.news if news.name not in stale]
        done = self._deliver(self._news(message, report, alone=alone), waiting, invocation)
        done = replace(done, changes={**done.changes, **stale})
        incident = replace(due.incident, seen_at=now) if report.of_function else due.incident
        self._remember(report, incident, replace(known, told=due.told), done.changes)
        return done

    def rotated(
        self, rotated: Rotated, report: Report, known: State, invocation: Invocation, *, announce: bool
    ) -> Delivery:
        """Notify that a new half is in use, and of what waits. The caller writes down what becomes of it.

        `announce`: whether people want to hear of a success at all; anything else than that they are told anyway.
        """
        over = known.of(report.half).incident
        message = messages.rotated(rotated, over, report)
        special = message.severity != "INFO"
        new = self._news(message, report, alone=over is None or special, mailed=announce or bool(over) or special)
        return self._deliver(new, known.news, invocation)

    def recovered(self, incident: Incident, report: Report, known: State, invocation: Invocation) -> Delivery:
        """Notify that an incident is over though nothing was rotated. Writes down what it did."""
        new = self._news(messages.recovered(incident, report), report, alone=report.of_function)
        done = self._deliver(new, known.news, invocation)
        self._remember(report, None, known, done.changes)
        return done

    def dropped(self, names: str, report: Report, known: State, invocation: Invocation) -> Delivery:
        """Notify that what the service issued will not be used. The caller writes down what becomes of it."""
        new = self._news(messages.dropped(names, report), report, alone=True)
        return self._deliver(new, known.news, invocation)

    def catch_up(self, secret: str, known: State, invocation: Invocation) -> Delivery:
        """Send what AWS did not take in earlier runs, and write down what it took now."""
        done = self._deliver([], known.news, invocation)
        try:
            self._ledger.change_news(secret, done.changes)
        except StorageFailure as error:
            logger.warning("What became of news could not be recorded, so it may be told again: %s", error)
        return done

    def resolve_function_incident(self, known: State, report: Report, invocation: Invocation) -> Delivery:
        """Close an incident that is not about one credential: event and settings were good in this run.

        A good event does not end the incident about bad ones, which may come in turns with it: a quiet day does.
        """
        incident = known.certificate.incident
        quiet = incident and report.at - (incident.seen_at or incident.alerted_at) >= QUIET_DAY
        if incident and (quiet or incident.code != InvalidEvent.__name__):
            return self.recovered(incident, report, known, invocation)
        return self.catch_up(report.secret, known, invocation)

    def adopt(self, name: str, arn: str, invocation: Invocation) -> None:
        """Move what is known of a secret by its name, before its ARN was known, to the record of the ARN."""
        known, there = self.known(name), self.known(arn)
        if known is None or there is None or (known.certificate.incident is None and not known.news):
            return
        # The ARN's first: a crash in between leaves both, never none.
        both = replace(there, told={**known.told, **there.told})
        incident = there.certificate.incident or known.certificate.incident
        moved = {news.name: news for news in known.news}
        self._remember(Report(arn, invocation.clock()), incident, both, moved)
        self._remember(Report(name, invocation.clock()), None, known, dict.fromkeys(moved))

    def known(self, secret: str) -> State | None:
        """What is remembered of it; None where AWS refuses to say."""
        try:
            return self._ledger.load(secret)
        except StorageFailure as error:
            logger.warning("Whether people know of this already cannot be read, so they are told again: %s", error)
            return None

    def _news(self, message: News, report: Report, *, alone: bool, mailed: bool = True) -> list[News]:
        """What has to go out for one message: an event always; a mail, unless many of its cause went out already."""
        place = "mail" if alone else self._place(message)
        name = f"{NEWS}{report.at:%Y%m%dT%H%M%S%f}_{uuid.uuid4().hex[:8]}"
        news = replace(message, name=name, mail=mailed and place == "mail")
        if not mailed or place != "more":
            return [news]
        return [news, replace(messages.and_more(message, report), name=f"{name}_more")]

    def _place(self, message: News) -> Literal["mail", "more", "event alone"]:
        try:
            number = self._ledger.count_mail(self._topic.arn, message.code, message.at)
        except StorageFailure as error:
            logger.warning("How many others have the same to tell cannot be found out, so it is mailed: %s", error)
            return "mail"
        return "mail" if number <= ALONE else "more" if number == ALONE + 1 else "event alone"

    def _deliver(self, new: Iterable[News], waiting: Iterable[News], invocation: Invocation) -> Delivery:
        """Send what waits and what is new, the older first, while there is time to write down what became of it."""
        old, late, refused = list(waiting), Counter[str](), Counter[str]()
        left = [one for news in old if (one := self._send_late(news, invocation, late))]
        # Counted anew: what AWS does not take of the old keeps nothing new from being tried.
        left += [one for news in new if (one := self._send(news, invocation, refused))]
        crowded_out = _least_important(left)
        for news in crowded_out:
            logger.error("Too much news waits for AWS to take it. This was thrown away: %s", news.subject)
        now = {news.name: None for news in old} | {news.name: news for news in left if news not in crowded_out}
        changes = {name: news for name, news in now.items() if news not in old}
        return Delivery(changes, late["mail"] + refused["mail"])

    def _send_late(self, news: News, invocation: Invocation, refused: Counter[str]) -> News | None:
        """As `_send`, of what should have gone out before; the mail says so."""
        left = self._send(replace(news, text=messages.late(news.text, news.at)), invocation, refused)
        return replace(left, text=news.text) if left else None

    def _send(self, news: News, invocation: Invocation, refused: Counter[str]) -> News | None:
        """Send the mail and the event; what AWS did not take of the two, or None."""
        if news.mail and refused["mail"] < PATIENCE and invocation.may_notify():
            why = self._topic.publish(news)
            if why:
                refused["mail"] += 1
                logger.error("The alert %s could not be published: %s", news.code, why)
            else:
                news = replace(news, mail=False)
        if news.detail and refused["event"] < PATIENCE and invocation.may_notify():
            why = self._events.put(news.detail_type, news.detail, news.secret)
            if why:
                refused["event"] += 1
                logger.error("The event %s could not be published: %s", news.detail_type, why)
            else:
                news = replace(news, detail="")
        return news if news.mail or news.detail else None

    def _remember(self, about: Report, incident: Incident | None, known: State, changes: NewsChanges) -> None:
        try:
            self._ledger.remember(HalfOf(about.secret, about.half), incident, known.told, changes)
        except StorageFailure as error:
            logger.warning("That people were told could not be recorded, so they may be told again: %s", error)


def _least_important(news: list[News]) -> list[News]:
    """What there is no room for: the oldest, and of what hurts nobody first."""
    by_weight = sorted(news, key=lambda one: (one.severity == "INFO", -one.at.timestamp()))
    return by_weight[MOST_NEWS:]
