"""Of one cause in one hour of the clock five credentials are mailed, and a sixth mail says that there are more."""

from collections import Counter
from copy import replace
from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import RefreshConflict, RotationError, ServiceFailure
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.state import Incident, LastRotation, State
from certificate_rotation.domain.verdict import ACCEPTED, REFUSED, Answer, Verdict
from certificate_rotation.notifications.messages import ALONE
from tests.support.alert_memory import REPORT, known, with_certificate
from tests.support.rotation_env import STACK, TIMEOUT, RotationEnv

WEEKS = timedelta(days=20)
LAST_HOURS = timedelta(hours=20)
FAILURE = ServiceFailure("The service answered 503.")


class Many:
    """Credentials of one stack, which have something to tell one after the other."""

    def __init__(self, env: RotationEnv) -> None:
        self.env = env
        self.env.advance(minutes=60 - env.time.now().minute)  # a new hour of the clock
        self.alerts = env.dependencies().alerts
        self._number = 0

    def invocation(self) -> Invocation:
        """A run that begins now."""
        now = self.env.time.now
        return Invocation("request", "owner", now() + TIMEOUT, now, self.env.time.sleep, stack=STACK)

    def another(self, left: timedelta = WEEKS) -> Report:
        """A credential that nobody has heard of yet."""
        self._number += 1
        now = self.env.time.now()
        return with_certificate(replace(REPORT, secret=f"arn:of-{self._number}", at=now, stack=STACK), now + left)

    def fail(self, count: int = 1, error: RotationError = FAILURE, left: timedelta = WEEKS) -> None:
        """So many of them fail."""
        for _ in range(count):
            self.alerts.failed(error, self.another(left), self.invocation())

    def rotate(self, count: int = 1, deleted: str = "", previous: Verdict = ACCEPTED, *, over: bool = False) -> None:
        """So many of them are renewed, which ends an incident or not."""
        now = self.env.time.now()
        rotation = LastRotation(now, "new", "f", "p", "old", deleted)
        before = known(incident=Incident("ServiceFailure", now, now, 0) if over else None)
        for _ in range(count):
            what, report = Rotated(rotation, previous), replace(self.another(), in_use=ACCEPTED)
            told = self.alerts.rotated(what, report, before, self.invocation(), announce=True)
            assert not told.changes

    def subjects(self) -> list[str]:
        """Of the mails so far, without the credential and the date."""
        return [mail.subject.partition(" - ")[2].partition(",")[0] for mail in self.env.emails()]

    def events(self) -> Counter[str]:
        """How many there were of each code."""
        return Counter(event.detail["code"] for event in self.env.aws.announced())


@pytest.fixture
def many(env: RotationEnv) -> Many:
    """Nobody has anything to tell yet."""
    return Many(env)


FIRST_FIVE = [f"arn:of-{number}" for number in range(1, ALONE + 1)]
MORE = f"more than {ALONE} credentials"


def test_five_are_mailed_and_the_sixth_mail_says_that_there_are_more(many: Many) -> None:
    """Five mails are read; hundreds are not. Events are for programs, and never thinned."""
    many.fail(ALONE)
    assert many.subjects() == FIRST_FIVE
    many.fail(20)
    assert many.subjects() == [*FIRST_FIVE, MORE]
    assert many.events() == {"ServiceFailure": ALONE + 20}
    last = many.env.emails()[-1]
    assert (last.code, last.attributes["severity"]) == ("ServiceFailure", "WARNING")
    assert f"device-id status --stack-name {STACK} --all" in last.body
    hour = many.env.time.now() + timedelta(hours=1)
    assert f"before {hour:%Y-%m-%dT%H:00:00Z}" in last.body


def test_who_was_not_mailed_counts_as_told(many: Many) -> None:
    """It is one message for each all the same: the next run of the same credential has nothing to add."""
    many.fail(ALONE + 1)
    seventh = many.another()
    for _ in range(3):
        many.alerts.failed(FAILURE, seventh, many.invocation())
    assert many.events() == {"ServiceFailure": ALONE + 2}


