"""How the service is asked: once where once is enough, at a distance, and only while there is time."""

import itertools
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import ServiceFailure, ServiceUnreachable
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Answer, Verdict
from certificate_rotation.domain.x509 import Chain, PrivateKey
from certificate_rotation.prober import PAUSES, SPACING, Prober
from tests.support.factories import API_KEY, NOW, certificate

if TYPE_CHECKING:
    from certificate_rotation.dependencies import Dependencies

LIVES = timedelta(seconds=120)  # template.yaml: the function's timeout
SILENT = ServiceFailure("The service answered 503.")
UNREACHABLE = ServiceUnreachable("No connection.")


def no_answer(error: ServiceFailure | ServiceUnreachable = SILENT) -> Verdict:
    """What is known after a question without an answer."""
    return Verdict(Answer.NONE, error)


@dataclass
class Api:
    """Answers as it is told, the last answer again and again; each question takes its time."""

    answers: dict[str, list[bool | Exception]] = field(default_factory=dict)
    took: timedelta = timedelta(0)
    now: datetime = NOW
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    def accepts(self, credential: Credential) -> bool:
        """As the adapter."""
        name = str(credential.cert_name)
        self.asked.append((name, self.now))
        self.now += self.took
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    def prober(self, lives: timedelta = LIVES) -> Prober:
        """The questions of a run that begins now."""
        invocation = Invocation("request", "owner", self.now + lives, lambda: self.now, self.sleep)
        return Prober(cast("Dependencies", cast("Any", self)), invocation)

    @property
    def api(self) -> "Api":
        """As the dependencies have it."""
        return self

    def names(self) -> list[str]:
        """Whom it was asked about."""
        return [name for name, _ in self.asked]


@pytest.fixture(scope="module")
def old(ec_key: PrivateKey) -> Credential:
    """The one in use."""
    return Credential({}, Chain((certificate(ec_key),)), ec_key, API_KEY, "old")


@pytest.fixture(scope="module")
def new(ec_key: PrivateKey) -> Credential:
    """The one that waits."""
    return Credential({}, Chain((certificate(ec_key),)), ec_key, API_KEY, "new")


def test_what_nobody_asked_is_not_known(old: Credential) -> None:
    """A name, a date or silence never stands for an answer."""
    assert Api().prober().known(old) == NOT_ASKED


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(True, ACCEPTED), (False, REFUSED), (SILENT, no_answer()), (UNREACHABLE, no_answer(UNREACHABLE))],
)
def test_a_run_asks_about_a_credential_once(old: Credential, answer: bool | Exception, verdict: Verdict) -> None:  # noqa: FBT001 - what it answers
    """Everything in the run goes by the same answer, and consumers share the limit. Why there is none is told."""
    api = Api({"old": [answer]})
    prober = api.prober()
    assert [prober.ask(old), prober.ask(old), prober.known(old)] == [verdict] * 3
    assert api.names() == ["old"]


def test_the_service_judges_a_certificate_and_an_api_key_together(old: Credential) -> None:
    """The answer about one pair says nothing of another."""
    api = Api({"old": [True, False]})
    prober = api.prober()
    assert prober.ask(old) == ACCEPTED
    assert prober.ask(replace(old, api_key="another")) == REFUSED
    assert prober.known(old) == ACCEPTED


@pytest.mark.parametrize("took", [timedelta(0), timedelta(seconds=0.5), timedelta(seconds=3)])
def test_between_two_questions_of_a_run_is_more_than_a_second(
    old: Credential, new: Credential, took: timedelta
) -> None:
    """Vendor: one a second, from the answer to the next question; the first one waits for nothing."""
    api = Api({"old": [SILENT], "new": [SILENT]}, took=took)
    prober = api.prober()
    prober.ask(old)
    prober.ask_each([new, old])
    prober.ask_patiently([new, old])
    moments = [moment for _, moment in api.asked]
    assert moments[0] == NOW
    assert len(moments) == 1 + 2 * len(PAUSES)
    for before, after in itertools.pairwise(moments):
        assert after - before - took >= SPACING >= timedelta(seconds=1)


