"""How the situations come about that a run can meet: what people, the service and earlier runs did before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from simulator.ca import new_csr, new_key
from simulator.faults import TOKEN_REFRESH, Parameter
from tests.support.invariant_checker import CRITICAL, NOTHING, InvariantChecker
from tests.support.operator_actions import puts_back

DUE = timedelta(days=62)  # of 90: in the last third, and far from CriticalDays
YOUNG = timedelta(days=10)


@dataclass(frozen=True)
class Scenario:
    """What leads up to a run.

    Attributes:
        arrange: brings it about.
        event: what the run is invoked with.
        differs_from: the exchange up to which the run is that of `due`, or of a due API key, which is killed everywhere
            already.
    """

    arrange: "Arrange"
    event: Mapping[str, object] = field(default_factory=dict)
    differs_from: str = ""

    def __call__(self, watch: InvariantChecker) -> None:
        """Bring it about."""
        self.arrange(watch)


type Arrange = Callable[[InvariantChecker], None]
type Choices = Mapping[str, Any]

OF_CERTIFICATE: Choices = MappingProxyType({"age": DUE})
OF_KEY: Choices = MappingProxyType({"age": YOUNG, "api_key_left": timedelta(days=20)})
OF_BOTH_KEY_FIRST: Choices = MappingProxyType({"age": DUE, "api_key_left": timedelta(days=25)})
OF_BOTH: Choices = MappingProxyType({"age": DUE, "api_key_left": timedelta(days=29)})  # the certificate has 28 left


def onboarded(**choices: object) -> Arrange:
    """Somebody signed up; the certificate is due unless told else."""
    return lambda watch: void(watch.onboard(**{"age": DUE, **choices}))


def void(_: object) -> None:
    """A person's action, whose result nobody needs here."""


def meeting(fault: str, at: str = "cert:refresh", due: Choices = OF_CERTIFICATE, **parameters: Parameter) -> Arrange:
    """The service fails in a named way when it is asked."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(**due)
        watch.env.simulator.fault(fault, times=1, tenant=None, endpoint=at, **parameters)

    return arrange


def after(
    fault: str,
    *,
    then: Arrange = void,
    at: str = "cert:refresh",
    due: Choices = OF_CERTIFICATE,
    event: Mapping[str, object] = NOTHING,
    **parameters: Parameter,
) -> Arrange:
    """An earlier run met a fault, and something happened since."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(**due)
        watch.env.simulator.fault(fault, times=1, tenant=None, endpoint=at, **parameters)
        watch.run(event)
        watch.env.time.advance(timedelta(hours=1, minutes=3))
        then(watch)

    return arrange


