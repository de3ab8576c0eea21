"""Publishes messages to people and programs: one per failure, not one per run; of many with one cause, a digest.

A message goes out first and is remembered after it: a crash in between repeats a message, never swallows one. For the
same reason a ledger that cannot be read or written does not keep a message from going out: not even among hundreds.
"""

import json
import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation import messages
from certificate_rotation.digest import Batch
from certificate_rotation.digests import Digests
from certificate_rotation.errors import StorageFailure
from certificate_rotation.incidents import LAST_DAY, notice
from certificate_rotation.ledger import Ledger
from certificate_rotation.messages import Message, Situation
from certificate_rotation.secret_store import aws_reason
from certificate_rotation.state import Incident, LastRotation, State

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

logger = logging.getLogger(__name__)


class Alerts:
    """Publishes to one SNS topic and remembers open incidents in the ledger.

    Attributes:
        unpublished: how many messages AWS did not take since this was made.
    """

    def __init__(self, client: "SNSClient", topic_arn: str, ledger: Ledger) -> None:
        """`client`: a boto3 client of SNS."""
        self.unpublished = 0
        self._client = client
        self._topic_arn = topic_arn
        self._ledger = ledger
        self._digests = Digests(ledger.digests(topic_arn), self._publish_batch)
        self._without_incident: set[str] = set()  # what `works_again` need not look up

    def failed(self, error: Exception, situation: Situation, now: datetime) -> None:
        """Tell about a failure, unless people know enough of it already. Never raises: the failure itself does."""
        time_left = situation.not_after - now if situation.not_after else None
        self._without_incident.discard(situation.secret)
        known = self._known(situation.secret)
        if known and situation.attempts is not None:  # the run may have counted one since it looked
            attempts = known.attempts
            situation = replace(situation, attempts=attempts.available(now), next_attempt_at=attempts.next_at(now))
        due = notice(known.incident if known else None, type(error).__name__, time_left, now)
        if due:
            message = messages.failed(error, situation, due.incident, due.reason, now)
            alone = situation.of_function or due.incident.level >= LAST_DAY
            self._tell(message, situation, due.incident, now, alone=alone)
        self.catch_up(situation.secret, known.digests if known else (), now)

    def rotated(
        self, rotation: LastRotation, situation: Situation, *, over: Incident | None, announce: bool, now: datetime
    ) -> None:
        """Tell that a new certificate is in use, and that the incident `over` has ended.

        `announce`: whether people want to hear of a success at all; an eviction or an incident's end is told anyway.
        """
        if announce or over or messages.may_be_evicted(rotation):
            message = messages.rotated(rotation, situation, over, now)
            if over:  # as it ends many incidents at once when the service works again
                self._tell(message, situation, None, now, alone=messages.may_be_evicted(rotation))
            else:
                self._publish(message, situation.secret)

    def recovered(self, incident: Incident, situation: Situation, now: datetime) -> None:
        """Tell that an incident is over though no certificate was rotated."""
        message = messages.recovered(incident, situation, now)
        self._tell(message, situation, None, now, alone=situation.of_function)

    def may_work_again(self, situation: Situation) -> None:
        """Before a run at whose end `works_again` is asked: let it not cost a call of its own."""
        if situation.secret not in self._without_incident:
            self._ledger.read_along(situation.secret)

    def works_again(self, situation: Situation, now: datetime) -> None:
        """Close an incident that is not about one credential. Reads the ledger only where it may hold one."""
        if situation.secret in self._without_incident:
            return
        known = self._known(situation.secret)
        if known and known.incident:
            self.recovered(known.incident, situation, now)
        elif known:
            self._without_incident.add(situation.secret)

    def dropped(self, cert_name: str, situation: Situation, now: datetime) -> None:
        """Tell that a certificate the service issued will not be used."""
        self._publish(messages.dropped(cert_name, situation, now), situation.secret)

    def catch_up(self, secret: str, digests: Collection[str], now: datetime) -> None:
        """Send what is overdue of the digests in which news of a credential waits. Never raises.

        Every run of such a credential does this, so that a digest goes out though nothing else happens any more.
        """
        try:
            told = [cause for cause in digests if not self._digests.catch_up(cause, now)]
            if told:
                self._ledger.told(secret, told)
        except StorageFailure as error:
            logger.warning(
                "Whether a digest of alerts is to be sent cannot be found out. The next run looks: %s", error
            )

    def _tell(
        self, message: Message, situation: Situation, incident: Incident | None, now: datetime, *, alone: bool
    ) -> None:
        """Tell it on its own or in a digest, and remember the incident as it is then."""
        waits = not alone and self._waits(message, situation, now)
        if waits or self._publish(message, situation.secret):
            self._remember(situation.secret, incident, message.code if waits else "")

    def _waits(self, message: Message, situation: Situation, now: datetime) -> bool:
        try:
            return self._digests.waits(message.code, situation.secret, now, urgent=message.severity == "CRITICAL")
        except StorageFailure as error:
            logger.warning("Whether others have the same to tell cannot be found out, so it is told alone: %s", error)
            return False

    def _publish_batch(self, cause: str, batch: Batch, now: datetime) -> bool:
        return self._publish(messages.digest(cause, batch, now), *sorted(batch.names))

    def _publish(self, message: Message, *secrets: str) -> bool:
        """Send it; False when AWS does not take it.

        SNS: with MessageStructure json, `email` goes to mailboxes and `default` to every other kind of subscriber. A
        filter need match one value of an array: who filters by a secret gets the digests that name it.
        """
        about = ("String", secrets[0]) if len(secrets) == 1 else ("String.Array", json.dumps(secrets))
        attributes = {"severity": ("String", message.severity), "code": ("String", message.code), "secret": about}
        document = json.dumps(message.document)
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=message.subject,
                MessageStructure="json",
                Message=json.dumps({"default": document, "email": message.text}),
                MessageAttributes={
                    name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()
                },
            )
        except (ClientError, BotoCoreError) as error:
            self.unpublished += 1
            logger.error("The alert %s could not be published: %s", message.code, aws_reason(error))  # noqa: TRY400 - no traceback
            return False
        return True

    def _known(self, secret: str) -> State | None:
        try:
            return self._ledger.load(secret)
        except StorageFailure as error:
            logger.warning("Whether people know of this already cannot be read, so they are told again: %s", error)
            return None

    def _remember(self, secret: str, incident: Incident | None, digest: str) -> None:
        try:
            self._ledger.remember(secret, incident, digest)
        except StorageFailure as error:
            logger.warning("That people were told could not be recorded, so they may be told again: %s", error)
