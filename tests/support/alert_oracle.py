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
POSTPONED = "RotationPostponed"  # design: never mailed
_TELLS_NOTHING = {"staged", POSTPONED}  # of itself: it may have put in order what an earlier run left
# Found before the certificate in use was read, so that no days are left to escalate by.
_BLIND = {"InvalidCredential", "StorageFailure"}
# What keeps a half from acting, and is told though the run is about the other one.
_BESIDE = {"CredentialExpired", "InvalidCredential", "StorageFailure"}


@dataclass
class Telling:
    """When people were told of a failure, and at which level at last: more than one where an observer cannot tell."""

    times: list[datetime]
    levels: set[int]


@dataclass(frozen=True)
class Ended:
    """How a run ended, as far as it concerns what people are told of one half.

    Attributes:
        outcome: a result's outcome, or an error's class name.
        concerns: whether that is about this half.
        mails: the codes of those about this half.
        now: aware, UTC.
        ends: when the half in use ended or will; None when nobody knows.
        state: the ledger's record after the run.
        certainly_held: another half acted, and this one waited for the end of a hold.
        sure: the run was neither killed nor refused anything: else a mail may be repeated or missing.
        works: the service let in what is in use, or need not be asked: only then is a failure over.
    """

    outcome: str
    concerns: bool
    mails: list[str]
    now: datetime
    ends: datetime | None
    state: Mapping[str, Any]
    certainly_held: bool
    sure: bool
    works: bool


class Expectation:
    """The incident of one half as an observer knows it.

    What it shares with the code: which half a failure is about (the contract's `renews`), and after a run that was cut
    short all that the ledger says people were told.
    """

    def __init__(self, half: str) -> None:
        self._of, self._rejected = ("api_key_", "ApiKey") if half == "apiKey" else ("certificate_", "Certificate")
        self._name = f"{half}/" if half == "apiKey" else ""
        self._code: str | None = None
        self._told_at: datetime | None = None
        self._levels = {0}  # at the last message about it
        self._told: dict[str, Telling] = {}  # of each failure, over or not

    def check(self, run: Ended) -> None:
        """Compare the mails of one run with what happened."""
        if not run.sure:
            self._resynchronise(run.state)
            return
        outcome, mails = run.outcome, run.mails
        if outcome in _TELLS_NOTHING:
            TALLY.check(9, set(mails) <= {"rotated", "dropped"}, f"{outcome} made the mails {mails}")
            self._code = None if "rotated" in mails else self._code
            return
        trouble = outcome if run.concerns and outcome[0].isupper() else None
        attempt = run.state.get(f"{self._of}open_attempt")
        told_for_certain = bool(trouble)
        if not trouble and attempt and outcome not in {"dry_run", "busy"}:  # the failure that holds it goes on
            trouble = f"{self._rejected}Rejected" if attempt["outcome"] == "rejected" else "OutcomeUnknown"
            told_for_certain = (outcome == "held" and run.concerns) or run.certainly_held
        about = [code for code in mails if code not in NEWS]
        if not run.concerns and len(set(about)) == 1 and set(about) <= _BESIDE:
            (trouble,), told_for_certain = (
                set(about),
                False,
            )  # the other half acted; that this one cannot is told beside
        if trouble:
            goes_on = not (run.concerns and outcome == trouble)  # the other half's failure may have the same name
            least, most = self._due(trouble, run, endless=goes_on and run.ends is None and trouble not in _BESIDE)
            least = least if told_for_certain else 0
            TALLY.check(9, least <= len(about) <= most, f"{outcome} made the mails {mails}, not {least} to {most}")
            TALLY.check(9, set(about) <= {trouble}, f"{outcome} made the mails {mails}")
            if about:
                self._remember(trouble, run.now, self._levels_of(trouble, run.ends, run.now))
        else:
            TALLY.check(9, not about, f"{outcome} made the mails {mails}")
        self._check_good_news(run)

    def _check_good_news(self, run: Ended) -> None:
        rotated, recovered = run.outcome == "rotated" and run.concerns, run.mails.count("recovered")
        TALLY.check(9, run.mails.count("rotated") == rotated, f"{run.outcome} made the mails {run.mails}")
        over = run.works and self._code is not None
        if run.outcome != "not_due" and not run.concerns:  # whether this one is due only the code knows
            fine = recovered <= over
        else:
            fine = recovered == (over and run.outcome == "not_due")
        TALLY.check(9, fine, f"{run.outcome} made {run.mails} after {self._code}")
        if recovered or rotated:
            self._code = None

    def _due(self, trouble: str, run: Ended, *, endless: bool) -> tuple[int, int]:
        """How many mails there should be: at least, at most. They differ where a minute more or less decides.

        `endless`: it may last for ever, and is told once.
        """
        now = run.now
        if endless and trouble == self._code:
            return 0, 0
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
                self._levels_of(trouble, run.ends, now), before.levels, self._levels, (-MARGIN, MARGIN)
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
        incident = state.get(f"{self._of}incident")
        self._code = incident["code"] if incident else None
        self._told_at = datetime.fromisoformat(incident["alerted_at"]) if incident else None
        self._levels = {int(incident["level"])} if incident else {0}
        self._told = {
            name.removeprefix(self._name): Telling(
                [datetime.fromisoformat(at) for at in told["at"]], {int(told["level"])}
            )
            for name, told in state.get("told", {}).items()
            if name.startswith(self._name) and ("/" in name) == bool(self._name)
        }

    def _levels_of(self, trouble: str, ends: datetime | None, now: datetime) -> set[int]:
        """How many thresholds are passed, as the run that met this failure may have seen it."""
        seen = {_level(ends, at) for at in (now - MARGIN, now)}
        return seen | (self._levels if self._code else {0}) if trouble in _BLIND or ends is None else seen


def _level(ends: datetime | None, now: datetime) -> int:
    return sum(ends - now <= timedelta(days=days) for days in THRESHOLDS) if ends else 0