def killed(place: str, when: str, due: Choices = OF_CERTIFICATE) -> Arrange:
    """An earlier run was killed at the first exchange of a name."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(**due)
        watch.env.aws.exchanges.kill(place, "after" if when == "after" else "before")
        watch.run()
        watch.env.time.advance(timedelta(minutes=4))

    return arrange


def activate(watch: InvariantChecker) -> None:
    """The service comes to know the certificate that waits."""
    waiting = watch.env.version(watch.env.labels()["CERTIFICATE_STAGED"])
    watch.tenants[-1].activate(str(waiting["certName"]))


def anew(watch: InvariantChecker) -> None:
    """Somebody signed up once more."""
    watch.onboard(age=YOUNG)


def evicting(delay: float | None = 0.0) -> Arrange:
    """Somebody had the service issue a certificate by hand, so that ours is the oldest of two."""

    def arrange(watch: InvariantChecker) -> None:
        tenant = watch.onboard(age=DUE)
        subject = watch.env.credential().chain.leaf.subject
        watch.env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), subject, []))
        watch.forgive()
        if delay:
            watch.env.fault("activation-delay", seconds=delay)

    return arrange


def again(watch: InvariantChecker) -> None:
    """A rotation a month ago, and the previous certificate put back by hand."""
    watch.onboard(age=DUE)
    watch.run()
    puts_back(watch)
    watch.forgive()
    watch.env.time.advance(timedelta(days=2))


def no_verdict(watch: InvariantChecker) -> None:
    """The probe gives no answer for weeks, until the certificate in use ends."""
    watch.onboard(age=DUE)
    watch.env.fault("unavailable", at="verdicts:statistics", times=None)
    watch.run()
    watch.env.time.advance(watch.last_good.not_after - watch.env.time.now() + timedelta(minutes=3))


def two_wait(*, accepted: int | None = None) -> Arrange:
    """Two certificates wait in the last day of the one in use; `accepted`: which of them is, since a moment.

    Some hours later both are: nobody has to come and help.
    """

    def arrange(watch: InvariantChecker) -> None:
        tenant = watch.onboard(age=DUE)
        last_day, hours = watch.last_good.not_after - timedelta(hours=20), timedelta(hours=2, minutes=30)
        watch.env.fault("activation-delay", seconds=(last_day + hours - watch.env.time.now()).total_seconds())
        watch.run()
        watch.env.time.advance(last_day - watch.env.time.now())
        watch.env.fault("activation-delay", seconds=hours.total_seconds())
        watch.run()
        watch.env.time.advance(timedelta(hours=1, minutes=3))
        if accepted is not None:
            tenant.activate(tenant.certificates[accepted].name)

    return arrange


def news_refused(arrange: Arrange) -> Arrange:
    """Neither mail nor event is taken, now and for long."""

    def refused(watch: InvariantChecker) -> None:
        arrange(watch)
        for operation in ("Publish", "PutEvents"):
            watch.env.aws.failures.set("denied", operation, times=None)

    return refused


def put_back_while_one_waits(watch: InvariantChecker) -> None:
    """A rotation, another one whose certificate waits, and the first certificate of all put back: it is deleted."""
    watch.onboard(age=YOUNG)
    watch.run({"force": True})
    watch.env.time.advance(timedelta(days=2))
    watch.env.fault("activation-delay", seconds=4 * 3600)
    watch.run({"force": True})
    watch.env.time.advance(timedelta(hours=1, minutes=3))
    puts_back(watch)
    watch.forgive()


# The same of an API key.


def activate_key(watch: InvariantChecker) -> None:
    """The service comes to know the API key that waits."""
    watch.tenants[-1].activate_token(watch.tenants[-1].tokens[-1].name)


def to_critical_of_key(watch: InvariantChecker) -> None:
    """Its end comes within CriticalDays."""
    ends = watch.last_good.key_ends
    if ends:
        watch.env.time.advance(max(ends - CRITICAL - watch.env.time.now(), timedelta(0)))


def edited_key(watch: InvariantChecker) -> None:
    """Somebody had the console make another one, and put it into the secret with its end."""
    key, record, _ = watch.tenants[-1].add_token()
    watch.edit(apiKey=key, apiKeyExpiry=record.expires.isoformat())


def evicting_key(delay: float = 0.0) -> Arrange:
    """Somebody had the service make a key for another program, so that ours is the oldest of two."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(**OF_KEY).add_token()
        watch.forgive()
        if delay:
            watch.env.fault("activation-delay", at="token:refresh", seconds=delay)

    return arrange


def two_keys_wait(*, accepted: int | None = None) -> Arrange:
    """Two API keys wait in the last day of the one in use; `accepted`: which of them is, since a moment."""

    def arrange(watch: InvariantChecker) -> None:
        tenant = watch.onboard(**OF_KEY)
        ends = watch.last_good.key_ends or watch.env.time.now()
        last_day, hours = ends - timedelta(hours=20), timedelta(hours=2, minutes=30)
        delay = (last_day + hours - watch.env.time.now()).total_seconds()
        watch.env.fault("activation-delay", at="token:refresh", seconds=delay)
        watch.run()
        watch.env.time.advance(last_day - watch.env.time.now())
        watch.env.fault("activation-delay", at="token:refresh", seconds=hours.total_seconds())
        watch.run()
        watch.env.time.advance(timedelta(hours=1, minutes=3))
        if accepted is not None:
            tenant.activate_token(tenant.tokens[accepted].name)

    return arrange


def noted(note: object, **choices: object) -> Arrange:
    """Somebody wrote this beside the API key."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(**choices)
        watch.edit(apiKeyExpiry=note)

    return arrange


def killed_at_stage(watch: InvariantChecker) -> None:
    """The sealed answer is in the ledger, and nowhere else: the second `PutSecretValue` never happened."""
    watch.onboard(**OF_KEY)
    dies_at_stage(watch, TOKEN_REFRESH)


def dies_at_stage(watch: InvariantChecker, call: str, event: Mapping[str, object] = NOTHING) -> None:
    """A run gets the answer to `call`, and is killed before it stores the whole credential; its lease is over."""
    exchanges = watch.env.aws.exchanges

    def die() -> None:
        if call in exchanges.names and exchanges.names[-1] == "PutSecretValue":
            exchanges.kill_now()

    exchanges.look = die
    watch.run(event)
    exchanges.look = lambda: None
    watch.env.time.advance(timedelta(minutes=4))


def lost_beside_a_deleted_key(watch: InvariantChecker) -> None:
    """The certificate is held in every run, and the next renewal of the key deletes the one in use."""
    tenant = watch.onboard(**OF_BOTH)
    watch.env.fault("drop-after-issuing")
    watch.run()
    watch.env.time.advance(timedelta(days=1, hours=1))  # people are told of the hold once more
    tenant.add_token()
    watch.forgive()
