"""Programs learn by events on the default bus of what people are mailed."""

import json
from typing import Any

import pytest

from certificate_rotation.adapters.event_bus import SOURCE
from certificate_rotation.domain.errors import OutcomeUnknown
from tests.support.rotation_env import RotationEnv

OF_EVERY_EVENT = {
    "version",
    "severity",
    "code",
    "secretArn",
    "renews",
    "certName",
    "serialNumber",
    "notAfter",
    "daysLeft",
    "inUse",
    "attemptsAvailable",
    "nextAttemptAt",
    "at",
    "requestId",
    "logUrl",
    "subject",
    "text",
    "apiKeyNotAfter",
}


def test_a_rotation_is_announced_with_all_a_consumer_needs(env: RotationEnv) -> None:
    """Which secret to read again, and whether at once."""
    env.onboard()
    result = env.run()
    (event,) = env.aws.announced()
    assert event.kind == "Credential Rotated"
    of_its_own = {
        "previousCertName": "onboarded-1",
        "deletedCertName": None,
        "previous": "not asked",
        "reloadNow": False,
    }
    assert event.detail.keys() == OF_EVERY_EVENT | of_its_own.keys()
    expected = {
        "version": 1,
        "secretArn": env.arn,
        "renews": "certificate",
        "certName": result["certName"],
        "serialNumber": f"{env.credential().chain.leaf.serial_number:x}",
        "notAfter": result["notAfter"],
        "daysLeft": result["daysLeft"],
        "inUse": "accepted",
        "attemptsAvailable": result["attemptsAvailable"],
        **of_its_own,
    }
    assert event.detail.items() >= expected.items()
    (mail,) = env.emails()
    assert (event.detail["subject"], event.detail["text"]) == (mail.subject, mail.body)


def test_an_event_names_where_it_is_from_and_what_it_is_about(env: RotationEnv) -> None:
    """A rule finds it by both."""
    env.onboard()
    env.run()
    (entry,) = json.loads(next(call for call in env.aws.calls if call.operation == "PutEvents").body)["Entries"]
    assert (entry["Source"], entry["Resources"]) == (SOURCE, [env.arn])


def test_a_failure_is_announced_with_since_when_and_why_now(env: RotationEnv) -> None:
    """A ticket is opened once, and added to afterwards."""
    env.onboard()
    env.fault("drop-after-issuing")
    error = env.fails(OutcomeUnknown)
    (event,) = env.aws.announced()
    assert event.kind == "Rotation Failed"
    assert event.detail.keys() == OF_EVERY_EVENT | {"reason", "since"}
    assert (event.detail["code"], event.detail["reason"], event.detail["inUse"]) == (
        "OutcomeUnknown",
        "begun",
        "not asked",
    )
    assert str(error) in event.detail["text"]


def test_an_eviction_says_that_consumers_must_reload_at_once(env: RotationEnv) -> None:
    """What they hold opens nothing any more."""
    env.onboard()
    env.fault("drop-after-issuing")
    env.fails(OutcomeUnknown)
    env.run(force=True, allowEviction=True)
    event = env.aws.announced()[-1]
    assert event.kind == "Credential Rotated"
    wanted = ("deletedCertName", "previous", "reloadNow", "severity")
    assert [event.detail[name] for name in wanted] == ["onboarded-1", "refused", True, "WARNING"]


def test_an_end_is_announced_with_what_is_over(env: RotationEnv) -> None:
    """Whoever opened a ticket by the code closes it by the code."""
    tenant = env.onboard()
    env.put("spoilt")
    with pytest.raises(Exception, match="not JSON"):
        env.run()
    env.settings["RENEW_BEFORE_DAYS"] = "1"
    env.put(tenant.credential)
    assert env.run()["outcome"] == "not_due"
    event = env.aws.announced()[-1]
    assert event.kind == "Rotation Recovered"
    assert event.detail.keys() == OF_EVERY_EVENT | {"incident"}
    assert event.detail["incident"] == "InvalidCredential"


def test_who_wants_no_mail_of_success_gets_the_event(env: RotationEnv) -> None:
    """`NotifyOnSuccess` is about people."""
    env.settings["NOTIFY_ON_SUCCESS"] = "false"
    env.onboard()
    env.run()
    assert env.emails() == []
    assert [event.kind for event in env.aws.announced()] == ["Credential Rotated"]


def test_an_event_that_fails_in_a_call_that_succeeds_is_told_later(
    env: RotationEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS answers 200, and says of the entry alone that the bus did not take it."""
    env.onboard()
    clients = env.aws.clients()
    container = env.dependencies(clients)
    failed: dict[str, Any] = {
        "FailedEntryCount": 1,
        "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "no"}],
    }
    with monkeypatch.context() as refusing:
        refusing.setattr(clients.events, "put_events", lambda **_: failed)
        assert env.run_with(container, {})["outcome"] == "rotated"
    assert env.aws.announced() == []
    assert "Credential Rotated could not be published: InternalFailure: no" in env.errors_logged()
    assert env.run()["outcome"] == "not_due"
    assert [event.kind for event in env.aws.announced()] == ["Credential Rotated"]
