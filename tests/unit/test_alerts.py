"""Who is told when, and that nothing keeps it from reaching them."""

from copy import replace
from datetime import timedelta
from typing import Literal

import pytest

from certificate_rotation.domain.errors import InvalidEvent, ServiceFailure, StorageFailure
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import API_KEY_LIMIT, Attempts
from certificate_rotation.domain.report import Rotated
from certificate_rotation.domain.state import Incident, LastRotation, News, State, Telling
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Verdict
from certificate_rotation.notifications.alerts import MOST_NEWS, PATIENCE, Delivery
from tests.support.alert_memory import (
    ARN,
    FUNCTION,
    KNOWN,
    NO_ANSWER,
    REPORT,
    Bus,
    Memory,
    Topic,
    alerts,
    at,
    known,
    run,
    with_certificate,
)
from tests.support.factories import NOW


def test_what_people_know_is_not_told_again() -> None:
    """One incident, one email."""
    topic = Topic()
    told = alerts(topic, Memory())
    for hour in range(24):
        told.failed(ServiceFailure("503"), at(NOW + timedelta(hours=hour)), run())
    assert len(topic.published) == 1


def test_a_ledger_that_cannot_be_reached_does_not_keep_a_message_back() -> None:
    """Told twice is better than never."""
    topic = Topic()
    told = alerts(topic, Memory(refuses=True))
    for _ in range(2):
        told.failed(ServiceFailure("503"), REPORT, run())
    assert len(topic.published) == 2


def test_a_message_that_did_not_go_out_is_kept_and_told_by_the_next_run(caplog: pytest.LogCaptureFixture) -> None:
    """Late, never lost; and it says of when it is."""
    memory, topic, bus = Memory(), Topic(refuses=True), Bus()
    told = alerts(topic, memory, bus)
    assert told.failed(ServiceFailure("503"), REPORT, run()).mails_refused == 1
    assert memory.remembered() == KNOWN
    assert "could not be published: AuthorizationError" in caplog.text
    topic.refuses = False
    told.failed(ServiceFailure("503"), at(NOW + timedelta(hours=1)), run())
    assert topic.text().startswith("This mail is late: AWS did not take it at 2026-11-24T12:00:00Z.")
    assert "503" in topic.text()
    assert len(bus.put_events) == 1, "the event went out at once"
    assert memory.state.news == ()
    told.failed(ServiceFailure("503"), at(NOW + timedelta(hours=2)), run())
    assert len(topic.published) == 1


def test_an_event_that_did_not_go_out_is_kept_and_put_by_the_next_run(caplog: pytest.LogCaptureFixture) -> None:
    """A program that waits for it would go on with what it holds. The mail is not sent twice for it."""
    memory, topic, bus = Memory(), Topic(), Bus(refuses=True)
    told = alerts(topic, memory, bus)
    told.failed(ServiceFailure("503"), REPORT, run())
    assert "Rotation Failed could not be published: AccessDeniedException: no" in caplog.text
    bus.refuses = False
    told.catch_up(ARN, memory.state, run())
    assert (len(topic.published), bus.detail()["at"]) == (1, "2026-11-24T12:00:00Z")
    assert memory.state.news == ()


def test_what_is_refused_again_is_kept_as_it_was() -> None:
    """Its text is not marked late twice, and nothing is written where nothing has changed."""
    memory, topic, bus = Memory(), Topic(refuses=True), Bus(refuses=True)
    told = alerts(topic, memory, bus)
    told.failed(ServiceFailure("503"), REPORT, run())
    before = memory.state
    told.catch_up(ARN, memory.state, run())
    assert memory.state is before
    bus.refuses = False
    told.catch_up(ARN, memory.state, run())
    (left,) = memory.state.news
    assert (left.mail, left.detail, left.text) == (True, "", before.news[0].text)


def test_news_of_the_same_failure_takes_the_place_of_what_waits() -> None:
    """A reminder says since when it fails: the mail before it would only be read twice."""
    memory, topic = Memory(), Topic(refuses=True)
    told = alerts(topic, memory)
    told.failed(ServiceFailure("503"), REPORT, run())
    topic.refuses = False
    told.failed(ServiceFailure("503"), at(NOW + timedelta(days=1)), run())
    assert ["It still fails (since 2026-11-24T12:00:00Z)." in mail["Message"] for mail in topic.published] == [True]
    assert memory.state.news == ()


