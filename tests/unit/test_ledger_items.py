"""What the ledger holds comes back as it was, and a person can read it."""

from datetime import timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from certificate_rotation.adapters.ledger_items import flat, flat_told, item, state
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.state import Incident, LastRotation, Lease, News, OpenAttempt, State, Telling
from tests.support.factories import NOW

FULL = State(
    revision=7,
    attempts=Attempts(1, NOW, NOW + timedelta(hours=2)),
    lease=Lease("owner", NOW),
    open_attempt=OpenAttempt(NOW, "version", "fingerprint", "name", "before", "issued", "PEM", "deleted"),
    earlier=OpenAttempt(NOW - timedelta(hours=1), "version before", "fingerprint", "name before", outcome="issued"),
    last_rotation=LastRotation(NOW, "name", "fingerprint", "previous", "before", "deleted"),
    incident=Incident("ServiceFailure", NOW, NOW, 2, seen_at=NOW + timedelta(hours=3)),
    told={"ServiceFailure": Telling((NOW - timedelta(hours=2), NOW), 2), "Unauthorized": Telling((NOW,), 0)},
    news=(
        News("news_1", NOW, "INFO", "rotated", "arn", "subject", "text", mail=True, detail_type="type", detail="{}"),
        News("news_2", NOW, "CRITICAL", "code", "arn", "s", "line\nline", mail=False, detail_type="type", detail=""),
    ),
)


def stored(value: State) -> dict[str, Any]:
    """The item as the ledger writes it."""
    parts: dict[str, Any] = {"attempts": value.attempts, "lease": value.lease, "open_attempt": value.open_attempt}
    parts |= {"earlier": value.earlier, "last_rotation": value.last_rotation, "incident": value.incident}
    parts |= {news.name: news for news in value.news}
    plain: dict[str, object] = {"revision": value.revision, "told": flat_told(value.told)}
    return item(plain | {name: flat(part) for name, part in parts.items() if part})


def test_every_value_comes_back_as_it_was() -> None:
    """A hold that is forgotten, or an attempt, is a certificate lost."""
    assert state(stored(FULL)) == FULL
    assert state(stored(State())) == State()
    assert state({}) == State()


def test_times_are_text_that_sorts() -> None:
    """A person reads the table at 3 a.m."""
    plain = TypeDeserializer().deserialize(stored(FULL)["lease"])
    assert plain == {"owner": "owner", "until": "2026-11-24T12:00:00.000000Z"}


def test_news_comes_back_in_the_order_in_which_it_is_told() -> None:
    """Each has an attribute of its own, which DynamoDB keeps in no order; its name sorts by its time."""
    backwards = dict(reversed(stored(FULL).items()))
    assert [news.name for news in state(backwards).news] == ["news_1", "news_2"]


def test_what_is_not_known_is_left_out() -> None:
    """DynamoDB's NULL says no more than nothing."""
    assert flat(Attempts()) == {"burst_left": 3}


def test_attributes_of_a_later_version_are_passed_over() -> None:
    """A stack that was rolled back must still read its ledger."""
    later = stored(FULL)
    later["lease"]["M"]["reason"] = {"S": "new"}
    later["news_1"]["M"]["language"] = {"S": "de"}
    later["budget"] = {"M": {}}
    assert state(later) == FULL
