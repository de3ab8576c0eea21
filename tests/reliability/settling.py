"""How a case ends: the schedule alone has to bring it to rest."""

from datetime import timedelta

from tests.reliability.tally import TALLY
from tests.reliability.watch import GRACE, HOUR, Watch


def settle(watch: Watch, most: int = 12) -> None:
    """Run hourly, as the schedule does, until there is nothing left to do; wait for a hold's end where there is one.

    Raises:
        ViolatedError: it never settles, or leaves something behind.
    """
    outcome = ""
    for _ in range(most):
        outcome = watch.run()
        if outcome in {"not_due", "CredentialExpired"} or (outcome == "Unauthorized" and watch.given_up):
            break
        if outcome == "held" or watch.outcomes[-2:] == ["CertificateNotAccepted"] * 2:
            before = watch.world.time.now()
            watch.world.advance_to_critical()
            if watch.world.time.now() == before:  # then it is consumers who need the time
                watch.world.time.advance(GRACE)
        watch.world.time.advance(HOUR + timedelta(minutes=3))
    else:
        TALLY.check(1, holds=False, otherwise=f"it never settled: {watch.outcomes[-20:]}, {watch.world.said[-1]}")
    if outcome == "not_due":
        TALLY.check(2, watch.world.tidy(), f"labels were left: {watch.world.labels()}")
