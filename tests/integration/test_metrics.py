"""What CloudWatch is told of a run, as the handler really writes it; and that alarms and dashboard read just that."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from certificate_rotation import handler
from certificate_rotation.domain import x509
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import (
    CredentialExpired,
    InvalidCredential,
    InvalidEvent,
    RotationError,
    ServiceFailure,
)
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import Lease
from tests.support.alarms.account import FUNCTION
from tests.support.alarms.alarm import Alarm
from tests.support.alarms.cloudwatch import measured
from tests.support.alarms.dashboard import metrics_shown
from tests.support.cloudformation import Stack
from tests.support.lambda_invoker import Context, invoke, outcome
from tests.support.rotation_env import RotationEnv

OURS = "DeviceIdCertificateRotation"
YOUNG = timedelta(days=1)
BEGAN, ENDED, LOOKED = (1.0,), (1.0, -1.0), (1.0, -0.5, -0.5)  # of `Unfinished`

type Told = Callable[[], dict[str, object]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """What the run since the last look measured, by name; each name once, but all that it said of its own end."""

    def read() -> dict[str, object]:
        values = [(metric.name, value) for line in lines(capsys) for metric, value, _ in measured(line)]
        others = [pair for pair in values if pair[0] != "Unfinished"]
        assert len(others) == len(dict(others))
        return {**dict(others), "Unfinished": tuple(value for name, value in values if name == "Unfinished")}

    return read


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines in the embedded metric format since the last look."""
    return [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]


def test_a_rotation_is_measured(function: RotationEnv, told: Told) -> None:
    """The days are those of the new certificate; the run after it finds nothing to do, and says no more of it."""
    function.onboard()
    invoke({})
    measured_now = told()
    assert measured_now.pop("DaysToExpiry") == pytest.approx(90, abs=1)
    assert measured_now == {"Unfinished": ENDED, "Rotated": 1, "AttemptsAvailable": 2}

    invoke({})
    assert told().keys() == {"Unfinished", "DaysToExpiry"}, "what it costs by the hour is what alarms read"


def test_the_days_have_a_fraction(function: RotationEnv, told: Told) -> None:
    """CriticalDays is reached at a moment; whole days would raise the alarm up to a day too early."""
    function.onboard(age=timedelta(days=30, hours=12))
    invoke({})
    left = function.credential().chain.not_after - datetime.now(UTC)
    assert told()["DaysToExpiry"] == pytest.approx(left / timedelta(days=1), abs=0.01)


def test_a_failure_is_measured_with_the_days_left(function: RotationEnv, told: Told) -> None:
    """The alarms must see the end coming while every run fails."""
    function.onboard()
    function.fault("unavailable", times=None)
    with pytest.raises(ServiceFailure):
        invoke({})
    assert told() == {"Unfinished": ENDED, "Failed": 1, "DaysToExpiry": pytest.approx(10, abs=0.1)}


def test_an_expired_certificate_has_days_below_zero(function: RotationEnv, told: Told) -> None:
    """The alarm about it must not end when the certificate does."""
    function.onboard(age=timedelta(days=91))
    with pytest.raises(CredentialExpired):
        invoke({})
    assert told()["DaysToExpiry"] == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize(("event", "error"), [({"dryrun": True}, InvalidEvent), ({}, InvalidCredential)])
def test_a_failure_before_the_certificate_is_known_is_measured(
    function: RotationEnv, told: Told, event: object, error: type[RotationError]
) -> None:
    """It is a sign of life: the schedule works."""
    with pytest.raises(error):
        invoke(event)
    assert told() == {"Unfinished": ENDED, "Failed": 1}


def test_a_dry_run_is_no_sign_of_life(function: RotationEnv, told: Told) -> None:
    """Only a run that may renew is."""
    function.onboard(age=YOUNG)
    invoke({"dryRun": True})
    assert told() == {"Unfinished": LOOKED}


@pytest.mark.parametrize("age", [timedelta(days=80), timedelta(days=91)], ids=["due", "ended"])
def test_a_dry_run_measures_nothing_but_that_it_did_not_crash(
    function: RotationEnv, told: Told, age: timedelta
) -> None:
    """A person who looks must neither still an alarm nor set one off."""
    function.onboard(age=age)
    with suppress(CredentialExpired):
        invoke({"dryRun": True})
    assert told() == {"Unfinished": LOOKED}


def test_a_dry_run_that_fails_is_no_crash(function: RotationEnv, told: Told) -> None:
    """Somebody saw it."""
    with pytest.raises(InvalidCredential):
        invoke({"dryRun": True})
    assert told() == {"Unfinished": LOOKED}


