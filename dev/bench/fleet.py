"""A provider's fleet: the built code with moto inside the process, the service over real TLS.

`python -m dev.bench.fleet due 1000` and `... not-due 10000`, with the built function on PYTHONPATH, print JSON. Every
tenant has a secret of their own, and every due one is a tenant of the service. A tenth of the due ones meet a service
that fails at first; then all the due ones are looked at again.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from statistics import median

from rich.console import Console
from rich.progress import track

from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Command
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.rotation import rotate
from dev.bench.environment import API_KEY_LEFT, DUE, LIFETIME, NOT_DUE
from dev.bench.shards import Shard, Shards
from simulator import Simulator

ATTEMPTS_AN_HOUR = 3  # vendor: three attempts, then one an hour; all this takes less than an hour
FAILING = 10  # one due tenant in so many meets a failing service
SHARED = 100  # certificates of those not due: the service is not asked about them, so a few do for all
SIZES = (10, 100, 1_000, 10_000)


@dataclass(frozen=True)
class Due:
    """What came of tenants whose renewal was due.

    Attributes:
        rotations: how many certificates were renewed.
        lost: tenants whose secret is not a complete credential the service accepts, or not the newest it issued them.
        over_limit: tenants for whom more requests left than the vendor allows.
        messages: how many went out to people.
        rotation_ms: the processor's time for one rotation, moto's part left out.
    """

    rotations: int
    lost: int
    over_limit: int
    messages: int
    rotation_ms: float


@dataclass(frozen=True)
class NotDue:
    """A fleet of so many tenants, none due: a check's AWS calls, and the processor's time for it without moto's."""

    tenants: int
    calls: float
    check_ms: float


@dataclass(frozen=True)
class Tenant:
    """One tenant: their name at the service, their secret, and the shard that looks after it."""

    name: str
    arn: str
    shard: Shard

    def look(self) -> str:
        """Invoke the function for them: the outcome, or the error's name."""
        deadline = datetime.now(UTC) + timedelta(seconds=120)
        invocation = Invocation("bench", f"bench/{self.name}", deadline, lambda: datetime.now(UTC), time.sleep)
        report = rotate(self.shard.dependencies, Command(secret_id=self.arn), invocation)
        return type(report.error).__name__ if report.error else report.outcome


def due(count: int) -> Due:
    """Onboard tenants that are due, look at them twice, and see what was left."""
    # Everybody is asked about twice, as an hour apart.
    with Simulator.running(session_tickets=True, issued_lifetime=LIFETIME, statistics_limit=False) as simulator:
        shards = Shards(simulator, watch=True)
        tenants = [_due_tenant(simulator, shards, number) for number in _shown(range(count), "Fleet: onboarding")]
        outcomes: Counter[str] = Counter()
        times = []
        for title in ("Fleet: rotating", "Fleet: looking again"):
            for tenant in _shown(tenants, title):
                outcome, seconds = _timed(tenant, shards)
                outcomes[outcome] += 1
                if outcome == "rotated":
                    times.append(seconds)
        asked = Counter(request.tenant for request in simulator.requests_to("cert:refresh"))
        refused = {request.tenant for request in simulator.requests if request.status == HTTPStatus.TOO_MANY_REQUESTS}
        return Due(
            rotations=outcomes["rotated"],
            lost=sum(_lost(simulator, tenant) for tenant in tenants),
            over_limit=len({name for name, requests in asked.items() if requests > ATTEMPTS_AN_HOUR} | refused),
            messages=shards.aws.calls["Publish"],
            rotation_ms=median(times) * 1000,
        )


def not_due(count: int) -> list[NotDue]:
    """Let a fleet grow to `count`, and look at all of it at each size on the way.

    Without asking the service about the certificate in use: that costs the same in every fleet, and here takes minutes.
    """
    found = []
    with Simulator.running() as simulator:
        shards = Shards(simulator, watch=False)
        credentials = [_credential(simulator, f"shared-{number}", NOT_DUE) for number in range(SHARED)]
        tenants: list[Tenant] = []
        for size in [size for size in SIZES if size <= count]:
            for number in range(len(tenants), size):
                name, shard = f"tenant-{number}", shards[number]
                tenants.append(Tenant(name, shard.keep(name, credentials[number % SHARED]), shard))
            if size == SIZES[0]:
                for tenant in tenants:  # the first calls of a client load what the later ones need
                    tenant.look()
            before = shards.aws.calls.total()
            looked = [_timed(tenant, shards) for tenant in tenants]
            if {outcome for outcome, _ in looked} != {"not_due"}:
                raise RuntimeError(f"nobody is due, and the function said {Counter(outcome for outcome, _ in looked)}")
            calls = (shards.aws.calls.total() - before) / size
            found.append(NotDue(size, calls, median(seconds for _, seconds in looked) * 1000))
    return found


def _due_tenant(simulator: Simulator, shards: Shards, number: int) -> Tenant:
    name, shard = f"tenant-{number}", shards[number]
    if number % FAILING == 0:
        simulator.fault("unavailable", tenant=name)
    return Tenant(name, shard.keep(name, _credential(simulator, name, DUE)), shard)


def _credential(simulator: Simulator, name: str, age: timedelta) -> str:
    tenant = simulator.onboard(name, key_algorithm="ec256", age=age, lifetime=LIFETIME, api_key_left=API_KEY_LEFT)
    return json.dumps(tenant.credential)


def _timed(tenant: Tenant, shards: Shards) -> tuple[str, float]:
    """What the function said, and the processor's seconds it took without moto's and without the service's thread."""
    began, inside = time.thread_time(), shards.aws.seconds
    outcome = tenant.look()
    return outcome, time.thread_time() - began - (shards.aws.seconds - inside)


def _lost(simulator: Simulator, tenant: Tenant) -> bool:
    """Whether what consumers read is anything but the newest certificate, complete and accepted."""
    labels, text = tenant.shard.read(tenant.arn)
    try:
        credential = Credential.parse(text)
    except InvalidCredential:
        return True
    newest = simulator.tenant(tenant.name).certificates[-1]
    in_use = credential.chain.leaf.serial_number
    return not (newest.active and newest.serial == in_use and set(labels) == {"AWSCURRENT", "AWSPREVIOUS"})


def _shown[T](what: Sequence[T], title: str) -> Iterable[T]:
    return track(what, title, console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    kind, number = sys.argv[1], int(sys.argv[2])
    print(json.dumps(asdict(due(number)) if kind == "due" else [asdict(size) for size in not_due(number)]))
