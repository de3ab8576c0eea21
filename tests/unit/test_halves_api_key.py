"""The API key as one half: when it is due, what its intent holds, how its answer is sealed, joined and known."""

import json
from copy import replace
from datetime import datetime, timedelta

import pytest

from certificate_rotation.domain import api_key
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.rate_limit import UNUSED
from certificate_rotation.domain.sealing import new_key
from certificate_rotation.domain.state import HalfState, LastRotation
from certificate_rotation.domain.x509 import PrivateKey
from certificate_rotation.halves import HALVES, OWN_LABELS
from certificate_rotation.halves.api_key import ApiKey
from certificate_rotation.halves.half import Intent
from certificate_rotation.settings import Settings
from tests.support.factories import API_KEY, NOW, secret

HALF = ApiKey()
ARN = "arn:of-the-secret"
NEW_KEY = "a-new-key-that-nobody-may-see-either"
DAY = timedelta(days=1)
POLICY = Policy(timedelta(0), 7 * DAY, timedelta(hours=24))
NEVER = HalfState(UNUSED[HalfName.API_KEY])
SETTINGS = Settings.from_env({"SECRET_ARN": ARN, "LEDGER_TABLE": "ledger", "ALERT_TOPIC_ARN": "arn:topic"})


@pytest.fixture
def intent() -> Intent:
    """What a rotation is about to ask with."""
    return Intent("version", "fingerprint", {"sealingKey": new_key()})


def credential(key: PrivateKey, **changes: object) -> Credential:
    """In use."""
    return Credential.parse(json.dumps(secret(key, **changes)))


def noted(key: PrivateKey, ends: datetime) -> Credential:
    """In use, with a note of its end."""
    return credential(key, apiKeyExpiry=ends.isoformat())


def rotated(days_ago: float, fingerprint: str) -> HalfState:
    """The key with this fingerprint came so long ago."""
    return replace(NEVER, last_rotation=LastRotation(NOW - days_ago * DAY, "", fingerprint, "before"))


def test_both_halves_are_there_and_share_no_label() -> None:
    """A label of two would move from the one's version to the other's."""
    assert HALVES.keys() == set(HalfName)
    assert all(half.name == name for name, half in HALVES.items())
    assert len(OWN_LABELS) == 3 * len(HALVES)
    assert not any(label.startswith("AWS") for label in OWN_LABELS), "AWS keeps these for itself"


def test_a_key_is_due_thirty_days_before_its_end(ec_key: PrivateKey) -> None:
    """ApiKeyRenewBeforeDays, where nobody knows how long it lives."""
    ends = NOW + 90 * DAY
    assert HALF.life(ARN, noted(ec_key, ends), NEVER, POLICY) == Life(ends, NOW + 60 * DAY, by_note=True)
    later = replace(POLICY, api_key_renew_before=10 * DAY)
    assert HALF.life(ARN, noted(ec_key, ends), NEVER, later) == Life(ends, NOW + 80 * DAY, by_note=True)


@pytest.mark.parametrize(
    ("came_days_ago", "lives_days", "due_before_end"),
    [(0, 365, 30), (0, 90, 30), (0, 60, 20), (0, 3, 1), (2, 3, 1), (10, 90, 30)],
)
def test_of_a_short_known_life_the_last_third_counts(
    ec_key: PrivateKey, came_days_ago: float, lives_days: float, due_before_end: float
) -> None:
    """A key of twenty days would be due the moment it came, and the next one too: the vendor's limit would be all."""
    ends = NOW + (lives_days - came_days_ago) * DAY
    in_use = noted(ec_key, ends)
    known = rotated(came_days_ago, HALF.fingerprint(ARN, in_use))
    assert HALF.life(ARN, in_use, known, POLICY) == Life(ends, ends - due_before_end * DAY, by_note=True)


def test_the_life_of_another_key_says_nothing_of_this_one(ec_key: PrivateKey) -> None:
    """Somebody put a new one into the secret: when it was issued, nobody knows."""
    in_use, ends = noted(ec_key, NOW + 6 * DAY), NOW + 6 * DAY
    assert HALF.life(ARN, in_use, rotated(0, "another"), POLICY) == Life(ends, ends - 30 * DAY, by_note=True)


