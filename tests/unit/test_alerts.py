"""Who is told when, and that nothing keeps it from reaching them."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from certificate_rotation.alerts import MOST_NEWS, PATIENCE, Told
from certificate_rotation.errors import (
    InvalidEvent,
    ServiceFailure,
    StorageFailure,
)
from certificate_rotation.messages import Rotated
from certificate_rotation.state import Incident, LastRotation, News, State
from certificate_rotation.verdict import ACCEPTED, NOT_ASKED, REFUSED, Verdict
from tests.unit.made import NOW
from tests.unit.telling import ARN, FUNCTION, KNOWN, NO_ANSWER, SITUATION, Bus, Memory, Topic, alerts, at


def test_what_people_know_is_not_told_again() -> None:
    """One incident, one email."""
    topic = Topic()
    told = alerts(topic, Memory())
    for hour in range(24):
        told.failed(ServiceFailure("503"), SITUATION, at(NOW + timedelta(hours=hour)))
    assert len(topic.published) == 1


def test_a_ledger_that_cannot_be_reached_does_not_keep_a_message_back() -> None:
    """Told twice is better than never."""
    topic = Topic()
    told = alerts(topic, Memory(refuses=True))
    for _ in range(2):
        told.failed(ServiceFailure("503"), SITUATION, at())
    assert len(topic.published) == 2


def test_a_message_that_did_not_go_out_is_kept_and_told_by_the_next_run(caplog: pytest.LogCaptureFixture) -> None:
    """Late, never lost; and it says of when it is."""
    memory, topic, bus = Memory(), Topic(refuses=True), Bus()
    told = alerts(topic, memory, bus)
    told.failed(ServiceFailure("503"), SITUATION, at())
    assert memory.remembered() == KNOWN
    assert "could not be published: AuthorizationError" in caplog.text
    assert told.unpublished == 1
    topic.refuses = False
    told.failed(ServiceFailure("503"), SITUATION, at(NOW + timedelta(hours=1)))
    assert topic.text().startswith("This mail is late: AWS did not take it at 2026-11-24T12:00:00Z.")
    assert "503" in topic.text()
    assert len(bus.put_events) == 1, "the event went out at once"
    assert memory.state.news == ()
    told.failed(ServiceFailure("503"), SITUATION, at(NOW + timedelta(hours=2)))
    assert len(topic.published) == 1


def test_an_event_that_did_not_go_out_is_kept_and_put_by_the_next_run(caplog: pytest.LogCaptureFixture) -> None:
    """A program that waits for it would go on with what it holds. The mail is not sent twice for it."""
    memory, topic, bus = Memory(), Topic(), Bus(refuses=True)
    told = alerts(topic, memory, bus)
    told.failed(ServiceFailure("503"), SITUATION, at())
    assert "Rotation Failed could not be published: AccessDeniedException: no" in caplog.text
    bus.refuses = False
    told.catch_up(ARN, memory.state, at(NOW + timedelta(hours=1)))
    assert (len(topic.published), bus.detail()["at"]) == (1, "2026-11-24T12:00:00Z")
    assert memory.state.news == ()


def test_what_is_refused_again_is_kept_as_it_was() -> None:
    """Its text is not marked late twice, and nothing is written where nothing has changed."""
    memory, topic, bus = Memory(), Topic(refuses=True), Bus(refuses=True)
    told = alerts(topic, memory, bus)
    told.failed(ServiceFailure("503"), SITUATION, at())
    before = memory.state
    told.catch_up(ARN, memory.state, at(NOW + timedelta(hours=1)))
    assert memory.state is before
    bus.refuses = False
    told.catch_up(ARN, memory.state, at(NOW + timedelta(hours=2)))
    (left,) = memory.state.news
    assert (left.mail, left.detail, left.text) == (True, "", before.news[0].text)


def test_news_of_the_same_failure_takes_the_place_of_what_waits() -> None:
    """A reminder says since when it fails: the mail before it would only be read twice."""
    memory, topic = Memory(), Topic(refuses=True)
    told = alerts(topic, memory)
    told.failed(ServiceFailure("503"), SITUATION, at())
    topic.refuses = False
    told.failed(ServiceFailure("503"), SITUATION, at(NOW + timedelta(days=1)))
    assert ["It still fails (since 2026-11-24T12:00:00Z)." in mail["Message"] for mail in topic.published] == [True]
    assert memory.state.news == ()


def test_with_too_little_time_left_the_news_is_kept() -> None:
    """A run that is ended while it tells would have to tell again; one that only keeps it has to write once."""
    memory, topic = Memory(), Topic()
    told = alerts(topic, memory)
    told.failed(ServiceFailure("503"), SITUATION, at(left=timedelta(seconds=10)))
    assert (topic.published, len(memory.state.news), told.unpublished) == ([], 1, 0)
    told.catch_up(ARN, memory.state, at(NOW + timedelta(hours=1)))
    assert topic.codes() == ["ServiceFailure"]


def test_a_recovery_that_did_not_go_out_is_told_by_the_next_run() -> None:
    """The incident is over all the same; whoever was told of it waits to hear so."""
    memory, topic = Memory(State(incident=KNOWN)), Topic(refuses=True)
    told = alerts(topic, memory)
    told.recovered(KNOWN, SITUATION, memory.state, at())
    assert memory.remembered() is None
    topic.refuses = False
    told.catch_up(ARN, memory.state, at(NOW + timedelta(hours=1)))
    assert "INFO: recovered" in topic.published[0]["Subject"]
    assert memory.state.news == ()


@pytest.mark.parametrize(
    ("deleted", "previous", "over", "told"),
    [
        ("", NOT_ASKED, None, False),
        ("older", ACCEPTED, None, False),
        ("old", REFUSED, None, True),
        ("old", NO_ANSWER, None, True),
        ("", NOT_ASKED, KNOWN, True),
    ],
)
def test_who_does_not_want_successes_still_hears_what_matters(
    deleted: str, previous: Verdict, over: Incident | None, *, told: bool
) -> None:
    """An eviction, and the end of an incident they were told about. Programs hear of each."""
    topic, bus = Topic(), Bus()
    what = Rotated(LastRotation(NOW, "new", "f", "p", "old", deleted), previous, over)
    alerts(topic, Memory(), bus).rotated(what, SITUATION, State(), at(), announce=False)
    assert bool(topic.published) is told
    assert len(bus.put_events) == 1


def test_what_waited_is_told_before_what_is_new() -> None:
    """In the order in which it happened; the caller writes down what became of both."""
    topic = Topic()
    waiting = News("news_1", NOW, "WARNING", "rotated", ARN, "s", "must reload", mail=True, detail_type="", detail="")
    what = Rotated(LastRotation(NOW, "new", "f", "p"), NOT_ASKED)
    told = alerts(topic, Memory()).rotated(what, SITUATION, State(news=(waiting,)), at(), announce=True)
    assert topic.text(0).endswith("must reload")
    assert "is in use" in topic.text(1)
    assert told == Told(gone=(waiting,))


def test_only_what_many_may_have_to_tell_is_counted() -> None:
    """An ordinary rotation has no call to AWS to spare."""
    memory = Memory()
    told = alerts(Topic(), memory)
    rotation = LastRotation(NOW, "new", "f", "p", "old", "old")
    told.rotated(Rotated(rotation, ACCEPTED), SITUATION, State(), at(), announce=True)
    told.rotated(Rotated(rotation, REFUSED, KNOWN), SITUATION, State(), at(), announce=True)
    told.dropped("new", SITUATION, (), at())
    told.failed(ServiceFailure("503"), replace(SITUATION, not_after=NOW + timedelta(hours=20)), at())
    told.failed(InvalidEvent("unknown key"), FUNCTION, at())
    assert memory.counted == []
    told.rotated(Rotated(rotation, ACCEPTED, KNOWN), SITUATION, State(), at(), announce=True)
    told.recovered(KNOWN, SITUATION, State(), at())
    assert memory.counted == ["rotated", "recovered"]


def test_a_function_that_works_looks_up_its_own_incident_once() -> None:
    """A warm function looks every hour: a read each time would be for nothing."""
    topic, memory = Topic(), Memory()
    told = alerts(topic, memory)
    for _ in range(3):
        told.resolve_function_incident(FUNCTION, at())
    assert (memory.loads, topic.published) == (1, [])
    told.failed(StorageFailure("AWS said no."), FUNCTION, at())
    told.resolve_function_incident(FUNCTION, at())
    assert topic.codes() == ["StorageFailure", "recovered"]


def test_a_good_event_does_not_end_a_bad_one_and_a_quiet_day_does() -> None:
    """They may come in turns: one broken rule beside the schedule."""
    topic, memory = Topic(), Memory()
    told = alerts(topic, memory)
    for hour in range(20):
        told.failed(InvalidEvent("unknown key"), FUNCTION, at(NOW + timedelta(hours=hour)))
        told.resolve_function_incident(FUNCTION, at(NOW + timedelta(hours=hour, minutes=30)))
    assert topic.codes() == ["InvalidEvent"]
    told.resolve_function_incident(FUNCTION, at(NOW + timedelta(hours=42, minutes=59)))
    assert topic.codes() == ["InvalidEvent"]
    told.resolve_function_incident(FUNCTION, at(NOW + timedelta(hours=43)))
    assert topic.codes() == ["InvalidEvent", "recovered"]


def test_news_of_the_function_is_told_by_a_run_that_finds_nothing_wrong() -> None:
    """Nobody else would: its record belongs to no credential."""
    topic, memory = Topic(refuses=True), Memory()
    told = alerts(topic, memory)
    told.failed(InvalidEvent("unknown key"), FUNCTION, at())
    topic.refuses = False
    told.resolve_function_incident(FUNCTION, at(NOW + timedelta(hours=1)))
    assert topic.codes() == ["InvalidEvent"]
    topic.refuses = True
    told.resolve_function_incident(FUNCTION, at(NOW + timedelta(days=2)))
    topic.refuses = False
    told.resolve_function_incident(FUNCTION, at(NOW + timedelta(days=3)))
    assert topic.codes() == ["InvalidEvent", "recovered"]
    assert memory.state.news == ()


def test_a_ledger_that_refuses_keeps_the_function_running() -> None:
    """What was told cannot be looked up: nothing is told, and nothing fails."""
    topic = Topic()
    told = alerts(topic, Memory(refuses=True))
    told.resolve_function_incident(FUNCTION, at())
    told.adopt("name", ARN)
    assert topic.published == []


def test_what_was_told_by_name_stays_there_while_the_arns_record_cannot_be_read() -> None:
    """Moved onto nothing, it would be lost."""

    class HalfReadable(Memory):
        def load(self, arn: str) -> State:
            if arn == ARN:
                raise StorageFailure("AWS refused reading the ledger.")
            return super().load(arn)

    memory = HalfReadable(State(incident=KNOWN))
    alerts(Topic(), memory).adopt("name", ARN)
    assert memory.remembered() == KNOWN


def waiting(number: int, severity: Literal["WARNING", "INFO"] = "WARNING") -> News:
    """News of an hour of its own, of which AWS took nothing."""
    at_that_time = NOW + timedelta(hours=number)
    name, subject = f"news_{number:03}", f"subject {number}"
    return News(name, at_that_time, severity, "code", ARN, subject, "t", mail=True, detail_type="type", detail="{}")


def test_after_a_few_refusals_the_rest_waits_for_the_next_run() -> None:
    """A topic that is gone must not cost a run a call for each; the bus is asked all the same, and the other way."""
    topic, bus = Topic(refuses=True), Bus()
    memory = Memory(State(news=tuple(waiting(number) for number in range(10))))
    told = alerts(topic, memory, bus)
    told.catch_up(ARN, memory.state, at())
    assert (told.unpublished, len(bus.put_events)) == (PATIENCE, 10)
    assert [(news.mail, news.detail) for news in memory.state.news] == [(True, "")] * 10
    topic.refuses = False
    told.catch_up(ARN, memory.state, at())
    assert [mail["Subject"] for mail in topic.published] == [f"subject {number}" for number in range(10)]
    assert memory.state.news == ()


def test_one_message_that_aws_never_takes_stops_no_other() -> None:
    """It may be too large, or hold what a rule forbids: what comes after it goes out."""
    topic, bus = Topic(), Bus(refuses=True)
    memory = Memory(State(news=(waiting(1), waiting(2))))
    alerts(topic, memory, bus).catch_up(ARN, memory.state, at())
    assert len(topic.published) == 2


def test_of_too_much_news_what_hurts_nobody_is_thrown_away_first(caplog: pytest.LogCaptureFixture) -> None:
    """DynamoDB takes an item of 400 KB: what does not fit is never written, and then no rotation is closed."""
    topic, bus = Topic(refuses=True), Bus(refuses=True)
    plain = [waiting(number, "INFO") for number in (MOST_NEWS, MOST_NEWS + 1)]
    memory = Memory(State(news=(*(waiting(number) for number in range(MOST_NEWS)), *plain)))
    alerts(topic, memory, bus).failed(ServiceFailure("503"), SITUATION, at(NOW + timedelta(days=3)))
    left = [news.subject for news in memory.state.news]
    assert len(left) == MOST_NEWS
    assert "subject 0" not in left, "the oldest of what matters"
    assert "subject 1" in left
    assert not {news.subject for news in plain} & set(left)
    assert caplog.text.count("Too much news waits") == 3
    assert "ServiceFailure" in memory.state.news[-1].code
