"""What becomes of a rotation when the service fails, one named failure at a time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from certificate_rotation.adapters import device_id_api, mtls
from certificate_rotation.domain.errors import (
    CredentialExpired,
    OutcomeUnknown,
    RefreshConflict,
    RefreshFailed,
    RefreshRejected,
    ServiceFailure,
    TooManyRequests,
    Unauthorized,
)
from simulator.faults import Parameter
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory


@dataclass(frozen=True)
class Failing:
    """A fault of the simulator and the error it must be reported as."""

    fault: str
    error: type[RefreshFailed]
    parameters: dict[str, Parameter] = field(default_factory=dict)
    left: int = 2  # attempts

    def set_at(self, env: RotationEnv, times: int | None = 1) -> None:
        """Let coming requests meet it."""
        env.simulator.fault(self.fault, tenant=None, times=times, endpoint="cert:refresh", **self.parameters)

    def __str__(self) -> str:
        return "-".join([self.fault, *(str(value) for value in self.parameters.values())])


REFUSED = [
    Failing("bad-request", RefreshRejected),
    Failing("unauthorized", Unauthorized),
    Failing("conflict", RefreshConflict),
    Failing("too-many-requests", TooManyRequests, left=0),
    Failing("too-many-requests-retry-after", TooManyRequests, {"seconds": 1}, left=0),
    Failing("unavailable", ServiceFailure),
    Failing("redirect", ServiceFailure, {"status": 301}),
    Failing("redirect", ServiceFailure, {"status": 302}),
    Failing("redirect", ServiceFailure, {"status": 308}),
]
UNKNOWN = [
    Failing("server-error", OutcomeUnknown),
    Failing("server-error-after-issuing", OutcomeUnknown),
    Failing("bad-gateway-html", OutcomeUnknown),
    Failing("redirect", OutcomeUnknown, {"status": 303}),  # "done; see there"
    Failing("malformed-json", OutcomeUnknown),
    Failing("no-cert", OutcomeUnknown),
    Failing("drop-before-processing", OutcomeUnknown),
    Failing("drop-after-issuing", OutcomeUnknown),
    Failing("endless-body", OutcomeUnknown),
    Failing("huge-body", OutcomeUnknown, {"megabytes": 1}),
    Failing("slow", OutcomeUnknown, {"seconds": 2.0}),
    Failing("drip", OutcomeUnknown, {"seconds": 0.2}),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers no longer than a test may."""
    monkeypatch.setattr(mtls, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(device_id_api, "ANSWER_SECONDS", 0.6)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("failing", [*REFUSED, *UNKNOWN], ids=str)
def test_a_failure_changes_nothing_in_use_and_is_told_once_with_its_cure(
    env: RotationEnv, impatient: None, failing: Failing
) -> None:
    """Whatever the service does, consumers keep what works and one person learns what to do."""
    env.onboard()
    before = env.current()
    failing.set_at(env)
    error = env.fails(failing.error)
    assert len(env.simulator.requests) == 1, "sent again"
    assert env.current() == before
    assert env.accepted()
    assert env.state().certificate.attempts.available(env.time.now()) == failing.left
    assert env.state().lease is None
    (email,) = env.emails()
    assert email.code == failing.error.__name__
    assert failing.error.__name__ in email.subject
    assert str(error) in email.body
    assert env.cure(error) in email.body
    assert len(env.history()) == 1


@pytest.mark.parametrize("failing", [REFUSED[0], REFUSED[3], UNKNOWN[0]], ids=str)
def test_the_email_about_a_failed_attempt_counts_that_attempt(env: RotationEnv, failing: Failing) -> None:
    """Who reads "Attempts left: 3" after a 429 looks in the wrong place."""
    env.onboard()
    env.fault(failing.fault)
    env.fails(failing.error)
    (email,) = env.emails()
    assert f"Attempts left: {failing.left}" in email.body


@pytest.mark.parametrize("failing", REFUSED, ids=str)
def test_a_refusal_that_repeats_is_told_once_a_day_and_its_end_once(env: RotationEnv, failing: Failing) -> None:
    """Twenty-four emails a day are none that anybody reads."""
    env.onboard(age=timedelta(days=62))
    failing.set_at(env, times=None)
    for _ in range(3):
        env.fails(failing.error)
        env.advance(hours=2)
    assert env.codes() == [failing.error.__name__]
    env.advance(days=1)
    env.fails(failing.error)
    assert env.codes() == [failing.error.__name__] * 2
    env.simulator.clear_faults()
    env.advance(hours=2)
    assert env.run()["outcome"] == "rotated"
    *_, last = env.emails()
    assert env.codes()[2:] == ["rotated"]
    assert f"ends the incident {failing.error.__name__}" in last.body
    assert env.state().certificate.incident is None


def test_an_unknown_outcome_that_repeats_is_told_once_a_day(env: RotationEnv) -> None:
    """A person who insists knows already."""
    env.onboard()
    env.fault("server-error", times=2)
    env.fails(OutcomeUnknown)
    env.fails(OutcomeUnknown, force=True, allowEviction=True)
    assert env.codes() == ["OutcomeUnknown"]
    assert env.run(force=True, allowEviction=True)["outcome"] == "rotated"
    assert env.codes() == ["OutcomeUnknown", "rotated"]


def test_a_failure_that_changes_is_told_again(env: RotationEnv) -> None:
    """The first cure may be the wrong one by now."""
    env.onboard()
    for fault, error in (("unavailable", ServiceFailure), ("unauthorized", Unauthorized)):
        env.fault(fault)
        env.fails(error)
    assert env.codes() == ["ServiceFailure", "Unauthorized"]


def test_a_failure_is_told_again_as_the_end_comes_nearer(env: RotationEnv) -> None:
    """What could wait at thirty days cannot at seven."""
    env.onboard(age=timedelta(days=75, hours=20))
    env.fault("unavailable", times=None)
    env.fails(ServiceFailure)
    env.advance(hours=5)
    env.fails(ServiceFailure)
    assert [email.attributes["severity"] for email in env.emails()] == ["WARNING", "CRITICAL"]


def test_a_failure_that_a_person_ends_by_onboarding_is_told_to_be_over(env: RotationEnv) -> None:
    """Nobody should go on looking for what is gone."""
    env.onboard()
    env.fault("unauthorized")
    env.fails(Unauthorized)
    env.onboard(age=timedelta(0), name=f"{env.aws.name}-2")
    assert env.run()["outcome"] == "not_due"
    assert env.run()["outcome"] == "not_due"
    assert env.codes() == ["Unauthorized", "recovered"]


def test_a_refused_request_is_made_anew_and_any_other_is_repeated_as_it_was(env: RotationEnv) -> None:
    """The same CSR would be refused again; after any other refusal its key is as good as a new one."""
    env.onboard()
    env.fault("unavailable")
    env.fails(ServiceFailure)
    intent = env.version(env.labels()["CERTIFICATE_INTENT"])
    env.advance(hours=1)
    env.fault("bad-request")
    env.fails(RefreshRejected)
    assert [record["name"] for record in env.history()] == [intent["certName"]] * 2
    assert "CERTIFICATE_INTENT" not in env.labels()
    assert env.run()["outcome"] == "rotated"
    assert env.current()["certName"] != intent["certName"]


@pytest.mark.parametrize("http_date", [False, True], ids=["seconds", "date"])
def test_the_services_own_wait_is_honoured(env: RotationEnv, *, http_date: bool) -> None:
    """It knows its limit better than we do."""
    env.onboard()
    env.fault("too-many-requests-retry-after", seconds=7200, http_date=http_date)
    env.fails(TooManyRequests)
    limited = env.run(force=True, allowEviction=True)
    assert limited["outcome"] == "rate_limited"
    wait = datetime.fromisoformat(str(limited["nextAttemptAt"])) - env.time.now()
    assert timedelta(minutes=119) < wait <= timedelta(minutes=120, seconds=5)
    env.advance(minutes=118)
    assert env.run()["outcome"] == "rate_limited"
    env.advance(minutes=3)
    assert env.run()["outcome"] == "rotated"


def test_without_a_wait_of_its_own_the_limit_is_an_hour(env: RotationEnv) -> None:
    """Vendor: once the attempts are used up, one an hour."""
    env.onboard()
    env.fault("too-many-requests")
    env.fails(TooManyRequests)
    env.advance(minutes=61)
    assert env.run()["outcome"] == "rate_limited"
    env.advance(minutes=2)
    assert env.run()["outcome"] == "rotated"


def test_an_expired_certificate_costs_no_attempt(env: RotationEnv) -> None:
    """The service says that it lets nobody in with it: only a person can help, and is told how."""
    env.onboard(age=timedelta(days=91))
    error = env.fails(CredentialExpired, force=True, allowEviction=True)
    assert str(error).startswith("The certificate in use ended at ")
    assert [request.endpoint for request in env.simulator.requests] == ["verdicts:statistics"], "asked, once"
    (email,) = env.emails()
    assert "Onboard again" in email.body
    assert email.traffic.startswith("No: ")
    assert email.attributes["severity"] == "CRITICAL"
    assert env.aws.records()[0].keys() == {"credential", "record", "certificate_incident", "told"}
