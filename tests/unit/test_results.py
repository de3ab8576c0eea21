"""What a run answers."""

import json
from datetime import timedelta, timezone

import pytest

from certificate_rotation.attempts import Attempts
from certificate_rotation.certificates import Chain, PrivateKey
from certificate_rotation.decision import Policy
from certificate_rotation.results import days_left, result, utc_text
from tests.unit.made import NOW, certificate

POLICY = Policy(timedelta(0), timedelta(days=7), timedelta(hours=24))


def test_a_result_is_json_with_every_key_of_the_contract(ec_key: PrivateKey) -> None:
    """Users' programs read it."""
    chain = Chain((certificate(ec_key),))
    answer = result(
        "not_due", arn="arn", cert_name="name", chain=chain, attempts=Attempts(0, NOW), policy=POLICY, now=NOW
    )
    assert json.loads(json.dumps(answer)) == {
        "outcome": "not_due",
        "secretId": "arn",
        "certName": "name",
        "notAfter": "2026-12-04T12:00:00Z",
        "daysLeft": 10,
        "renewAt": "2026-11-04T12:00:00Z",
        "attemptsAvailable": 0,
        "nextAttemptAt": "2026-11-24T13:02:00Z",
    }


def test_an_attempt_that_is_free_has_no_time(ec_key: PrivateKey) -> None:
    """Null means now."""
    chain = Chain((certificate(ec_key),))
    answer = result("x", arn="arn", cert_name=None, chain=chain, attempts=Attempts(), policy=POLICY, now=NOW)
    assert (answer["attemptsAvailable"], answer["nextAttemptAt"], answer["certName"]) == (3, None, None)


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