def test_a_new_certificate_is_asked_about_a_few_times_at_growing_distances(new: Credential) -> None:
    """Until every server of the service knows it."""
    api = Api({"new": [False, SILENT, False, False, True]})
    prober = api.prober()
    assert prober.ask_each([new]) == [REFUSED]
    assert prober.ask_patiently([new]) == [ACCEPTED]
    moments = [(moment - NOW) / timedelta(seconds=1) for _, moment in api.asked]
    assert moments == [0, 1.1, 3.1, 7.1, 15.1]


def test_two_that_wait_are_asked_about_in_turn_until_one_is_accepted(old: Credential, new: Credential) -> None:
    """The first accepted one is used: nothing is asked after that."""
    api = Api({"old": [False, False, True], "new": [False]})
    assert api.prober().ask_patiently([old, new]) == [ACCEPTED, REFUSED]
    assert api.names() == ["old", "new", "old", "new", "old"]


def test_each_that_waits_is_asked_about_once_until_one_is_accepted(old: Credential, new: Credential) -> None:
    """The rest of the time is for the question that decides: whether the one in use is dead."""
    api = Api({"old": [False], "new": [SILENT]})
    assert api.prober().ask_each([old, new]) == [REFUSED, no_answer()]
    assert api.names() == ["old", "new"]
    api = Api({"old": [True], "new": [True]})
    assert api.prober().ask_each([old, new]) == [ACCEPTED, NOT_ASKED]


def test_silence_takes_no_refusal_back(old: Credential) -> None:
    """It was refused in this run: that the service then says nothing does not make it promising."""
    api = Api({"old": [False, SILENT]})
    prober = api.prober()
    assert prober.ask_each([old]) == [REFUSED]
    assert prober.ask_patiently([old]) == [REFUSED]
    assert prober.known(old) == REFUSED
    assert len(api.asked) == len(PAUSES)


def test_an_answer_takes_silence_and_a_refusal_back(old: Credential) -> None:
    """A server that did not know it yet is not the last word."""
    assert Api({"old": [SILENT, False, SILENT]}).prober().ask_patiently([old]) == [REFUSED]
    assert Api({"old": [False, True]}).prober().ask_patiently([old]) == [ACCEPTED]


def test_with_too_little_time_nothing_is_asked(old: Credential, new: Credential) -> None:
    """What follows from the answer could not be written down any more; and nobody may take it for an answer."""
    api = Api({"old": [True], "new": [True]})
    prober = api.prober(timedelta(seconds=30))
    assert (prober.ask(old), prober.ask_patiently([new, old])) == (NOT_ASKED, [NOT_ASKED, NOT_ASKED])
    assert api.asked == []
    assert api.now == NOW, "waited for nothing"


def test_what_was_answered_before_time_ran_out_counts(new: Credential) -> None:
    """The rest is left to the next run."""
    api = Api({"new": [SILENT]}, took=timedelta(seconds=20))
    assert api.prober(timedelta(seconds=80)).ask_patiently([new]) == [no_answer()]
    assert 1 <= len(api.asked) < len(PAUSES)


def test_a_refusal_of_another_call_is_an_answer_too(old: Credential) -> None:
    """When the service refuses the pair as it is asked for a certificate, nobody need ask again."""
    api = Api({"old": [True]})
    prober = api.prober()
    prober.learn_refused(old)
    assert (prober.known(old), prober.ask(old)) == (REFUSED, REFUSED)
    assert api.asked == []


def test_after_a_certificate_was_issued_nothing_is_known_any_more(old: Credential) -> None:
    """The service may have deleted the one it accepted a moment ago. The distance is kept all the same."""
    api = Api({"old": [True, False]})
    prober = api.prober()
    prober.ask(old)
    prober.forget()
    assert prober.known(old) == NOT_ASKED
    assert prober.ask(old) == REFUSED
    assert api.asked[1][1] - api.asked[0][1] == SPACING
