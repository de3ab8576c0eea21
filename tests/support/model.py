"""A machine that Hypothesis drives: one credential, and everything that can happen around it, in any order.

Every rule can be taken at any time, and what is drawn for it depends on nothing but the draw. A rule for which there
is no occasion does nothing: so a program found once can be replayed, and made smaller.
"""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator.expiry import ExpiryForm
from simulator.faults import CERT_REFRESH, TOKEN_REFRESH, faults_at
from simulator.tokens import TokenRules
from tests.support.aws_failures import EVERY_FAILURE
from tests.support.convergence import activates, settle
from tests.support.exchanges import When
from tests.support.invariant_checker import InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.operator_actions import PEOPLE, mends, mends_the_note, takes_back_their_pending

HOUR = timedelta(hours=1)
LONGEST_RUN = 26  # exchanges; more than that has not been seen
# A short life is within CriticalDays before its last third begins.
LIFETIMES = (timedelta(days=90), timedelta(days=90), timedelta(days=365), timedelta(days=15))

type Event = dict[str, bool | str]

_flags: st.SearchStrategy[Event] = st.fixed_dictionaries(
    {}, optional={flag: st.just(True) for flag in ("force", "allowEviction", "dryRun")}
)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.just({}),
    _flags,
    st.just({"force": True}),
    st.just({"force": True, "allowEviction": True}),
    st.just({"force": True, "renew": "apiKey"}),
    st.just({"force": True, "allowEviction": True, "renew": "apiKey"}),
)
AHEAD = st.sampled_from((0, 0, 0, 20, 60)).map(lambda seconds: timedelta(seconds=seconds))
PLACES = st.integers(0, LONGEST_RUN - 1)
EXCHANGES = st.sampled_from(
    (
        "cert:refresh",
        "token:refresh",
        "verdicts:statistics",
        "TransactWriteItems",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    )
)
WHEN: st.SearchStrategy[When] = st.sampled_from(("before", "after"))
FAILURES = st.sampled_from(EVERY_FAILURE)

# How long the first API key lives; None for a year, of which the secret says nothing.
KEY_LEFT = st.sampled_from((None, timedelta(days=20), timedelta(days=29), timedelta(days=60)))
EXPIRY_FORMS: st.SearchStrategy[ExpiryForm] = st.sampled_from(("iso-z", "iso-offset", "seconds", "milliseconds-text"))

# The faults whose default would take long, made short: the code waits 0.2 seconds for an answer here.
_QUICK: Mapping[str, Mapping[str, float]] = {
    "slow": {"seconds": 0.3},
    "drip": {"seconds": 0.1},
    "huge-body": {"megabytes": 1},
}


