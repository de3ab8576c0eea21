"""Where runs meet: the situation, what each is invoked with, and what else happens between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from tests.support.invariant_checker import NOTHING, InvariantChecker
from tests.support.operator_actions import PEOPLE
from tests.support.scenarios import FORCED, FORCED_KEY, RENEW_KEY

Event = Mapping[str, object]
LATE = timedelta(minutes=4)  # then the lease of a run that stands still is over, on every clock
FORCE: Event = MappingProxyType({"force": True})


@dataclass(frozen=True)
class Meeting:
    """Several runs of one credential.

    Attributes:
        situation: of `SCENARIOS`.
        events: what each run is invoked with.
        between: what somebody does, or time, at the first switch; None for nothing.
        most: of switches, in all orders that `make soak` plays.
        at_once: the same in `make test`; None where it plays none.
        by_hand: somebody may have made the rotation a thing of the past.
        outlived: a run may be there longer than Lambda lets it live; what it tells then is nobody's promise.
    """

    situation: str
    events: tuple[Event, ...] = (NOTHING, NOTHING)
    between: Callable[[InvariantChecker], object] | None = None
    most: int = 2
    at_once: int | None = 1
    by_hand: bool = False
    outlived: bool = False

    @property
    def names(self) -> str:
        """One letter for each run."""
        return "ABC"[: len(self.events)]

    @property
    def of_steps(self) -> bool:
        """Whether one of them is a step of Secrets Manager's own rotation."""
        return any("Step" in event for event in self.events)

    @property
    def same(self) -> bool:
        """Whether the runs can be exchanged."""
        return all(event == self.events[0] for event in self.events)


def _hand(who: str, situation: str = "due", *, at_once: int | None = 1) -> Meeting:
    return Meeting(situation, between=PEOPLE[who], by_hand=True, at_once=at_once)


def _wakes_up_late(watch: InvariantChecker) -> None:
    """A run stands still until its lease is over: longer than Lambda would let it live, as if its clock were wrong."""
    watch.env.time.advance(LATE)


LATE_OF_THREE = "one wakes up late, and two others came"
_BOTH_FORCED = (FORCED, FORCED)

