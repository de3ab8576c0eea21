"""The situations a run can meet, each by name: what leads up to the run that will be killed, and its event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from simulator.ca import new_csr, new_key
from simulator.faults import Parameter
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.operator_actions import puts_back

DUE = timedelta(days=62)  # of 90: in the last third, and far from CriticalDays
YOUNG = timedelta(days=10)


@dataclass(frozen=True)
class Scenario:
    """What leads up to a run.

    Attributes:
        arrange: brings it about.
        event: what the run is invoked with.
        differs_from: the exchange up to which the run is that of `due`, which is killed everywhere already.
    """

    arrange: Callable[[InvariantChecker], None]
    event: Mapping[str, object] = field(default_factory=dict)
    differs_from: str = ""

    def __call__(self, watch: InvariantChecker) -> None:
        """Bring it about."""
        self.arrange(watch)


def _onboarded(**choices: object) -> Callable[[InvariantChecker], None]:
    return lambda watch: void(watch.onboard(**{"age": DUE, **choices}))


def void(_: object) -> None:
    """A person's action, whose result nobody needs here."""


def meeting(fault: str, **parameters: Parameter) -> Callable[[InvariantChecker], None]:
    """The service fails in a named way when it is asked."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(age=DUE)
        watch.env.simulator.fault(fault, tenant=None, times=1, endpoint="cert:refresh", **parameters)

    return arrange


def after(fault: str, *, then: Callable[[InvariantChecker], None] = void) -> Callable[[InvariantChecker], None]:
    """An earlier run met a fault, and something happened since."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(age=DUE)
        watch.env.fault(fault)
        watch.run()
        watch.env.time.advance(timedelta(hours=1, minutes=3))
        then(watch)

    return arrange


def killed(place: str, when: str) -> Callable[[InvariantChecker], None]:
    """An earlier run was killed at the first exchange of a name."""

    def arrange(watch: InvariantChecker) -> None:
        watch.onboard(age=DUE)
        watch.env.aws.exchanges.kill(place, "after" if when == "after" else "before")
        watch.run()
        watch.env.time.advance(timedelta(minutes=4))

    return arrange


def _activate(watch: InvariantChecker) -> None:
    waiting = watch.env.version(watch.env.labels()["AWSPENDING"])
    watch.tenants[-1].activate(str(waiting["certName"]))


def _anew(watch: InvariantChecker) -> None:
    watch.onboard(age=YOUNG)


def _evicting(delay: float | None = 0.0) -> Callable[[InvariantChecker], None]:
    """Somebody had the service issue a certificate by hand, so that ours is the oldest of two."""

    def arrange(watch: InvariantChecker) -> None:
        tenant = watch.onboard(age=DUE)
        subject = watch.env.credential().chain.leaf.subject
        watch.env.simulator.sign_csr(tenant.name, new_csr(new_key("ec256"), subject, []))
        watch.forgive()
        if delay:
            watch.env.fault("activation-delay", seconds=delay)

    return arrange


def _again(watch: InvariantChecker) -> None:
    """A rotation a month ago, and the previous certificate put back by hand."""
    watch.onboard(age=DUE)
    watch.run()
    puts_back(watch)
    watch.forgive()
    watch.env.time.advance(timedelta(days=2))


def _no_verdict(watch: InvariantChecker) -> None:
    """The probe gives no answer for weeks, until the certificate in use ends."""
    watch.onboard(age=DUE)
    watch.env.fault("unavailable", at="verdicts:statistics", times=None)
    watch.run()
    watch.env.time.advance(watch.last_good.not_after - watch.env.time.now() + timedelta(minutes=3))


def _two_wait(*, accepted: int | None = None) -> Callable[[InvariantChecker], None]:
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


def _news_refused(arrange: Callable[[InvariantChecker], None]) -> Callable[[InvariantChecker], None]:
    """Neither mail nor event is taken, now and for long."""

    def refused(watch: InvariantChecker) -> None:
        arrange(watch)
        for operation in ("Publish", "PutEvents"):
            watch.env.aws.failures.set("denied", operation, times=None)

    return refused


def _put_back_while_one_waits(watch: InvariantChecker) -> None:
    """A rotation, another one whose certificate waits, and the first certificate of all put back: it is deleted."""
    watch.onboard(age=YOUNG)
    watch.run({"force": True})
    watch.env.time.advance(timedelta(days=2))
    watch.env.fault("activation-delay", seconds=4 * 3600)
    watch.run({"force": True})
    watch.env.time.advance(timedelta(hours=1, minutes=3))
    puts_back(watch)
    watch.forgive()


def exchanges(watched: Watched, name: str) -> list[str]:
    """Those of the run of a scenario, when nothing else happens: found by watching."""
    scenario = SCENARIOS[name]
    with watched() as watch:
        scenario(watch)
        watch.run(scenario.event)
        return watch.exchanges