class Model(RuleBasedStateMachine):
    """One customer, one secret."""

    def __init__(self, watched: Watched, *, over_tls: bool) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.watch: InvariantChecker = self._stack.enter_context(watched())
        self.watch.env.over_tls = over_tls
        self._steps = -1  # Hypothesis looks once before the first one

    @initialize(
        lifetime=st.sampled_from(LIFETIMES),
        key_left=KEY_LEFT,
        form=EXPIRY_FORMS,
        key_lifetime=st.sampled_from((timedelta(days=180), timedelta(days=180), timedelta(days=12))),
        watching=st.booleans(),
    )
    def somebody_signs_up(
        self,
        lifetime: timedelta,
        key_left: timedelta | None,
        form: ExpiryForm,
        key_lifetime: timedelta,
        *,
        watching: bool,
    ) -> None:
        """With a certificate that is due, or will be soon; every second customer has the one in use watched."""
        self.watch.env.settings["WATCH_IN_USE"] = str(watching).lower()
        self.watch.env.simulator.issued_lifetime = lifetime
        self.watch.env.simulator.token_rules = TokenRules(key_lifetime, form, "key" if watching else "name")
        self.watch.onboard(age=lifetime * 0.7, lifetime=lifetime, api_key_left=key_left)

    @invariant()
    def a_step_was_taken(self) -> None:
        """The checker has checked the invariants, if it was a run.

        The sixth mail of a cause in an hour says that more credentials tell the same (`test_fleet`). This is one
        credential with many runs in an hour, so what counts its mails begins anew after each step.
        """
        self._steps += 1
        env = self.watch.env
        for record in env.aws.records():
            if record["record"].startswith("mails#"):
                key = {name: {"S": record[name]} for name in ("credential", "record")}
                env.aws.admin.dynamodb.delete_item(TableName=env.aws.name, Key=key)

    # Runs.

    @rule(ahead=AHEAD)
    def the_hour_strikes(self, ahead: timedelta) -> None:
        """The schedule, an hour after the last run or later."""
        self.watch.env.time.advance(HOUR + timedelta(minutes=3))
        self.watch.run(ahead=ahead)

    @rule(ahead=AHEAD)
    def the_schedule_delivers_twice(self, ahead: timedelta) -> None:
        """AWS may deliver an event again at any time."""
        self.watch.run(ahead=ahead)

    @rule(event=EVENTS, ahead=AHEAD)
    def somebody_invokes(self, event: Event, ahead: timedelta) -> None:
        """By hand, with any event."""
        self.watch.run(event, ahead=ahead)

    @rule(event=EVENTS, place=PLACES, when=WHEN)
    def a_run_is_killed(self, event: Event, place: int, when: When) -> None:
        """Right before or right after any exchange; a number past the last one kills nothing."""
        self.watch.env.aws.exchanges.kill(place, when)
        self.watch.run(event)

    @rule(event=EVENTS, place=EXCHANGES, when=WHEN)
    def a_run_is_killed_where_it_hurts(self, event: Event, place: str, when: When) -> None:
        """At the first exchange of a kind that writes, or asks for a certificate."""
        self.watch.env.aws.exchanges.kill(place, when)
        self.watch.run(event)

    @rule(event=EVENTS, place=PLACES, other=EVENTS, ahead=AHEAD)
    def two_runs_overlap(self, event: Event, place: int, other: Event, ahead: timedelta) -> None:
        """A second container runs as a whole while the first one is about to make an exchange."""
        self.watch.meanwhile(place, lambda: self.watch.another_run(other, ahead))
        self.watch.run(event)

    @rule(event=EVENTS, place=PLACES, who=st.sampled_from(sorted(PEOPLE)))
    def somebody_acts_during_a_run(self, event: Event, place: int, who: str) -> None:
        """The same, with a person's hand in place of the second container."""
        self.watch.meanwhile(place, lambda: PEOPLE[who](self.watch))
        self.watch.run(event)

    # What happens between them.

    @rule(minutes=st.integers(1, 59))
    def minutes_pass(self, minutes: int) -> None:
        """A killed run's lease may or may not be over."""
        self.watch.env.advance(minutes=minutes)

    @rule(hours=st.integers(2, 40))
    def hours_pass(self, hours: int) -> None:
        """The limit recovers, and a grace period may end."""
        self.watch.env.advance(hours=hours)

    @rule(until=st.sampled_from(("due",) * 5 + ("critical",) * 3 + ("last day",) * 2 + ("last hours", "the end")))
    def time_passes(self, until: str) -> None:
        """Straight to where decisions change."""
        held, now = self.watch.last_good, self.watch.env.time.now()
        moment = {
            "due": held.due_at,
            "critical": held.not_after - timedelta(days=7),
            "last day": held.not_after - timedelta(hours=23),
            "last hours": held.not_after - timedelta(hours=5),
            "the end": held.not_after,
        }[until]
        self.watch.env.time.advance(max(moment - now + timedelta(minutes=1), timedelta(0)))

    @rule(name=st.sampled_from(sorted(faults_at(CERT_REFRESH))), times=st.integers(1, 2))
    def the_service_will_fail(self, name: str, times: int) -> None:
        """The next requests for a certificate meet a fault."""
        self.watch.env.simulator.fault(name, times=times, tenant=None, endpoint="cert:refresh", **_QUICK.get(name, {}))

    @rule(name=st.sampled_from(sorted(set(faults_at(TOKEN_REFRESH)) - {"endless-body"})), times=st.integers(1, 2))
    def the_service_will_fail_with_a_key(self, name: str, times: int) -> None:
        """The next requests for an API key meet a fault."""
        self.watch.env.fault(name, times=times, at=TOKEN_REFRESH, **_QUICK.get(name, {}))

    @rule(until=st.sampled_from(("due", "due", "critical", "last day", "the end")))
    def time_passes_for_the_key(self, until: str) -> None:
        """The same of the API key, where its end is known."""
        ends, now = self.watch.last_good.key_ends, self.watch.env.time.now()
        before = {
            "due": timedelta(days=30),
            "critical": timedelta(days=7),
            "last day": timedelta(hours=23),
            "the end": timedelta(0),
        }[until]
        if ends:
            self.watch.env.time.advance(max(ends - before - now + timedelta(minutes=1), timedelta(0)))

    @rule(name=st.sampled_from(("unavailable", "unauthorized", "server-error")), times=st.integers(1, 6))
    def the_probe_will_fail(self, name: str, times: int) -> None:
        """The next probes meet one."""
        self.watch.env.fault(name, times=times, at="verdicts:statistics")

    @rule(name=st.sampled_from(("unavailable", "too-many-requests", "drop-before-processing", "unauthorized")))
    def the_probe_fails_for_long(self, name: str) -> None:
        """Every probe meets one, until all is well again."""
        self.watch.env.fault(name, times=None, at="verdicts:statistics")

    @rule(operation=st.sampled_from(("Publish", "PutEvents")), name=st.sampled_from(("denied", "unreachable")))
    def news_is_refused_for_long(self, operation: str, name: str) -> None:
        """A topic or a bus takes nothing, in every run until all is well again."""
        self.watch.env.aws.failures.set(name, operation, times=None)

    @rule(failure=FAILURES, times=st.integers(1, 3))
    def aws_will_fail(self, failure: tuple[str, str], times: int) -> None:
        """The next calls of one operation do."""
        name, operation = failure
        self.watch.env.aws.failures.set(name, operation, times=times)

    @rule()
    def everything_is_well_again(self) -> None:
        """Whatever still waited to go wrong does not."""
        self.watch.env.simulator.clear_faults()
        self.watch.env.aws.failures.clear()
        mends(self.watch)
        mends_the_note(self.watch)

    @rule(who=st.sampled_from(sorted(PEOPLE)))
    def somebody_acts(self, who: str) -> None:
        """By hand, at the secret or at the service."""
        PEOPLE[who](self.watch)

    # The end.

    def teardown(self) -> None:
        """Whatever happened, the schedule alone gets out of it, or says why a person must help, and then it does."""
        with self._stack:
            TALLY.count("steps of the model", self._steps if self.watch.outcomes else 0)
            try:
                if sys.exception() is None and self.watch.outcomes:
                    self._orderly_end()
            except AssertionError as error:
                error.add_note(f"It ended {self.watch.told_of[-30:]}")
                raise

    def _orderly_end(self) -> None:
        watch = self.watch
        self.everything_is_well_again()
        takes_back_their_pending(watch)
        activates(watch)
        settle(watch)
        if watch.outcomes[-1] != "not_due" or watch.given_up or not watch.works:
            watch.onboard()  # expired, or refused: that is the cure
            watch.env.time.advance(HOUR)
            settle(watch)
        good = watch.outcomes[-1] == "not_due" and watch.works
        TALLY.check(1, good, f"it never came to rest: {watch.outcomes[-20:]}")
        TALLY.count("endings of the model")
