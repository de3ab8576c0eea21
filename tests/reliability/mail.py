"""What people should be told, said once more and from the outside: invariant 9."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.reliability.tally import TALLY

DAY, MARGIN = timedelta(days=1), timedelta(minutes=3)
THRESHOLDS = (14, 7, 3, 1, 0)  # contract of the alerts: days left, by "at or below"
NEWS = {"rotated", "recovered", "dropped"}
# Found before the certificate in use was read, so that no days are left to escalate by.
_BLIND = {"InvalidCredential", "StorageFailure"}


class Expectation:
    """The incident as an observer knows it."""

    def __init__(self) -> None:
        self._code: str | None = None
        self._told_at: datetime | None = None
        self._level = 0

    def check(  # noqa: PLR0913 - all that an observer sees of one run
        self,
        outcome: str,
        mails: list[str],
        *,
        now: datetime,
        not_after: datetime | None,
        state: Mapping[str, Any],
        sure: bool,
        works: bool,
    ) -> None:
        """Compare the mails of one run with what happened.

        Args:
            outcome: a result's outcome, or an error's class name.
            mails: their codes.
            now: aware, UTC.
            not_after: of the certificate in use before the run.
            state: the ledger's record after it.
            sure: the run was neither killed nor refused anything: else a mail may be repeated or missing.
            works: the service let in what is in use, or need not be asked: only then is a failure over.
        """
        trouble = outcome if outcome[0].isupper() else None
        if outcome == "held" and "open_attempt" in state:  # the failure that holds it goes on
            rejected = state["open_attempt"]["outcome"] == "rejected"
            trouble = "CertificateRejected" if rejected else "OutcomeUnknown"
        about = [code for code in mails if code not in NEWS]
        if sure and trouble:
            least, most = self._due(trouble, now, not_after)
            TALLY.check(9, least <= len(about) <= most, f"{outcome} made the mails {mails}, not {least} to {most}")
            TALLY.check(9, set(about) <= {trouble}, f"{outcome} made the mails {mails}")
            if about:
                self._code, self._told_at, self._level = trouble, now, _level(not_after, now)
        elif sure:
            TALLY.check(9, not about, f"{outcome} made the mails {mails}")
            recovered = outcome == "not_due" and works and self._code is not None
            TALLY.check(9, mails.count("recovered") == recovered, f"{outcome} made {mails} after {self._code}")
            TALLY.check(9, mails.count("rotated") == (outcome == "rotated"), f"{outcome} made the mails {mails}")
            if recovered or outcome == "rotated":
                self._code = None
        else:
            self._resynchronise(state)

    def _due(self, trouble: str, now: datetime, not_after: datetime | None) -> tuple[int, int]:
        """How many mails there should be: at least, at most."""
        if self._code != trouble or self._told_at is None or now - self._told_at >= DAY + MARGIN:
            return 1, 1
        levels = {_level(not_after, at) for at in (now - MARGIN, now)}
        escalated = not_after is not None and min(levels) > self._level and trouble not in _BLIND
        unclear = max(levels) > self._level or now - self._told_at >= DAY - MARGIN
        return int(escalated), int(escalated or unclear)

    def _resynchronise(self, state: Mapping[str, Any]) -> None:
        """After a run that was cut short only the code knows whether it told somebody."""
        incident = state.get("incident")
        self._code = incident["code"] if incident else None
        self._told_at = datetime.fromisoformat(incident["alerted_at"]) if incident else None
        self._level = int(incident["level"]) if incident else 0


def _level(not_after: datetime | None, now: datetime) -> int:
    return sum(not_after - now <= timedelta(days=days) for days in THRESHOLDS) if not_after else 0