def test_a_new_hour_begins_anew(many: Many) -> None:
    """While an outage lasts, people hear of it every hour."""
    many.fail(ALONE + 3)
    many.env.advance(minutes=59)
    many.fail(3)
    assert len(many.subjects()) == ALONE + 1
    many.env.advance(minutes=1)
    many.fail(ALONE + 3)
    assert many.subjects().count(MORE) == 2
    assert len(many.subjects()) == 2 * (ALONE + 1)


def test_each_cause_has_five_of_its_own(many: Many) -> None:
    """Another cause is other news, whoever it befalls."""
    many.fail(ALONE + 3)
    many.fail(ALONE + 3, RefreshConflict("409"))
    assert Counter(mail.code for mail in many.env.emails()) == {
        "ServiceFailure": ALONE + 1,
        "RefreshConflict": ALONE + 1,
    }


def test_a_credential_in_its_last_day_is_always_mailed(many: Many) -> None:
    """It has no hour to spare, and takes no other's place."""
    many.fail(ALONE + 3, left=LAST_HOURS)
    many.fail(ALONE)
    many.fail(4)
    many.fail(2, left=LAST_HOURS)
    assert len(many.subjects()) == ALONE + 3 + ALONE + 1 + 2
    assert many.subjects().count(MORE) == 1


@pytest.mark.parametrize(
    ("deleted", "previous"), [("old", REFUSED), ("old", Verdict(Answer.NONE, ServiceFailure("503")))]
)
def test_an_eviction_is_always_mailed(many: Many, deleted: str, previous: Verdict) -> None:
    """Consumers may be locked out, each of them."""
    many.rotate(ALONE + 3, deleted, previous, over=True)
    assert [mail.attributes["severity"] for mail in many.env.emails()] == ["WARNING"] * (ALONE + 3)
    assert MORE not in many.subjects()


def test_rotations_that_end_an_incident_are_thinned_and_others_are_not(many: Many) -> None:
    """The end of an outage comes as suddenly as its beginning; ordinary successes have `NotifyOnSuccess`."""
    many.rotate(ALONE + 3)
    assert len(many.subjects()) == ALONE + 3
    many.rotate(ALONE + 3, over=True)
    assert len(many.subjects()) == ALONE + 3 + ALONE + 1
    assert many.events() == {"rotated": 2 * (ALONE + 3)}


def test_recoveries_are_thinned_too(many: Many) -> None:
    """As many end as began."""
    now = many.env.time.now()
    for _ in range(ALONE + 3):
        many.alerts.recovered(Incident("ServiceFailure", now, now, 0), many.another(), State(), many.invocation())
    assert len(many.subjects()) == ALONE + 1
    assert many.events() == {"recovered": ALONE + 3}


def test_where_aws_refuses_to_count_each_is_mailed(many: Many) -> None:
    """Too many, but not silence."""
    with many.env.aws.refusing("UpdateItem", "mails#"):
        many.fail(ALONE + 3)
    assert len(many.subjects()) == ALONE + 3
    assert MORE not in many.subjects()
    assert "cannot be found out, so it is mailed" in many.env.told()


def test_that_there_are_more_is_told_later_where_the_topic_refuses(many: Many) -> None:
    """Late, never lost: the next run of that credential tells it."""
    many.fail(ALONE)
    sixth = many.another()
    with many.env.aws.refusing("Publish"):
        many.alerts.failed(FAILURE, sixth, many.invocation())
    assert many.subjects() == FIRST_FIVE
    many.alerts.failed(FAILURE, sixth, many.invocation())
    assert many.subjects() == [*FIRST_FIVE, MORE]
    assert many.env.emails()[-1].body.startswith("This mail is late")
    assert many.events() == {"ServiceFailure": ALONE + 1}
