"""What people should be told, said once more and from the outside: invariant 9."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.support.invariants import TALLY

DAY, MARGIN = timedelta(days=1), timedelta(minutes=3)
TIMES_A_DAY = 2  # design: the same failure, the second time only after its end was told
THRESHOLDS = (14, 7, 3, 1, 0)  # contract of the alerts: days left, by "at or below"
NEWS = {"rotated", "recovered", "dropped"}
# Found before the certificate in use was read, so that no days are left to escalate by.
_BLIND = {"InvalidCredential", "StorageFailure"}


@dataclass
class Telling:
    """When people were told of a failure, and at which level at last: more than one where an observer cannot tell."""

    times: list[datetime]
    levels: set[int]


class Expectation:
    """The incident as an observer knows it."""

    def __init__(self) -> None:
        self._code: str | None = None
        self._told_at: datetime | None = None
        self._levels = {0}  # at the last message about it
        self._told: dict[str, Telling] = {}  # of each failure, over or not

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
                self._remember(trouble, now, self._levels_of(trouble, not_after, now))
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
        """How many mails there should be: at least, at most. They differ where a minute more or less decides."""
        before = self._told.get(trouble, Telling([], {0}))
        since = now - self._told_at if self._told_at else DAY
        expected = {
            self._is_due(
                trouble,
                times=sum(now - at < DAY + margin for at in before.times),
                closer=level > told,
                escalated=level > known,
                reminder=since >= DAY + margin,
            )
            for level, told, known, margin in itertools.product(
                self._levels_of(trouble, not_after, now), before.levels, self._levels, (-MARGIN, MARGIN)
            )
        }
        return int(min(expected)), int(max(expected))

    def _is_due(self, trouble: str, *, times: int, closer: bool, escalated: bool, reminder: bool) -> bool:
        """The rule.

        `times`: how often this was told in the last day; `closer`, `escalated`: whether a threshold was passed since
        that, and since the incident's last message; `reminder`: there was none for a day.
        """
        if self._code is None:
            return closer or times < TIMES_A_DAY
        if trouble != self._code:
            return closer or times == 0
        return escalated or reminder

    def _remember(self, trouble: str, now: datetime, levels: set[int]) -> None:
        before = self._told.get(trouble, Telling([], {0}))
        escalated = trouble == self._code and min(levels) > max(self._levels)  # that is no telling anew
        self._told[trouble] = Telling(before.times if escalated else [*before.times, now], levels)
        self._code, self._told_at, self._levels = trouble, now, levels

    def _resynchronise(self, state: Mapping[str, Any]) -> None:
        """After a run that was cut short only the code knows whether it told somebody."""
        incident = state.get("incident")
        self._code = incident["code"] if incident else None
        self._told_at = datetime.fromisoformat(incident["alerted_at"]) if incident else None
        self._levels = {int(incident["level"])} if incident else {0}
        self._told = {
            code: Telling([datetime.fromisoformat(at) for at in told["at"]], {int(told["level"])})
            for code, told in state.get("told", {}).items()
        }

    def _levels_of(self, trouble: str, not_after: datetime | None, now: datetime) -> set[int]:
        """How many thresholds are passed, as the run that met this failure may have seen it."""
        seen = {_level(not_after, at) for at in (now - MARGIN, now)}
        return seen | (self._levels if self._code else {0}) if trouble in _BLIND else seen


def _level(not_after: datetime | None, now: datetime) -> int:
    return sum(not_after - now <= timedelta(days=days) for days in THRESHOLDS) if not_after else 0
