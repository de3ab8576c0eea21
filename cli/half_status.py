"""One half of a credential as `status` sees it: what the dry run said of it, and what the ledger remembers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.state import HalfState, OpenAttempt
from certificate_rotation.snapshot import was_made_from

# The result's keys: when it ends, when it is due, how many attempts are left, and when the next one is.
_KEYS = {
    HalfName.CERTIFICATE: ("notAfter", "renewAt", "attemptsAvailable", "nextAttemptAt"),
    HalfName.API_KEY: ("apiKeyNotAfter", "apiKeyRenewAt", "apiKeyAttemptsAvailable", "apiKeyNextAttemptAt"),
}


@dataclass(frozen=True)
class HalfStatus:
    """One half.

    Attributes:
        name: which one.
        life: when it ends and is due, by the dry run.
        attempts: how many requests may leave now; None when the dry run did not say.
        next_attempt_at: when one may, if none may now.
        would: what a run now would do about it; None when that run would be about the other half.
        state: what the ledger remembers.
        promoted: the attempt whose answer is in use, so that the next run has only to close the rotation.
    """

    name: HalfName
    life: Life
    attempts: int | None
    next_attempt_at: str | None
    would: str | None
    state: HalfState
    promoted: OpenAttempt | None

    @classmethod
    def of(cls, name: HalfName, answer: Mapping[str, Any], state: HalfState, version: str) -> "HalfStatus":
        """Read a half off the dry run's answer and the ledger's record; `version` is AWSCURRENT, empty if not known."""
        ends, renew_at, attempts, next_attempt_at = (answer.get(key) for key in _KEYS[name])
        would = answer.get("wouldDo") if answer.get("renews") in (None, name) else None
        tried = (one for one in (state.open_attempt, state.earlier) if one)
        in_use = answer.get("certName") if name is HalfName.CERTIFICATE and would == "resume" else None
        return cls(
            name=name,
            life=Life(_moment(ends), _moment(renew_at)),
            attempts=attempts,
            next_attempt_at=next_attempt_at,
            would=would,
            state=state,
            promoted=next(
                (one for one in tried if was_made_from(version, one.intent_version) or in_use == (one.name or "")), None
            ),
        )

    def is_stale(self, now: datetime) -> bool:
        """Whether its end is only a note, and past: an API key that has ended in truth makes a run fail."""
        return self.name is HalfName.API_KEY and self.life.has_ended(now) and self.would != "fail"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
