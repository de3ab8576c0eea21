"""What may be sent to the function: an object with some of five keys, a bare envelope, or a rotation step."""

import re
from collections.abc import Mapping
from typing import get_args

from certificate_rotation.domain.decision import Command, Step, StepName
from certificate_rotation.domain.errors import InvalidEvent
from certificate_rotation.domain.half import HalfName

_FLAGS = {"dryRun": "dry_run", "force": "force", "allowEviction": "allow_eviction"}
_KNOWN = ("secretId", *_FLAGS, "renew")
_STEPS: Mapping[str, StepName] = {
    spelling: name for name in get_args(StepName) for spelling in (name, re.sub("S", "_s", name))
}
_TOKEN = re.compile(r"[\x21-\x7e]{32,64}")
_SECRET_ID = re.compile(r"[\x21-\x7e]{1,2048}")  # AWS: names and ARNs are ASCII without blanks, and no longer
# AWS: what EventBridge Scheduler sends when a schedule has no input. Its `detail` is empty, or the text "{}".
_ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}


def command_from(event: object) -> Command:
    """Read an event.

    Raises:
        InvalidEvent: it is not an object, or holds a key or a type that is not known.
    """
    if not isinstance(event, Mapping):
        raise InvalidEvent(f"The event is of type {type(event).__name__}. Expected a JSON object.")
    if _is_bare_envelope(event):
        return Command()
    if "Step" in event:
        return _step(event)
    unknown = sorted(ascii(str(key))[1:-1][:40] for key in event if key not in _KNOWN)
    if unknown:
        raise InvalidEvent(f"The event has unknown keys: {', '.join(unknown[:5])}. Known: {', '.join(_KNOWN)}.")
    for name in _FLAGS:
        if not isinstance(event.get(name, False), bool):
            raise InvalidEvent(f"{name} in the event must be true or false, without quotes.")
    secret_id = event.get("secretId")
    if "secretId" in event and not (isinstance(secret_id, str) and _SECRET_ID.fullmatch(secret_id)):
        raise InvalidEvent("secretId in the event must be the name or ARN of a secret.")
    flags = {attribute: event.get(name, False) for name, attribute in _FLAGS.items()}
    return Command(secret_id=secret_id, half=_half(event), **flags)


def _half(event: Mapping[str, object]) -> HalfName:
    if "renew" not in event:
        return HalfName.CERTIFICATE
    if event["renew"] not in list(HalfName):
        raise InvalidEvent(f"renew in the event must be one of {', '.join(HalfName)}.")
    if not event.get("force"):
        raise InvalidEvent("renew in the event says which half force means: it stands beside force alone.")
    return HalfName(str(event["renew"]))


def _is_bare_envelope(event: Mapping[str, object]) -> bool:
    required = {"source", "detail-type", "detail"}
    return required <= event.keys() <= _ENVELOPE and event["detail"] in ({}, "{}", "", None)


def _step(event: Mapping[str, object]) -> Command:
    """AWS sends more than is read here, such as a RotationToken, which nobody needs and no log may hold.

    Secrets Manager user guide, "Lambda rotation functions"; it writes the steps in both ways.
    """
    ours = [name for name in _KNOWN if name in event]
    if ours:
        raise InvalidEvent(f"The event is a step of Secrets Manager's own rotation; {', '.join(ours)} cannot be in it.")
    name = _STEPS.get(str(event["Step"]))
    if name is None:
        raise InvalidEvent(f"Step in the event must be one of {', '.join(get_args(StepName))}.")
    secret_id, token = event.get("SecretId"), event.get("ClientRequestToken")
    if not (isinstance(secret_id, str) and _SECRET_ID.fullmatch(secret_id)):
        raise InvalidEvent("SecretId in the event must be the name or ARN of a secret.")
    if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        raise InvalidEvent("ClientRequestToken in the event must be the id of a version: 32 to 64 characters.")
    return Command(secret_id=secret_id, force=name == "createSecret", step=Step(name, token))
