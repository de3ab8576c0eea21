"""What people read, and that nothing keeps it from reaching them."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from certificate_rotation.alerts import Alerts
from certificate_rotation.attempts import Attempts
from certificate_rotation.errors import OutcomeUnknown, ServiceFailure, StorageFailure
from certificate_rotation.messages import Situation
from certificate_rotation.state import Incident, LastRotation, State
from tests.unit.made import NOW

if TYPE_CHECKING:
    from certificate_rotation.ledger import Ledger

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-AbCdEf"
SITUATION = Situation(
    ARN, "device-id-1", not_after=NOW + timedelta(days=20), attempts=3, request_id="request-1", log_url="https://log"
)
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
        text: str = json.loads(self.published[number]["Message"])["email"]
        return text

    def document(self, number: int = 0) -> dict[str, Any]:
        """What any other subscriber gets."""
        document: dict[str, Any] = json.loads(json.loads(self.published[number]["Message"])["default"])
        return document


class NoDigests:
    """Nobody else has anything to tell; digests at work are in tests/integration."""

    def load(self, _cause: str) -> None:
        """As the records."""

    def open(self, *_: object) -> bool:
        """As the records."""
        return True


@dataclass
class Memory:
    """A ledger of one credential, or one that AWS refuses to open."""

    state: State = field(default_factory=State)
    refuses: bool = False
    loads: int = 0

    def remembered(self) -> Incident | None:
        """What people were told about and is not over."""
        return self.state.incident

    def load(self, _arn: str) -> State:
        """As the ledger."""
        self.loads += 1
        if self.refuses:
            raise StorageFailure("AWS refused reading the ledger.")
        return self.state

    def remember(self, _arn: str, incident: Incident | None, digest: str = "") -> None:
        """As the ledger."""
        if self.refuses:
            raise StorageFailure("AWS refused changing the ledger.")
        self.state = State(incident=incident, digests=frozenset({digest} - {""}))

    def digests(self, _topic_arn: str) -> "NoDigests":
        """As the ledger."""
        return NoDigests()


def alerts(topic: Topic, memory: Memory) -> Alerts:
    """Alerts that end in our hands."""
    return Alerts(cast("Any", topic), "arn:topic", cast("Ledger", memory))


def test_a_failure_is_told_with_what_happened_whether_it_works_and_what_to_do() -> None:
    """In this order, in plain words."""
    topic, memory = Topic(), Memory(State(attempts=Attempts(1, NOW)))
    alerts(topic, memory).failed(ServiceFailure("The service answered 503."), SITUATION, NOW)
    (message,) = topic.published
    assert message["Subject"] == "[Device-ID] WARNING: ServiceFailure - device-id-AbCdEf, 20 days left"
    titles = ["What happened", "Does traffic still work", "What happens by itself", "What you can do", "Details"]
    places = [topic.text().index(f"{title}\n") for title in titles]
    assert places == sorted(places)
    assert "The service answered 503." in topic.text()
    assert ServiceFailure.cure in topic.text()
    assert ServiceFailure.by_itself in topic.text()
    assert "Log: https://log" in topic.text()
    assert "until 2026-12-14T12:00:00Z (20 days)" in topic.text()
    assert "Attempts left: 1" in topic.text(), "as it is now, not as it was at the start of the run"
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "severity": "WARNING",
        "code": "ServiceFailure",
        "secret": ARN,
    }
    assert memory.remembered() == KNOWN


def test_programs_get_the_same_as_a_document_with_a_version() -> None:
    """A queue or a function need not take a text apart."""
    topic = Topic()
    alerts(topic, Memory(State(attempts=Attempts(0, NOW)))).failed(ServiceFailure("503"), SITUATION, NOW)
    assert topic.published[0]["MessageStructure"] == "json"
    document = topic.document()
    assert document["text"] == topic.text()
    assert {name: document[name] for name in ("version", "code", "severity", "secretId", "daysLeft", "reason")} == {
        "version": 1,
        "code": "ServiceFailure",
        "severity": "WARNING",
        "secretId": ARN,
        "daysLeft": 20,
        "reason": "begun",
    }
    assert document["nextAttemptAt"] == "2026-11-24T13:02:00Z"
    assert "The next attempt is free at 2026-11-24T13:02:00Z" in topic.text()


def test_a_hold_says_when_it_ends_by_itself() -> None:
    """The first question at 3 a.m. is whether it can wait."""
    topic = Topic()
    situation = replace(SITUATION, held_until=NOW + timedelta(days=13))
    alerts(topic, Memory()).failed(OutcomeUnknown("The answer was lost."), situation, NOW)
    assert "That is at 2026-12-07T12:00:00Z." in topic.text()


@pytest.mark.parametrize(
    ("after", "left", "reason", "words"),
    [
        (timedelta(days=1), timedelta(days=20), "reminder", "It still fails (since"),
        (timedelta(hours=1), timedelta(days=14), "escalated", "the end has come closer"),
    ],
)
def test_a_message_says_why_it_comes_again(after: timedelta, left: timedelta, reason: str, words: str) -> None:
    """Else a reminder reads like something new."""
    topic = Topic()
    situation = replace(SITUATION, not_after=NOW + after + left)
    alerts(topic, Memory(State(incident=KNOWN))).failed(ServiceFailure("503"), situation, NOW + after)
    assert topic.document()["reason"] == reason
    assert words in topic.text()


def test_what_sns_would_refuse_is_told_all_the_same() -> None:
    """It takes no control character and nothing that is not Unicode: better a question mark than no message."""
    topic = Topic()
    error = ServiceFailure("AWS said \x00\ud800.\nSecond line.")
    alerts(topic, Memory()).failed(error, replace(SITUATION, cert_name="a\x1bb"), NOW)
    assert "AWS said ??.\nSecond line." in topic.text()
    assert "Certificate: a?b" in topic.text()


@pytest.mark.parametrize(
    ("left", "severity", "traffic"),
    [
        (timedelta(days=15), "WARNING", "As far as this run can tell, until"),
        (timedelta(days=14), "CRITICAL", "As far as this run can tell, until"),
        (timedelta(0), "CRITICAL", "No. The certificate in use ended"),
        (None, "CRITICAL", "Not known"),
    ],
)
def test_how_bad_it_is_follows_from_the_life_that_is_left(left: timedelta | None, severity: str, traffic: str) -> None:
    """People sort by it."""
    topic = Topic()
    situation = Situation(ARN, not_after=None if left is None else NOW + left)
    alerts(topic, Memory()).failed(ServiceFailure("503"), situation, NOW)
    assert topic.published[0]["MessageAttributes"]["severity"]["StringValue"] == severity
    assert traffic in topic.text()


def test_what_people_know_is_not_told_again() -> None:
    """One incident, one email."""
    topic = Topic()
    told = alerts(topic, Memory())
    for hour in range(24):
        told.failed(ServiceFailure("503"), SITUATION, NOW + timedelta(hours=hour))
    assert len(topic.published) == 1


def test_an_error_without_a_name_is_told_without_its_text() -> None:
    """It may quote anything, a key among it."""
    topic = Topic()
    alerts(topic, Memory()).failed(RuntimeError("-----BEGIN PRIVATE KEY-----"), SITUATION, NOW)
    (message,) = topic.published
    assert "RuntimeError" in message["Subject"]
    assert "PRIVATE KEY" not in topic.text()


def test_a_ledger_that_cannot_be_reached_does_not_keep_a_message_back() -> None:
    """Told twice is better than never."""
    topic = Topic()
    told = alerts(topic, Memory(refuses=True))
    for _ in range(2):
        told.failed(ServiceFailure("503"), SITUATION, NOW)
    assert len(topic.published) == 2


def test_a_message_that_did_not_go_out_is_not_remembered(caplog: pytest.LogCaptureFixture) -> None:
    """The next run tries again."""
    memory = Memory()
    alerts(Topic(refuses=True), memory).failed(ServiceFailure("503"), SITUATION, NOW)
    assert memory.remembered() is None
    assert "could not be published: AuthorizationError" in caplog.text


def test_a_recovery_that_did_not_go_out_is_tried_again() -> None:
    """Until somebody was told, the incident stays open."""
    memory = Memory(State(incident=KNOWN))
    alerts(Topic(refuses=True), memory).recovered(KNOWN, SITUATION, NOW)
    assert memory.remembered() == KNOWN
    topic = Topic()
    alerts(topic, memory).recovered(KNOWN, SITUATION, NOW)
    assert memory.remembered() is None
    assert "INFO: recovered" in topic.published[0]["Subject"]


@pytest.mark.parametrize(
    "secret",
    ["x" * 500, "Zürich", "line\nbreak", "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + "y" * 512],
)
def test_a_subject_is_what_sns_accepts(secret: str) -> None:
    """Printable ASCII, no line breaks, at most 99 characters: SNS refuses anything else, and nobody is told."""
    topic = Topic()
    situation = Situation(secret, not_after=NOW + timedelta(days=3))
    alerts(topic, Memory()).failed(ServiceFailure("503"), situation, NOW)
    subject = topic.published[0]["Subject"]
    assert len(subject) <= 99
    assert subject.isascii()
    assert subject.isprintable()
    assert subject.endswith("3 days left")


@pytest.mark.parametrize(
    ("previous", "deleted", "severity", "advice"),
    [
        ("old", "", "INFO", "The previous certificate still works"),
        ("old", "older", "INFO", "The previous certificate still works"),
        ("old", "old", "WARNING", "Consumers must reload now: the service deleted old"),
        (None, "old", "WARNING", "If that is the one consumers hold, they must reload now"),
    ],
)
def test_a_rotation_tells_consumers_when_to_reload(
    previous: str | None, deleted: str, severity: str, advice: str
) -> None:
    """When the one they hold was deleted, every minute counts."""
    topic = Topic()
    rotation = LastRotation(NOW, "new", "f", "p", previous, deleted)
    alerts(topic, Memory()).rotated(rotation, SITUATION, over=None, announce=True, now=NOW)
    (message,) = topic.published
    assert message["MessageAttributes"]["severity"]["StringValue"] == severity
    assert advice in topic.text()


@pytest.mark.parametrize(
    ("deleted", "over", "told"), [("", None, False), ("older", None, False), ("old", None, True), ("", KNOWN, True)]
)
def test_who_does_not_want_successes_still_hears_what_matters(
    deleted: str, over: Incident | None, *, told: bool
) -> None:
    """An eviction, and the end of an incident they were told about."""
    topic = Topic()
    rotation = LastRotation(NOW, "new", "f", "p", "old", deleted)
    alerts(topic, Memory()).rotated(rotation, SITUATION, over=over, announce=False, now=NOW)
    assert bool(topic.published) is told


def test_a_function_that_works_looks_up_its_own_incident_once() -> None:
    """A warm function looks every hour: a read each time would be for nothing."""
    topic, memory = Topic(), Memory()
    told = alerts(topic, memory)
    function = Situation("the-function")
    for _ in range(3):
        told.works_again(function, NOW)
    assert (memory.loads, topic.published) == (1, [])
    told.failed(ServiceFailure("503"), function, NOW)
    told.works_again(function, NOW)
    assert [message["MessageAttributes"]["code"]["StringValue"] for message in topic.published] == [
        "ServiceFailure",
        "recovered",
    ]
