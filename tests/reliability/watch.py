"""A world in which the invariants are checked after every run, from the outside."""

import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from certificate_rotation.errors import RotationError
from certificate_rotation.parts import Parts
from simulator import CertificateRecord, Tenant
from tests.integration.aws import Call, Killed
from tests.integration.world import OWN_KEYS, World
from tests.reliability import reading
from tests.reliability.canary import Canary
from tests.reliability.kept import Kept
from tests.reliability.log import Log
from tests.reliability.mail import Expectation
from tests.reliability.reading import Held
from tests.reliability.role import check_calls
from tests.reliability.tally import TALLY

HOUR, CRITICAL, GRACE = timedelta(hours=1), timedelta(days=7), timedelta(hours=24)  # the template's defaults
NOTHING: Mapping[str, object] = MappingProxyType({})
_READS = {"DescribeSecret", "GetSecretValue", "GetItem"}


class Watch:
    """Runs the code in a world, lets people interfere, and checks.

    Attributes:
        world: where it happens.
        outcomes: of every run so far: a result's outcome, an error's class name, or `killed`.
        exchanges: the names of those of the last run.
        message: the text of the last error.
        in_use: what AWSCURRENT holds; None when that is no credential.
    """

    last_good: Held  # the last complete credential that AWSCURRENT held

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
        self._put_back = False  # what is in use is not the customer's newest, by somebody's hand
        self._replaced = False  # somebody put it there in the middle of the last run
        self._interfered, self._forgiven = False, False  # somebody acted in the middle of the last run, and how
        self._permitted = False  # what the last run was told, or the time, allowed to lose the certificate in use
        self._serial = 0  # of the certificate in use, or of the last one that could be read
        self._versions: dict[str, str] = {}
        self.in_use: Held | None = None
        self._before: Held | None = None  # the same when the last run began, or as somebody changed it since
        self._times_accepted = 0  # before the last run
        self._worked = False  # that one did, when it was put into use or the last run began
        self._kept = Kept(world)
        self._seen_calls, self._seen_logged, self._seen_said = 0, 0, 0

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
        held = self._before = self.in_use
        self._worked = False
        if held is None:
            return
        self._own, self._excused, self._replaced = held.own, not self._works(held), True
        if held.serial != self._serial:
            self._serial, self._put_back = held.serial, bool(self._younger(held.serial))

    def forgive(self) -> None:
        """Somebody at the service may have seen to it that what is in use works no more."""
        self._excused = self._forgiven = True

    def meanwhile(self, place: int, action: Callable[[], object]) -> None:
        """Let somebody act right before the next run's exchange number `place`."""

        def interfere() -> None:
            self._interfered = True
            self._see_promotion()
            action()

        self.world.aws.exchanges.meanwhile(place, interfere)

    def another_run(self, event: Mapping[str, object], ahead: timedelta) -> None:
        """Have a second container run in the middle of a run: for `meanwhile`."""
        self._permitted |= self._permits(event)
        with suppress(RotationError):
            self.world.run_with(self.world.parts(), event, ahead=ahead)
        self._see_promotion()

    def _see_promotion(self) -> None:
        """In the middle of a run: what it, or another, put into use so far is checked before anything goes on."""
        before, version = self._before, self._read_versions()
        if before and self.in_use and self.in_use.serial != before.serial and version != self._by_hand:
            self._check_promoted(before, self.in_use)
            self._before, self._worked = self.in_use, self._works(self.in_use)

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
        self._before = before = self.in_use
        self._worked = before is not None and self._works(before)
        self._excused = not self._worked  # by time, or by a hand: the code's doing was checked after every run
        self._interfered, self._forgiven, self._permitted = False, False, self._permits(event)
        self._replaced = False
        self._times_accepted = self.world.seen.times_accepted
        try:
            outcome = by() if by else str(self.world.run_with(self._container, event, ahead=ahead)["outcome"])
        except RotationError as error:
            outcome, self.message = type(error).__name__, str(error)
        except Killed:
            outcome = "killed"
        self.outcomes.append(outcome)
        self._let_the_service_finish()
        self.exchanges = list(self.world.aws.exchanges.names)
        self.world.aws.exchanges.revive()
        calls = self.world.aws.calls[self._seen_calls :]
        self._seen_calls += len(calls)
        self._check_requests()
        check_calls(self.world, calls)
        if any(call.operation not in _READS for call in calls):
            self._check_what_is_stored(calls, outcome, dry=bool(event.get("dryRun")))
        else:
            self._check_hygiene("")
        if self._replaced:  # what this run asked for came later, and belongs to nobody
            self._put_back = self._put_back or bool(self._younger(self._serial))
        return outcome

    def _let_the_service_finish(self) -> None:
        """It may be at work for a run that did not wait: what it does then is that run's doing, not the next one's."""
        while any(tenant.working for tenant in self.tenants):
            time.sleep(0.01)

    def _permits(self, event: Mapping[str, object]) -> bool:
        """Whether a run may cost the certificate in use: it was told so, or its end is near and renewal due."""
        held, soon = self.in_use, self.world.time.now() + timedelta(minutes=3)
        near = held is not None and soon >= max(held.not_after - CRITICAL, held.due_at)
        return near or bool(event.get("allowEviction"))

    def _check_what_is_stored(self, calls: list[Call], outcome: str, *, dry: bool) -> None:
        TALLY.check(1, not dry or self._interfered, f"a dry run writes: {[call.operation for call in calls]}")
        before = self._before
        version, records = self._read_versions(), self.world.aws.records()
        self._check_credential(before, version, outcome)
        self._kept.check(calls, records, self._versions, killed=outcome == "killed")
        mails = self.world.new_emails()
        self._check_hygiene("\n".join(call.body for call in calls if call.operation != "PutSecretValue"))
        state: Mapping[str, Any] = next((r for r in records if r["record"] == "state"), {})
        refused = any(c.failure or (c.status != HTTPStatus.OK and c.operation not in _READS) for c in calls)
        self._expectation.check(
            outcome,
            [mail.code for mail in mails],
            now=self.world.time.now(),
            not_after=before.not_after if before else None,
            state=state,
            sure=not (refused or self._interfered or outcome == "killed"),
            works=not self._watching or self.world.seen.times_accepted > self._times_accepted,
        )

    @property
    def _watching(self) -> bool:
        return self.world.settings["WATCH_IN_USE"] == "true"

    def _check_requests(self) -> None:
        """Invariants 3, 4 and 7; and whether a request cost the certificate in use."""
        requests = self.world.simulator.requests
        for tenant in self.tenants:
            times = [r.when for r in requests if r.endpoint == "cert:refresh" and r.tenant == tenant.name]
            spaced = all(later - earlier >= HOUR for earlier, later in itertools.pairwise(times[2:]))
            TALLY.check(3, spaced, f"requests for a certificate left at {times}")
        TALLY.check(4, self.world.seen.most_at_once <= 1, "two requests for a certificate were open at once")
        TALLY.check(7, not any("<redacted>" in request.path for request in requests), "an API key stood in a URL")
        record = self._record(self._before.serial) if self._before else None
        if self._worked and not self._forgiven and record and record.deleted:
            by_code = {request.issued_cert_name for request in requests}
            foreign = any(r.name not in by_code for r in self._younger(record.serial))
            fine = self._permitted or self._put_back or foreign
            TALLY.check(1, fine, "a request had the service delete the certificate in use, and nobody allowed it")
            self._excused = True

    def _check_credential(self, before: Held | None, version: str, outcome: str) -> None:
        """Invariants 1, 5 and 8."""
        now, after = self.world.time.now(), self.in_use
        if version == self._by_hand and not (after and after.complete):
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
        self._excused, self._put_back, self._serial = evicted or self._forgiven, False, after.serial

    def _check_hygiene(self, told: str) -> None:
        """Invariant 6."""
        said = self._log.text_since(self._seen_logged)
        answers = self.world.said[self._seen_said :]
        self._seen_logged, self._seen_said = len(self._log.records), len(self.world.said)
        TALLY.check(6, not self._canary.found_in("\n".join([said, *answers, told])), "a secret was told")

    # Reading.

    def _read_versions(self) -> str:
        """Read what is new in the secret; the version in use."""
        listed = self.world.aws.versions()
        for version in listed.keys() - self._versions.keys():
            self._versions[version] = text = listed[version][1]
            self._canary.watch_for(api_key=reading.api_key(text), private_key_pem=reading.private_key_pem(text))
        current = next((version for version, (labels, _) in listed.items() if "AWSCURRENT" in labels), "")
        self.in_use = reading.credential(self._versions[current]) if current else None
        if self.in_use and self.in_use.complete:
            self.last_good = self.in_use
        return current

    @cached_property
    def _container(self) -> Parts:
        """The container that runs come back to while it is warm."""
        return self.world.parts()

    def cold_start(self) -> None:
        """The next run is in a new container, which reads its settings anew."""
        self.__dict__.pop("_container", None)

    @property
    def given_up(self) -> bool:
        """The certificate in use works no more, and nothing the code could do would change it."""
        return self._excused

    def _works(self, held: Held) -> bool:
        """Whether the service accepts the certificate and the API key."""
        tenant = self.tenant(held.serial)
        return tenant is not None and any(
            record.active and tenant.accepts_key(str(held.document["apiKey"]))
            for record in tenant.certificates
            if record.serial == held.serial
        )

    def _younger(self, serial: int) -> list[CertificateRecord]:
        """The certificates that outlive it when the next one is issued."""
        tenant = self.tenant(serial)
        records = tenant.certificates if tenant else []
        place = next((number for number, record in enumerate(records) if record.serial == serial), len(records))
        return [record for record in records[place + 1 :] if record.valid]

    def tenant(self, serial: int) -> Tenant | None:
        """Whose certificate it is."""
        return next((t for t in self.tenants if any(r.serial == serial for r in t.certificates)), None)

    def _record(self, serial: int) -> CertificateRecord | None:
        return next((r for tenant in self.tenants for r in tenant.certificates if r.serial == serial), None)
