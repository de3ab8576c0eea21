"""What may be sent to the function."""

import json
from pathlib import Path

import pytest

from certificate_rotation.domain.decision import Command, Step, StepName
from certificate_rotation.domain.errors import InvalidEvent
from certificate_rotation.domain.half import HalfName
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


@pytest.mark.parametrize("half", HalfName)
@pytest.mark.parametrize("allow_eviction", [True, False])
def test_renew_says_which_half_force_means(half: HalfName, *, allow_eviction: bool) -> None:
    """What is deleted in vain is then the half that the person had in mind."""
    event = {"force": True, "renew": half.value, "allowEviction": allow_eviction}
    assert command_from(event) == Command(force=True, allow_eviction=allow_eviction, half=half)
    assert command_from({"force": True}).half is HalfName.CERTIFICATE


@pytest.mark.parametrize("force", [{}, {"force": False}])
@pytest.mark.parametrize("half", ["certificate", "apiKey"])
def test_renew_stands_beside_force_alone(half: str, force: dict[str, bool]) -> None:
    """Without it, it would read as an order to renew, and nothing would be."""
    with pytest.raises(InvalidEvent, match="says which half force means: it stands beside force alone"):
        command_from({"renew": half, **force})


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
        ({"dryrun": True}, "unknown keys: dryrun. Known: secretId, dryRun, force, allowEviction, renew"),
        ({"force": True, "renew": "apikey"}, "renew in the event must be one of certificate, apiKey"),
        ({"force": True, "renew": ""}, "renew in the event must be one of certificate, apiKey"),
        ({"force": True, "renew": None}, "renew in the event must be one of"),
        ({"force": True, "renew": True}, "renew in the event must be one of"),
        ({"force": True, "renew": ["apiKey"]}, "renew in the event must be one of"),
        ({"force": True, "renew": {}}, "renew in the event must be one of"),
        ({"renews": "apiKey", "force": True}, "unknown keys: renews"),
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


TOKEN = "0b6e6a5e-7c52-4d0e-9a53-0c1f3b6d2a11"  # noqa: S105 - the id of a version
STEP = {"Step": "createSecret", "SecretId": "arn:of-the-secret", "ClientRequestToken": TOKEN}


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("createSecret", "createSecret"),
        ("setSecret", "setSecret"),
        ("testSecret", "testSecret"),
        ("finishSecret", "finishSecret"),
        ("create_secret", "createSecret"),
        ("set_secret", "setSecret"),
        ("test_secret", "testSecret"),
        ("finish_secret", "finishSecret"),
    ],
)
def test_a_step_of_secrets_managers_own_rotation_is_read_in_both_spellings(spelling: str, name: StepName) -> None:
    """AWS's guide writes it in both ways; the first step is an order to renew, the certificate, and nothing more."""
    command = command_from({**STEP, "Step": spelling})
    assert command == Command("arn:of-the-secret", force=name == "createSecret", step=Step(name, TOKEN))
    assert (command.half, command.allow_eviction, command.dry_run) == (HalfName.CERTIFICATE, False, False)


def test_what_else_aws_sends_with_a_step_is_passed_over() -> None:
    """Its RotationToken is a right to act in AWS's name: what is not kept is not logged."""
    more = {"RotationToken": "a-token-that-nobody-may-see", "Other": {"a": 1}}
    assert "a-token-that" not in repr(command_from({**STEP, **more}))


@pytest.mark.parametrize("key", ["secretId", "dryRun", "force", "allowEviction", "renew"])
def test_a_key_of_ours_beside_a_step_is_refused(key: str) -> None:
    """Somebody tries a step by hand, and must not take a dry run for one that does nothing."""
    with pytest.raises(InvalidEvent, match=f"own rotation; {key} cannot be in it"):
        command_from({**STEP, key: True})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"Step": "CreateSecret"},
            "Step in the event must be one of createSecret, setSecret, testSecret, finishSecret",
        ),
        ({"Step": ""}, "Step in the event must be one of"),
        ({"Step": None}, "Step in the event must be one of"),
        ({"Step": ["createSecret"]}, "Step in the event must be one of"),
        ({"SecretId": None}, "SecretId in the event must be the name or ARN"),
        ({"SecretId": ""}, "SecretId in the event must be the name or ARN"),
        ({"SecretId": "two names"}, "SecretId in the event must be the name or ARN"),
        ({"ClientRequestToken": None}, "ClientRequestToken in the event must be the id of a version"),
        ({"ClientRequestToken": TOKEN[:31]}, "ClientRequestToken in the event must be the id of a version"),
        ({"ClientRequestToken": "x" * 65}, "ClientRequestToken in the event must be the id of a version"),
        ({"ClientRequestToken": f"{TOKEN}\n"}, "ClientRequestToken in the event must be the id of a version"),
        ({"ClientRequestToken": 7}, "ClientRequestToken in the event must be the id of a version"),
    ],
)
def test_a_step_that_cannot_be_read_is_refused_by_name(change: dict[str, object], expected: str) -> None:
    """AWS sends each as it should be: what is not so is a person's, who is told which part to mend."""
    with pytest.raises(InvalidEvent, match=expected):
        command_from({**STEP, **change})
