"""What a run answers."""

import json
from copy import replace
from datetime import timedelta, timezone

import pytest

from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.report import HalfReport, Outcome, Report, Rotated
from certificate_rotation.domain.result import result_of
from certificate_rotation.domain.state import LastRotation
from certificate_rotation.domain.times import days_left, utc_text
from tests.support.contract import RESULT
from tests.support.factories import NOW

CERTIFICATE = HalfReport(
    Life(NOW + timedelta(days=10), NOW - timedelta(days=20)), NOW + timedelta(days=3), 0, NOW + timedelta(minutes=62)
)
API_KEY = HalfReport(
    Life(NOW + timedelta(days=40), NOW + timedelta(days=12)), NOW + timedelta(days=33), 4, NOW + timedelta(minutes=32)
)
REPORT = Report(
    "arn",
    NOW,
    "not_due",
    cert_name="name",
    halves={HalfName.CERTIFICATE: CERTIFICATE, HalfName.API_KEY: API_KEY},
)
ALWAYS: dict[str, object] = {
    "outcome": "not_due",
    "renews": None,
    "secretId": "arn",
    "certName": "name",
    "notAfter": "2026-12-04T12:00:00Z",
    "daysLeft": 10,
    "renewAt": "2026-11-04T12:00:00Z",
    "attemptsAvailable": 0,
    "nextAttemptAt": "2026-11-24T13:02:00Z",
    "apiKeyNotAfter": "2027-01-03T12:00:00Z",
    "apiKeyRenewAt": "2026-12-06T12:00:00Z",
    "apiKeyAttemptsAvailable": 4,
    "apiKeyNextAttemptAt": "2026-11-24T12:32:00Z",
}


def answered(report: Report) -> dict[str, object]:
    """The result, as a caller gets it."""
    found: dict[str, object] = json.loads(json.dumps(result_of(report)))
    return found


def test_a_result_is_json_with_every_key_of_the_contract() -> None:
    """Users' programs read it."""
    assert answered(REPORT) == ALWAYS
    assert ALWAYS.keys() == RESULT


def test_what_nobody_knows_of_the_api_key_is_null() -> None:
    """The contract's keys are there all the same: a program must not have to ask for them first."""
    key = replace(API_KEY, life=Life(), attempts=5, next_attempt_at=None)
    assert answered(replace(REPORT, halves={**REPORT.halves, HalfName.API_KEY: key})) == ALWAYS | {
        "apiKeyNotAfter": None,
        "apiKeyRenewAt": None,
        "apiKeyAttemptsAvailable": 5,
        "apiKeyNextAttemptAt": None,
    }


def test_an_attempt_that_is_free_has_no_time() -> None:
    """Null means now."""
    free = replace(CERTIFICATE, attempts=3, next_attempt_at=None)
    answer = result_of(replace(REPORT, cert_name=None, halves={**REPORT.halves, HalfName.CERTIFICATE: free}))
    assert (answer["attemptsAvailable"], answer["nextAttemptAt"], answer["certName"]) == (3, None, None)


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("outcome", ["rotated", "dry_run", "rate_limited", "held", "busy", "staged"])
def test_a_result_says_which_half_it_is_about(outcome: Outcome, half: HalfName) -> None:
    """A hold alone leaves open what a person should have ready before they insist."""
    assert answered(replace(REPORT, outcome=outcome, renews=half))["renews"] == half.value
    assert [half.value for half in HalfName] == ["certificate", "apiKey"]


@pytest.mark.parametrize(("deleted", "told"), [("", None), ("older", "older")])
def test_a_certificates_rotation_says_which_ones_are_behind_it(deleted: str, told: str | None) -> None:
    """None was deleted is null, and not an empty name."""
    rotated = Rotated(LastRotation(NOW, "name", "f", "p", "old", deleted))
    done = replace(REPORT, outcome="rotated", renews=HalfName.CERTIFICATE, rotated=rotated)
    expected = {"outcome": "rotated", "renews": "certificate", "previousCertName": "old", "deletedCertName": told}
    assert answered(done) == ALWAYS | expected


def test_an_api_keys_rotation_names_no_certificate() -> None:
    """A key has no name, and what the service says it deleted may be a key."""
    rotated = Rotated(LastRotation(NOW, "", "f", "p", None, "an older API key"))
    done = replace(REPORT, outcome="rotated", renews=HalfName.API_KEY, rotated=rotated)
    assert answered(done) == ALWAYS | {"outcome": "rotated", "renews": "apiKey"}


def test_a_hold_and_a_dry_run_say_why_and_until_when() -> None:
    """So that a person can decide whether to insist."""
    until = NOW + timedelta(days=3)
    answer = result_of(replace(REPORT, outcome="dry_run", would_do="hold", why="An answer was lost.", until=until))
    assert answer.items() >= {"wouldDo": "hold", "why": "An answer was lost.", "until": "2026-11-27T12:00:00Z"}.items()


def test_a_hold_without_an_end_by_itself_says_so_with_null() -> None:
    """Of an API key whose end nobody knows: a missing key could as well be a program's mistake."""
    held = replace(REPORT, outcome="held", renews=HalfName.API_KEY, why="An answer was lost.")
    expected = {"outcome": "held", "renews": "apiKey", "why": "An answer was lost.", "until": None}
    assert answered(held) == ALWAYS | expected


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
