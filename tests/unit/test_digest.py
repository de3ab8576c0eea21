"""When a mail waits for a digest: the table of the hour."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from certificate_rotation.digest import ALONE, NAMED, SENDING, WINDOW, Batch, Record, overdue, owes, place
from certificate_rotation.incidents import LAST_DAY, level_of
from certificate_rotation.messages import MAX_SUBJECT, digest
from tests.unit.made import NOW

FIVE = frozenset(f"tenant-{number}" for number in range(ALONE))
SOME = Batch(frozenset({"waiting-1", "waiting-2"}), 0, urgent=False, since=NOW)
MANY = Batch(frozenset(f"waiting-{number}" for number in range(NAMED)), 7, urgent=False, since=NOW)
FIRST = Record(NOW, frozenset({"tenant-0"}))
FULL = Record(NOW, FIVE)
WAITING = Record(NOW, FIVE, SOME)
SENT_NOW = Record(NOW, FIVE, None, SOME, NOW + SENDING)

PLACES = {
    "the first ever": (None, "a", timedelta(0), "open"),
    "the second": (FIRST, "a", timedelta(minutes=1), "alone"),
    "the sixth": (FULL, "a", timedelta(minutes=1), "join"),
    "one of the five again": (FULL, "tenant-3", timedelta(minutes=1), "alone"),
    "one that waits already": (WAITING, "waiting-1", timedelta(minutes=1), "wait"),
    "one that is being sent": (SENT_NOW, "waiting-1", timedelta(minutes=1), "wait"),
    "one more than there is room for": (replace(FULL, waiting=MANY), "a", timedelta(minutes=1), "count"),
    "the first after a quiet hour": (FULL, "a", WINDOW, "open"),
    "one after the hour, while others wait": (WAITING, "a", WINDOW, "join"),
    "one of the five, after the hour, while others wait": (WAITING, "tenant-3", WINDOW, "join"),
    "one after the hour, while a digest is sent": (SENT_NOW, "a", WINDOW, "join"),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_mail_goes_out_alone_until_it_would_be_one_of_many(case: str) -> None:
    """Five mails are read; five hundred are deleted unread, and with them the one that matters."""
    known, name, later, expected = PLACES[case]
    assert place(known, name, NOW + later) == expected


OVERDUE = {
    "nothing was ever told": (None, WINDOW, None),
    "nothing waits": (FULL, WINDOW, None),
    "the hour is not over": (WAITING, WINDOW - timedelta(seconds=1), None),
    "the hour is over": (WAITING, WINDOW, "close"),
    "somebody is sending": (SENT_NOW, SENDING - timedelta(seconds=1), None),
    "somebody died while sending": (SENT_NOW, SENDING, "take over"),
    "somebody died, and more wait": (replace(SENT_NOW, waiting=SOME), WINDOW, "take over"),
}


@pytest.mark.parametrize("case", OVERDUE)
def test_a_digest_is_sent_once_its_hour_is_over_and_again_if_its_sender_died(case: str) -> None:
    """What was put off must not be put off for ever."""
    known, later, expected = OVERDUE[case]
    assert overdue(known, NOW + later) == expected


def test_what_is_being_sent_is_still_owed() -> None:
    """Its sender may die."""
    assert [owes(known) for known in (None, FULL, WAITING, SENT_NOW)] == [False, False, True, True]


def test_the_last_day_is_a_level_of_its_own() -> None:
    """From then on nobody waits for a digest."""
    assert level_of(timedelta(days=1)) == LAST_DAY == level_of(timedelta(days=1, seconds=1)) + 1


@pytest.mark.parametrize("cause", ["ServiceFailure", "recovered", "rotated", "RuntimeError", "Ä" * 300])
def test_a_digest_says_how_many_which_why_and_what_to_do(cause: str) -> None:
    """It stands for as many mails as it counts."""
    message = digest(cause, MANY, NOW)
    assert message.code == cause
    assert message.document["count"] == NAMED + 7
    assert f"{NAMED + 7} more credentials" in message.subject
    assert (len(message.subject) <= MAX_SUBJECT, message.subject.isascii()) == (True, True)
    titles = ["What happened", "Does traffic still work", "What happens by itself", "What you can do", "Which ones"]
    places = [message.text.index(f"{title}\n") for title in titles]
    assert places == sorted(places)
    assert all(name in message.text for name in MANY.names)
    assert "and 7 more" in message.text


def test_a_digest_is_urgent_when_one_in_it_is() -> None:
    """It must not hide behind the others."""
    assert digest("ServiceFailure", replace(SOME, urgent=True), NOW).severity == "CRITICAL"
    assert digest("ServiceFailure", SOME, NOW).severity == "WARNING"
    assert digest("recovered", replace(SOME, urgent=True), NOW).severity == "INFO"


def test_the_longest_digest_fits_into_a_message() -> None:
    """SNS: 256 KiB with its attributes; a name has up to 519 characters, behind what begins an ARN."""
    begin = "arn:aws-us-gov:secretsmanager:us-gov-east-1:123456789012:secret:"
    names = frozenset(f"{begin}{number:03}{'x' * 516}" for number in range(NAMED))
    message = digest("ServiceFailure", Batch(names, 10**6, urgent=True, since=NOW), NOW)
    body = json.dumps({"default": json.dumps(message.document), "email": message.text})
    assert len(body) + len(json.dumps(sorted(names))) < 256 * 1024 - 1024
