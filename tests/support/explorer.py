"""Plays runs against one another in every order of their exchanges, and checks all that must hold after each.

An order that breaks something prints itself: `ORDER="due: A5 B7 A" pytest tests/reliability/test_orders.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from certificate_rotation.domain.errors import RotationError
from tests.support.alert_oracle import POSTPONED
from tests.support.convergence import settle
from tests.support.history import History
from tests.support.invariant_checker import SKEW, InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.meetings import Event, Meeting
from tests.support.native_convergence import settle_both_ways
from tests.support.native_meetings import EVERY_MEETING, EVERY_SITUATION
from tests.support.operator_actions import takes_back_their_pending
from tests.support.orders import Explorer, Made, Order
from tests.support.turns import Turns, answered_in_a_turn

_AN_HOUR_LATER = timedelta(hours=1, minutes=4)  # another attempt is there, and the lease of a killed run is over
_LIKELY = ("rotated", "held", "not_due", "rate_limited")


def explore(watched: Watched, name: str, *, most: int, killing: int) -> None:
    """Every order of a meeting with at most so many switches; up to `killing` once more with a run killed."""
    meeting = EVERY_MEETING[name]
    explorer = Explorer(meeting.names, same=meeting.same, moves_at_first=meeting.between is not None)
    alone = list[int]()

    def play_and_tell(order: Order) -> Made:
        with telling(name, order), watched() as watch:
            made, requests = play(watch, meeting, order, most=max(alone) if order.cuts else None)
        if not order.cuts:
            alone.append(requests)
        return made

    explorer.explore(play_and_tell, most=most, killing=killing)
    TALLY.count("orders explored", explorer.played)
    TALLY.count("orders skipped as symmetric", explorer.symmetric)
    TALLY.count("switches", explorer.switches)


@contextmanager
def telling(name: str, order: Order) -> Iterator[None]:
    """Show with an error how to play the order again."""
    try:
        yield
    except BaseException as error:
        error.add_note(f'Replay it: ORDER="{name}: {order}" pytest tests/reliability/test_orders.py')
        raise


def play(watch: InvariantChecker, meeting: Meeting, order: Order, *, most: int | None = None) -> tuple[Made, int]:
    """One order: who made which exchange, and how many requests left; `most`: as many as do one run after the other."""
    env, exchanges = watch.env, watch.env.aws.exchanges
    env.over_tls = not order.cuts  # one after the other; what is cut is the same requests in another order
    EVERY_SITUATION[meeting.situation](watch)
    turns = Turns()
    env.aws.exchanges, on_its_way = turns, env.on_its_way
    env.on_its_way = answered_in_a_turn(env, turns)
    history = History(watch)
    for name, event in zip(meeting.names, meeting.events, strict=True):
        turns.add(name, _run(watch, event, SKEW if name == order.ahead else timedelta(0)))

    def by() -> str:
        try:
            _take_turns(watch, turns, history, meeting, order)
            return "killed" if meeting.outlived else _together(turns.outcomes())
        finally:
            turns.end()

    try:
        watch.run(by=by, also=meeting.events)
    finally:
        env.aws.exchanges, env.on_its_way = exchanges, on_its_way
    history.check(meeting.names, most)
    env.time.advance(_AN_HOUR_LATER)
    takes_back_their_pending(watch)
    if meeting.of_steps:
        # A step that died before it wrote anything leaves AWSPENDING alone, and Secrets Manager to come again.
        settle_both_ways(watch, schedule_first=bool(order.ahead), repeats=order.kills or not order.ahead)
    else:
        settle(watch)
    if not meeting.by_hand:
        history.check_settled()
    return turns.made, history.requests


def _run(watch: InvariantChecker, event: Event, ahead: timedelta) -> Callable[[], str]:
    """A container of its own, and how its run ends."""
    dependencies = watch.env.dependencies()

    def run() -> str:
        try:
            return watch.env.run_with(dependencies, event, ahead=ahead)["outcome"]
        except RotationError as error:
            return type(error).__name__

    return run


def _take_turns(watch: InvariantChecker, turns: Turns, history: History, meeting: Meeting, order: Order) -> None:
    turn = partial(_turn, watch, turns, history)
    watch.during_a_run(lambda: None)
    for place, (who, number) in enumerate(order.cuts):
        for _ in range(number):
            turn(who)
        if place == 0 and meeting.between:
            watch.during_a_run(partial(meeting.between, watch))
            if meeting.by_hand:
                history.a_hand_acted()
        if order.kills and place == len(order.cuts) - 1:
            turns.kill_here(who)
    for who in (order.last, *meeting.names):
        while turn(who):
            pass


def _turn(watch: InvariantChecker, turns: Turns, history: History, who: str) -> bool:
    """One exchange of a run, seen from outside; False when it has ended."""
    if not turns.turn(who):
        return False
    history.note(who, turns.made)
    if turns.made[-1][1] == "UpdateSecretVersionStage":
        watch.during_a_run(lambda: None)  # what is in use now is judged now
    return True


def _together(outcomes: list[str]) -> str:
    """How the runs ended, as that of one: the outcome that demands most."""
    errors = [outcome for outcome in outcomes if outcome[0].isupper() and outcome != POSTPONED]
    if "killed" in outcomes or errors:
        return "killed" if "killed" in outcomes else errors[-1]
    return next(likely for likely in (*_LIKELY, *outcomes) if likely in outcomes)
