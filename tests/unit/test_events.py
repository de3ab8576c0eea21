"""What may be sent to the function."""

import json
from pathlib import Path

import pytest

from certificate_rotation.domain.decision import Command
from certificate_rotation.domain.errors import InvalidEvent
from certificate_rotation.events import command_from

EVENTS = Path(__file__).parents[2] / "events"
ENVELOPE = json.loads((EVENTS / "scheduler-envelope.json").read_text())


def test_an_empty_object_asks_for_what_is_due() -> None:
    """What the schedule sends."""
    assert command_from({}) == Command()


def test_every_key_is_read() -> None:
    """None of them may be taken for another."""
    command = command_from({"secretId": "name", "dryRun": True, "force": False, "allowEviction": True})
    assert command == Command("name", dry_run=True, force=False, allow_eviction=True)
    assert command_from({"force": True}) == Command(force=True)


@pytest.mark.parametrize("detail", [{}, "{}", "", None])
def test_a_bare_envelope_of_the_scheduler_asks_for_what_is_due(detail: object) -> None:
    """A person's own schedule without an input must work too."""
    assert command_from({**ENVELOPE, "detail": detail}) == Command()


@pytest.mark.parametrize(
    "change", [{"detail": {"dryRun": True}}, {"force": True}, {"detail": "text"}], ids=["detail", "key", "text"]
)
def test_an_envelope_that_says_something_is_refused(change: dict[str, object]) -> None:
    """Reading it as empty would pass over what somebody meant."""
    with pytest.raises(InvalidEvent):
        command_from({**ENVELOPE, **change})


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (None, "of type NoneType"),
        ([], "of type list"),
        ("{}", "of type str"),
        (1, "of type int"),
        ({"dryrun": True}, "unknown keys: dryrun. Known: secretId, dryRun, force, allowEviction"),
        ({"": 1}, "unknown keys"),
        ({"x" * 500: 1}, "unknown keys"),
        ({"force": "true"}, "force in the event must be true or false, without quotes"),
        ({"dryRun": 1}, "dryRun in the event must be true or false"),
        ({"allowEviction": None}, "allowEviction in the event must be true or false"),
        ({"secretId": ""}, "secretId in the event must be the name or ARN"),
        ({"secretId": " "}, "secretId"),
        ({"secretId": None}, "secretId"),
        ({"secretId": 5}, "secretId"),
        ({"secretId": "x" * 2049}, "secretId"),
        ({"secretId": "two names"}, "secretId"),
        ({"secretId": "\ud800"}, "secretId"),  # no alert could say it
        ({"\ud800\n": 1}, r"unknown keys: \\ud800\\n\."),
    ],
)
def test_anything_else_is_refused_by_name(event: object, expected: str) -> None:
    """A typing mistake in dryRun must not rotate."""
    with pytest.raises(InvalidEvent, match=expected) as caught:
        command_from(event)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isascii()


@pytest.mark.parametrize("file", sorted(EVENTS.glob("*.json")), ids=lambda file: file.stem)
def test_every_event_offered_to_people_can_be_read(file: Path) -> None:
    """They are pasted into the console."""
    command = command_from(json.loads(file.read_text()))
    assert command.dry_run is (file.stem in {"dry-run", "other-secret"})
    assert command.allow_eviction is (file.stem == "force-allow-eviction")
