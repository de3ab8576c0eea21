"""What a secret holds, as far as it can be read."""

import json
from collections.abc import Mapping
from datetime import datetime

from certificate_rotation.certificates import Chain, load_chain
from certificate_rotation.credential import Credential
from certificate_rotation.errors import InvalidCredential
from tools.onboarding.service import Service


def json_object(text: str | None) -> dict[str, object] | None:
    """What a secret holds; None when that is no JSON object."""
    try:
        document = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def chain_in(existing: Mapping[str, object]) -> Chain | None:
    """The certificate in a secret, whatever else is in it; None when there is none that can be read."""
    try:
        return load_chain(str(existing.get("cert")))
    except ValueError:
        return None


def chain_of(text: str | None) -> Chain | None:
    """The certificate of a usable credential; None when it is none."""
    credential = _credential(text)
    return credential.chain if credential else None


def working(text: str | None, service: Service | None, now: datetime) -> Credential | None:
    """The credential in a secret if it works, as far as anybody can be asked."""
    credential = _credential(text)
    if credential is None or credential.chain.not_after <= now or (service and not service.accepts(credential)):
        return None
    return credential


def _credential(text: str | None) -> Credential | None:
    try:
        return Credential.parse(text or "")
    except InvalidCredential:
        return None
