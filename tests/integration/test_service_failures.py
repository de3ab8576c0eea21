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
from tests.support.rotation_env import World


@dataclass(frozen=True)
class Failing:
    """A fault of the simulator and the error it must be reported as."""

    fault: str
    error: type[RefreshFailed]
    parameters: dict[str, Parameter] = field(default_factory=dict)
    left: int = 2  # attempts

    def set_at(self, world: World, times: int | None = 1) -> None:
        """Let coming requests meet it."""
        world.simulator.fault(self.fault, tenant=None, times=times, endpoint="cert:refresh", **self.parameters)

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
    world: World, impatient: None, failing: Failing
) -> None:
    """Whatever the service does, consumers keep what works and one person learns what to do."""
    world.onboard()
    before = world.current()
    failing.set_at(world)
    error = world.fails(failing.error)
    assert len(world.simulator.requests) == 1, "sent again"
    assert world.current() == before
    assert world.accepted()
    assert world.state().attempts.available(world.time.now()) == failing.left
    assert world.state().lease is None
    (email,) = world.emails()
    assert email.code == failing.error.__name__
    assert failing.error.__name__ in email.subject
    assert str(error) in email.body
    assert world.cure(error) in email.body
    assert len(world.history()) == 1


@pytest.mark.parametrize("failing", [REFUSED[0], REFUSED[3], UNKNOWN[0]], ids=str)
def test_the_email_about_a_failed_attempt_counts_that_attempt(world: World, failing: Failing) -> None:
    """Who reads "Attempts left: 3" after a 429 looks in the wrong place."""
    world.onboard()
    world.fault(failing.fault)
    world.fails(failing.error)
    (email,) = world.emails()
    assert f"Attempts left: {failing.left}" in email.body


@pytest.mark.parametrize("failing", REFUSED, ids=str)
def test_a_refusal_that_repeats_is_told_once_a_day_and_its_end_once(world: World, failing: Failing) -> None:
    """Twenty-four emails a day are none that anybody reads."""
    world.onboard(age=timedelta(days=62))
    failing.set_at(world, times=None)
    for _ in range(3):
        world.fails(failing.error)
        world.advance(hours=2)
    assert world.codes() == [failing.error.__name__]
    world.advance(days=1)
    world.fails(failing.error)
    assert world.codes() == [failing.error.__name__] * 2
    world.simulator.clear_faults()
    world.advance(hours=2)
    assert world.run()["outcome"] == "rotated"
    *_, last = world.emails()
    assert world.codes()[2:] == ["rotated"]
    assert f"ends the incident {failing.error.__name__}" in last.body
    assert world.state().incident is None


def test_an_unknown_outcome_that_repeats_is_told_once_a_day(world: World) -> None:
    """A person who insists knows already."""
    world.onboard()
    world.fault("server-error", times=2)
    world.fails(OutcomeUnknown)
    world.fails(OutcomeUnknown, force=True, allowEviction=True)
    assert world.codes() == ["OutcomeUnknown"]
    assert world.run(force=True, allowEviction=True)["outcome"] == "rotated"
    assert world.codes() == ["OutcomeUnknown", "rotated"]


def test_a_failure_that_changes_is_told_again(world: World) -> None:
    """The first cure may be the wrong one by now."""
    world.onboard()
    for fault, error in (("unavailable", ServiceFailure), ("unauthorized", Unauthorized)):
        world.fault(fault)
        world.fails(error)
    assert world.codes() == ["ServiceFailure", "Unauthorized"]


def test_a_failure_is_told_again_as_the_end_comes_nearer(world: World) -> None:
    """What could wait at thirty days cannot at seven."""
    world.onboard(age=timedelta(days=75, hours=20))
    world.fault("unavailable", times=None)
    world.fails(ServiceFailure)
    world.advance(hours=5)
    world.fails(ServiceFailure)
    assert [email.attributes["severity"] for email in world.emails()] == ["WARNING", "CRITICAL"]


def test_a_failure_that_a_person_ends_by_onboarding_is_told_to_be_over(world: World) -> None:
    """Nobody should go on looking for what is gone."""
    world.onboard()
    world.fault("unauthorized")
    world.fails(Unauthorized)
    world.onboard(age=timedelta(0), name=f"{world.aws.name}-2")
    assert world.run()["outcome"] == "not_due"
    assert world.run()["outcome"] == "not_due"
    assert world.codes() == ["Unauthorized", "recovered"]


def test_a_refused_request_is_made_anew_and_any_other_is_repeated_as_it_was(world: World) -> None:
    """The same CSR would be refused again; after any other refusal its key is as good as a new one."""
    world.onboard()
    world.fault("unavailable")
    world.fails(ServiceFailure)
    intent = world.version(world.labels()["ROTATION_INTENT"])
    world.advance(hours=1)
    world.fault("bad-request")
    world.fails(RefreshRejected)
    assert [record["cert_name"] for record in world.history()] == [intent["certName"]] * 2
    assert "ROTATION_INTENT" not in world.labels()
    assert world.run()["outcome"] == "rotated"
    assert world.current()["certName"] != intent["certName"]


@pytest.mark.parametrize("http_date", [False, True], ids=["seconds", "date"])
def test_the_services_own_wait_is_honoured(world: World, *, http_date: bool) -> None:
    """It knows its limit better than we do."""
    world.onboard()
    world.fault("too-many-requests-retry-after", seconds=7200, http_date=http_date)
    world.fails(TooManyRequests)
    limited = world.run(force=True, allowEviction=True)
    assert limited["outcome"] == "rate_limited"
    wait = datetime.fromisoformat(str(limited["nextAttemptAt"])) - world.time.now()
    assert timedelta(minutes=119) < wait <= timedelta(minutes=120, seconds=5)
    world.advance(minutes=118)
    assert world.run()["outcome"] == "rate_limited"
    world.advance(minutes=3)
    assert world.run()["outcome"] == "rotated"


def test_without_a_wait_of_its_own_the_limit_is_an_hour(world: World) -> None:
    """Vendor: once the attempts are used up, one an hour."""
    world.onboard()
    world.fault("too-many-requests")
    world.fails(TooManyRequests)
    world.advance(minutes=61)
    assert world.run()["outcome"] == "rate_limited"
    world.advance(minutes=2)
    assert world.run()["outcome"] == "rotated"


def test_an_expired_certificate_costs_no_attempt(world: World) -> None:
    """The service says that it lets nobody in with it: only a person can help, and is told how."""
    world.onboard(age=timedelta(days=91))
    error = world.fails(CredentialExpired, force=True, allowEviction=True)
    assert str(error).startswith("The certificate in use ended at ")
    assert [request.endpoint for request in world.simulator.requests] == ["verdicts:statistics"], "asked, once"
    (email,) = world.emails()
    assert "Onboard again" in email.body
    assert email.traffic.startswith("No: ")
    assert email.attributes["severity"] == "CRITICAL"
    assert world.aws.records()[0].keys() == {"credential", "record", "incident", "told"}