def test_an_end_before_the_key_came_is_a_wrong_note_and_no_life(ec_key: PrivateKey) -> None:
    """Reckoned with, a third of it would be due after the end."""
    in_use, ends = noted(ec_key, NOW - 9 * DAY), NOW - 9 * DAY
    life = HALF.life(ARN, in_use, rotated(1, HALF.fingerprint(ARN, in_use)), POLICY)
    assert life == Life(ends, ends - 30 * DAY, by_note=True)


@pytest.mark.parametrize("note", [None, 0])
def test_without_a_note_nobody_knows_the_end_and_the_first_day_of_time_is_one(ec_key: PrivateKey, note: object) -> None:
    """Nothing is then due by itself; a note of zero is a note."""
    life = HALF.life(ARN, credential(ec_key, apiKeyExpiry=note), NEVER, POLICY)
    assert (life == Life()) is (note is None)


def test_a_null_is_no_note(ec_key: PrivateKey) -> None:
    """Programs that write every field write null for none."""
    text = json.dumps({**secret(ec_key), "apiKeyExpiry": None})
    assert HALF.life(ARN, Credential.parse(text), NEVER, POLICY) == Life()


@pytest.mark.parametrize("note", ["next spring", "", True, [], {"at": 1}, -1, API_KEY])
def test_a_note_that_cannot_be_read_is_named_and_not_quoted(ec_key: PrivateKey, note: object) -> None:
    """Who reads it at 3 a.m. must know which field to mend; and a key pasted into the wrong field must not be shown."""
    with pytest.raises(InvalidCredential, match=r"^apiKeyExpiry in the secret is neither ISO 8601 nor") as caught:
        HALF.life(ARN, credential(ec_key, apiKeyExpiry=note), NEVER, POLICY)
    assert API_KEY not in str(caught.value)


@pytest.mark.parametrize("note", [None, "2027-01-31", "next spring", [], 1])
def test_who_does_not_want_keys_renewed_has_no_note_read(ec_key: PrivateKey, note: object) -> None:
    """RenewApiKey false: `apiKeyExpiry` may then be the customer's own, and mean anything."""
    off = replace(POLICY, renew_api_key=False)
    assert HALF.life(ARN, credential(ec_key, apiKeyExpiry=note), NEVER, off) == Life()


def test_an_intent_comes_back_as_it_was_and_shows_nothing(intent: Intent) -> None:
    """What the answer was sealed with must open it after a crash, and stand in the secret alone."""
    assert HALF.parse_intent("version", intent.dump()) == intent
    assert intent.parts["sealingKey"] not in repr(intent)


def test_an_intent_holds_a_key_of_its_own_and_nothing_of_the_credential(ec_key: PrivateKey) -> None:
    """Each attempt has another key, so that a seal opens as what it was made for alone."""
    in_use = credential(ec_key)
    first, second = (HALF.new_parts(in_use, SETTINGS, NOW) for _ in range(2))
    assert first.keys() == {"sealingKey"}
    assert first != second
    HALF.check_parts(first)
    assert API_KEY not in str(first)
    assert Intent("version", "fingerprint", first).name == "", "nobody names an API key"


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        ({"sealingKey": None}, "sealingKey is missing"),
        ({"sealingKey": 7}, "sealingKey is missing"),
        ({"sealingKey": "short"}, "sealingKey in the secret is not a key to seal with"),
        ({"sealingKey": "QUJD"}, "sealingKey in the secret is not a key to seal with"),
        ({"basedOn": None}, "basedOn is missing"),
    ],
)
def test_what_is_no_intent_is_not_read_as_one(intent: Intent, spoilt: dict[str, object], named: str) -> None:
    """Somebody else may use the label; and what was sealed with no key could not be opened again."""
    with pytest.raises(InvalidCredential, match=named):
        HALF.parse_intent("version", json.dumps(json.loads(intent.dump()) | spoilt))


def test_an_answer_is_journalled_sealed_for_its_attempt(intent: Intent) -> None:
    """Whoever reads the ledger alone reads nothing, and nothing in it can be used in another place."""
    answer = api_key.write_answer(NEW_KEY, NOW)
    journalled = HALF.journalled(intent, answer, "arn/version/now")
    assert NEW_KEY not in journalled
    assert HALF.answered(intent, journalled, "arn/version/now") == answer
    assert HALF.answered(intent, journalled, "another/version/now") is None
    assert HALF.answered(replace(intent, parts={"sealingKey": new_key()}), journalled, "arn/version/now") is None
    assert HALF.answered(intent, answer, "arn/version/now") is None, "unsealed, it was not written by us"


