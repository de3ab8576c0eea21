"""Events and settings as they should be, and the contract's rule of what an event is."""

import json
import re
from pathlib import Path

EVENTS = Path(__file__).parents[2] / "events"
FLAGS = {"dryRun", "force", "allowEviction"}
# Every setting that can be chosen, with a value that is allowed.
CHOSEN = {
    "SERVICE_REGION": "eu",
    "SERVICE_URL": "https://service.example:8443/base",
    "RENEW_BEFORE_DAYS": "30",
    "CRITICAL_DAYS": "7",
    "CUTOVER_GRACE_HOURS": "24",
    "KEY_ALGORITHM": "ec256",
    "CERT_NAME_PREFIX": "device-id",
    "NOTIFY_ON_SUCCESS": "true",
}


def good_events() -> list[dict[str, object]]:
    """What people are offered to paste, and every key at once."""
    files = [json.loads(file.read_text()) for file in sorted(EVENTS.glob("*.json"))]
    return [*files, {"secretId": "name", "dryRun": True, "force": False, "allowEviction": True}]


def is_event(event: object) -> bool:
    """The contract's rule, said once more."""
    if not isinstance(event, dict):
        return False
    if {"source", "detail-type", "detail"} <= event.keys():
        return event["detail"] in ({}, "{}", "", None) and event.keys() <= good_events()[-2].keys()
    flags = all(isinstance(event[name], bool) for name in FLAGS & event.keys())
    named = "secretId" not in event or re.fullmatch(r"[!-~]{1,2048}", str(event["secretId"]))
    return flags and bool(named) and isinstance(event.get("secretId", ""), str) and event.keys() <= {*FLAGS, "secretId"}