def test_with_too_little_time_left_the_news_is_kept() -> None:
    """A run that is ended while it tells would have to tell again; one that only keeps it has to write once."""
    memory, topic = Memory(), Topic()
    told = alerts(topic, memory)
    done = told.failed(ServiceFailure("503"), REPORT, run(left=timedelta(seconds=10)))
    assert (topic.published, len(memory.state.news), done.mails_refused) == ([], 1, 0)
    told.catch_up(ARN, memory.state, run())
    assert topic.codes() == ["ServiceFailure"]


def test_a_recovery_that_did_not_go_out_is_told_by_the_next_run() -> None:
    """The incident is over all the same; whoever was told of it waits to hear so."""
    memory, topic = Memory(known(incident=KNOWN)), Topic(refuses=True)
    told = alerts(topic, memory)
    told.recovered(KNOWN, REPORT, memory.state, run())
    assert memory.remembered() is None
    topic.refuses = False
    told.catch_up(ARN, memory.state, run())
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
    what = Rotated(LastRotation(NOW, "new", "f", "p", "old", deleted), previous)
    alerts(topic, Memory(), bus).rotated(what, REPORT, known(incident=over), run(), announce=False)
    assert bool(topic.published) is told
    assert len(bus.put_events) == 1


def test_what_waited_is_told_before_what_is_new() -> None:
    """In the order in which it happened; the caller writes down what became of both."""
    topic = Topic()
    late = replace(waiting(1), detail="", text="must reload")
    what = Rotated(LastRotation(NOW, "new", "f", "p"), NOT_ASKED)
    told = alerts(topic, Memory()).rotated(what, REPORT, known(late), run(), announce=True)
    assert topic.text(0).endswith("must reload")
    assert "is in use" in topic.text(1)
    assert told == Delivery({late.name: None})


def test_only_what_many_may_have_to_tell_is_counted() -> None:
    """An ordinary rotation has no call to AWS to spare."""
    memory = Memory()
    told = alerts(Topic(), memory)
    rotation = LastRotation(NOW, "new", "f", "p", "old", "old")
    told.rotated(Rotated(rotation, ACCEPTED), REPORT, State(), run(), announce=True)
    told.rotated(Rotated(rotation, REFUSED), REPORT, known(incident=KNOWN), run(), announce=True)
    told.dropped("new", REPORT, State(), run())
    told.failed(ServiceFailure("503"), with_certificate(REPORT, NOW + timedelta(hours=20)), run())
    told.failed(InvalidEvent("unknown key"), FUNCTION, run())
    assert memory.counted == []
    told.rotated(Rotated(rotation, ACCEPTED), REPORT, known(incident=KNOWN), run(), announce=True)
    told.recovered(KNOWN, REPORT, State(), run())
    assert memory.counted == ["rotated", "recovered"]


def test_a_function_that_works_ends_its_own_incident_and_else_writes_nothing() -> None:
    """Its record was read along: a call each hour would be for nothing."""
    topic, memory = Topic(), Memory()
    told = alerts(topic, memory)
    before = memory.state
    told.resolve_function_incident(memory.state, FUNCTION, run())
    assert (memory.state, memory.loads, topic.published) == (before, 0, [])
    told.failed(StorageFailure("AWS said no."), FUNCTION, run())
    told.resolve_function_incident(memory.state, FUNCTION, run())
    assert topic.codes() == ["StorageFailure", "recovered"]
    assert memory.remembered() is None


def test_a_good_event_does_not_end_a_bad_one_and_a_quiet_day_does() -> None:
    """They may come in turns: one broken rule beside the schedule."""
    topic, memory = Topic(), Memory()
    told = alerts(topic, memory)
    for hour in range(20):
        told.failed(InvalidEvent("unknown key"), at(NOW + timedelta(hours=hour), FUNCTION), run())
        told.resolve_function_incident(memory.state, at(NOW + timedelta(hours=hour, minutes=30), FUNCTION), run())
    assert topic.codes() == ["InvalidEvent"]
    told.resolve_function_incident(memory.state, at(NOW + timedelta(hours=42, minutes=59), FUNCTION), run())
    assert topic.codes() == ["InvalidEvent"]
    told.resolve_function_incident(memory.state, at(NOW + timedelta(hours=43), FUNCTION), run())
    assert topic.codes() == ["InvalidEvent", "recovered"]


