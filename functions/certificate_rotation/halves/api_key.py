"""The API key: asked for with nothing, and the answer is a secret. So it is sealed before it goes into the ledger.

The key of the seal is made for one attempt and lies in the intent's version of the secret alone: who reads the ledger
reads nothing, and the two stores stay independent of each other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import override

from certificate_rotation.adapters.device_id_api import DeviceIdApi, Issued
from certificate_rotation.domain import api_key, sealing
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.errors import ApiKeyNotAccepted, ApiKeyRejected, InvalidCredential
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.state import HalfState
from certificate_rotation.halves.half import Half, HalfLabels, Intent
from certificate_rotation.settings import Settings

KEY = "sealingKey"


class ApiKey(Half):
    """Vendor: at most two valid ones; five attempts, then two an hour."""

    name = HalfName.API_KEY
    labels = HalfLabels("API_KEY_INTENT", "API_KEY_EARLIER", "API_KEY_STAGED")
    rejected, not_accepted = ApiKeyRejected, ApiKeyNotAccepted
    part_names = (KEY,)

    @override
    def life(self, arn: str, credential: Credential, state: HalfState, policy: Policy) -> Life:
        ends = credential.api_key_expiry if policy.renew_api_key else None
        if ends is None:
            return Life()
        before, last = policy.api_key_renew_before, state.last_rotation
        if last and last.fingerprint == self.fingerprint(arn, credential) and last.at < ends:
            before = min(before, (ends - last.at) / 3)
        return Life(ends, ends - before, by_note=True)

    @override
    def fingerprint(self, arn: str, credential: Credential) -> str:
        return api_key.fingerprint(arn, credential.api_key)

    @override
    def new_parts(self, credential: Credential, settings: Settings, now: datetime) -> Mapping[str, str]:
        return {KEY: sealing.new_key()}

    @override
    def check_parts(self, parts: Mapping[str, str]) -> None:
        if not sealing.is_key(parts[KEY]):
            raise InvalidCredential("sealingKey in the secret is not a key to seal with.")

    @override
    def ask(self, api: DeviceIdApi, credential: Credential, intent: Intent, now: datetime) -> Issued:
        return api.refresh_api_key(credential, now)

    @override
    def join(self, intent: Intent, answer: str, credential: Credential, now: datetime, *, shorter: bool) -> Credential:
        token, expiry = api_key.read_answer(answer)
        if token == credential.api_key:
            raise ValueError("is the one in use once more")
        return credential.with_api_key(token, expiry)

    @override
    def answer_in(self, credential: Credential) -> str:
        return api_key.write_answer(credential.api_key, credential.api_key_expiry)

    @override
    def brought(self, answer: str, credential: Credential) -> bool:
        try:
            token, _ = api_key.read_answer(answer)
        except (KeyError, TypeError, ValueError):  # a sealed one tells nothing, nor does one that somebody edited
            return False
        return token == credential.api_key

    @override
    def journalled(self, intent: Intent, answer: str, about: str) -> str:
        return sealing.seal(answer, intent.parts[KEY], about)

    @override
    def answered(self, intent: Intent, journalled: str, about: str) -> str | None:
        return sealing.unseal(journalled, intent.parts[KEY], about)
