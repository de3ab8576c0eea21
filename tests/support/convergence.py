"""How a case ends: the schedule alone has to bring it to rest."""

from datetime import datetime, timedelta

from tests.support.invariant_checker import GRACE, HOUR, InvariantChecker
from tests.support.invariants import TALLY

LAST_DAY = timedelta(hours=23)  # before the end: then another certificate is asked for beside the one that waits


def settle(watch: InvariantChecker, most: int = 12) -> None:
    """Run hourly, as the schedule does, until there is nothing left to do; wait for a hold's end where there is one.

    Raises:
        ViolatedError: it never settles, or leaves something behind.
    """
    outcome = ""
    for _ in range(most):
        outcome = watch.run()
        if outcome in {"not_due", "CredentialExpired"} or (outcome == "Unauthorized" and watch.given_up):
            break
        if outcome == "CertificateNotAccepted" and watch.is_hopeless:
            break
        before = watch.env.time.now()
        if watch.outcomes[-2:] == ["CertificateNotAccepted"] * 2:
            _advance_to(watch, watch.last_good.not_after - LAST_DAY)
        elif outcome == "held":
            watch.env.advance_to_critical()
            if watch.env.time.now() == before:  # then it is consumers who need the time
                watch.env.time.advance(GRACE)
        watch.env.time.advance(HOUR + timedelta(minutes=3))
    else:
        TALLY.check(1, holds=False, otherwise=f"it never settled: {watch.outcomes[-20:]}, {watch.env.said[-1]}")
    if watch.news_waits:  # AWS refused it all along
        watch.env.aws.failures.clear()
        watch.run()
    if outcome == "not_due":
        TALLY.check(2, watch.env.tidy(), f"labels were left: {watch.env.labels()}")
        watch.check_at_rest()


def _advance_to(watch: InvariantChecker, moment: datetime) -> None:
    watch.env.time.advance(max(moment - watch.env.time.now(), timedelta(0)))
