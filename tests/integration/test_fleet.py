"""A provider's fleet: two hundred tenants of one stack, a tenth of them in trouble. Nobody's trouble is another's."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.ledger_items import flat, item
from certificate_rotation.domain.errors import RotationError
from certificate_rotation.domain.rate_limit import CERTIFICATE_LIMIT, Attempts
from certificate_rotation.domain.state import State
from certificate_rotation.notifications.messages import ALONE
from simulator import Simulator, Tenant
from tests.support.rotation_env import LIFETIME, OWN_KEYS, MakeEnv, RotationEnv

pytestmark = pytest.mark.in_memory

TENANTS = 200
DUE = timedelta(days=80)


@dataclass(frozen=True)
class Member:
    """One tenant: their name, their secret, and who they are at the service."""

    name: str
    arn: str
    tenant: Tenant

    @property
    def trouble(self) -> str:
        """What befalls them."""
        return self.name.partition("-")[2]


class Fleet:
    """All of them, in one env, with one ledger and one topic, looked after by one container."""

    def __init__(self, env: RotationEnv) -> None:
        self.env, self.container = env, env.dependencies()
        self.members: list[Member] = []

    def sign_up(self, name: str, age: timedelta = DUE) -> Tenant:
        """At the service."""
        return self.env.simulator.onboard(
            name, key_algorithm="ec256", age=age, lifetime=LIFETIME, cert_name="onboarded-1"
        )

    def add(self, name: str, tenant: Tenant, secret: str | None = None) -> Member:
        """A tenant gets a secret; `secret`: what stands in it instead of what they were given."""
        value = json.dumps({**tenant.credential, **OWN_KEYS}) if secret is None else secret
        made = self.env.aws.admin.secrets.create_secret(Name=f"{self.env.aws.name}/{name}", SecretString=value)
        self.members.append(Member(name, made["ARN"], tenant))
        return self.members[-1]

    def look(self, member: Member) -> str:
        """The schedule of one fires: the outcome, or the error's name."""
        try:
            return self.env.run_with(self.container, {"secretId": member.arn})["outcome"]
        except RotationError as error:
            return type(error).__name__

    def an_hour(self, of: Iterable[Member]) -> dict[Member, str]:
        """The schedules of some fire once, and the hour passes."""
        outcomes = {member: self.look(member) for member in of}
        self.env.advance(hours=1, minutes=5)
        return outcomes

    def state(self, member: Member) -> State:
        """What the ledger remembers of one."""
        return Ledger(self.env.aws.admin.dynamodb, self.env.aws.name).load(member.arn)

    def labels(self, member: Member) -> set[str]:
        """Which labels are on versions of one's secret."""
        stored = self.env.aws.versions(f"{self.env.aws.name}/{member.name}")
        return {label for labels, _ in stored.values() for label in labels}

    def in_use(self, member: Member) -> str:
        """What one's consumers read."""
        stored = self.env.aws.versions(f"{self.env.aws.name}/{member.name}")
        return next(text for labels, text in stored.values() if "AWSCURRENT" in labels)

    def healthy(self, member: Member) -> bool:
        """Whether one's consumers hold the newest certificate issued to them, complete and accepted."""
        credential = self.env.parse(json.loads(self.in_use(member)))
        newest = member.tenant.certificates[-1]
        return newest.active and newest.serial == credential.chain.leaf.serial_number

    def told(self) -> Counter[tuple[str, str]]:
        """How often programs were told of each tenant, and with what code."""
        return Counter((event.detail["secretArn"], event.detail["code"]) for event in self.env.aws.announced())

    def mailed(self) -> Counter[str]:
        """How many mails people had, by their cause."""
        return Counter(email.code for email in self.env.emails())

    def requests(self) -> Counter[str]:
        """How many requests for a certificate each tenant's runs sent."""
        return Counter(str(request.tenant) for request in self.env.refreshes())


@pytest.fixture
def fleet(make_env: MakeEnv) -> Iterator[Fleet]:
    """Nobody has signed up yet. The provider wants no mail about ordinary success."""
    # Tickets end the wait for a refusal after the handshake, which would be most of the time this takes.
    with Simulator.running(statistics_limit=False, session_tickets=True) as simulator:
        env = make_env(simulator)
        env.settings["NOTIFY_ON_SUCCESS"] = "false"
        env.advance(minutes=60 - env.time.now().minute)  # mails are counted by the hour of the clock
        yield Fleet(env)


FAULTS = {
    "unavailable": "ServiceFailure",
    "drop-after-issuing": "OutcomeUnknown",
    "too-many-requests": "TooManyRequests",
    "activation-delay": "CertificateNotAccepted",
    "other-key": "CertificateRejected",
    "unauthorized": "Unauthorized",
    "bad-request": "RefreshRejected",
    "server-error-after-issuing": "OutcomeUnknown",
}
SECRETS = {"not-json": "apiKey=1", "half": '{"apiKey": "1"}', "nothing": "{}"}
# How many of each, and what their first run says: a tenth of the fleet.
TROUBLE: Mapping[str, tuple[int, str]] = {
    **{fault: (7 if fault == "unavailable" else 1, error) for fault, error in FAULTS.items()},
    **dict.fromkeys(SECRETS, (1, "InvalidCredential")),
    "used-up": (2, "rate_limited"),
    "too-late": (1, "CredentialExpired"),
}