def test_an_error_without_a_name_is_left_to_the_alarm_on_crashes(
    function: RotationEnv, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a sign of life nor a failure that was explained."""
    function.onboard(age=YOUNG)

    def broken(_: str) -> Credential:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(Credential, "parse", broken)
    with pytest.raises(KeyError):
        invoke({})
    assert told() == {"Unfinished": BEGAN}


def test_an_error_without_a_name_hides_neither_the_end_nor_the_mails_that_were_refused(
    function: RotationEnv, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours may last for weeks, and the certificate ends meanwhile."""
    function.onboard()

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(x509, "new_private_key", broken)
    with function.aws.refusing("Publish"), pytest.raises(KeyError):
        invoke({})
    assert told() == {"Unfinished": BEGAN, "DaysToExpiry": pytest.approx(10, abs=0.1), "AlertNotPublished": 1}


def test_the_begin_is_written_before_anything_can_go_wrong(
    function: RotationEnv, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is killed later says nothing more; and both ends of a run bear one time, so that no hour lies between."""
    function.onboard(age=YOUNG)
    invoke({})
    begin, *_, end = [measured(line) for line in lines(capsys)]
    assert [(metric.name, value) for metric, value, _ in begin + end] == [("Unfinished", 1), ("Unfinished", -1)]
    assert begin[0][2] == end[0][2] > datetime.now(UTC)

    def broken() -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(handler, "_logger", broken)
        with pytest.raises(MemoryError):
            invoke({})
    (only,) = lines(capsys)
    assert [(metric.name, value) for metric, value, _ in measured(only)] == [("Unfinished", 1)]


def test_an_alert_the_topic_refuses_is_measured(function: RotationEnv, told: Told) -> None:
    """Of this run alone, though the process remembers earlier ones."""
    for _ in range(2):
        with function.aws.refusing("Publish"), pytest.raises(InvalidCredential):
            invoke({})
        assert told() == {"Unfinished": ENDED, "Failed": 1, "AlertNotPublished": 1}
    with pytest.raises(InvalidCredential):
        invoke({})
    assert told() == {"Unfinished": ENDED, "Failed": 1}


@pytest.mark.parametrize("fault", ["unavailable", "drop-before-processing"])
def test_a_certificate_in_use_that_could_not_be_asked_about_is_measured(
    function: RotationEnv, told: Told, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """A service that gives no answer for days is seen on the dashboard; a mail for each hiccup nobody would read."""
    monkeypatch.setenv("WATCH_IN_USE", "true")
    function.onboard(age=YOUNG)
    function.fault(fault, at="verdicts:statistics")
    invoke({})
    measured_now = told()
    assert measured_now.pop("WatchUnanswered") == 1
    invoke({})  # answered
    assert told() == {**measured_now, "DaysToExpiry": pytest.approx(89, abs=0.1)}
    assert function.emails() == []


def test_the_line_tells_what_the_metrics_do_not(function: RotationEnv, capsys: pytest.CaptureFixture[str]) -> None:
    """Which outcome and which error, to search the log for; nothing of the credential."""
    function.onboard()
    function.fault("unavailable")
    with pytest.raises(ServiceFailure):
        invoke({})
    (line,) = (line for line in map(json.loads, lines(capsys)) if "Unfinished" not in line)
    assert (line["outcome"], line["error"]) == ("failed", "ServiceFailure")
    assert line.keys() - {"_aws", "outcome", "error", "FunctionName"} == {"Failed", "DaysToExpiry"}


def test_alarms_and_dashboard_read_what_is_written(
    function: RotationEnv, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name for name and dimension for dimension: AWS takes another spelling for another metric, and says nothing."""
    insist = {"force": True, "allowEviction": True}
    monkeypatch.setenv("WATCH_IN_USE", "true")
    function.onboard()
    assert outcome({}) == "rotated"
    function.fault("unavailable", at="verdicts:statistics")
    assert [outcome({}), outcome({"force": True})] == ["not_due", "held"]
    ledger = function.dependencies().ledger
    ledger.claim(
        function.arn, function.state(), Lease("another", datetime.now(UTC) + timedelta(minutes=2)), HalfName.CERTIFICATE
    )
    assert outcome(insist) == "busy"
    ledger.release(function.arn, "another")
    function.fault("too-many-requests")
    with function.aws.refusing("Publish"):
        assert [outcome(insist), outcome(insist)] == ["failed", "rate_limited"]
    written = {metric for line in lines(capsys) for metric, _, _ in measured(line)}
    assert {metric.dimensions for metric in written} == {frozenset({("FunctionName", Context.function_name)})}

    here = {(OURS, metric.name, "FunctionName", FUNCTION) for metric in written}
    alarms = Stack().resources("AWS::CloudWatch::Alarm").values()
    read = {Alarm(properties).metric for properties in alarms}
    of_alarms = {(m.namespace, m.name, *pair) for m in read for pair in m.dimensions if m.namespace == OURS}
    assert {shown for shown in metrics_shown() if shown[0] == OURS} == here
    assert of_alarms <= here
