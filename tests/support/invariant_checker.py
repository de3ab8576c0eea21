"""An env in which the invariants are checked after every run, from the outside.

One class, because the checks share what was seen before the run, what people did meanwhile, and what that excuses. What
can be judged alone is apart: mails (`alert_oracle`), traffic (`traffic_oracle`), news (`news_oracle`), and what is
kept (`certificate_retention`).
"""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.errors import RotationError
from simulator import Tenant
from simulator.faults import CERT_REFRESH, TOKEN_REFRESH
from simulator.tokens import token_digest
from tests.support import secret_parser
from tests.support.alert_oracle import POSTPONED, Ended, Expectation
from tests.support.aws_calls import Call, Email
from tests.support.canary import Canary
from tests.support.certificate_retention import RetainedApiKeys, RetainedCertificates
from tests.support.exchanges import Killed
from tests.support.interference import InHand
from tests.support.invariants import TALLY
from tests.support.log_capture import Log
from tests.support.news_oracle import Fact, News
from tests.support.role import check_calls
from tests.support.rotation_env import OWN_KEYS, RotationEnv
from tests.support.secret_parser import Held
from tests.support.service_records import AtService
from tests.support.traffic_oracle import Seen, Traffic, rendered_at

HOUR, CRITICAL, GRACE = timedelta(hours=1), timedelta(days=7), timedelta(hours=24)  # the template's defaults
LIMITS = {CERT_REFRESH: (3, HOUR), TOKEN_REFRESH: (5, timedelta(minutes=30))}  # vendor's
HALVES = ("certificate", "apiKey")
NOTHING: Mapping[str, object] = MappingProxyType({})
SKEW = timedelta(minutes=1)  # by how much a container's clock may be ahead
_OF_SERVICE = {CERT_REFRESH, TOKEN_REFRESH, "verdicts:statistics"}
_READS = {"DescribeSecret", "GetSecretValue", "GetItem"}
LATE = "This mail is late"  # contract of the mails: so begins what AWS did not take when it was due
_OF_NEWS, _OF_LEDGER = {"Publish", "PutEvents"}, {"GetItem", "UpdateItem", "TransactWriteItems"}
_DID_NOT_COME_TO_TELL = {"killed", "busy", "staged", POSTPONED}


