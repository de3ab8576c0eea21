"""Every failure has a name, a sentence and a next action."""

import inspect
import json
import re
from datetime import timedelta

import pytest

from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import (
    OutcomeUnknown,
    RefreshFailed,
    RotationError,
    StorageFailure,
    TooManyRequests,
    adding,
    by_itself_of,
    cure_of,
)
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.rate_limit import UNUSED
from certificate_rotation.events import command_from
from tests.support.contract import ERRORS

BASES = {"RotationError", "RefreshFailed"}


def named() -> dict[str, type[RotationError]]:
    """The classes of the module."""
    classes = inspect.getmembers(errors, inspect.isclass)
    return {name: c for name, c in classes if issubclass(c, RotationError) and name not in BASES}


def test_the_names_are_the_contracts() -> None:
    """Users match on them."""
    assert set(named()) == ERRORS


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_error_says_what_to_do(name: str, half: HalfName) -> None:
    """In a sentence of its own."""
    cures = [cure_of(error, "arn", "stack", half) for error in named().values()]
    assert len(set(cures)) == len(cures)
    cure = cure_of(named()[name], "arn", "stack", half)
    assert cure.endswith(".")
    assert len(cure.split()) >= 8


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("name", sorted(ERRORS))
def test_a_cure_is_complete_for_one_half_of_one_credential(name: str, half: HalfName) -> None:
    """Copied as it stands, an event or a command is about this half of this credential and no other."""
    cure = cure_of(named()[name], "arn:of-the-secret", "stack", half)
    for event in re.findall(r"\{.*?\}", cure):
        if event == "{}":
            continue
        asked = command_from(json.loads(event))
        assert (asked.secret_id, asked.half) == ("arn:of-the-secret", half)
        assert asked.force
        assert asked.allow_eviction
    for command in re.findall(r"`(device-id [^`]+)`", cure):
        assert " --stack-name stack --secret arn:of-the-secret" in command


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("name", sorted(ERRORS))
def test_what_happens_by_itself_leaves_no_gap(name: str, half: HalfName) -> None:
    """A brace in a mail is a half that nobody named."""
    said = by_itself_of(named()[name]("said"), half)
    assert said.endswith(".")
    assert not set(said) & {"{", "}"}


@pytest.mark.parametrize("name", ["OutcomeUnknown", "StorageFailure"])
def test_what_was_lost_is_looked_for_where_its_half_may_be(name: str) -> None:
    """A certificate may stand in the log; an API key never does, and its seal is in the ledger."""
    certificate, key = (cure_of(named()[name], "arn", "stack", half) for half in HalfName)
    assert "log" in certificate
    assert "recover --stack-name stack --secret arn --cert FILE`" in certificate
    assert "ledger holds the new API key, sealed" in key
    assert "recover --stack-name stack --secret arn --api-key`" in key
    assert "log" not in key
    assert "--cert" not in key


def test_a_command_in_a_cure_is_harmless_whatever_a_secret_is_called() -> None:
    """An event may name any text as its secretId, and a person copies what the mail shows into a shell."""
    cure = cure_of(errors.InvalidCredential, "x; touch f", "stack")
    assert "`device-id store --stack-name stack --secret 'x; touch f'`" in cure


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("RefreshRejected", "not_issued"),
        ("Unauthorized", "not_issued"),
        ("RefreshConflict", "not_issued"),
        ("TooManyRequests", "not_issued"),
        ("ServiceFailure", "not_issued"),
        ("ServiceUnreachable", "not_sent"),
        ("OutcomeUnknown", "unknown"),
    ],
)
def test_a_failed_refresh_says_what_it_proves(name: str, verdict: str) -> None:
    """On it hang the attempt's refund and the hold."""
    error = named()[name]
    assert issubclass(error, RefreshFailed)
    assert error.verdict == verdict


def test_a_storage_failure_is_told_with_what_its_reader_must_know() -> None:
    """Where the certificate is safe is the first question."""
    with pytest.raises(StorageFailure, match=r"AWS refused\. It is safe\.") as caught, adding("It is safe."):
        raise StorageFailure("AWS refused.")
    assert isinstance(caught.value.__cause__, StorageFailure)


@pytest.mark.parametrize("holds", [False, True])
def test_a_storage_failure_says_what_follows_however_much_is_told_with_it(*, holds: bool) -> None:
    """Where the ledger could not be told that nothing was issued, the next runs wait, and say until when."""
    with pytest.raises(StorageFailure) as caught, adding("Before that: 503."):
        raise StorageFailure("AWS refused.", holds=holds)
    assert caught.value.holds is holds
    assert (caught.value.by_itself == OutcomeUnknown.by_itself) is holds


def test_any_other_failure_passes_as_it_is() -> None:
    """Its name is the errorType."""
    with pytest.raises(TooManyRequests, match=r"^429$") as caught, adding("It is safe."):
        raise TooManyRequests("429", 60)
    assert caught.value.retry_after_seconds == 60


@pytest.mark.parametrize("half", HalfName)
def test_how_long_a_429_silences_a_half_is_not_said_to_be_longer_than_it_is(half: HalfName) -> None:
    """A person who waits for an hour may miss the attempt that is free after half of it."""
    said = by_itself_of(TooManyRequests("429"), half)
    assert "at most a day" in said
    assert "at least an hour" not in said or UNUSED[half].limit.spacing >= timedelta(hours=1)


@pytest.mark.parametrize("half", HalfName)
def test_where_both_stores_refused_the_way_ahead_is_said(half: HalfName) -> None:
    """An API key that neither took is in no log and in no ledger: nobody should be sent to look for it."""
    cure = cure_of(StorageFailure, "arn", "stack", half, held=True)
    assert f"because the {half.words} in use may be deleted" in cure
    assert '"force": true, "allowEviction": true' in cure
    assert ("recover" in cure) is (half is HalfName.CERTIFICATE)


def test_a_note_that_cannot_be_read_is_no_reason_to_replace_the_credential() -> None:
    """It is optional, and the certificate is renewed all the same: who is woken up needs one field, not three."""
    error = errors.InvalidCredential("apiKeyExpiry in the secret is none.")
    cure = cure_of(type(error), "arn", "stack", HalfName.API_KEY)
    assert cure.startswith("Correct apiKeyExpiry in the secret")
    assert "store" not in cure
    assert by_itself_of(error, HalfName.API_KEY).endswith("The certificate is.")
    assert by_itself_of(error, HalfName.CERTIFICATE) == "Every run fails until the secret can be used."
