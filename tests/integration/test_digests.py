"""Hundreds fail at once: people get a handful of mails and a digest, and nobody's news is lost on the way."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from certificate_rotation.alerts import Alerts
from certificate_rotation.digest import ALONE, NAMED, SENDING, Record
from certificate_rotation.errors import InvalidSettings, ServiceFailure
from certificate_rotation.ledger_items import item
from certificate_rotation.messages import Situation
from certificate_rotation.state import Incident, LastRotation
from simulator import Simulator
from tests.integration.aws import Email, Killed, When
from tests.integration.conftest import MakeWorld
from tests.integration.world import World

MANY = 12
OVER = timedelta(hours=1, minutes=1)


class Crowd:
    """Many credentials with one topic and one ledger."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.alerts = self.new_alerts()

    def new_alerts(self) -> Alerts:
        """As another container has them."""
        return self.world.parts(self.world.aws.clients()).alerts

    def situation(self, number: int, days: float = 60) -> Situation:
        """One credential's."""
        arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:tenants/{number:03}-AbCdEf"
        return Situation(arn, not_after=self.world.time.now() + timedelta(days=days))

    def fails(self, number: int, alerts: Alerts | None = None, days: float = 60) -> None:
        """A run of one fails."""
        (alerts or self.alerts).failed(ServiceFailure("503"), self.situation(number, days), self.world.time.now())

    def recovers(self, number: int) -> None:
        """A run of one finds all well."""
        incident = Incident("ServiceFailure", self.world.time.now(), self.world.time.now(), 0)
        self.alerts.recovered(incident, self.situation(number), self.world.time.now())

    def looks(self, number: int, alerts: Alerts | None = None) -> None:
        """A run of one has nothing to do."""
        arn = self.situation(number).secret
        waiting = self.world.parts().ledger.load(arn).digests
        (alerts or self.alerts).catch_up(arn, waiting, self.world.time.now())

    def told(self) -> list[Email]:
        """The digests so far."""
        return [email for email in self.world.emails() if "secrets" in email.document]

    def alone(self) -> list[str]:
        """Who was told of on their own so far, in order."""
        alone = [email.attributes["secret"] for email in self.world.emails() if "secrets" not in email.document]
        return [number(secret) for secret in alone if "secret:tenants/" in secret]

    def named(self) -> set[str]:
        """Everybody a mail was about, alone or in a digest."""
        listed = [name for email in self.told() for name in email.document["secrets"]]
        return {*self.alone(), *(number(secret) for secret in listed)}


def number(secret: str) -> str:
    """A credential's number in its ARN."""
    return secret.rpartition("tenants/")[2][:3]


@pytest.fixture
def crowd(make_world: MakeWorld, simulator: Simulator) -> Crowd:
    """Nobody fails yet."""
    return Crowd(make_world(simulator, directly=True))


def everybody(count: int) -> set[str]:
    """The numbers of so many."""
    return {f"{number:03}" for number in range(count)}


def test_an_hours_first_five_are_told_alone_and_all_the_others_in_one_digest(crowd: Crowd) -> None:
    """One mail for each of hundreds is as good as none."""
    for number in range(MANY):
        crowd.fails(number)
    assert crowd.alone() == sorted(everybody(ALONE))
    crowd.world.advance(hours=1)
    crowd.fails(MANY)
    (digest,) = crowd.told()
    assert digest.subject == f"[Device-ID] WARNING: ServiceFailure - {MANY - ALONE + 1} more credentials"
    assert json.loads(digest.attributes.pop("secret")) == digest.document["secrets"]
    assert digest.attributes == {"severity": "WARNING", "code": "ServiceFailure"}
    assert crowd.named() == everybody(MANY + 1)
    assert len(crowd.world.emails()) == ALONE + 1


def test_a_lasting_flood_is_one_mail_an_hour(crowd: Crowd) -> None:
    """Each hour others come due and fail."""
    for hour in range(3):
        for number in range(hour * MANY, (hour + 1) * MANY):
            crowd.fails(number)
        crowd.world.time.advance(OVER)
    crowd.looks(3 * MANY - 1)
    assert len(crowd.world.emails()) == ALONE + 3
    assert crowd.named() == everybody(3 * MANY)
    crowd.world.time.advance(OVER)
    crowd.fails(500)
    assert crowd.alone()[-1] == "500", "after a quiet hour the first one is told at once again"


def test_a_digest_goes_out_though_nothing_fails_any_more(crowd: Crowd) -> None:
    """The outage was over within the hour: who waits in the digest looks after it at the next run."""
    for number in range(MANY):
        crowd.fails(number)
    crowd.looks(MANY - 1)
    assert crowd.told() == [], "the hour is not over"
    crowd.world.time.advance(OVER)
    crowd.looks(0)
    assert crowd.told() == [], "who was told alone owes nothing"
    calls = len(crowd.world.aws.calls)
    crowd.looks(MANY - 1)
    assert crowd.named() == everybody(MANY)
    assert len(crowd.world.aws.calls) > calls
    crowd.looks(MANY - 2)
    assert len(crowd.told()) == 1
    calls = len(crowd.world.aws.calls)
    crowd.looks(MANY - 2)
    assert [call.operation for call in crowd.world.aws.calls[calls:]] == ["GetItem"], "nothing is owed any more"


