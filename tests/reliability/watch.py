"""A world in which the invariants are checked after every run, from the outside."""

import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization

from certificate_rotation.errors import RotationError
from simulator import CertificateRecord, Tenant
from tests.integration.aws import Call, Killed
from tests.integration.world import OWN_KEYS, World
from tests.reliability import reading
from tests.reliability.canary import Canary
from tests.reliability.log import Log
from tests.reliability.mail import Expectation
from tests.reliability.reading import Held
from tests.reliability.role import may
from tests.reliability.tally import TALLY

if TYPE_CHECKING:
    from cryptography import x509

HOUR, CRITICAL = timedelta(hours=1), timedelta(days=7)
NOTHING: Mapping[str, object] = MappingProxyType({})
_WRITES = {"TransactWriteItems", "PutSecretValue"}  # where a certificate is written down
_READS = {"DescribeSecret", "GetSecretValue", "GetItem"}


class Watch:
    """Runs the code in a world, lets people interfere, and checks.

    Attributes:
        world: where it happens.
        outcomes: of every run so far: a result's outcome, an error's class name, or `killed`.
        exchanges: the names of those of the last run.
        message: the text of the last error.
    """

    def __init__(self, world: World, log: Log) -> None:
        self.world, self._log = world, log
        self.outcomes: list[str] = []
        self.exchanges: list[str] = []
        self.message = ""
        self.tenants: list[Tenant] = []
        self._expectation, self._canary = Expectation(), Canary()
        self._own: dict[str, Any] = {}  # the customer's keys as they last wrote them
        self._by_hand = ""  # the version they last put in place
        self._excused = False  # what is in use does not work, and not by the code's doing
        self._foreign = False  # the service holds a certificate the code cannot know of
        self._versions: dict[str, str] = {}
        self._in_use: Held | None = None
        self._kept: list[x509.Certificate] = []
        self._seen_issued, self._seen_calls, self._seen_logged = 0, 0, 0

    # What people do.

    def onboard(self, **choices: Any) -> Tenant:  # noqa: ANN401 - `World.onboard`'s
        """Sign up, anew from the second time on, and store the credential."""
        name = f"{self.world.aws.name}-{len(self.tenants) + 1}"
        tenant = self.world.onboard(**{"name": name, **choices})
        self.tenants.append(tenant)
        self._own = {"apiKey": tenant.credential["apiKey"], **OWN_KEYS}
        self.changed_by_hand()
        return tenant

    def edit(self, **own: object) -> None:
        """Change the customer's own keys."""
        document = self.world.current()
        self.world.put({**document, **own})
        self._own |= own
        self.changed_by_hand()

    def changed_by_hand(self) -> None:
        """Somebody moved AWSCURRENT: from here on it is what they made it."""
        self._by_hand = self._read_versions()
        held = self._in_use
        self._excused, self._foreign = held is not None and not self._works(held), False
        if held:
            self._own = held.own

    def forgive(self) -> None:
        """Somebody at the service saw to it that what is in use works no more, or that the code cannot protect it."""
        self._excused = self._foreign = True

    # What the schedule does.

    def run(
        self,
        event: Mapping[str, object] = NOTHING,
        *,
        ahead: timedelta = timedelta(0),
        by: Callable[[], str] | None = None,
    ) -> str:
        """Run once and check every invariant; the outcome.

        Args:
            event: what the function is invoked with.
            ahead: by how much this container's clock is.
            by: runs it in another way, and tells the outcome.
        """
        before = self._in_use
        worked = bool(before and self._works(before))
        permitted = bool(event.get("allowEviction")) or self._foreign
        if before and before.not_after - self.world.time.now() <= CRITICAL + timedelta(minutes=3):
            permitted = True
        try:
            outcome = by() if by else str(self.world.run_with(self.world.parts(), event, ahead=ahead)["outcome"])
        except RotationError as error:
            outcome, self.message = type(error).__name__, str(error)
        except Killed:
            outcome = "killed"
        self.outcomes.append(outcome)
        self.exchanges = list(self.world.aws.exchanges.names)
        self.world.aws.exchanges.revive()
        calls = self.world.aws.calls[self._seen_calls :]
        self._seen_calls += len(calls)
        self._check_requests(before, worked=worked, permitted=permitted)
        self._check_calls(calls)
        if any(call.operation not in _READS for call in calls):
            self._check_what_is_stored(before, calls, outcome, dry=bool(event.get("dryRun")))
        else:
            self._check_hygiene("")
        return outcome

    def _check_what_is_stored(self, before: Held | None, calls: list[Call], outcome: str, *, dry: bool) -> None:
        TALLY.check(1, not dry, f"a dry run writes: {[call.operation for call in calls]}")
        version, records = self._read_versions(), self.world.aws.records()
        self._check_credential(before, version, outcome)
        self._check_kept(calls, records, killed=outcome == "killed")
        mails = self.world.new_emails()
        self._check_hygiene("\n".join([*(f"{m.subject}\n{m.body}\n{m.attributes}" for m in mails), str(records)]))
        state: Mapping[str, Any] = next((r for r in records if r["record"] == "state"), {})
        refused = any(call.status != HTTPStatus.OK and call.operation not in _READS for call in calls)
        self._expectation.check(
            outcome,
            [mail.code for mail in mails],
            now=self.world.time.now(),
            not_after=before.not_after if before else None,
            state=state,
            sure=not refused and outcome != "killed",
        )

    def _check_requests(self, before: Held | None, *, worked: bool, permitted: bool) -> None:
        """Invariants 3, 4 and 7; and whether a request cost the certificate in use."""
        requests = self.world.simulator.requests
        for tenant in self.tenants:
            times = [r.when for r in requests if r.endpoint == "cert:refresh" and r.tenant == tenant.name]
            spaced = all(later - earlier >= HOUR for earlier, later in itertools.pairwise(times[2:]))
            TALLY.check(3, spaced, f"requests for a certificate left at {times}")
        TALLY.check(4, self.world.seen.most_at_once <= 1, "two requests for a certificate were open at once")
        TALLY.check(7, not any("<redacted>" in request.path for request in requests), "an API key stood in a URL")
        record = self._record(before.serial) if before else None
        if worked and record and record.deleted:
            TALLY.check(1, permitted, "a request had the service delete the certificate in use, and nobody allowed it")
            self._excused = True

    def _check_calls(self, calls: list[Call]) -> None:
        """Invariant 10."""
        aws = self.world.aws
        ours = {"Secret": self.world.arn, "Item": aws.name, "Publish": aws.topic, "Events": self.world.arn}
        for call in calls:
            resource = next((name for part, name in ours.items() if part in call.operation), "")
            meant = bool(resource) and resource in call.body
            TALLY.check(10, may(call.operation) and meant, f"the code calls {call.operation}, on {call.body[:200]}")

    def _check_credential(self, before: Held | None, version: str, outcome: str) -> None:
        """Invariants 1, 5 and 8."""
        now, after = self.world.time.now(), self._in_use
        if version == self._by_hand and after is None:
            return  # somebody stored something unusable, and there it still is
        TALLY.check(1, after and after.complete, f"after {outcome}, AWSCURRENT is not a complete credential")
        if after is None:
            return
        TALLY.check(8, after.own == self._own, f"after {outcome}, they are {after.own.keys()}")
        if before and after.serial != before.serial and version != self._by_hand:
            self._check_promoted(before, after)
        fine = self._excused or after.not_after <= now or self._works(after)
        TALLY.check(1, fine, f"after {outcome}, the service does not accept the certificate in use")

    def _check_promoted(self, before: Held, after: Held) -> None:
        name = before.document.get("certName")
        evicted = name is not None and any(
            issued.deleted_cert_name == name
            and after.serial == getattr(reading.leaf(issued.certificate), "serial_number", 0)
            for issued in self.world.seen.issued
        )
        shown = after.serial in self.world.seen.accepted or evicted
        TALLY.check(5, shown, f"the service was never asked whether it accepts {after.serial:x}")
        TALLY.check(5, after.not_after >= before.not_after, "the new certificate ends sooner than the old one")
        self._excused, self._foreign = evicted, False

    def _check_kept(self, calls: list[Call], records: list[dict[str, Any]], *, killed: bool) -> None:
        """Invariant 2: whatever was written down once, or could have been, stays."""
        issued = self.world.seen.issued[self._seen_issued :]
        self._seen_issued += len(issued)
        names = self.exchanges
        since = [n for n in names[names.index("cert:refresh") :] if n in _WRITES] if "cert:refresh" in names else []
        writes = [call for call in calls if call.operation in _WRITES][-len(since) or len(calls) :]
        if not killed or any(call.status == HTTPStatus.OK for call in writes):
            self._kept += [found for one in issued if (found := reading.leaf(one.certificate))]
        stored = "\n".join(
            [
                *(text.replace("\\n", "\n") for text in self._versions.values()),
                *(str(record.get("certificate")) for record in records),
                self.world.errors_logged(),
            ]
        )
        keys = {reading.public_key(text) for text in self._versions.values()}
        for leaf in self._kept:
            line = leaf.public_bytes(serialization.Encoding.PEM).decode().splitlines()[-2]  # of the signature
            TALLY.check(2, line in stored, f"the certificate {leaf.serial_number:x} is nowhere")
            known = reading.spki(leaf) in keys or not self._signed_for_us(leaf)
            TALLY.check(2, known, f"the key of {leaf.serial_number:x} is nowhere")

    def _check_hygiene(self, told: str) -> None:
        """Invariant 6."""
        said = self._log.text_since(self._seen_logged)
        self._seen_logged = len(self._log.records)
        TALLY.check(6, not self._canary.found_in("\n".join([said, *self.world.said[-1:], told])), "a secret was told")

    # Reading.

    def _read_versions(self) -> str:
        """Read what is new in the secret; the version in use."""
        listed = self.world.listed_versions()
        for version in listed.keys() - self._versions.keys():
            self._versions[version] = text = self.world.text(version)
            self._canary.watch_for(api_key=reading.api_key(text), private_key_pem=reading.private_key_pem(text))
        current = next((version for version, labels in listed.items() if "AWSCURRENT" in labels), "")
        self._in_use = reading.credential(self._versions[current]) if current else None
        return current

    def _signed_for_us(self, leaf: "x509.Certificate") -> bool:
        """Whether it is for the key that was asked for: the service can be told to take another."""
        faults = {r.issued_cert_name: r.fault for r in self.world.simulator.requests if r.issued_cert_name}
        record = self._record(leaf.serial_number)
        return record is not None and faults.get(record.name) != "other-key"

    @property
    def given_up(self) -> bool:
        """The certificate in use works no more, and nothing the code could do would change it."""
        return self._excused

    def _works(self, held: Held) -> bool:
        record = self._record(held.serial)
        return record is not None and record.active

    def _record(self, serial: int) -> CertificateRecord | None:
        return next((r for tenant in self.tenants for r in tenant.certificates if r.serial == serial), None)


def settle(watch: Watch, most: int = 12) -> None:
    """Run hourly, as the schedule does, until there is nothing left to do; wait for a hold's end where there is one.

    Raises:
        ViolatedError: it never settles, or leaves something behind.
    """
    outcome = ""
    for _ in range(most):
        outcome = watch.run()
        if outcome in {"not_due", "CredentialExpired"} or (outcome == "Unauthorized" and watch.given_up):
            break
        if outcome == "held" or watch.outcomes[-2:] == ["CertificateNotAccepted"] * 2:
            watch.world.advance_to_critical()
        watch.world.time.advance(HOUR + timedelta(minutes=3))
    else:
        TALLY.check(1, holds=False, otherwise=f"it never settled: {watch.outcomes}")
    if outcome == "not_due":
        TALLY.check(2, watch.world.tidy(), f"labels were left: {watch.world.labels()}")