class InvariantChecker:
    """Runs the code in an env, lets people interfere, and checks.

    Attributes:
        env: where it happens.
        outcomes: of every run so far: a result's outcome, an error's class name, or `killed`.
        exchanges: the names of those of the last run.
        message: the text of the last error.
        in_use: what AWSCURRENT holds; None when that is no credential.
    """

    last_good: Held  # the last complete credential that AWSCURRENT held

    def __init__(self, env: RotationEnv, log: Log) -> None:
        self.env, self._log = env, log
        self.outcomes: list[str] = []
        self.told_of: list[str] = []  # the same, with the half
        self.exchanges: list[str] = []
        self.message = ""
        self.service = AtService(env.simulator)
        self._expectations, self._canary = {half: Expectation(half) for half in HALVES}, Canary()
        self._traffic, self._news, self._in_hand = Traffic(), News(), InHand(env.arn)
        self._own: dict[str, Any] = {}  # the customer's keys as they last wrote them
        self._by_hand = ""  # the version they last put in place
        self._excused = False  # what is in use does not work, and not by the code's doing
        self._put_back = False  # the certificate in use is not the customer's newest, by somebody's hand
        self._key_put_back = False  # the same of the API key
        self._labels: dict[str, str] = {}  # of rotations, when the last run began
        self.answers_spoilt = False  # on their way to the code
        self._both_waited = False  # runs had died over a promotion of each half, when the last one began
        self._replaced = False  # somebody put it there in the middle of the last run
        self._stored = set[str]()  # of which halves they put another one there
        self._interfered, self._forgiven = False, False  # somebody acted in the middle of the last run, and how
        self._unwritten = False  # AWS refused to write down what became of an attempt in the last run
        self._goes_ahead: object = None  # the half that the last run was told to renew whatever it costs
        self._permitted = set[str]()  # of which halves what the last run was told, or the time, allowed to lose one
        self._serial, self._api_key = 0, ""  # in use, or the last ones that could be read
        self._touched = dict.fromkeys(HALVES, False)  # somebody replaced it since the last promotion of it
        self._attempts: dict[str, object] = {}  # of each half the open attempt, after the last run
        self._versions: dict[str, str] = {}
        self.in_use: Held | None = None
        self._before: Held | None = None  # the same when the last run began, or as somebody changed it since
        self._times_accepted, self._times_over_tls = 0, 0  # before the last run
        self._worked = False  # that one did, when it was put into use or the last run began
        self._kept, self._kept_keys = RetainedCertificates(env, log), RetainedApiKeys(env)
        self._pairs: list[tuple[int, str]] = []  # of what was in use in the last run, in order
        self._promoted = set[type[int | str]]()  # of what the last run, or one beside it, put another into use
        self._seen_calls, self._seen_logged, self._seen_said, self._seen_events = 0, 0, 0, 0

    # What people do.

    def onboard(self, **choices: Any) -> Tenant:  # noqa: ANN401 - `RotationEnv.onboard`'s
        """Sign up, anew from the second time on, and store the credential."""
        name = f"{self.env.aws.name}-{len(self.tenants) + 1}"
        tenant = self.env.onboard(**{"name": name, **choices})
        self.service.tenants.append(tenant)
        self._own = dict(OWN_KEYS)
        self.changed_by_hand()
        return tenant

    def edit(self, **own: object) -> None:
        """Change the customer's own keys."""
        document = self.env.current()
        self.env.put({**document, **own})
        self._own |= own
        self.changed_by_hand()

    def changed_by_hand(self) -> None:
        """Somebody moved AWSCURRENT: from here on it is what they made it."""
        self._by_hand = self._read_versions()
        held = self._before = self.in_use
        self._worked = held is not None and self.service.works(held)
        self._permitted |= self._permits(NOTHING)
        self._news.replaced_by_hand()
        if held is None:
            return
        self._pairs.append(held.pair)
        self._own, self._excused, self._replaced = held.own, not self.service.works(held), True
        if held.serial != self._serial:
            self._serial, self._put_back = held.serial, bool(self.service.younger(held.serial))
            self._touched["certificate"] = True
            self._stored.add("certificate")
        if held.api_key != self._api_key:
            self._api_key, self._key_put_back = held.api_key, bool(self.service.younger_tokens(*held.pair))
            self._touched["apiKey"] = True
            self._stored.add("apiKey")

    def forgive(self) -> None:
        """Somebody at the service may have seen to it that what is in use works no more."""
        self._excused = self._forgiven = True

    def meanwhile(self, place: int, action: Callable[[], object]) -> None:
        """Let somebody act right before the next run's exchange number `place`."""
        self.env.aws.exchanges.meanwhile(place, lambda: self.during_a_run(action))

    def during_a_run(self, action: Callable[[], object]) -> None:
        """Somebody acts in the middle of a run: what it did so far is checked as it stands."""
        self._interfered = True
        self._see_promotion()
        action()

    def another_run(self, event: Mapping[str, object], ahead: timedelta) -> None:
        """Have a second container run in the middle of a run: for `meanwhile`."""
        self._permitted |= self._permits(event)
        with suppress(RotationError):
            self.env.run_with(self.env.dependencies(), event, ahead=ahead)
        self._see_promotion()

    def _see_promotion(self) -> None:
        """In the middle of a run: what it, or another, put into use so far is checked before anything goes on."""
        before, version = self._before, self._read_versions()
        if before and self.in_use and self.in_use.pair != before.pair and version != self._by_hand:
            self._check_promoted(before, self.in_use)
            self._before, self._worked = self.in_use, self.service.works(self.in_use)

    # What the schedule does.

    def run(
        self,
        event: Mapping[str, object] = NOTHING,
        *,
        ahead: timedelta = timedelta(0),
        by: Callable[[], str] | None = None,
        also: Iterable[Mapping[str, object]] = (),
    ) -> str:
        """Run once and check every invariant; the outcome.

        Args:
            event: what the function is invoked with.
            ahead: by how much this container's clock is.
            by: runs it in another way, and tells the outcome.
            also: what others are invoked with meanwhile.
        """
        self._before = before = self.in_use
        self._pairs, self._promoted, self.env.renews = [before.pair] if before else [], set(), None
        self._worked = before is not None and self.service.works(before)
        self._excused = not self._worked  # by time, or by a hand: the code's doing was checked after every run
        self._interfered, self._forgiven = False, False
        self._permitted = set[str]().union(*map(self._permits, (event, *also)))
        evicts = event.get("force") and event.get("allowEviction")
        self._goes_ahead = event.get("renew", "certificate") if evicts else None
        self._replaced, self._stored = False, set()
        self._times_accepted, self._times_over_tls = self.env.seen.times_accepted, self.env.seen.over_tls
        self.env.time.advance(timedelta(seconds=1))  # mails tell whole seconds: no two runs are of the same one
        begun, self._both_waited = self.env.time.now(), self._news.of_both_waits
        self._labels = self._labels_of_rotations()
        self._news.run_begins()
        try:
            outcome = by() if by else str(self.env.run_with(self._container, event, ahead=ahead)["outcome"])
        except RotationError as error:
            outcome, self.message = type(error).__name__, str(error)
        except Killed:
            outcome = "killed"
        self.outcomes.append(outcome)
        self.told_of.append(f"{outcome} ({self.env.renews})")
        self._let_the_service_finish()
        self.exchanges = list(self.env.aws.exchanges.names)
        self.env.aws.exchanges.revive()
        calls = self.env.aws.calls[self._seen_calls :]
        self._seen_calls += len(calls)
        self._check_requests()
        check_calls(self.env, calls)
        if any(call.operation not in _READS for call in calls):
            self._check_what_is_stored(calls, outcome, begun, dry=bool(event.get("dryRun")))
        else:
            self._check_hygiene("")
        one_half = bool(event.get("force")) or "Step" in event
        self._check_news(calls, outcome, dry=bool(event.get("dryRun")), one_half=one_half)
        self.service.new_answers()
        if self._replaced:  # what this run asked for came later, and belongs to nobody
            self._put_back = self._put_back or bool(self.service.younger(self._serial))
            younger = self.service.younger_tokens(self._serial, self._api_key)
            self._key_put_back = self._key_put_back or bool(younger)
        return outcome

    def _let_the_service_finish(self) -> None:
        """It may be at work for a run that did not wait: what it does then is that run's doing, not the next one's."""
        while any(tenant.working for tenant in self.tenants):
            time.sleep(0.01)

    def _permits(self, event: Mapping[str, object]) -> set[str]:
        """Which halves in use a run may cost: it was told so, or the end is near and renewal due, or asked for."""
        held, soon = self.in_use, self.env.time.now() + timedelta(minutes=3)
        named = str(event.get("renew", "certificate"))
        permitted = {named} if event.get("allowEviction") else set[str]()
        # design.md: held until it is within CriticalDays of its end; of a short life that may be before it is due.
        forced = bool(event.get("force")) and named == "certificate"
        if held and soon >= held.not_after - CRITICAL and (forced or soon >= held.due_at):
            permitted.add("certificate")
        if held and held.key_ends and soon >= held.key_ends - CRITICAL:
            permitted.add("apiKey")
        return permitted

    def _check_what_is_stored(self, calls: list[Call], outcome: str, begun: datetime, *, dry: bool) -> None:
        TALLY.check(1, not dry or self._interfered, f"a dry run writes: {[call.operation for call in calls]}")
        before = self._before
        version, records = self._read_versions(), self.env.aws.records()
        self._check_credential(before, version, outcome)
        self._kept.check(calls, records, self._versions, killed=outcome == "killed")
        given_up = self._in_hand.given_up(self.env.aws.versions(), records, promoted=tuple(self._promoted))
        over, killed = given_up | self._in_hand.over, outcome == "killed"
        self._kept_keys.check(calls, records, self._versions, over=over, killed=killed)
        mails = self.env.new_emails()
        fresh = [mail for mail in mails if not self._is_late(mail, begun)]
        self._check_traffic(calls, mails, fresh, begun)
        self._check_hygiene("\n".join(call.body for call in calls if call.operation != "PutSecretValue"))
        state: Mapping[str, Any] = next((r for r in records if r["record"] == "state"), {})
        refused = any(c.failure or (c.status != HTTPStatus.OK and c.operation not in _READS) for c in calls)
        forgot = any(call.failure and call.operation in _OF_LEDGER for call in calls) or killed
        self._collect_news(mails, given_up, remembered=not forgot)
        sure = not (refused or self._interfered or killed)
        self._unwritten = any(call.failure and call.operation == "TransactWriteItems" for call in calls)
        for half in HALVES:
            self._check_alerts(half, outcome, fresh, state, sure=sure)

    def _check_alerts(
        self, half: str, outcome: str, fresh: list[Email], state: Mapping[str, Any], *, sure: bool
    ) -> None:
        """Invariant 9, of one half."""
        renews, before, now = self.env.renews, self._before, self.env.time.now()
        attempt = state.get("certificate_open_attempt" if half == "certificate" else "api_key_open_attempt")
        ends = {"certificate": before.not_after, "apiKey": self._end_of_key(before)} if before else {}
        known = [end for end in ends.values() if end]
        same = attempt is not None and attempt == self._attempts.get(half)
        unchanged = same and not self._touched[half]
        # What was made for one that somebody replaced is given up, labels first; then the run may be about the other.
        given_up = self._unwritten and self._touched[half]
        if same and not (given_up or self._interfered or self._replaced) and renews not in {None, half}:
            self._check_labels("CERTIFICATE_" if half == "certificate" else "API_KEY_")
        self._attempts[half] = attempt
        end = ends.get(half)
        self._expectations[half].check(
            Ended(
                outcome,
                concerns=half == (renews or "certificate"),
                mails=[mail.code for mail in fresh if mail.half == half],
                now=now,
                ends=min(known, default=None) if renews is None and half == "certificate" else end,
                state=state,
                certainly_held=attempt is not None
                and unchanged
                and state.get("certificate_earlier" if half == "certificate" else "api_key_earlier") is None  # is tried
                and attempt["outcome"] != "issued"
                and renews not in {None, half}
                and not self._is_at_work(state)  # who holds the lease tells of it
                and self._goes_ahead != half  # that ends its hold, though the other half be dead and it cannot renew
                and (end is None or now < end - CRITICAL - SKEW),
                sure=sure,
                works=not self._watching or self.env.seen.times_accepted > self._times_accepted,
            )
        )

    def _is_at_work(self, state: Mapping[str, Any]) -> bool:
        """Whether another run is, or died so lately that nobody can tell."""
        lease = state.get("lease")
        return lease is not None and self.env.time.now() < datetime.fromisoformat(lease["until"]) + SKEW

    def _end_of_key(self, held: Held) -> datetime | None:
        """By its note. Design: one that has passed, of a key the service does not refuse, is stale: it says nothing."""
        if held.key_ends is None or held.key_ends > self.env.time.now() + SKEW:
            return held.key_ends
        said = [one for one in self.service.answers_so_far().up_to(None).about(*held.pair) if one != "no answer"]
        return held.key_ends if said[-1:] == ["refused"] else None

    def _check_labels(self, prefix: str) -> None:
        """A run about one half leaves the other's labels alone: AWS may delete a version that has none."""
        after = self._labels_of_rotations()
        was, now = ({n: v for n, v in of.items() if n.startswith(prefix)} for of in (self._labels, after))
        TALLY.check(2, was == now, f"a run about the other half changed {was} to {now}")

    def _labels_of_rotations(self) -> dict[str, str]:
        listed = self.env.aws.versions().items()
        return {label: version for version, (labels, _) in listed for label in labels if not label.startswith("AWS")}

    @property
    def _watching(self) -> bool:
        return self.env.settings["WATCH_IN_USE"] == "true"

    def _check_requests(self) -> None:
        """Invariants 3, 4 and 7; and whether a request cost what was in use.

        What a run asked for before somebody put another one in place is younger than that one and belongs to nobody:
        the run gives it up, as it must, and the next request, in the same run if need be, deletes what they stored.
        """
        requests = self.env.simulator.requests
        for tenant, (call, (burst, spacing)) in itertools.product(self.tenants, LIMITS.items()):
            times = [r.when for r in requests if r.endpoint == call and r.tenant == tenant.name]
            spaced = all(later - earlier >= spacing for earlier, later in itertools.pairwise(times[burst - 1 :]))
            TALLY.check(3, spaced, f"{call} left at {times}")
        TALLY.check(4, self.env.seen.most_at_once <= 1, "two requests for a new half were open at once")
        for request in requests[len(requests) - (self.env.seen.over_tls - self._times_over_tls) :]:
            TALLY.check(7, "<redacted>" not in request.path, "an API key stood in a URL")
        record = self.service.record(self._before.serial) if self._before else None
        if self._worked and not self._forgiven and record and record.deleted:
            by_code = {request.issued_cert_name for request in requests}
            foreign = any(r.name not in by_code for r in self.service.younger(record.serial))
            fine = "certificate" in self._permitted or self._put_back or "certificate" in self._stored or foreign
            TALLY.check(1, fine, "a request had the service delete the certificate in use, and nobody allowed it")
            self._excused = True
        token = self.service.token(*self._before.pair) if self._before else None
        if self._before and self._worked and not self._forgiven and token and token.deleted:
            made = {request.issued_token for request in requests}
            foreign = any(one.digest not in made for one in self.service.younger_tokens(*self._before.pair))
            fine = "apiKey" in self._permitted or self._key_put_back or "apiKey" in self._stored or foreign
            TALLY.check(1, fine, "a request had the service delete the API key in use, and nobody allowed it")
            self._excused = True

    def _check_credential(self, before: Held | None, version: str, outcome: str) -> None:
        """Invariants 1, 5 and 8."""
        now, after = self.env.time.now(), self.in_use
        if version == self._by_hand and not (after and after.complete):
            return  # somebody stored something unusable, and there it still is
        TALLY.check(1, after and after.complete, f"after {outcome}, AWSCURRENT is not a complete credential")
        if after is None:
            return
        TALLY.check(8, after.own == self._own, f"after {outcome}, they are {after.own.keys()}")
        if before and after.pair != before.pair and version != self._by_hand:
            self._check_promoted(before, after)
        token = self.service.token(*after.pair)
        ended = after.not_after <= now or (token is not None and token.expires <= now)
        fine = self._excused or ended or self.service.works(after)
        TALLY.check(1, fine, f"after {outcome}, the service does not accept the credential in use")

    def _check_promoted(self, before: Held, after: Held) -> None:
        """The service let it in, or refused the one before it (or that had ended) and did not refuse this one."""
        now, of_key = self.env.time.now(), after.serial == before.serial
        kept = secret_parser.CERTIFICATE if of_key else secret_parser.API_KEY
        # Where what was in use is dead, both halves that wait may have been tried, and put into use, together.
        both = self._said_no(before) and self.service.has_let_in(after)
        TALLY.check(8, both or after.only(kept) == before.only(kept), "a rotation of one half changed the other")
        refused = self._said_no(before) or (self._interfered and not self.service.works(before))
        ends = before.key_ends if of_key else before.not_after
        dead = refused or (ends is not None and ends <= now + SKEW)
        shown = self.service.has_let_in(after) or (dead and not self._said_no(after))
        what = "an API key" if of_key else f"{after.serial:x}"
        TALLY.check(5, shown, f"{what} was never let in, and is used in place of one that was not refused")
        sooner = after.not_after < before.not_after
        TALLY.check(5, dead or not sooner, "the new certificate ends sooner than the old one")
        self._excused, self._serial, self._api_key = dead or self._forgiven, after.serial, after.api_key
        # Of two that wait the first one let in is used: where that is the older one, the next renewal deletes it. The
        # same where the one in use is dead, nothing let in, and the younger one is lost or failed the offline check.
        issued = {name for r in self.service.answers_so_far().requests for name in (r.issued_cert_name, r.issued_token)}
        if after.api_key != before.api_key:
            self._check_note(after)
            keys = {token.digest for token in self.service.younger_tokens(*after.pair)}
            usable = keys & (issued | {token_digest(key) for key in self._in_hand.api_keys})
            self._key_put_back = bool(keys) and (self.service.has_let_in(after) or not usable)
            self._touched["apiKey"] = False
            self._promoted.add(str)
            reload = refused and not self._interfered
            self._news.happened(Fact("rotated", now, "API key", "apiKey", reload=reload))
        if not of_key:
            younger = self.service.younger(after.serial)
            waits = any(one.serial in self._in_hand.serials or one.name in issued for one in younger)
            self._put_back = bool(younger) and (self.service.has_let_in(after) or not waits)
            self._touched["certificate"] = False
            self._promoted.add(int)
            reload = dead and not self._interfered
            self._news.happened(Fact("rotated", now, str(after.document["certName"]), reload=reload))
        self._pairs.append(after.pair)

    def _said_no(self, held: Held) -> bool:
        return self.service.answers_so_far().refused(*held.pair)

    def _check_note(self, after: Held) -> None:
        """A new API key's end is the service's word, or left open where that cannot be read."""
        token = self.service.token(*after.pair)
        if self.answers_spoilt or "apiKeyExpiry" not in after.document or token is None:
            return
        off = abs(after.key_ends - token.expires) if after.key_ends else timedelta.max
        TALLY.check(1, off <= timedelta(days=1), "the note says another end than the service did")  # a date names a day

    @property
    def _asked_for_another(self) -> bool:
        return bool({CERT_REFRESH, TOKEN_REFRESH} & set(self.exchanges))

    def _is_late(self, mail: Email, begun: datetime) -> bool:
        """Whether an earlier run wrote it, and AWS did not take it then."""
        return mail.body.startswith(LATE) or rendered_at(mail) < begun - 2 * SKEW

    def _check_traffic(self, calls: list[Call], mails: list[Email], fresh: list[Email], begun: datetime) -> None:
        """Invariant 11."""
        asked = sum(name in _OF_SERVICE for name in self.exchanges)
        seen = Seen(
            begun,
            self.env.time.now(),
            tuple(self._pairs),
            self.service.answers_so_far(),
            unreached=asked > len(self.service.answers_so_far().requests),
            strangers=frozenset(h.serial for h in (self._before, self.in_use) if h and not self.service.issued(h)),
            alone=not (self._interfered or self._replaced),
            told_all=not any(call.failure for call in calls),
        )
        published = [place for place, name in enumerate(self.exchanges) if name == "Publish"]
        taken = [call.status == HTTPStatus.OK for call in calls if call.operation == "Publish"]
        for mail, place in zip(mails, itertools.compress(published, taken), strict=False):
            before = sum(name in _OF_SERVICE for name in self.exchanges[:place])
            self._traffic.check(seen, mail, before if mail in fresh else None)
        self._traffic.remember(seen)

    def _collect_news(self, mails: list[Email], given_up: set[int | str], *, remembered: bool) -> None:
        """What was given up in the last run, and what was told."""
        now, events = self.env.time.now(), self.env.aws.announced()
        for one in given_up:
            token = self.service.token_of_anybody(one) if isinstance(one, str) else None
            record = self.service.record(one) if isinstance(one, int) else None
            if (record and record.not_after <= now) or (token and token.expires <= now):
                continue  # it was of no use any more: nothing was given up
            if any(at_service and at_service.deleted for at_service in (record, token)) and self._asked_for_another:
                continue  # design.md: two may wait; a third was asked for, and the service has given this one up
            if isinstance(one, str):
                self._news.happened(Fact("dropped", now, "API key", "apiKey"))
                continue
            self._news.happened(Fact("dropped", now, record.name if record else f"{one:x}"))
        self._news.told(mails, events[self._seen_events :], now, remembered=remembered)
        self._seen_events = len(events)

    def _check_news(self, calls: list[Call], outcome: str, *, dry: bool, one_half: bool) -> None:
        """Invariant 12. Where it was told which half to renew, or both were put into use, the other's news may wait."""
        failed = {call.operation for call in calls if call.failure and call.failure != "repeated"}
        if failed and failed <= _OF_NEWS and not self._interfered:
            TALLY.check(12, outcome != "StorageFailure", f"refused {failed} made the run fail: {self.message}")
        both = len(self._promoted) > 1  # one run closes the rotation of one half
        if outcome != "rotated" or both:
            self._news.not_closed()
        forgetful = failed & _OF_NEWS and failed & _OF_LEDGER  # then it is neither told nor remembered
        if outcome[0].isupper() and outcome != POSTPONED and not (dry or forgetful):
            self._news.happened(Fact(outcome, self.env.time.now(), half=self.env.renews or "certificate"))
        if not (failed or dry) and outcome not in _DID_NOT_COME_TO_TELL:
            closed_only = outcome == "rotated" and not self._promoted  # an earlier run's; the other half's is next
            one_by_one = one_half or both or self._both_waited or closed_only
            unreadable = outcome == "InvalidCredential" and self.env.renews is None  # so no rotation can be closed
            unclosed = {half for half, attempt in self._attempts.items() if attempt} if unreadable else set[str]()
            self._news.check(self.env.renews or "certificate" if one_by_one else None, unclosed)

    @property
    def is_hopeless(self) -> bool:
        """What is in use does not work, and nothing in hand ever will: a person has to onboard again."""
        held = self.in_use
        if held is None or self.service.works(held):
            return False
        return self.key_waits_in_vain and self._certificate_waits_in_vain

    @property
    def _certificate_waits_in_vain(self) -> bool:
        """The service will never let in a certificate that is in hand: it was deleted there, or has ended."""
        key = self.last_good.api_key
        return not any(self.service.may_come_to_work(serial, key) for serial in self._in_hand.serials)

    @property
    def key_waits_in_vain(self) -> bool:
        """The service will never let in an API key that is in hand: it was deleted there, or has ended."""
        serial = self.last_good.serial
        return not any(self.service.may_come_to_work(serial, key) for key in self._in_hand.api_keys)

    @property
    def no_other_will_come(self) -> bool:
        """The same of the half the last run was about; and the one more that design.md allows was asked for already.

        Its answer may be lost.
        """
        state: Mapping[str, Any] = next((r for r in self.env.aws.records() if r["record"] == "state"), {})
        if self.env.renews == "apiKey":
            return state.get("api_key_earlier") is not None and self.key_waits_in_vain
        return state.get("certificate_earlier") is not None and self._certificate_waits_in_vain

    @property
    def works(self) -> bool:
        """Whether the service would let in what is in use."""
        return self.in_use is not None and self.service.works(self.in_use)

    @property
    def news_waits(self) -> bool:
        """Whether something happened that was not told yet."""
        return self._news.waits

    def check_at_rest(self) -> None:
        """All is well, and people and programs know it."""
        self._news.check_at_rest()

    def _check_hygiene(self, told: str) -> None:
        """Invariant 6."""
        said = self._log.text_since(self._seen_logged)
        answers = self.env.said[self._seen_said :]
        self._seen_logged, self._seen_said = len(self._log.records), len(self.env.said)
        TALLY.check(6, not self._canary.found_in("\n".join([said, *answers, told])), "a secret was told")

    # Reading.

    def _read_versions(self) -> str:
        """Read what is new in the secret; the version in use."""
        listed = self.env.aws.versions()
        # A version that Secrets Manager's own rotation has made is empty at first.
        for version in (version for version in listed if not self._versions.get(version)):
            self._versions[version] = text = listed[version][1]
            self._canary.watch_for(
                api_key=secret_parser.api_key(text), private_key_pem=secret_parser.private_key_pem(text)
            )
            self._canary.watch_for(api_key=secret_parser.sealing_key(text))
        current = next((version for version, (labels, _) in listed.items() if "AWSCURRENT" in labels), "")
        self.in_use = secret_parser.credential(self._versions[current]) if current else None
        if self.in_use and self.in_use.complete:
            self.last_good = self.in_use
        return current

    @cached_property
    def _container(self) -> Dependencies:
        """The container that runs come back to while it is warm."""
        return self.env.dependencies()

    def cold_start(self) -> None:
        """The next run is in a new container, which reads its settings anew."""
        self.__dict__.pop("_container", None)

    @property
    def tenants(self) -> list[Tenant]:
        """Who was signed up, in order."""
        return self.service.tenants

    @property
    def given_up(self) -> bool:
        """The certificate in use works no more, and nothing the code could do would change it."""
        return self._excused


type Watched = Callable[[], AbstractContextManager[InvariantChecker]]
"""Makes a watched env of its own for one case."""
