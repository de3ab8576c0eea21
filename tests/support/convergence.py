"""How a case ends: the schedule alone has to bring it to rest."""

from datetime import datetime, timedelta

from tests.support.invariant_checker import CRITICAL, GRACE, HOUR, InvariantChecker
from tests.support.invariants import TALLY

NOT_ACCEPTED = {"CertificateNotAccepted", "ApiKeyNotAccepted"}
LAST_DAY = timedelta(hours=23)  # before the end: then another certificate is asked for beside the one that waits


FORCED_KEY = {"force": True, "allowEviction": True, "renew": "apiKey"}


def settle(watch: InvariantChecker, most: int = 20) -> None:
    """Run hourly, as the schedule does, until there is nothing left to do; wait for a hold's end where there is one.

    A hold of an API key whose end nobody knows is ended by a person, and a key that the service never comes to accept.

    Raises:
        ViolatedError: it never settles, or leaves something behind.
    """
    outcome = ""
    for _ in range(most):
        outcome = watch.run()
        if outcome in {"not_due", "CredentialExpired"} or (outcome == "Unauthorized" and watch.given_up):
            break
        if outcome in NOT_ACCEPTED and watch.is_hopeless:
            break
        _let_time_pass(watch, outcome)
        watch.env.time.advance(HOUR + timedelta(minutes=3))
    else:
        TALLY.check(1, holds=False, otherwise=f"it never settled: {watch.outcomes[-20:]}, {watch.env.said[-1]}")
    if watch.news_waits:  # AWS refused it all along
        watch.env.aws.failures.clear()
        watch.run()
    if outcome == "not_due":
        TALLY.check(2, watch.env.tidy(), f"labels were left: {watch.env.labels()}")
        watch.check_at_rest()


def _let_time_pass(watch: InvariantChecker, outcome: str) -> None:
    """To where decisions change."""
    now, ends = watch.env.time.now(), _known_end(watch)
    if outcome in NOT_ACCEPTED and watch.outcomes[-4:].count(outcome) > 1:
        lasting = watch.outcomes[-8:].count(outcome) > 4
        if ends:
            in_vain = lasting and watch.no_other_will_come
            _advance_to(watch, ends if in_vain else ends - LAST_DAY)
        if lasting or not ends:  # people were told to ask the vendor's support
            activates(watch)
        if lasting and not ends and watch.key_waits_in_vain:  # without a last day nothing ends it but a person
            _stores_another_key(watch)
    elif outcome == "InvalidCredential" and watch.env.renews == "apiKey":
        watch.edit(apiKeyExpiry=None)
    elif outcome == "held":
        if ends is None:
            if watch.run(FORCED_KEY) == "Unauthorized":  # the one in use is dead, too
                _stores_another_key(watch)
            return
        _advance_to(watch, ends - CRITICAL)
        if watch.env.time.now() == now:  # then it is consumers who need the time
            watch.env.time.advance(GRACE)


def _known_end(watch: InvariantChecker) -> datetime | None:
    """Of the half that waits. A note beside an API key that has passed says as little as none."""
    held = watch.last_good
    if watch.env.renews != "apiKey":
        return held.not_after
    return held.key_ends if held.key_ends and held.key_ends > watch.env.time.now() else None


def _stores_another_key(watch: InvariantChecker) -> None:
    held = watch.last_good
    tenant = watch.service.tenant(held.serial)
    watch.edit(apiKey=tenant.add_token()[0] if tenant else held.api_key)


def activates(watch: InvariantChecker) -> None:
    """End every activation delay."""
    for tenant in watch.tenants:
        for certificate in tenant.certificates:
            if certificate.valid and not certificate.active:
                tenant.activate(certificate.name)
        for token in tenant.tokens:
            if token.valid and not token.active:
                tenant.activate_token(token.name)


def _advance_to(watch: InvariantChecker, moment: datetime) -> None:
    watch.env.time.advance(max(moment - watch.env.time.now(), timedelta(0)))