def test_news_of_the_function_is_told_by_a_run_that_finds_nothing_wrong() -> None:
    """Nobody else would: its record belongs to no credential."""
    topic, memory = Topic(refuses=True), Memory()
    told = alerts(topic, memory)
    told.failed(InvalidEvent("unknown key"), FUNCTION, run())
    topic.refuses = False
    told.resolve_function_incident(memory.state, at(NOW + timedelta(hours=1), FUNCTION), run())
    assert topic.codes() == ["InvalidEvent"]
    topic.refuses = True
    told.resolve_function_incident(memory.state, at(NOW + timedelta(days=2), FUNCTION), run())
    topic.refuses = False
    told.resolve_function_incident(memory.state, at(NOW + timedelta(days=3), FUNCTION), run())
    assert topic.codes() == ["InvalidEvent", "recovered"]
    assert memory.state.news == ()


def test_a_ledger_that_refuses_keeps_the_function_running() -> None:
    """What was told cannot be written down: it may be told again, and nothing fails."""
    topic = Topic()
    told = alerts(topic, Memory(refuses=True))
    told.resolve_function_incident(known(waiting(1), incident=KNOWN), FUNCTION, run())
    told.adopt("name", ARN, run())
    assert topic.codes() == ["code", "recovered"]


def test_what_was_told_by_name_stays_there_while_the_arns_record_cannot_be_read() -> None:
    """Moved onto nothing, it would be lost."""

    class HalfReadable(Memory):
        def load(self, arn: str) -> State:
            if arn == ARN:
                raise StorageFailure("AWS refused reading the ledger.")
            return super().load(arn)

    memory = HalfReadable(known(incident=KNOWN))
    alerts(Topic(), memory).adopt("name", ARN, run())
    assert memory.remembered() == KNOWN


def waiting(
    number: int, severity: Literal["WARNING", "INFO"] = "WARNING", half: HalfName = HalfName.CERTIFICATE
) -> News:
    """News of an hour of its own, of which AWS took nothing."""
    at_that_time = NOW + timedelta(hours=number)
    name, subject = f"news_{number:03}", f"subject {number}"
    return News(
        name, at_that_time, severity, "code", ARN, half, subject, "t", mail=True, detail_type="type", detail="{}"
    )


def test_after_a_few_refusals_the_rest_waits_for_the_next_run() -> None:
    """A topic that is gone must not cost a run a call for each; the bus is asked all the same, and the other way."""
    topic, bus = Topic(refuses=True), Bus()
    memory = Memory(State(news=tuple(waiting(number) for number in range(10))))
    told = alerts(topic, memory, bus)
    done = told.catch_up(ARN, memory.state, run())
    assert (done.mails_refused, len(bus.put_events)) == (PATIENCE, 10)
    assert [(news.mail, news.detail) for news in memory.state.news] == [(True, "")] * 10
    topic.refuses = False
    told.catch_up(ARN, memory.state, run())
    assert [mail["Subject"] for mail in topic.published] == [f"subject {number}" for number in range(10)]
    assert memory.state.news == ()


def test_one_message_that_aws_never_takes_stops_no_other() -> None:
    """It may be too large, or hold what a rule forbids: what comes after it goes out."""
    topic, bus = Topic(), Bus(refuses=True)
    memory = Memory(State(news=(waiting(1), waiting(2))))
    alerts(topic, memory, bus).catch_up(ARN, memory.state, run())
    assert len(topic.published) == 2


class WearyTopic(Topic):
    """Takes what is new, and nothing that is late."""

    def publish(self, **message: object) -> None:
        """As SNS."""
        self.refuses = "This mail is late" in str(message["Message"])
        super().publish(**message)


def test_old_news_that_is_refused_keeps_nothing_new_from_being_tried() -> None:
    """A few mails that AWS never takes would silence a credential for good."""
    topic = WearyTopic()
    memory = Memory(State(news=tuple(waiting(number) for number in range(PATIENCE))))
    done = alerts(topic, memory).failed(ServiceFailure("503"), at(NOW + timedelta(hours=9)), run())
    assert topic.codes() == ["ServiceFailure"]
    assert done.mails_refused == PATIENCE
    assert [news.subject for news in memory.state.news] == [f"subject {number}" for number in range(PATIENCE)]


def test_to_send_what_waits_changes_nothing_but_what_waits() -> None:
    """Another run may have begun an incident meanwhile, or told of one: written over, it would be told again."""
    seen = State(news=(waiting(1),))
    told = {"ServiceFailure": Telling((NOW,), 0)}
    memory, topic = Memory(known(*seen.news, incident=KNOWN, told=told)), Topic()
    alerts(topic, memory).catch_up(ARN, seen, run())
    assert topic.codes() == ["code"]
    assert memory.state == known(incident=KNOWN, told=told)


