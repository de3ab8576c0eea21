"""What a run answers."""

import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.result import days_left, result_of, utc_text
from certificate_rotation.domain.state import LastRotation
from tests.support.factories import NOW

REPORT = Report(
    "arn",
    NOW,
    "not_due",
    cert_name="name",
    not_after=NOW + timedelta(days=10),
    renew_at=NOW - timedelta(days=20),
    attempts=0,
    next_attempt_at=NOW + timedelta(minutes=62),
)


def test_a_result_is_json_with_every_key_of_the_contract() -> None:
    """Users' programs read it."""
    assert json.loads(json.dumps(result_of(REPORT))) == {
        "outcome": "not_due",
        "secretId": "arn",
        "certName": "name",
        "notAfter": "2026-12-04T12:00:00Z",
        "daysLeft": 10,
        "renewAt": "2026-11-04T12:00:00Z",
        "attemptsAvailable": 0,
        "nextAttemptAt": "2026-11-24T13:02:00Z",
    }


def test_an_attempt_that_is_free_has_no_time() -> None:
    """Null means now."""
    answer = result_of(replace(REPORT, cert_name=None, attempts=3, next_attempt_at=None))
    assert (answer["attemptsAvailable"], answer["nextAttemptAt"], answer["certName"]) == (3, None, None)


def test_a_rotation_says_which_certificates_are_behind_it() -> None:
    """None was deleted is null, and not an empty name."""
    rotated = Rotated(LastRotation(NOW, "name", "f", "p", "old"))
    answer = result_of(replace(REPORT, outcome="rotated", rotated=rotated))
    assert (answer["previousCertName"], answer["deletedCertName"]) == ("old", None)


def test_a_hold_and_a_dry_run_say_why_and_until_when() -> None:
    """So that a person can decide whether to insist."""
    until = NOW + timedelta(days=3)
    answer = result_of(replace(REPORT, outcome="dry_run", would_do="hold", why="An answer was lost.", until=until))
    assert answer.items() >= {"wouldDo": "hold", "why": "An answer was lost.", "until": "2026-11-27T12:00:00Z"}.items()


def test_a_run_that_failed_before_it_knew_the_credential_has_no_result() -> None:
    """Nothing may stand where an error belongs."""
    with pytest.raises(ValueError, match="no result"):
        result_of(Report("arn", NOW))


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(days=10), 10),
        (timedelta(days=1, seconds=-1), 0),
        (timedelta(0), 0),
        (timedelta(seconds=-1), -1),
    ],
)
def test_days_left_are_whole_days_and_negative_once_it_ended(left: timedelta, days: int) -> None:
    """With "0 days left" it must still work."""
    assert days_left(NOW + left, NOW) == days


def test_times_are_told_in_utc() -> None:
    """Nobody should have to guess a zone."""
    assert utc_text(NOW.astimezone(timezone(timedelta(hours=9)))) == "2026-11-24T12:00:00Z"
