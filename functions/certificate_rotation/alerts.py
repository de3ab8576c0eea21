"""What people read: one email per failure, not one per run, in words that say what to do.

The message goes out first and is remembered after it: a crash in between repeats a message, never swallows one. For
the same reason a ledger that cannot be read or written does not keep a message from going out.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation.errors import RotationError, StorageFailure
from certificate_rotation.incidents import notice
from certificate_rotation.ledger import Ledger
from certificate_rotation.results import days_left, utc_text
from certificate_rotation.secret_store import aws_reason
from certificate_rotation.state import Incident, LastRotation, State

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

logger = logging.getLogger(__name__)

MAX_SUBJECT = 99  # SNS: printable ASCII, no line breaks, fewer than 100 characters

Severity = Literal["CRITICAL", "WARNING", "INFO"]


@dataclass(frozen=True)
class Situation:
    """What is known of the credential a message is about.

    Attributes:
        secret: name or ARN; also the key under which an incident is remembered.
        cert_name: of the certificate in use; None when not known.
        not_after: when that one ends; None when not known.
        attempts: how many requests may leave now, None when not known.
        request_id: Lambda's, to find the run's log.
    """

    secret: str
    cert_name: str | None = None
    not_after: datetime | None = None
    attempts: int | None = None
    request_id: str = ""


class Alerts:
    """Publishes to one SNS topic and remembers open incidents in the ledger."""

    def __init__(self, client: "SNSClient", topic_arn: str, ledger: Ledger) -> None:
        """`client`: a boto3 client of SNS."""
        self._client = client
        self._topic_arn = topic_arn
        self._ledger = ledger
        self._without_incident: set[str] = set()  # what `works_again` need not look up

    def failed(self, error: Exception, situation: Situation, now: datetime) -> None:
        """Tell about a failure, unless people know enough of it already. Never raises: the failure itself does."""
        code = type(error).__name__
        time_left = situation.not_after - now if situation.not_after else None
        self._without_incident.discard(situation.secret)
        known = self._known(situation.secret)
        if known and situation.attempts is not None:  # the run may have counted one since it looked
            situation = replace(situation, attempts=known.attempts.available(now))
        due = notice(known.incident if known else None, code, time_left, now)
        if due is None:
            return
        severity: Severity = "CRITICAL" if time_left is None or due.incident.level else "WARNING"
        # An error without a name of ours may quote anything: its message stays in the log.
        what = str(error) if isinstance(error, RotationError) else "The function failed in a way it has no name for."
        cure = (
            error.cure if isinstance(error, RotationError) else "Read the run's log and report it to the maintainers."
        )
        body = _body(
            {
                "What happened": what,
                "Does traffic still work": _traffic(situation, now),
                "What you can do": cure,
                "Details": _details(situation, code, due.incident.since, now),
            }
        )
        if self._publish(severity, code, situation, body, now):
            self._remember(situation.secret, due.incident)

    def rotated(
        self, rotation: LastRotation, situation: Situation, *, over: Incident | None, announce: bool, now: datetime
    ) -> None:
        """Tell that a new certificate is in use, and that the incident `over` has ended.

        `announce`: whether people want to hear of a success at all; an eviction or an incident's end is told anyway.
        """
        # A secret without certName does not tell whether the deleted one is the one it holds.
        evicted = bool(rotation.deleted_cert_name) and rotation.previous_cert_name in (None, rotation.deleted_cert_name)
        if announce or evicted or over:
            body = _body(
                {
                    "What happened": f"A new certificate, {rotation.cert_name}, is in use (AWSCURRENT).",
                    "What you can do": _reload(rotation),
                    **({"Also": f"This ends the incident {over.code} of {utc_text(over.since)}."} if over else {}),
                    "Details": _details(situation, "rotated", rotation.at, now),
                }
            )
            told = self._publish("WARNING" if evicted else "INFO", "rotated", situation, body, now)
            if over and told:
                self._remember(situation.secret, None)

    def recovered(self, incident: Incident, situation: Situation, now: datetime) -> None:
        """Tell that an incident is over though no certificate was rotated."""
        fine = "The certificate in use is fine and renewal is not due." if situation.not_after else "It works again."
        body = _body(
            {
                "What happened": f"The incident {incident.code} of {utc_text(incident.since)} is over.",
                "What you can do": f"Nothing. {fine}",
                "Details": _details(situation, "recovered", incident.since, now),
            }
        )
        if self._publish("INFO", "recovered", situation, body, now):
            self._remember(situation.secret, None)

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
        body = _body(
            {
                "What happened": f"Somebody replaced the credential while {cert_name} was being put into use. That "
                "certificate was dropped; the credential in the secret was left as it is.",
                "What you can do": "Nothing, if the replacement was meant. Renewal goes on from the new credential.",
                "Details": _details(situation, "dropped", now, now),
            }
        )
        self._publish("INFO", "dropped", situation, body, now)

    def _publish(self, severity: Severity, code: str, situation: Situation, body: str, now: datetime) -> bool:
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=_subject(severity, code, situation, now),
                Message=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in {"severity": severity, "code": code, "secret": situation.secret}.items()
                },
            )
        except (ClientError, BotoCoreError) as error:
            logger.error("The alert %s could not be published: %s", code, aws_reason(error))  # noqa: TRY400 - no traceback
            return False
        return True

    def _known(self, secret: str) -> State | None:
        try:
            return self._ledger.load(secret)
        except StorageFailure as error:
            logger.warning("Whether people know of this already cannot be read, so they are told again: %s", error)
            return None

    def _remember(self, secret: str, incident: Incident | None) -> None:
        try:
            self._ledger.remember(secret, incident)
        except StorageFailure as error:
            logger.warning("That people were told could not be recorded, so they may be told again: %s", error)


def _subject(severity: Severity, code: str, situation: Situation, now: datetime) -> str:
    name = situation.secret.rpartition(":secret:")[2] or situation.secret
    left = f", {days_left(situation.not_after, now)} days left" if situation.not_after else ""
    room = MAX_SUBJECT - len(f"[Device-ID] {severity}: {code} - {left}")
    text = f"[Device-ID] {severity}: {code} - {name[:room]}{left}"
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


def _reload(rotation: LastRotation) -> str:
    deleted = rotation.deleted_cert_name
    if deleted and deleted == rotation.previous_cert_name:
        return f"Consumers must reload now: the service deleted {deleted}, the one they hold."
    if deleted and rotation.previous_cert_name is None:
        return f"The service deleted {deleted}. If that is the one consumers hold, they must reload now."
    return "Consumers should read AWSCURRENT again in the next hours. The previous certificate still works."


def _body(parts: dict[str, str]) -> str:
    return "\n\n".join(f"{title}\n{text}" for title, text in parts.items())


def _traffic(situation: Situation, now: datetime) -> str:
    if situation.not_after is None:
        return "Not known: the certificate in use could not be read."
    if situation.not_after <= now:
        return f"No. The certificate in use ended at {utc_text(situation.not_after)}."
    left = days_left(situation.not_after, now)
    return f"As far as this run can tell, until {utc_text(situation.not_after)} ({left} days)."


def _details(situation: Situation, code: str, since: datetime, now: datetime) -> str:
    lines = {
        "Secret": situation.secret,
        "Certificate": situation.cert_name,
        "Code": code,
        "Since": utc_text(since),
        "Now": utc_text(now),
        "Attempts left": situation.attempts,
        "Request id": situation.request_id,
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value not in (None, ""))
