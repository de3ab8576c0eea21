"""What may be sent to the function: an empty object, some of four keys, or the Scheduler's bare envelope."""

import re
from collections.abc import Mapping

from certificate_rotation.domain.decision import Command
from certificate_rotation.domain.errors import InvalidEvent

_FLAGS = {"dryRun": "dry_run", "force": "force", "allowEviction": "allow_eviction"}
_KNOWN = ("secretId", *_FLAGS)
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
    return Command(secret_id=secret_id, **flags)


def _is_bare_envelope(event: Mapping[str, object]) -> bool:
    required = {"source", "detail-type", "detail"}
    return required <= event.keys() <= _ENVELOPE and event["detail"] in ({}, "{}", "", None)