def places(watched: Watched, name: str) -> list[tuple[int, str]]:
    """The same by number, from where the run differs from that of `due`."""
    names, differs_from = exchanges(watched, name), SCENARIOS[name].differs_from
    return list(enumerate(names))[names.index(differs_from) if differs_from else 0 :]


FORCED = MappingProxyType({"force": True, "allowEviction": True})

SCENARIOS: Mapping[str, Scenario] = {
    "due": Scenario(_onboarded()),
    "due, with a chain": Scenario(_onboarded(chain=True)),
    "due, its name not known": Scenario(_onboarded(cert_name=None)),
    "forced while young": Scenario(_onboarded(age=YOUNG), {"force": True}),
    "expired": Scenario(_onboarded(age=timedelta(days=91))),
    "an intent is left": Scenario(after("conflict")),
    "an answer was lost": Scenario(after("drop-after-issuing")),
    "an answer was lost, and somebody goes ahead": Scenario(after("drop-after-issuing"), FORCED),
    "an answer was lost, and the end is near": Scenario(
        after("drop-after-issuing", then=lambda watch: watch.env.advance_to_critical())
    ),
    "killed with a certificate in the ledger": Scenario(killed("PutSecretValue", "after")),
    "killed with a certificate staged": Scenario(killed("verdicts:statistics", "before")),
    "killed with a certificate in use": Scenario(killed("UpdateSecretVersionStage", "after")),
    "a certificate waits, not accepted": Scenario(after("activation-delay")),
    "a certificate waits, accepted now": Scenario(after("activation-delay", then=_activate)),
    "a certificate waits, and the end is near": Scenario(
        after("activation-delay", then=lambda watch: watch.env.advance_to_critical())
    ),
    "the probe gives no answer for long, and the one in use ends": Scenario(_no_verdict),
    "two certificates wait in the last day": Scenario(_two_wait()),
    "two certificates wait in the last day, the earlier accepted now": Scenario(_two_wait(accepted=1)),
    "two certificates wait in the last day, the later accepted now": Scenario(_two_wait(accepted=2)),
    "the previous one is put back while one waits": Scenario(_put_back_while_one_waits),
    "news refused": Scenario(_news_refused(_onboarded())),
    "news refused, and the one in use is deleted": Scenario(_news_refused(_evicting())),
    "accepted after a moment": Scenario(meeting("activation-delay", seconds=5), differs_from="cert:refresh"),
    "the one in use is deleted": Scenario(_evicting()),
    "the one in use is deleted, the new one not accepted yet": Scenario(_evicting(200)),
    "the previous one was put back": Scenario(_again),
    "onboarded anew over an intent": Scenario(after("conflict", then=_anew)),
    "onboarded anew over a lost answer": Scenario(after("drop-after-issuing", then=_anew)),
    "onboarded anew over a waiting certificate": Scenario(after("activation-delay", then=_anew)),
    "a certificate for another key": Scenario(meeting("other-key"), differs_from="cert:refresh"),
    "a certificate that begins later": Scenario(meeting("begins-later", seconds=7200), differs_from="cert:refresh"),
    "a certificate that ends sooner": Scenario(meeting("shorter-lived"), differs_from="cert:refresh"),
    "a rejected certificate is left": Scenario(after("other-key"), FORCED),
    "an incident is over": Scenario(after("unavailable")),
    "answers 400": Scenario(meeting("bad-request"), differs_from="cert:refresh"),
    "answers 401": Scenario(meeting("unauthorized"), differs_from="cert:refresh"),
    "answers 409": Scenario(meeting("conflict"), differs_from="cert:refresh"),
    "answers 429": Scenario(meeting("too-many-requests"), differs_from="cert:refresh"),
    "answers 429 with Retry-After": Scenario(
        meeting("too-many-requests-retry-after", seconds=7200), differs_from="cert:refresh"
    ),
    "answers 500": Scenario(meeting("server-error"), differs_from="cert:refresh"),
    "answers 500, having issued": Scenario(meeting("server-error-after-issuing"), differs_from="cert:refresh"),
    "answers 502 with a page": Scenario(meeting("bad-gateway-html"), differs_from="cert:refresh"),
    "answers 503": Scenario(meeting("unavailable"), differs_from="cert:refresh"),
    "redirects": Scenario(meeting("redirect"), differs_from="cert:refresh"),
    "does not answer in time": Scenario(meeting("slow", seconds=0.3), differs_from="cert:refresh"),
    "closes the connection": Scenario(meeting("drop-before-processing"), differs_from="cert:refresh"),
    "issues, and closes the connection": Scenario(meeting("drop-after-issuing"), differs_from="cert:refresh"),
}