def test_a_run_looks_after_the_digest_its_news_waits_in(crowd: Crowd) -> None:
    """Whatever it has to do itself; but a dry run changes nothing."""
    world = crowd.world
    world.onboard(age=timedelta(days=1))
    for number in range(MANY):
        crowd.fails(number)
    ours = replace(crowd.situation(MANY), secret=world.arn)
    crowd.alerts.failed(ServiceFailure("503"), ours, world.time.now())
    assert world.state().digests
    world.time.advance(OVER)
    world.run(dryRun=True)
    assert not crowd.told()
    assert world.run()["outcome"] == "not_due"
    assert [mail.document["count"] for mail in crowd.told()] == [MANY + 1 - ALONE]
    assert not world.state().digests


def test_the_end_of_an_outage_is_a_digest_too(crowd: Crowd) -> None:
    """It ends for hundreds as suddenly as it began."""
    for number in range(MANY):
        crowd.fails(number)
    for number in range(MANY):
        crowd.recovers(number)
    crowd.world.time.advance(OVER)
    crowd.looks(MANY - 1)
    codes = [email.code for email in crowd.told()]
    assert sorted(codes) == ["ServiceFailure", "recovered"]
    assert len(crowd.world.emails()) == 2 * ALONE + 2
    assert crowd.world.parts().ledger.load(crowd.situation(MANY - 1).secret).incident is None


def test_one_credential_alone_is_told_every_time(crowd: Crowd) -> None:
    """A stack that looks after one has no use for digests."""
    for _ in range(3 * ALONE):
        crowd.fails(0)
        crowd.recovers(0)
    assert len(crowd.world.emails()) == 6 * ALONE
    assert crowd.told() == []


@pytest.mark.parametrize("days", [1.0, 0.0, -3.0])
def test_the_last_day_of_a_certificate_is_told_at_once_for_each(crowd: Crowd, days: float) -> None:
    """It has no hour to spare."""
    for number in range(2 * ALONE):
        crowd.fails(number, days=days)
    assert len(crowd.alone()) == 2 * ALONE


def test_an_eviction_is_told_at_once_for_each(crowd: Crowd) -> None:
    """From that moment on the certificate that consumers hold opens nothing."""
    now = crowd.world.time.now()
    over = Incident("ServiceFailure", now, now, 0)
    evicting, harmless = (LastRotation(now, "new", "f", "p", "old", deleted) for deleted in ("old", ""))
    for number in range(2 * ALONE):
        for rotation in (evicting, harmless):
            crowd.alerts.rotated(rotation, crowd.situation(number), over=over, announce=True, now=now)
    severities = [email.attributes["severity"] for email in crowd.world.emails()]
    assert (severities.count("WARNING"), severities.count("INFO")) == (2 * ALONE, ALONE)


def test_what_is_about_the_function_waits_for_nobody(crowd: Crowd) -> None:
    """A broken setting stops all of them."""
    for number in range(MANY):
        crowd.fails(number)
        function = Situation(f"function-{number}", of_function=True)
        crowd.alerts.failed(InvalidSettings("CRITICAL_DAYS"), function, crowd.world.time.now())
    assert crowd.world.codes().count("InvalidSettings") == MANY


def test_a_digest_of_more_than_it_can_name_counts_them_all(crowd: Crowd) -> None:
    """A record and a mail have room for so much."""
    for number in range(ALONE + 1):
        crowd.fails(number)
    crowd.world.aws.admin.dynamodb.update_item(
        TableName=crowd.world.aws.name,
        Key=item({"credential": crowd.world.aws.topic, "record": "digest#ServiceFailure"}),
        UpdateExpression="ADD waiting :names",
        ExpressionAttributeValues=item({":names": {f"tenants/more-{number}" for number in range(NAMED - 1)}}),
    )
    for number in range(3):
        crowd.fails(900 + number)
    crowd.world.time.advance(OVER)
    crowd.looks(902)
    (digest,) = crowd.told()
    assert (digest.document["count"], len(digest.document["secrets"])) == (NAMED + 3, NAMED)
    assert "and 3 more" in digest.body


