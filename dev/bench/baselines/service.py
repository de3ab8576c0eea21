"""A call to the Device-ID service with `requests`, as its documentation shows it: the two files it wants on disk."""

import os
import tempfile
from pathlib import Path
from typing import Any

import certifi
import requests

_DIRECTORY = Path(tempfile.mkdtemp(prefix="baseline-"))
# The public trust anchors, as `requests` uses them everywhere, and the one of the local service.
_TRUSTED = _DIRECTORY / "trusted"
_TRUSTED.write_text(certifi.contents() + os.environ["TRUSTED_CA_PEM"])
_IDENTITY = _DIRECTORY / "identity"


def call(secret: dict[str, Any], path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    """One exchange; the JSON that came back."""
    _IDENTITY.write_text(secret["privateKey"] + secret["cert"])
    response = requests.get(
        f"{os.environ['SERVICE_URL']}/api/v1/token/{path}",
        headers={"apiKey": secret["apiKey"]},
        json=body,
        cert=str(_IDENTITY),
        verify=str(_TRUSTED),
        timeout=30,
    )
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer
