"""A run of the function by hand, and what it says in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certificate_rotation.domain.half import HalfName

_WOULD = {
    "nothing": "would do nothing",
    "rotate": "would rotate the {what}",
    "resume": "would carry on with the {what}",
    "drop": "would give up a rotation of an earlier {what}",
    "hold": "would hold the {what}",
    "wait": "would wait, to ask for a new {what}",
    "fail": "would fail over the {what}",
}


@dataclass(frozen=True)
class Failure:
    """A run that raised: the error as Lambda reports it."""

    error_type: str
    message: str


def invoked(functions: Any, function: str, event: Mapping[str, object]) -> tuple[Mapping[str, Any], Failure | None]:  # noqa: ANN401 - boto3's
    """What the function answers to an event, and why it cannot; `functions` is a client of Lambda."""
    given = functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = json.loads(given["Payload"].read())
    if "FunctionError" not in given:
        return payload, None
    return {}, Failure(payload.get("errorType", ""), payload.get("errorMessage", ""))


def half_of(answer: Mapping[str, Any]) -> str:
    """Which half a result is about, in words; empty for none."""
    return HalfName(answer["renews"]).words if answer.get("renews") else ""


def would(answer: Mapping[str, Any]) -> str:
    """What a dry run says."""
    said = _WOULD.get(answer["wouldDo"], answer["wouldDo"]).format(what=half_of(answer))
    if answer["wouldDo"] == "hold" and "until" not in answer:
        return f"{said}. {answer['why']} This has no end by itself."
    return f"{said}. {answer['why']}{f' Until {answer["until"]}.' if 'until' in answer else ''}"