def test_of_too_much_news_what_hurts_nobody_is_thrown_away_first(caplog: pytest.LogCaptureFixture) -> None:
    """DynamoDB takes an item of 400 KB: what does not fit is never written, and then no rotation is closed."""
    topic, bus = Topic(refuses=True), Bus(refuses=True)
    plain = [waiting(number, "INFO") for number in (MOST_NEWS, MOST_NEWS + 1)]
    memory = Memory(State(news=(*(waiting(number) for number in range(MOST_NEWS)), *plain)))
    alerts(topic, memory, bus).failed(ServiceFailure("503"), at(NOW + timedelta(days=3)), run())
    left = [news.subject for news in memory.state.news]
    assert len(left) == MOST_NEWS
    assert "subject 0" not in left, "the oldest of what matters"
    assert "subject 1" in left
    assert not {news.subject for news in plain} & set(left)
    assert caplog.text.count("Too much news waits") == 3
    assert "ServiceFailure" in memory.state.news[-1].code


ABOUT_KEY = replace(REPORT, renews=HalfName.API_KEY)
ABOUT_CERTIFICATE = replace(REPORT, renews=HalfName.CERTIFICATE)


def test_each_half_has_an_incident_of_its_own() -> None:
    """The same failure of both has two cures, and the end of one is not the end of the other."""
    topic, memory = Topic(), Memory()
    told = alerts(topic, memory)
    for report in (ABOUT_CERTIFICATE, ABOUT_KEY, ABOUT_CERTIFICATE, ABOUT_KEY):
        told.failed(ServiceFailure("503"), report, run())
    assert topic.codes() == ["ServiceFailure"] * 2
    assert [" API key, " in mail["Subject"] for mail in topic.published] == [False, True]
    assert [memory.state.of(half).incident for half in HalfName] == [KNOWN, KNOWN]
    told.recovered(KNOWN, ABOUT_KEY, memory.state, run())
    assert [memory.state.of(half).incident for half in HalfName] == [KNOWN, None]


def test_a_failure_of_the_credential_as_a_whole_is_remembered_once() -> None:
    """Both halves fail with it: two mails about one secret that cannot be read would be one too many."""
    topic, memory = Topic(), Memory()
    told = alerts(topic, memory)
    for _ in range(2):
        told.failed(StorageFailure("AWS said no."), REPORT, run())
    assert topic.codes() == ["StorageFailure"]
    assert memory.state.api_key.incident is None
    assert memory.remembered() is not None


def test_news_of_one_half_takes_no_place_of_the_others() -> None:
    """A reminder that the key fails would swallow the first word of the certificate's failure."""
    topic, memory = Topic(refuses=True), Memory()
    told = alerts(topic, memory)
    told.failed(ServiceFailure("503"), ABOUT_CERTIFICATE, run())
    told.failed(ServiceFailure("503"), ABOUT_KEY, run())
    assert [news.half for news in memory.state.news] == ["certificate", "apiKey"]
    topic.refuses = False
    told.failed(ServiceFailure("503"), at(NOW + timedelta(days=1), ABOUT_KEY), run())
    assert ["It still fails" in mail["Message"] for mail in topic.published] == [False, True]
    assert [" API key, " in mail["Subject"] for mail in topic.published] == [False, True]
    assert memory.state.news == ()


def test_a_mail_tells_of_the_attempts_of_its_own_half() -> None:
    """As the ledger counts them now: the run may have used one since it looked."""
    bus, memory = Bus(), Memory(State(api_key=replace(State().api_key, attempts=Attempts(2, NOW, limit=API_KEY_LIMIT))))
    told = alerts(Topic(), memory, bus)
    told.failed(ServiceFailure("503"), ABOUT_KEY, run())
    told.failed(ServiceFailure("503"), ABOUT_CERTIFICATE, run())
    assert [bus.detail(number)["attemptsAvailable"] for number in range(2)] == [2, 3]


def test_a_rotation_ends_the_incident_of_its_own_half_alone() -> None:
    """Who was told that the key fails must not read that a new certificate has ended it."""
    topic = Topic()
    what = Rotated(LastRotation(NOW, "new", "f", "p"), ACCEPTED)
    told = alerts(topic, Memory())
    told.rotated(what, ABOUT_KEY, known(incident=KNOWN), run(), announce=True)
    told.rotated(what, ABOUT_CERTIFICATE, known(incident=KNOWN), run(), announce=True)
    assert ["This ends the incident" in mail["Message"] for mail in topic.published] == [False, True]
