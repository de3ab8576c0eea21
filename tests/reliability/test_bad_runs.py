"""Bad input in whole runs: nothing unusable is put into use, and no attempt is spent on what was wrong beforehand."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from certificate_rotation.adapters.mtls import Response
from certificate_rotation.domain.errors import InvalidCredential, InvalidEvent, InvalidSettings
from simulator import Simulator
from tests.support.bad_answers import RETRY_AFTER, Answers, KeyAnswers
from tests.support.bad_secrets import Secrets
from tests.support.batches import odd_certificates, outcome, telling
from tests.support.fuzz_inputs import Junk
from tests.support.good_input import CHOSEN, good_events, is_event
from tests.support.invariant_checker import HOUR, InvariantChecker, Watched
from tests.support.invariants import TALLY
from tests.support.lambda_invoker import cold_start, forget, invoke
from tests.support.leak_detector import HYGIENE
from tests.support.local_aws import LocalAws
from tests.support.rotation_env import RotationEnv
from tests.support.scenarios import FORCED_KEY
from tests.support.situations import DUE, OF_KEY

EACH = 40  # of a batch


def counted(watch: InvariantChecker) -> object:
    """What the ledger counts, and what the service does."""
    state: Mapping[str, object] = next((r for r in watch.env.aws.records() if r["record"] == "state"), {})
    return state.get("certificate_attempts"), state.get("api_key_attempts"), watch.env.simulator.requests


@odd_certificates
@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(2))
def test_a_bad_secret_is_not_used_and_costs_no_attempt(watched: Watched, secrets: Secrets, batch: int) -> None:
    """Its cure lies with its owner; whatever can be read of it is rotated as any other."""
    for number in range(batch * EACH, (batch + 1) * EACH):
        with watched() as watch:
            good = {**watch.onboard(age=DUE).credential, "owner": "a team"}
            tried = Secrets(good, secrets.pems).one(Junk(number))
            with telling(tried):
                try:
                    watch.env.put(tried.text)
                except (ClientError, ParamValidationError):
                    continue  # too large or empty: AWS does not store it
                watch.changed_by_hand()
                before = counted(watch)
                refused = watch.run({"force": True}) == "InvalidCredential"
                assert not refused or counted(watch) == before
                TALLY.count("whole runs on bad input")


@odd_certificates
@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(2))
def test_a_bad_answer_puts_nothing_unusable_into_use(watched: Watched, secrets: Secrets, batch: int) -> None:
    """The service issued a certificate each time; what arrived was something else, or not all of it."""
    for number in range(batch * EACH, (batch + 1) * EACH):
        junk = Junk(number)
        with watched() as watch, telling(f"answer {number}"):
            api_key = watch.onboard(age=DUE).credential["apiKey"]
            watch.env.on_its_way = partial(spoilt, junk, [secrets.pems["other cert"], secrets.pems["chain"]], api_key)
            watch.run()
            watch.env.time.advance(HOUR + timedelta(minutes=3))
            watch.run({"force": True, "allowEviction": True} if junk.once_in(4) else {})
            TALLY.count("whole runs on bad input", 2)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(2))
def test_a_bad_answer_about_a_key_puts_nothing_unusable_into_use(watched: Watched, batch: int) -> None:
    """The same of `token:refresh`, and what is no key stays sealed."""
    for number in range(batch * EACH, (batch + 1) * EACH):
        junk = Junk(number)
        with watched() as watch, telling(f"answer {number}"):
            echo = watch.onboard(**OF_KEY).credential["apiKey"]
            watch.env.on_its_way, watch.answers_spoilt = partial(spoilt_key, junk, echo), True
            watch.run()
            watch.env.time.advance(HOUR + timedelta(minutes=3))
            watch.run(FORCED_KEY if junk.once_in(4) else {})
            TALLY.count("whole runs on bad input", 2)


def spoilt_key(junk: Junk, echo: str, answer: Response) -> Response:
    """As `spoilt`."""
    token = str(json.loads(answer[2]).get("token", ""))
    status = 200 if not junk.once_in(4) else junk.pick((201, 204, 206, 303, 304, 500, 502, 504))
    return status, {"Retry-After": junk.pick(RETRY_AFTER)}, KeyAnswers(token, echo).body(junk)


def spoilt(junk: Junk, others: list[str], echo: str, answer: Response) -> Response:
    """An answer, made from the one that came; not one that denies that anything was issued."""
    document = json.loads(answer[2])
    pems = [*others, *[str(document.get("cert", ""))] * 4]
    status = 200 if not junk.once_in(4) else junk.pick((201, 204, 206, 303, 304, 500, 502, 504))
    return status, {"Retry-After": junk.pick(RETRY_AFTER)}, Answers(pems, echo).body(junk)


@pytest.fixture
def function(service: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[RotationEnv]:
    """The function, deployed in an env whose certificate is young."""
    env = RotationEnv(LocalAws(), service, list)
    env.onboard(age=timedelta(days=1))
    with cold_start(env, monkeypatch):
        yield env
    HYGIENE.hear(env.told())
    env.aws.close()


def test_a_bad_event_is_told_and_sends_nothing(function: RotationEnv) -> None:
    """The whole function is asked, and its mail about the mistake must go out whatever the event holds."""
    good = good_events()
    for number in range(EACH):
        junk = Junk(number)
        event = junk.spoilt_object(junk.pick(good))
        if isinstance(event, dict):
            event.pop("force", None)  # the certificate is young, so without it nothing is due
        with telling(event), suppress(InvalidCredential):  # of another secret
            refused = isinstance(outcome(partial(invoke, event), InvalidEvent), InvalidEvent)
            assert refused != is_event(event)
        TALLY.count("whole runs on bad input")
    assert "InvalidEvent" in function.codes()
    assert function.simulator.requests == []


def test_bad_settings_are_told_and_send_nothing(function: RotationEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that somebody changed in the console by hand."""
    good = {**CHOSEN, "TRUSTED_CA_PEM": function.simulator.trusted_ca_pem}
    told = set()
    for number in range(EACH):
        junk = Junk(number)
        name = junk.pick(sorted(good))
        with monkeypatch.context() as console:
            try:
                console.setenv(name, junk.pick((junk.text(), junk.spoilt(good[name]))))
            except (ValueError, UnicodeEncodeError):
                continue  # no environment can hold it
            forget()
            with telling((name, os.environ[name])):
                told.add(type(outcome(partial(invoke, {}), InvalidSettings)))
        TALLY.count("whole runs on bad input")
    assert told == {dict, InvalidSettings}
    assert "InvalidSettings" in function.codes()
    assert function.simulator.requests == []