# Whose second run, an hour later, renews the certificate.
MENDED = {"unavailable": 7, "used-up": 2, "unauthorized": 1, "bad-request": 1, "too-many-requests": 1}


def sign_up_all(fleet: Fleet) -> Iterator[tuple[Member, str]]:
    """Two hundred tenants, every tenth in trouble; each with what their first run will say."""
    troubles = [(kind, said) for kind, (count, said) in TROUBLE.items() for _ in range(count)]
    assert len(troubles) == TENANTS // 10
    for number in range(TENANTS):
        kind, said = troubles[number // 10] if number % 10 == 5 else ("fine", "rotated")
        name = f"{number:03}-{kind}"
        tenant = fleet.sign_up(name, LIFETIME + DUE if kind == "too-late" else DUE)
        member = fleet.add(name, tenant, SECRETS.get(kind))
        if kind in FAULTS:
            fleet.env.simulator.fault(kind, tenant=member.tenant.name, times=1, endpoint="cert:refresh")
        if kind == "used-up":
            use_up(fleet, member)
        yield member, said


def use_up(fleet: Fleet, member: Member) -> None:
    """No attempt is left for an hour."""
    now = fleet.env.time.now()
    state = {"credential": member.arn, "record": "state", "revision": 1, "certificate_attempts": flat(Attempts(0, now))}
    fleet.env.aws.admin.dynamodb.put_item(TableName=fleet.env.aws.name, Item=item(state))


def test_nobodys_trouble_is_anothers(fleet: Fleet) -> None:
    """Of two hundred the hundred and eighty that are well are rotated, and the rest are told of in a few mails."""
    said = dict(sign_up_all(fleet))
    first = fleet.an_hour(fleet.members)
    assert first == said
    fine = [member for member, outcome in first.items() if outcome == "rotated"]
    assert len(fine) == TENANTS * 9 // 10
    states = {member: fleet.state(member) for member in fine}
    assert {(state.certificate.incident, state.certificate.open_attempt, state.lease) for state in states.values()} == {
        (None, None, None)
    }

    second = fleet.an_hour(fleet.members)
    assert {second[member] for member in fine} == {"not_due"}
    assert {member: fleet.state(member) for member in fine} == states, "another's trouble changed it"
    mended = [member for member, outcome in second.items() if outcome == "rotated"]
    assert Counter(member.trouble for member in mended) == MENDED
    assert_nothing_is_lost(fleet, [*fine, *mended])
    assert_each_is_told_once_and_a_few_by_mail(fleet, said, [*fine, *mended])
    assert max(fleet.requests().values()) <= CERTIFICATE_LIMIT.burst


def assert_nothing_is_lost(fleet: Fleet, renewed: list[Member]) -> None:
    """Who was renewed holds the newest certificate, and everybody else the one they had."""
    assert [member.name for member in renewed if not fleet.healthy(member)] == []
    assert {frozenset(fleet.labels(member)) for member in renewed} == {frozenset({"AWSCURRENT", "AWSPREVIOUS"})}
    for member in set(fleet.members) - set(renewed):
        unchanged = json.dumps({**member.tenant.credential, **OWN_KEYS})
        assert fleet.in_use(member) == SECRETS.get(member.trouble, unchanged)
        assert member.tenant.certificates[0].active or member.trouble == "too-late"


def assert_each_is_told_once_and_a_few_by_mail(fleet: Fleet, said: Mapping[Member, str], renewed: list[Member]) -> None:
    """Programs learn of each; people of five of one cause, and that there are more."""
    failed = [(member.arn, outcome) for member, outcome in said.items() if outcome[0].isupper()]
    assert fleet.told() == Counter([*failed, *((member.arn, "rotated") for member in renewed)])
    over = [member for member in renewed if said[member][0].isupper()]
    causes = Counter([*(outcome for _, outcome in failed), *("rotated" for _ in over)])
    assert fleet.mailed() == {code: min(count, ALONE + 1) for code, count in causes.items()}
    assert min(causes["ServiceFailure"], causes["rotated"]) > ALONE + 1
    more = [email.code for email in fleet.env.emails() if f"more than {ALONE} credentials" in email.subject]
    assert more == ["ServiceFailure", "rotated"]


def test_an_outage_of_all_is_a_handful_of_mails(fleet: Fleet) -> None:
    """The key that encrypts every secret is disabled, and put right again: two hundred fail and recover."""
    tenant = fleet.sign_up("one-for-all", timedelta(days=1))  # nobody is due: the service is not asked
    for number in range(TENANTS):
        fleet.add(f"{number:03}", tenant)
    with fleet.env.aws.refusing("GetSecretValue"):
        assert set(fleet.an_hour(fleet.members).values()) == {"StorageFailure"}
    assert set(fleet.an_hour(fleet.members).values()) == {"not_due"}
    assert fleet.mailed() == {"StorageFailure": ALONE + 1, "recovered": ALONE + 1}
    each = [(member.arn, code) for member in fleet.members for code in ("StorageFailure", "recovered")]
    assert fleet.told() == Counter(each), "events are never thinned"