@pytest.mark.parametrize("note", [None, "2026-11-30", "next spring"])
@pytest.mark.parametrize("ends", [None, NOW + 90 * DAY])
def test_an_answer_joins_into_the_credential_in_use(
    intent: Intent, ec_key: PrivateKey, note: object, ends: datetime | None
) -> None:
    """The note is the new key's, or none: the old one's end is not. What is the customer's survives untouched."""
    in_use = credential(ec_key, apiKeyExpiry=note, ports=[1, None])
    joined = HALF.join(intent, api_key.write_answer(NEW_KEY, ends), in_use, NOW, shorter=False)
    kept = {name: value for name, value in in_use.document.items() if name != "apiKeyExpiry"}
    written = {"apiKeyExpiry": "2027-02-22T12:00:00Z"} if ends else {}
    assert joined.document == {**kept, "apiKey": NEW_KEY} | written
    assert (joined.api_key, joined.chain, joined.cert_name) == (NEW_KEY, in_use.chain, in_use.cert_name)
    assert HALF.answer_in(joined) == api_key.write_answer(NEW_KEY, ends)
    assert HALF.fingerprint(ARN, joined) != HALF.fingerprint(ARN, in_use)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (API_KEY, "is the one in use once more"),
        ("", "is empty"),
        (" ", "is empty"),
        ("line\nbreak", "holds blanks, line breaks"),
        (f"{NEW_KEY}\r\nX-Other: 1", "holds blanks, line breaks"),
        (f" {API_KEY}", "holds blanks"),
        ("schlüssel", "non-ASCII"),
        ("\ud800", "non-ASCII"),
        ("x" * 4097, "is longer than 4096 characters"),
    ],
)
def test_a_key_that_cannot_be_used_fails_the_offline_check(
    intent: Intent, ec_key: PrivateKey, token: str, why: str
) -> None:
    """In the secret it would lock consumers out, or write a header for them; the message goes into a mail."""
    with pytest.raises(ValueError, match=why) as caught:
        HALF.join(intent, api_key.write_answer(token, None), credential(ec_key), NOW, shorter=False)
    assert not token.strip() or token not in str(caught.value)


def test_a_key_that_makes_the_secret_too_large_fails_the_offline_check(intent: Intent, ec_key: PrivateKey) -> None:
    """AWS would refuse it after it was issued, and every run would stumble over it."""
    in_use = credential(ec_key)
    full = replace(in_use, document={**in_use.document, "owner": "x" * (65_536 - len(in_use.dump()))})
    with pytest.raises(ValueError, match="is too large"):
        HALF.join(intent, api_key.write_answer("x" * 4096, None), full, NOW, shorter=False)


@pytest.mark.parametrize("ends", [None, NOW - 30 * DAY])
def test_no_date_ends_a_key_in_hand(intent: Intent, ends: datetime | None) -> None:
    """Whether it works is what the service says: given up for a date, a key that works would be lost."""
    assert not HALF.has_ended(intent, api_key.write_answer(NEW_KEY, ends), NOW)


def test_which_answer_brought_a_key_is_told_by_the_key(intent: Intent, ec_key: PrivateKey) -> None:
    """A crash after the promotion must be known as such: asked for again, a third key deletes the one in use."""
    in_use = credential(ec_key, apiKey=NEW_KEY)
    assert HALF.brought(api_key.write_answer(NEW_KEY, None), in_use)
    assert HALF.brought(api_key.write_answer(NEW_KEY, NOW), in_use)
    assert not HALF.brought(api_key.write_answer(API_KEY, None), in_use)
    assert not HALF.is_for(intent, in_use), "nothing of the intent is in its answer"


@pytest.mark.parametrize("stored", ["", "c2VhbGVk", "{", "{}", "[]", "5", "null", '"text"', '{"token": 5}'])
def test_what_is_no_answer_brought_nothing(ec_key: PrivateKey, stored: str) -> None:
    """A sealed one tells nothing; and somebody may have edited the ledger: no run may fail over it."""
    assert not HALF.brought(stored, credential(ec_key))


def test_a_key_has_no_name_in_any_sentence(ec_key: PrivateKey) -> None:
    """The service names none, and the certificate's is not the key's."""
    assert HALF.name_in(credential(ec_key)) is None
    assert HALF.called("") == "API key"
    assert HALF.remark(credential(ec_key)) == ""
    assert HALF.second_store == "", "the log, which is a certificate's, is no place for a key"
