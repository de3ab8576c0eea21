"""What the ledger holds comes back as it was, and a person can read it."""

from datetime import timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from certificate_rotation.attempts import Attempts
from certificate_rotation.ledger_items import flat, item, state
from certificate_rotation.state import Incident, LastRotation, Lease, OpenAttempt, State
from tests.unit.made import NOW

FULL = State(
    revision=7,
    attempts=Attempts(1, NOW, NOW + timedelta(hours=2)),
    lease=Lease("owner", NOW),
    open_attempt=OpenAttempt(NOW, "version", "fingerprint", "name", "before", "issued", "PEM", "deleted"),
    last_rotation=LastRotation(NOW, "name", "fingerprint", "previous", "before", "deleted"),
    incident=Incident("ServiceFailure", NOW, NOW, 2),
)


def stored(value: State) -> dict[str, Any]:
    """The item as the ledger writes it."""
    parts: dict[str, Any] = {"attempts": value.attempts, "lease": value.lease, "open_attempt": value.open_attempt}
    parts |= {"last_rotation": value.last_rotation, "incident": value.incident}
    return item({"revision": value.revision} | {name: flat(part) for name, part in parts.items() if part})


def test_every_value_comes_back_as_it_was() -> None:
    """A hold that is forgotten, or an attempt, is a certificate lost."""
    assert state(stored(FULL)) == FULL
    assert state(stored(State())) == State()
    assert state({}) == State()


def test_times_are_text_that_sorts() -> None:
    """A person reads the table at 3 a.m."""
    plain = TypeDeserializer().deserialize(stored(FULL)["lease"])
    assert plain == {"owner": "owner", "until": "2026-11-24T12:00:00.000000Z"}


def test_what_is_not_known_is_left_out() -> None:
    """DynamoDB's NULL says no more than nothing."""
    assert flat(Attempts()) == {"burst_left": 3}


def test_attributes_of_a_later_version_are_passed_over() -> None:
    """A stack that was rolled back must still read its ledger."""
    later = stored(FULL)
    later["lease"]["M"]["reason"] = {"S": "new"}
    later["budget"] = {"M": {}}
    assert state(later) == FULL
