"""Events and settings as they should be, and the contract's rule of what an event is."""

import json
import re
from pathlib import Path

EVENTS = Path(__file__).parents[2] / "events"
STACK = {"SECRET_ARN": "arn:secret", "LEDGER_TABLE": "ledger", "ALERT_TOPIC_ARN": "arn:topic"}
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
    renewing = {"secretId": "name", "force": True, "renew": "apiKey"}
    return [*files, renewing, {"secretId": "name", "dryRun": True, "force": False, "allowEviction": True}]


def _envelope() -> dict[str, object]:
    return next(event for event in good_events() if "detail-type" in event)


def is_event(event: object) -> bool:
    """The contract's rule, said once more."""
    if not isinstance(event, dict):
        return False
    if {"source", "detail-type", "detail"} <= event.keys():
        return event["detail"] in ({}, "{}", "", None) and event.keys() <= _envelope().keys()
    if "Step" in event:
        return _is_step(event)
    flags = all(isinstance(event[name], bool) for name in FLAGS & event.keys())
    named = "secretId" not in event or re.fullmatch(r"[!-~]{1,2048}", str(event["secretId"]))
    renews = event["renew"] in ("certificate", "apiKey") and event.get("force") is True if "renew" in event else True
    known = event.keys() <= {*FLAGS, "secretId", "renew"}
    return flags and bool(named) and isinstance(event.get("secretId", ""), str) and renews and known


def _is_step(event: dict[object, object]) -> bool:
    """AWS may send more than is known here, but nothing of ours."""
    steps = {"createSecret", "setSecret", "testSecret", "finishSecret"}
    spelt = {*steps, "create_secret", "set_secret", "test_secret", "finish_secret"}
    secret_id, token = event.get("SecretId"), event.get("ClientRequestToken")
    return (
        isinstance(event["Step"], str)
        and event["Step"] in spelt
        and isinstance(secret_id, str)
        and re.fullmatch(r"[!-~]{1,2048}", secret_id) is not None
        and isinstance(token, str)
        and re.fullmatch(r"[!-~]{32,64}", token) is not None
        and not event.keys() & {*FLAGS, "secretId", "renew"}
    )