def test_of_many_runs_at_the_moment_the_hour_ends_one_sends_the_digest(crowd: Crowd) -> None:
    """A thousand containers each know that it is time."""
    containers = [crowd.new_alerts() for _ in range(8)]
    for number in range(MANY):
        crowd.fails(number)
    crowd.world.time.advance(OVER)
    with ThreadPoolExecutor(len(containers)) as pool:
        for number, alerts in enumerate(containers):
            pool.submit(crowd.fails if number % 2 else crowd.looks, MANY - 1 + number, alerts)
    crowd.world.time.advance(OVER)
    crowd.looks(MANY + len(containers) - 2)
    digests = crowd.told()
    assert 1 <= len(digests) <= 2, "the second one is of those who came right after the first"
    names = [name for email in digests for name in email.document["secrets"]]
    assert len(names) == len(set(names))
    assert crowd.named() >= everybody(MANY)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_anywhere_loses_nobodys_news(crowd: Crowd, when: When) -> None:
    """Twice is better than never."""
    places = itertools.takewhile(lambda place: killed_at(crowd, place, when), itertools.count())
    assert len(list(places)) >= 8


def killed_at(crowd: Crowd, place: int, when: When) -> bool:
    """Whether the run that sends a digest has an exchange of this number, at which it is killed."""
    first = 10 * place
    last = first + ALONE + 2
    for number in range(first, last):
        crowd.fails(number)
    crowd.world.time.advance(OVER)
    crowd.world.aws.exchanges.kill(place, when)
    try:
        crowd.fails(last)
    except Killed:
        killed = True
    else:
        killed = False
    crowd.world.aws.exchanges.revive()
    crowd.world.time.advance(SENDING + timedelta(minutes=1))
    crowd.fails(last)
    for _ in range(2):
        crowd.world.time.advance(OVER)
        for number in range(first, last + 1):
            crowd.looks(number)
    assert {f"{number:03}" for number in range(first, last + 1)} <= crowd.named()
    return killed


REFUSALS: dict[str, tuple[str, str]] = {"reading": ("GetItem", "digest#"), "changing": ("UpdateItem", "digest#")}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_ledger_that_refuses_makes_many_mails_and_no_silence(crowd: Crowd, what: str) -> None:
    """Told too often is better than never."""
    operation, containing = REFUSALS[what]
    with crowd.world.aws.refusing(operation, containing):
        for number in range(2 * ALONE):
            crowd.fails(number)
    assert len(crowd.alone()) == 2 * ALONE


def test_a_digest_that_the_topic_refuses_is_sent_by_a_later_run(crowd: Crowd) -> None:
    """Somebody changed the topic's policy, and put it right again."""
    for number in range(MANY):
        crowd.fails(number)
    crowd.world.time.advance(OVER)
    with crowd.world.aws.refusing("Publish"):
        crowd.looks(MANY - 1)
    assert crowd.told() == []
    crowd.looks(MANY - 1)
    assert crowd.told() == [], "whoever tried may still be at it"
    crowd.world.time.advance(SENDING)
    crowd.looks(MANY - 1)
    assert crowd.named() == everybody(MANY)


def test_a_look_at_a_digest_that_is_refused_fails_no_run(crowd: Crowd, caplog: pytest.LogCaptureFixture) -> None:
    """The rotation comes first."""
    for number in range(MANY):
        crowd.fails(number)
    crowd.world.time.advance(OVER)
    with crowd.world.aws.refusing("UpdateItem", "digest#"):
        crowd.looks(MANY - 1)
    assert "The next run looks" in caplog.text
    crowd.looks(MANY - 1)
    assert crowd.named() == everybody(MANY)


def test_of_two_runs_that_saw_the_same_one_acts(crowd: Crowd) -> None:
    """A thousand containers start in the same second, and each has looked before it writes."""
    now, later = crowd.world.time.now(), crowd.world.time.now() + OVER
    records = crowd.world.parts().ledger.digests("topic")

    def seen() -> Record:
        known = records.load("C")
        assert known is not None
        return known

    assert records.open("C", None, "0", now)
    assert not records.open("C", None, "1", now), "the hour was begun"
    for number in range(1, ALONE):
        assert records.alone("C", seen(), str(number))
    full = seen()
    assert not records.alone("C", full, "5"), "five were told"
    assert records.alone("C", full, "4"), "a botocore repeat of one of the five"
    assert records.join("C", full, "5", urgent=False)
    assert not records.open("C", full, "6", later), "somebody waits"

    before = seen()
    assert records.close("C", before, later)
    assert not records.close("C", before, later), "another run sends it"
    assert not records.join("C", before, "6", urgent=False), "that hour is over"
    assert not records.count("C", before, urgent=False), "that hour is over"
    closed = seen()
    assert records.join("C", closed, "6", urgent=True)
    assert not records.close("C", seen(), later + OVER), "a batch that is not sent yet must not be lost"

    assert records.take_over("C", closed, later + SENDING)
    assert not records.take_over("C", closed, later + SENDING), "another run did"
    assert not records.sent("C", later + SENDING), "it is not ours any more"
    assert records.sent("C", later + 2 * SENDING)
    left = seen()
    assert (left.sending, left.waiting and left.waiting.names) == (None, frozenset({"6"}))
