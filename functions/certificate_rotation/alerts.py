"""Tells people and programs: a message per failure, not per run; of many credentials with one cause, five an hour.

Late, never lost, and never in the way. What AWS does not take is kept beside the credential's record until it does. A
message goes out before it is written down as told: a crash in between repeats it, never swallows it. For the same
reason a ledger that cannot be read or written keeps no message from going out. Nothing here fails a run.
"""

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation import messages
from certificate_rotation.errors import InvalidEvent, StorageFailure
from certificate_rotation.event_bus import EventBus
from certificate_rotation.incidents import LAST_DAY, notice
from certificate_rotation.ledger import Ledger
from certificate_rotation.ledger_items import NEWS
from certificate_rotation.messages import ALONE, Message, Rotated, Situation
from certificate_rotation.secret_store import aws_reason
from certificate_rotation.state import Incident, News, State

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from certificate_rotation.parts import Invocation

logger = logging.getLogger(__name__)

QUIET_DAY = timedelta(days=1)  # without a bad event, after which the incident about bad events is over


# DynamoDB: an item is at most 400 KB, and news is about 3. Beyond this many the least important goes.
MOST_NEWS = 30
PATIENCE = 3  # refusals of one kind in a run, after which the rest waits for the next run: one bad message stops none


@dataclass
class Refusals:
    """How many mails and events AWS refused in one go."""

    mails: int = 0
    events: int = 0


@dataclass(frozen=True)
class Told:
    """What became of news.

    Attributes:
        kept: what AWS did not take, to be written down.
        gone: what was written down before and AWS has taken now, or what newer news stands for.
    """

    kept: tuple[News, ...] = ()
    gone: tuple[News, ...] = ()


