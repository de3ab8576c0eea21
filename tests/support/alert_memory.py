"""Where a unit test's messages go: a topic, a bus and a ledger in our hands."""

import json
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from certificate_rotation.adapters.alert_topic import AlertTopic
from certificate_rotation.domain.errors import ServiceFailure, StorageFailure
from certificate_rotation.domain.half import HalfName, HalfOf, Life
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import HalfReport, Report
from certificate_rotation.domain.state import Incident, News, NewsChanges, State, Telling
from certificate_rotation.domain.verdict import ACCEPTED, Answer, Verdict
from certificate_rotation.notifications.alerts import Alerts
from tests.support.factories import NOW

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from certificate_rotation.adapters.event_bus import EventBus
    from certificate_rotation.adapters.ledger import Ledger

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-AbCdEf"
REPORT = Report(
    ARN,
    NOW,
    stack="stack",
    cert_name="device-id-1",
    halves={
        HalfName.CERTIFICATE: HalfReport(
            Life(NOW + timedelta(days=20), NOW + timedelta(days=10)), NOW + timedelta(days=13), 3, None
        ),
        HalfName.API_KEY: HalfReport(Life(), None, 5, None),
    },
    in_use=ACCEPTED,
    request_id="request-1",
    log_url="https://log",
)
FUNCTION = Report("the-function", NOW, of_function=True)
NO_ANSWER = Verdict(Answer.NONE, ServiceFailure("It answered 503."))
KNOWN = Incident("ServiceFailure", NOW, NOW, 0)


@dataclass
class Topic:
    """Keeps what was published, or refuses it."""

    refuses: bool = False
    published: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, **message: object) -> None:
        """As SNS."""
        if self.refuses:
            raise ClientError({"Error": {"Code": "AuthorizationError", "Message": "no"}}, "Publish")
        self.published.append(message)

    def text(self, number: int = 0) -> str:
        """What a mailbox gets."""
        return str(self.published[number]["Message"])

    def codes(self) -> list[str]:
        """What the messages are about."""
        return [message["MessageAttributes"]["code"]["StringValue"] for message in self.published]


@dataclass
class Bus:
    """Keeps the events that were put, or refuses them."""

    refuses: bool = False
    put_events: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)

    def put(self, detail_type: str, detail: str, resource: str) -> str | None:
        """As the event bus."""
        if self.refuses:
            return "AccessDeniedException: no"
        self.put_events.append((detail_type, json.loads(detail), resource))
        return None

    def detail(self, number: int = 0) -> dict[str, Any]:
        """What a program gets."""
        return self.put_events[number][1]


@dataclass
class Memory:
    """A ledger of one credential, or one that AWS refuses to open."""

    state: State = field(default_factory=State)
    refuses: bool = False
    loads: int = 0
    counted: list[str] = field(default_factory=list)

    def remembered(self) -> Incident | None:
        """What people were told about and is not over."""
        return self.state.certificate.incident

    def load(self, _arn: str) -> State:
        """As the ledger."""
        self.loads += 1
        if self.refuses:
            raise StorageFailure("AWS refused reading the ledger.")
        return self.state

    def remember(self, one: HalfOf, incident: Incident | None, when: Mapping[str, Telling], news: NewsChanges) -> None:
        """As the ledger."""
        self.change_news(one.arn, news)
        of_half = replace(self.state.of(one.half), incident=incident)
        self.state = replace(self.state.having(one.half, of_half), told=when)

    def change_news(self, _arn: str, news: NewsChanges) -> None:
        """As the ledger."""
        if self.refuses:
            raise StorageFailure("AWS refused changing the ledger.")
        if news:
            left = {message.name: message for message in self.state.news} | dict(news)
            self.state = replace(self.state, news=tuple(message for message in left.values() if message))

    def count_mail(self, _topic_arn: str, cause: str, _now: datetime) -> int:
        """As the ledger; how many there are at once is looked at in tests/integration."""
        if self.refuses:
            raise StorageFailure("AWS refused counting the mails of this hour.")
        self.counted.append(cause)
        return 1


def alerts(topic: Topic, memory: Memory, bus: Bus | None = None) -> Alerts:
    """Alerts that end in our hands."""
    return Alerts(
        AlertTopic(lambda: cast("SNSClient", topic), "arn:topic"),
        cast("EventBus", bus or Bus()),
        cast("Ledger", memory),
    )


def at(now: datetime, of: Report = REPORT) -> Report:
    """The report of a run at another time."""
    return replace(of, at=now)


def run(left: timedelta = timedelta(minutes=2)) -> Invocation:
    """A run that may last so much longer."""
    return Invocation("request-1", "owner", NOW + left, lambda: NOW, lambda _: None, stack="stack")


def known(*news: News, told: Mapping[str, Telling] | None = None, **certificate: Any) -> State:  # noqa: ANN401 - any of `HalfState`
    """What is remembered of a credential whose certificate is in this state."""
    return State(certificate=replace(State().certificate, **certificate), told=told or {}, news=news)


def with_certificate(report: Report, ends: datetime | None = None, **changes: Any) -> Report:  # noqa: ANN401 - any of `HalfReport`
    """The report with something else known of its certificate."""
    found = replace(report.halves[HalfName.CERTIFICATE], **changes)
    if ends:
        found = replace(found, life=replace(found.life, ends=ends))
    return replace(report, halves={**report.halves, HalfName.CERTIFICATE: found})
