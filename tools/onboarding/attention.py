"""What a person has to see to, judged from what `status` saw. Pure."""

from datetime import datetime, timedelta
from typing import cast

from certificate_rotation import errors
from certificate_rotation.decision import LEASE_SKEW
from certificate_rotation.results import utc_text
from tools.onboarding.looking import Seen

# Due for longer than this, a certificate should have been renewed: an hourly schedule had many chances.
_OVERDUE = timedelta(days=1)


def attention(seen: Seen, now: datetime) -> list[str]:
    """Sentences, each with what to do; none when all is well. `now` is aware, UTC."""
    return [*about_the_credential(seen, now), *about_readers(seen), *_about_the_schedule(seen)]


def about_the_credential(seen: Seen, now: datetime) -> list[str]:
    """The same, of what concerns one credential alone."""
    return [*_about_the_certificate(seen, now), *_about_the_rotation(seen, now)]


def _about_the_certificate(seen: Seen, now: datetime) -> list[str]:
    if seen.empty:
        return ["The secret is empty. Put the first credential into it: make csr, then make store."]
    if seen.failure:
        kind = getattr(errors, seen.failure.error_type, None)
        named = isinstance(kind, type) and issubclass(kind, errors.RotationError)
        cure = cast("type[errors.RotationError]", kind).cure if named else "Read the log of this run."
        return [f"The function fails: {seen.failure.message} {cure}"]
    if seen.answer.get("wouldDo") == "fail":
        return [f"{seen.answer['why']} {errors.CredentialExpired.cure}"]
    found = []
    if seen.answer["daysLeft"] <= seen.critical_days:
        found.append(f"Only {seen.answer['daysLeft']} days are left. The mails, and what follows here, say why.")
    due_since = datetime.fromisoformat(seen.answer["renewAt"])
    if now - due_since > _OVERDUE and seen.answer.get("wouldDo") == "rotate":
        found.append(
            f"Renewal has been due since {utc_text(due_since)}. If no run of the schedule comes to it within the hour, "
            "read the function's log, or invoke it with {}."
        )
    return found


def _about_the_rotation(seen: Seen, now: datetime) -> list[str]:
    found = []
    state = seen.state
    if state.incident:
        found.append(
            f"{state.incident.code} is open since {utc_text(state.incident.since)}. The mail about it says what to do."
        )
    attempt = state.open_attempt
    at_work = state.lease is not None and now < state.lease.until + LEASE_SKEW
    if attempt and not at_work and attempt.outcome != "issued":
        what = "has no known outcome" if attempt.outcome == "unknown" else "brought a certificate that cannot be used"
        found.append(
            f"The attempt of {utc_text(attempt.started_at)} ({attempt.cert_name}) {what}. If the function's error log "
            "shows the certificate, `make recover` puts it into use."
        )
    return found


def about_readers(seen: Seen) -> list[str]:
    """The same, of who reads the alerts."""
    found = [
        f"{one.endpoint} has not confirmed the subscription, so no alert arrives there. Click the link in the mail "
        "from AWS Notifications; a lost one is sent again by `aws sns subscribe` with "
        f"--topic-arn {seen.topic_arn} --protocol {one.protocol} --notification-endpoint {one.endpoint}"
        for one in seen.subscriptions
        if not one.confirmed
    ]
    if not seen.subscriptions:
        found.append(
            f"Nobody is subscribed to {seen.topic_arn}, so nobody reads an alert. Deploy with AlertEmail again."
        )
    return found


def _about_the_schedule(seen: Seen) -> list[str]:
    if seen.schedule is None:
        return ["There is no schedule, so nothing renews by itself. Deploy the stack again."]
    if not seen.schedule.enabled:
        return ["The schedule is disabled, so nothing renews by itself. Enable it in EventBridge Scheduler."]
    return []
