"""What the ledger holds comes back as it was, and a person can read it."""

from datetime import timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from certificate_rotation.adapters.ledger_items import attribute, flat, flat_told, item, state
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import API_KEY_LIMIT, UNUSED, Attempts
from certificate_rotation.domain.state import (
    HalfState,
    Incident,
    LastRotation,
    Lease,
    News,
    OpenAttempt,
    State,
    Telling,
)
from tests.support.factories import NOW

CERTIFICATE = HalfState(
    attempts=Attempts(1, NOW, NOW + timedelta(hours=2)),
    open_attempt=OpenAttempt(NOW, "version", "fingerprint", "name", "before", "issued", "PEM", "deleted"),
    earlier=OpenAttempt(NOW - timedelta(hours=1), "version before", "fingerprint", "name before", outcome="issued"),
    last_rotation=LastRotation(NOW, "name", "fingerprint", "previous", "before", "deleted"),
    incident=Incident("ServiceFailure", NOW, NOW, 2, seen_at=NOW + timedelta(hours=3)),
)
API_KEY = HalfState(
    attempts=Attempts(4, NOW - timedelta(minutes=5), limit=API_KEY_LIMIT),
    open_attempt=OpenAttempt(NOW, "key version", "of the key", "", None, "issued", "sealed", "an older API key"),
    earlier=OpenAttempt(NOW - timedelta(hours=2), "key version before", "of the key", "", outcome="rejected"),
    last_rotation=LastRotation(NOW - timedelta(days=9), "", "of the key", "of the key before"),
    incident=Incident("OutcomeUnknown", NOW - timedelta(days=1), NOW, 0),
)
FULL = State(
    revision=7,
    lease=Lease("owner", NOW),
    last_acted=HalfName.API_KEY,
    certificate=CERTIFICATE,
    api_key=API_KEY,
    told={"ServiceFailure": Telling((NOW - timedelta(hours=2), NOW), 2), "apiKey/Unauthorized": Telling((NOW,), 0)},
    news=(
        News("news_1", NOW, "INFO", "rotated", "arn", "apiKey", "subject", "text", True, "type", "{}"),
        News("news_2", NOW, "CRITICAL", "code", "arn", "certificate", "s", "line\nline", False, "type", ""),
    ),
)
OF_A_HALF = ("attempts", "open_attempt", "earlier", "last_rotation", "incident")


def stored(value: State) -> dict[str, Any]:
    """The item as the ledger writes it."""
    parts: dict[str, Any] = {
        attribute(half, name): getattr(value.of(half), name) for half in HalfName for name in OF_A_HALF
    }
    parts |= {"lease": value.lease} | {news.name: news for news in value.news}
    plain: dict[str, object] = {"revision": value.revision, "told": flat_told(value.told)}
    plain |= {"last_acted": value.last_acted.value} if value.last_acted else {}
    return item(plain | {name: flat(part) for name, part in parts.items() if part})


def test_every_value_comes_back_as_it_was() -> None:
    """A hold that is forgotten, or an attempt, is a certificate lost."""
    assert state(stored(FULL)) == FULL
    assert state(stored(State())) == State()
    assert state({}) == State()


@pytest.mark.parametrize("half", HalfName)
def test_one_half_is_known_while_nothing_is_of_the_other(half: HalfName) -> None:
    """What is written of one must not be read as the other's: its limit, its hold."""
    alone = State(revision=1).having(half, FULL.of(half))
    assert state(stored(alone)) == alone
    assert state(stored(alone)).of(half.other) == HalfState(UNUSED[half.other])


@pytest.mark.parametrize("half", HalfName)
def test_a_limit_is_the_vendors_whatever_the_ledger_says(half: HalfName) -> None:
    """It stands in the code: a record that somebody edits, or of an older version, must not let more requests leave."""
    assert "limit" not in flat(FULL.of(half).attempts)
    edited = stored(FULL)
    edited[attribute(half, "attempts")]["M"]["limit"] = {"N": "100"}
    assert state(edited) == FULL


def test_each_half_has_attributes_of_its_own_that_a_person_can_tell_apart() -> None:
    """A person reads the table at 3 a.m., and our own table of rights and alarms names none of them."""
    assert {name for name in stored(FULL) if not name.startswith("news_")} == {
        "revision",
        "lease",
        "last_acted",
        "told",
        *(f"{half}_{name}" for half in ("certificate", "api_key") for name in OF_A_HALF),
    }
    assert stored(FULL)["last_acted"] == {"S": "apiKey"}


@pytest.mark.parametrize("last_acted", ["both", "", "api_key"])
def test_a_half_nobody_knows_is_an_edited_record(last_acted: str) -> None:
    """The ledger says so then, with what to do, and does not guess whose turn it is."""
    with pytest.raises(ValueError, match="HalfName"):
        state(stored(FULL) | {"last_acted": {"S": last_acted}})


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
    assert flat(UNUSED[HalfName.API_KEY]) == {"burst_left": 5}
    unanswered = OpenAttempt(NOW, "version", "fingerprint", "")
    assert flat(unanswered).keys().isdisjoint({"answer", "previous_name"})


def test_attributes_of_a_later_version_are_passed_over() -> None:
    """A stack that was rolled back must still read its ledger."""
    later = stored(FULL)
    later["lease"]["M"]["reason"] = {"S": "new"}
    later["news_1"]["M"]["language"] = {"S": "de"}
    later["budget"] = {"M": {}}
    assert state(later) == FULL
