"""Every error of the contract, as the handler raises it for a whole day: one mail, and one when it is over."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import RotationError, cure_of
from certificate_rotation.domain.half import HalfName
from dev import render_alert_docs
from tests.support.lambda_invoker import at_the_worlds_time, forget, invoke, outcome
from tests.support.rotation_env import RotationEnv

pytestmark = pytest.mark.in_memory

YOUNG = timedelta(days=1)
REPEATS = 10
BETWEEN = timedelta(hours=2)  # so that all of them are within a day, and the vendor's limit leaves an attempt for each

type Setting = Callable[[str, str], None]  # of the function's environment


@dataclass(frozen=True)
class Failing:
    """How an error comes about, and how it ends.

    Attributes:
        begin: brings it about, for every run from now on.
        end: takes it away again.
        event: of the runs that fail.
        mending: of the run that finds it gone.
        again: how a later run ends while it lasts: `failed`, or the outcome of a run that waits for its end.
        over: what the last mail is about.
        age: of the certificate in use; renewal is due unless told else.
        over_after: how long after the last failing run the end is noticed.
    """

    begin: Callable[[RotationEnv, Setting], object]
    end: Callable[[RotationEnv, Setting], object]
    event: dict[str, object] = field(default_factory=dict)
    mending: dict[str, object] = field(default_factory=dict)
    again: str = "failed"
    over: str = "rotated"
    age: timedelta = timedelta(days=80)
    over_after: timedelta = BETWEEN


def at_the_service(fault: str, again: str = "failed", **mending: object) -> Failing:
    """A fault of the simulator's that lasts."""
    return Failing(
        lambda env, _: env.fault(fault, times=None),
        lambda env, _: env.simulator.clear_faults(),
        mending=mending,
        again=again,
    )


def by_a_setting(name: str, value: str, *, over: str, age: timedelta) -> Failing:
    """A parameter of the stack that is wrong."""

    def corrected(env: RotationEnv, setting: Setting) -> None:
        setting(name, env.settings.get(name, "7"))
        forget()  # Lambda: changed settings are another cold start

    return Failing(lambda _, setting: setting(name, value), corrected, over=over, age=age)


def onboard_anew(env: RotationEnv, _: Setting) -> None:
    """What a person does when nothing else helps."""
    env.onboard(age=YOUNG, name=f"{env.aws.name}-2")


def activate(env: RotationEnv, _: Setting) -> None:
    """What the vendor's support does."""
    staged = env.version(env.labels()["CERTIFICATE_STAGED"])
    env.simulator.tenant(env.aws.name).activate(str(staged["certName"]))


def activate_key(env: RotationEnv, _: Setting) -> None:
    """The same for an API key."""
    tenant = env.simulator.tenant(env.aws.name)
    tenant.activate_token(tenant.tokens[-1].name)


INSIST = {"force": True, "allowEviction": True}
RENEW_KEY: dict[str, object] = {"force": True, "renew": "apiKey"}
PROVOKED: dict[type[RotationError], Failing] = {
    errors.InvalidEvent: Failing(
        lambda *_: None,
        lambda *_: None,
        event={"dryrun": True},
        over="recovered",
        age=YOUNG,
        over_after=timedelta(days=1),  # a good event does not end it: a quiet day does
    ),
    errors.InvalidSettings: by_a_setting("CRITICAL_DAYS", "soon", over="recovered", age=YOUNG),
    errors.InvalidCredential: Failing(lambda env, _: env.put({}), onboard_anew, over="recovered"),
    errors.CredentialExpired: Failing(lambda *_: None, onboard_anew, over="recovered", age=timedelta(days=91)),
    errors.RefreshRejected: at_the_service("bad-request"),
    errors.Unauthorized: at_the_service("unauthorized"),
    errors.RefreshConflict: at_the_service("conflict"),
    errors.TooManyRequests: at_the_service("too-many-requests"),
    errors.ServiceFailure: at_the_service("unavailable"),
    errors.ServiceUnreachable: by_a_setting(
        "SERVICE_URL", "https://localhost:1", over="rotated", age=timedelta(days=80)
    ),
    errors.OutcomeUnknown: at_the_service("server-error", again="held", **INSIST),
    errors.CertificateRejected: at_the_service("other-key", again="held", **INSIST),
    errors.ApiKeyRejected: Failing(
        lambda env, _: env.fault("empty-token", at="token:refresh", times=None),
        lambda env, _: env.simulator.clear_faults(),
        event=RENEW_KEY,
        mending={**RENEW_KEY, "allowEviction": True},
        again="held",
        age=YOUNG,
    ),
    errors.ApiKeyNotAccepted: Failing(
        lambda env, _: env.fault("activation-delay", at="token:refresh"), activate_key, event=RENEW_KEY, age=YOUNG
    ),
    errors.CertificateNotAccepted: Failing(lambda env, _: env.fault("activation-delay"), activate),
    errors.StorageFailure: Failing(
        lambda env, _: env.aws.failures.set("denied", "PutSecretValue", times=None),
        lambda env, _: env.aws.failures.clear(),
    ),
}


@pytest.mark.parametrize("name", render_alert_docs.named())
def test_an_error_is_one_mail_with_its_cure_a_day_of_it_no_second_and_its_end_one(
    function: RotationEnv, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Who is told once, with what to do, reads the next mail too; one that was added to the module is missing above."""
    error = render_alert_docs.named()[name]
    failing = PROVOKED[error]
    half = HalfName.API_KEY if "ApiKey" in name else HalfName.CERTIFICATE
    at_the_worlds_time(function, monkeypatch)
    function.advance(days=-2)  # CloudWatch takes no measurement that is dated in the future
    function.onboard(age=failing.age)
    failing.begin(function, monkeypatch.setenv)

    with pytest.raises(error) as caught:
        invoke(failing.event)
    assert type(caught.value) is error
    (email,) = function.new_emails()
    (event,) = function.aws.announced()
    assert (email.code, event.kind, event.detail["code"]) == (name, "Rotation Failed", name)
    assert (event.detail["subject"], event.detail["text"]) == (email.subject, email.body)
    assert str(caught.value) in email.body
    assert f"What you can do\n{function.cure(error, half)}\n" in email.body
    assert cure_of(error, render_alert_docs.ARN, render_alert_docs.STACK, half) in render_alert_docs.PAGE.read_text()

    for _ in range(REPEATS):
        function.time.advance(BETWEEN)
        assert outcome(failing.event) == failing.again
    assert function.new_emails() == []

    failing.end(function, monkeypatch.setenv)
    function.time.advance(failing.over_after)
    mended = outcome(failing.mending)
    assert mended == ("rotated" if failing.over == "rotated" else "not_due")
    (last,) = function.new_emails()
    assert last.code == failing.over
    assert f"incident {name} of " in last.body
    outcome({})
    assert function.new_emails() == []