MEETINGS: Mapping[str, Meeting] = MappingProxyType(
    {
        "due": Meeting("due", most=3, at_once=2),
        "due, and forced": Meeting("due", (NOTHING, FORCED)),
        "forced while young, and not due": Meeting("forced while young", (FORCE, NOTHING), at_once=None),
        "three of them": Meeting("killed with a certificate staged", (NOTHING, NOTHING, NOTHING)),
        "one wakes up late": Meeting("due", between=_wakes_up_late, outlived=True, most=1),
        LATE_OF_THREE: Meeting(
            "due", (NOTHING, NOTHING, FORCED), between=_wakes_up_late, outlived=True, most=0, at_once=None
        ),
        "an intent is left": Meeting("an intent is left"),
        "an answer was lost, and both go ahead": Meeting("an answer was lost, and somebody goes ahead", _BOTH_FORCED),
        "killed with a certificate in the ledger": Meeting("killed with a certificate in the ledger"),
        "killed with a certificate staged": Meeting("killed with a certificate staged"),
        "killed with a certificate in use": Meeting("killed with a certificate in use"),
        "a certificate waits, not accepted": Meeting("a certificate waits, not accepted", at_once=None),
        "a certificate waits, accepted now": Meeting("a certificate waits, accepted now"),
        "a certificate waits, and another is forced": Meeting(
            "a certificate waits, accepted now", (NOTHING, FORCED), at_once=None
        ),
        "accepted after a moment": Meeting("accepted after a moment"),
        "the one in use is deleted": Meeting("the one in use is deleted"),
        "the one in use is deleted, and forced": Meeting("the one in use is deleted", (NOTHING, FORCED), at_once=None),
        "the one in use is deleted, the new one not accepted yet": Meeting(
            "the one in use is deleted, the new one not accepted yet"
        ),
        "onboarded anew over a waiting certificate": Meeting("onboarded anew over a waiting certificate"),
        "onboarded anew over a lost answer": Meeting("onboarded anew over a lost answer", at_once=None),
        "two wait in the last day": Meeting("two certificates wait in the last day", at_once=None),
        "two wait, the earlier accepted": Meeting(
            "two certificates wait in the last day, the earlier accepted now", at_once=None
        ),
        "two wait, the later accepted": Meeting("two certificates wait in the last day, the later accepted now"),
        "a certificate waits, and the end is near": Meeting("a certificate waits, and the end is near", at_once=None),
        "a certificate for another key": Meeting("a certificate for another key", at_once=None),
        "answers 400": Meeting("answers 400"),
        "answers 401": Meeting("answers 401", at_once=None),
        "answers 429": Meeting("answers 429", at_once=None),
        "answers 503": Meeting("answers 503"),
        "closes the connection": Meeting("closes the connection", at_once=None),
        "issues, and closes the connection": Meeting("issues, and closes the connection", (NOTHING, FORCED)),
        "news refused": Meeting("news refused"),
        "somebody edits": _hand("edits their own keys"),
        "somebody onboards anew": _hand("onboards anew"),
        "somebody signs again": _hand("signs again", at_once=None),
        "somebody puts the previous one back": _hand(
            "puts the previous version back", "the previous one was put back", at_once=None
        ),
        "somebody removes CERTIFICATE_STAGED": _hand("removes CERTIFICATE_STAGED"),
        "somebody takes CERTIFICATE_STAGED": _hand(
            "labels something of their own CERTIFICATE_STAGED", "a certificate waits, accepted now"
        ),
        "somebody removes the intent": _hand("removes CERTIFICATE_INTENT", at_once=None),
        # The API key.
        "a key is due": Meeting("a key is due"),
        "a key is due, and forced": Meeting("a key is due", (NOTHING, FORCED_KEY), at_once=None),
        "a key is forced, and the certificate is due": Meeting("both are due", (NOTHING, RENEW_KEY)),
        "both are due": Meeting("both are due"),
        "both are forced": Meeting("both are due", (FORCED, FORCED_KEY), at_once=None),
        "three of them, and both are due": Meeting("both are due", (NOTHING,) * 3, most=1, at_once=None),
        "one wakes up late, and a key is due": Meeting(
            "a key is due", between=_wakes_up_late, outlived=True, most=1, at_once=None
        ),
        "an intent for a key is left": Meeting("an intent for a key is left", at_once=None),
        "a key was lost, and both go ahead": Meeting(
            "a key was lost, and somebody goes ahead", (FORCED_KEY, FORCED_KEY)
        ),
        "killed with a key sealed": Meeting("killed with a key sealed"),
        "killed with a key staged": Meeting("killed with a key staged", at_once=None),
        "killed with a key in use": Meeting("killed with a key in use", at_once=None),
        "a key waits, accepted now": Meeting("a key waits, accepted now"),
        "the key in use is deleted": Meeting("the key in use is deleted"),
        "two keys wait, the later accepted": Meeting(
            "two keys wait in the last day, the later accepted now", at_once=None
        ),
        "a certificate waits, and the key is due": Meeting("a certificate waits, and the key is due"),
        "a key waits, and the certificate is due": Meeting("a key waits, and the certificate is due", at_once=None),
        "a certificate in use is not closed, and the key is due": Meeting(
            "a certificate in use is not closed, and the key is due", at_once=None
        ),
        "a key: news refused": Meeting("a key, news refused", at_once=None),
        "somebody stores another key": _hand("renews the API key, and notes its end", "a key is due"),
        "somebody edits the note": _hand("notes the API key's end", "a key is due", at_once=None),
        "somebody edits beside a key": _hand("edits their own keys", "a key is due", at_once=None),
        "somebody removes API_KEY_STAGED": _hand("removes API_KEY_STAGED", "a key is due", at_once=None),
        "somebody takes API_KEY_STAGED": _hand(
            "labels something of their own API_KEY_STAGED", "a key waits, accepted now", at_once=None
        ),
        "somebody removes the key's intent": _hand("removes API_KEY_INTENT", "a key is due", at_once=None),
    }
)