class Alerts:
    """Publishes to one SNS topic and the event bus, and remembers open incidents in the ledger.

    Attributes:
        unpublished: how many mails AWS did not take since this was made.
    """

    def __init__(self, client: "SNSClient", topic_arn: str, events: EventBus, ledger: Ledger) -> None:
        """`client`: a boto3 client of SNS."""
        self.unpublished = 0
        self._client = client
        self._topic_arn = topic_arn
        self._events = events
        self._ledger = ledger
        self._without_incident: set[str] = set()  # what `resolve_function_incident` need not look up

    def failed(self, error: Exception, situation: Situation, invocation: "Invocation") -> None:
        """Tell about a failure, unless people know enough of it already. Never raises: the failure itself does."""
        now = invocation.clock()
        time_left = situation.not_after - now if situation.not_after else None
        self._without_incident.discard(situation.secret)
        found = self._known(situation.secret)
        known = found or State()
        if found and situation.attempts is not None:  # the run may have counted one since it looked
            attempts = known.attempts
            situation = replace(situation, attempts=attempts.available(now), next_attempt_at=attempts.next_at(now))
        code = type(error).__name__
        due = notice(known.incident, known.told, code, time_left, now)
        if due is None:
            told = self._tell([], known.news, invocation)
            incident = known.incident
            if situation.of_function and incident and incident.code == code:
                self._remember(situation.secret, replace(incident, seen_at=now), known, told)
            else:
                self._write_down(situation.secret, known, told)
            return
        message = messages.failed(error, situation, due.incident, due.reason, now)
        alone = situation.of_function or due.incident.level >= LAST_DAY
        # What waits of the same failure is older than this, which says since when it lasts.
        stale = {news.name for news in known.news if news.code == code}
        new = self._news(message, situation, now, alone=alone)
        told = self._tell(new, [news for news in known.news if news.name not in stale], invocation)
        told = replace(told, gone=(*told.gone, *(news for news in known.news if news.name in stale)))
        incident = replace(due.incident, seen_at=now) if situation.of_function else due.incident
        self._remember(situation.secret, incident, replace(known, told=due.told), told)

    def rotated(
        self, what: Rotated, situation: Situation, known: State, invocation: "Invocation", *, announce: bool
    ) -> Told:
        """Tell that a new certificate is in use, and with it what waited. The caller writes down what becomes of it.

        `announce`: whether people want to hear of a success at all; anything else than that they are told anyway.
        """
        now = invocation.clock()
        message = messages.rotated(what, situation, now)
        wanted = announce or what.over is not None or message.severity != "INFO"
        alone = what.over is None or message.severity != "INFO"
        new = self._news(message, situation, now, alone=alone, mailed=wanted)
        return self._tell(new, known.news, invocation)

    def recovered(self, incident: Incident, situation: Situation, known: State, invocation: "Invocation") -> None:
        """Tell that an incident is over though no certificate was rotated."""
        message = messages.recovered(incident, situation, invocation.clock())
        new = self._news(message, situation, invocation.clock(), alone=situation.of_function)
        self._remember(situation.secret, None, known, self._tell(new, known.news, invocation))

    def dropped(self, cert_names: str, situation: Situation, news: tuple[News, ...], invocation: "Invocation") -> Told:
        """Tell that a certificate the service issued will not be used. The caller writes down what becomes of it."""
        now = invocation.clock()
        message = messages.dropped(cert_names, situation, now)
        return self._tell(self._news(message, situation, now, alone=True), news, invocation)

    def catch_up(self, secret: str, known: State, invocation: "Invocation") -> None:
        """Tell what AWS did not take in earlier runs."""
        if known.news:
            self._write_down(secret, known, self._tell([], known.news, invocation))

    def may_resolve(self, situation: Situation) -> None:
        """Before a run at whose end `resolve_function_incident` is called: let it not cost a call of its own."""
        if situation.secret not in self._without_incident:
            self._ledger.read_along(situation.secret)

    def resolve_function_incident(self, situation: Situation, invocation: "Invocation") -> None:
        """Close an incident that is not about one credential: event and settings were good in this run.

        A good event does not end the incident about bad ones, which may come in turns with it: a quiet day does.
        """
        if situation.secret in self._without_incident:
            return
        known = self._known(situation.secret)
        if known is None:
            return
        incident = known.incident
        if incident is None:
            if not known.news:
                self._without_incident.add(situation.secret)
            self.catch_up(situation.secret, known, invocation)
            return
        seen_at = incident.seen_at or incident.alerted_at
        if incident.code == InvalidEvent.__name__ and invocation.clock() - seen_at < QUIET_DAY:
            self.catch_up(situation.secret, known, invocation)
            return
        self.recovered(incident, situation, known, invocation)

    def adopt(self, name: str, arn: str) -> None:
        """Move what was told of a secret by its name, before its ARN was known, to the record of the ARN."""
        known = self._known(name)
        if known is None or (known.incident is None and not known.news):
            return
        there = self._known(arn)
        if there is None:
            return
        # The ARN's first: a crash in between leaves both, never none.
        incident = there.incident or known.incident
        self._remember(arn, incident, replace(there, told={**known.told, **there.told}), Told(kept=known.news))
        self._remember(name, None, known, Told(gone=known.news))

    def _news(
        self, message: Message, situation: Situation, now: datetime, *, alone: bool, mailed: bool = True
    ) -> list[News]:
        """What has to go out for one message: an event always; a mail, unless many of its cause went out already."""
        place = "mail" if alone else self._place(message, now)
        news = News(
            name=f"{NEWS}{now:%Y%m%dT%H%M%S%f}_{uuid.uuid4().hex[:8]}",
            at=now,
            severity=message.severity,
            code=message.code,
            secret=situation.secret,
            subject=message.subject,
            text=message.text,
            mail=mailed and place == "mail",
            detail_type=message.detail_type,
            detail=message.detail,
        )
        if not mailed or place != "more":
            return [news]
        subject, text = messages.and_more(message, situation.stack, now)
        return [news, replace(news, name=f"{news.name}_more", subject=subject, text=text, mail=True, detail="")]

    def _place(self, message: Message, now: datetime) -> Literal["mail", "more", "event alone"]:
        try:
            number = self._ledger.count_mail(self._topic_arn, message.code, now)
        except StorageFailure as error:
            logger.warning("Whether others have the same to tell cannot be found out, so it is mailed: %s", error)
            return "mail"
        return "mail" if number <= ALONE else "more" if number == ALONE + 1 else "event alone"

    def _tell(self, new: Iterable[News], waiting: Iterable[News], invocation: "Invocation") -> Told:
        """Send what waits and what is new, the older first, while there is time to write down what became of it."""
        old, fresh = list(waiting), list(new)
        after = dict[str, News | None]()
        refusals = Refusals()
        for news in (*old, *fresh):
            late = news if news in fresh else replace(news, text=messages.late(news.text, news.at))
            left = self._send(late, invocation, refusals)
            after[news.name] = replace(left, text=news.text) if left else None
        left_over = [news for news in (after[news.name] for news in (*old, *fresh)) if news]
        crowded_out = _least_important(left_over)
        for news in crowded_out:
            logger.error("Too much news waits for AWS to take it. This was thrown away: %s", news.subject)
        kept = [news for news in left_over if news not in crowded_out and news not in old]
        gone = [news for news in old if after[news.name] is None or after[news.name] in crowded_out]
        return Told(tuple(kept), tuple(gone))

    def _send(self, news: News, invocation: "Invocation", refusals: "Refusals") -> News | None:
        """Send the mail and the event; what AWS did not take of the two, or None."""
        left = news
        if news.mail and refusals.mails < PATIENCE and invocation.may_tell():
            if self._publish(news):
                left = replace(left, mail=False)
            else:
                refusals.mails += 1
        if news.detail and refusals.events < PATIENCE and invocation.may_tell():
            if self._put(news):
                left = replace(left, detail="")
            else:
                refusals.events += 1
        return left if left.mail or left.detail else None

    def _put(self, news: News) -> bool:
        """Send an event; False when AWS does not take it."""
        refused = self._events.put(news.detail_type, news.detail, news.secret)
        if refused:
            logger.error("The event %s could not be published: %s", news.detail_type, refused)
        return refused is None

    def _publish(self, news: News) -> bool:
        """Send a mail; False when AWS does not take it.

        SNS delivers and filters by attributes only with the message structure String (developer guide, "Amazon SNS
        message attributes"), so the text is sent as it is.
        """
        attributes = {"severity": news.severity, "code": news.code, "secret": news.secret}
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=news.subject,
                Message=news.text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except (ClientError, BotoCoreError) as error:
            self.unpublished += 1
            logger.error("The alert %s could not be published: %s", news.code, aws_reason(error))  # noqa: TRY400 - no traceback
            return False
        return True

    def _known(self, secret: str) -> State | None:
        try:
            return self._ledger.load(secret)
        except StorageFailure as error:
            logger.warning("Whether people know of this already cannot be read, so they are told again: %s", error)
            return None

    def _remember(self, secret: str, incident: Incident | None, known: State, told: Told) -> None:
        try:
            self._ledger.remember(secret, incident, known.told, keep=told.kept, told=told.gone)
        except StorageFailure as error:
            logger.warning("That people were told could not be recorded, so they may be told again: %s", error)

    def _write_down(self, secret: str, known: State, told: Told) -> None:
        if told.kept or told.gone:
            self._remember(secret, known.incident, known, told)


def _least_important(news: list[News]) -> list[News]:
    """What there is no room for: the oldest, and of what hurts nobody first."""
    by_weight = sorted(news, key=lambda one: (one.severity == "INFO", -one.at.timestamp()))
    return by_weight[MOST_NEWS:]
