"""Every failure has a name, a sentence and a next action."""

import inspect
import json
import re

import pytest

from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import (
    OutcomeUnknown,
    RefreshFailed,
    RotationError,
    StorageFailure,
    TooManyRequests,
    adding,
    cure_of,
)
from tests.support.contract import ERRORS

BASES = {"RotationError", "RefreshFailed"}


def named() -> dict[str, type[RotationError]]:
    """The classes of the module."""
    classes = inspect.getmembers(errors, inspect.isclass)
    return {name: c for name, c in classes if issubclass(c, RotationError) and name not in BASES}


def test_the_names_are_the_contracts() -> None:
    """Users match on them."""
    assert set(named()) == ERRORS


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_error_says_what_to_do(name: str) -> None:
    """In a sentence of its own."""
    cures = [error.cure for error in named().values()]
    assert len(set(cures)) == len(cures)
    assert named()[name].cure.endswith((".", "now."))
    assert len(named()[name].cure.split()) >= 8


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_a_cure_is_complete_for_one_credential(name: str) -> None:
    """Copied as it stands, an event or a command is about this credential and no other."""
    cure = cure_of(named()[name], "arn:of-the-secret", "stack")
    for event in re.findall(r"\{.+?\}", cure):
        assert event == "{}" or json.loads(event)["secretId"] == "arn:of-the-secret"
    for command in re.findall(r"`(device-id [^`]+)`", cure):
        assert " --stack-name stack --secret arn:of-the-secret" in command


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
