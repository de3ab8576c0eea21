"""The service takes its time with every probe and then says nothing: the run still gets to what decides."""

from datetime import timedelta

import pytest

from certificate_rotation.domain.errors import CertificateNotAccepted
from tests.support.outside import asking, ends, hanging, no_answer
from tests.support.rotation_env import RotationEnv

DUE = timedelta(days=62)
LONGEST = 10.0  # seconds a probe is waited for
LAST_HOURS = timedelta(hours=10)


@pytest.fixture
def waiting(env: RotationEnv) -> RotationEnv:
    """A certificate is in hand, and the service has no answer about it."""
    env.onboard(age=DUE)
    no_answer(env)
    assert ends(env) == "CertificateNotAccepted"
    env.simulator.clear_faults()
    return env


def assert_the_one_in_hand_is_used(env: RotationEnv) -> None:
    """Without another request, and consumers are told to hurry."""
    assert ends(env) == "rotated"
    assert len(env.refreshes()) == 1
    assert env.accepted()
    assert "onsumers must reload now" in env.emails()[-1].body


def test_what_is_in_hand_is_used_when_the_one_in_use_has_ended_and_probes_hang(waiting: RotationEnv) -> None:
    """Patience with the new one must leave time to ask about the old one, run after run."""
    waiting.advance(days=29)
    hanging(waiting, seconds=LONGEST)
    assert_the_one_in_hand_is_used(waiting)


def test_what_is_in_hand_is_used_when_the_one_in_use_is_refused_and_probes_hang(waiting: RotationEnv) -> None:
    """It has weeks to go by its date, and opens nothing: so does a run that never comes to ask."""
    waiting.simulator.tenant(waiting.aws.name).revoke("onboarded-1")
    hanging(waiting, seconds=LONGEST)
    assert_the_one_in_hand_is_used(waiting)


def test_what_is_in_hand_is_used_when_there_was_no_time_to_ask_about_an_ended_one(waiting: RotationEnv) -> None:
    """Its date has passed, and nobody said that it still works."""
    waiting.advance(days=29)
    hanging(waiting, seconds=LONGEST)
    with asking(waiting) as asked:
        result = waiting.run_with(waiting.dependencies(), {}, lives=timedelta(seconds=60))
    assert result["outcome"] == "rotated"
    assert len(asked) == 1, "about the one in hand"
    assert waiting.accepted()


def test_what_is_refused_is_not_used_though_there_was_no_time_to_ask_about_an_ended_one(env: RotationEnv) -> None:
    """One that opens nothing is no better than the other, and hides that there is one to wait for."""
    env.onboard(age=DUE)
    env.fault("activation-delay")
    assert ends(env) == "CertificateNotAccepted"
    env.advance(days=29)
    hanging(env, seconds=LONGEST)
    in_use = env.current()
    with pytest.raises(CertificateNotAccepted):
        env.run_with(env.dependencies(), {}, lives=timedelta(seconds=60))
    assert env.current() == in_use


def test_one_in_use_that_may_still_work_is_left_in_place_when_probes_hang(waiting: RotationEnv) -> None:
    """The twin: weeks to go, and nobody refused it."""
    hanging(waiting, seconds=LONGEST)
    in_use = waiting.current()
    assert ends(waiting) == "CertificateNotAccepted"
    assert waiting.current() == in_use
    assert len(waiting.refreshes()) == 1


@pytest.fixture
def last_day(waiting: RotationEnv) -> RotationEnv:
    """The certificate in use ends in a few hours, and probes are slow."""
    waiting.time.advance(waiting.credential().chain.not_after - LAST_HOURS - waiting.time.now())
    hanging(waiting, seconds=5)
    return waiting


def test_in_the_last_day_slow_probes_leave_time_to_ask_for_one_more(last_day: RotationEnv) -> None:
    """Else every run spends its time on the one that waits, until the end. Here the service deletes the one in use."""
    assert ends(last_day) == "rotated"
    assert len(last_day.refreshes()) == 2
    assert last_day.accepted()


def test_in_the_last_day_a_run_without_time_for_one_more_is_told_for_what_waits(last_day: RotationEnv) -> None:
    """No setting is to blame: a certificate is in hand, and the service does not say that it is good."""
    with pytest.raises(CertificateNotAccepted, match="could not be found out"):
        last_day.run_with(last_day.dependencies(), {}, lives=timedelta(seconds=90))
    assert len(last_day.refreshes()) == 1
    assert "InvalidSettings" not in last_day.codes()
