"""What a person has to see to, judged from what `status` saw: each with what to do, and in a few words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certificate_rotation.decision import LEASE_SKEW
from certificate_rotation.results import utc_text
from certificate_rotation.state import OpenAttempt
from tools.onboarding.cures import cure
from tools.onboarding.looking import Seen, Subscription

# Due for longer than this, a certificate should have been renewed: an hourly schedule had many chances.
_OVERDUE = timedelta(days=1)
_INVOKE = "invoke the function (Lambda console > the function > Test) with"
# What an attempt that stands still has come to, and the error that says what to do about it.
_STUCK = {
    "unknown": ("has no known outcome", "OutcomeUnknown"),
    "rejected": ("brought a certificate that cannot be used", "CertificateRejected"),
}


@dataclass(frozen=True)
class Need:
    """Something for a person: a few words for a table, and a sentence with what to do."""

    short: str
    sentence: str


def attention(seen: Seen, now: datetime) -> list[str]:
    """Sentences, each with what to do; none when all is well. `now` is aware, UTC."""
    needs = [] if seen.rests else [*about_the_credential(seen, now), *about_the_schedule(seen)]
    return [*(need.sentence for need in needs), *about_readers(seen.topic_arn, seen.subscriptions)]


def about_the_credential(seen: Seen, now: datetime) -> list[Need]:
    """What concerns one credential alone."""
    return [*_about_the_certificate(seen, now), *_about_the_rotation(seen, now)]


def about_the_schedule(seen: Seen) -> list[Need]:
    """What has the function look at the credential by itself, if it does not."""
    if not (seen.whose.own or seen.whose.tenant):
        name_it = "Make it a tenant's, or name it in ExistingSecretArn."
        return [Need("nobody's", f"No schedule of the stack {seen.whose.stack} looks at this secret. {name_it}")]
    if seen.schedule is None:
        cure_of_it = f"`{seen.whose.of_tenant('add')}` makes it." if seen.whose.tenant else "Deploy the stack again."
        return [Need("no schedule", f"There is no schedule, so nothing renews by itself. {cure_of_it}")]
    if not seen.schedule.enabled:
        resume = f"`{seen.whose.of_tenant('resume')}` enables it." if seen.whose.tenant else ""
        cure_of_it = resume or "Enable it in EventBridge Scheduler."
        return [Need("schedule off", f"The schedule is disabled, so nothing renews by itself. {cure_of_it}")]
    return []


def about_readers(topic_arn: str, subscriptions: Sequence[Subscription]) -> list[str]:
    """What keeps alerts from being read."""
    # SNS developer guide, "Deleting an Amazon SNS subscription": AWS deletes an unconfirmed one after 48 hours.
    found = [
        f"{one.endpoint} has not confirmed the subscription, so no alert arrives there; AWS deletes it after 48 hours. "
        "Take the Token from the link in the mail (do not click it) and run: aws sns confirm-subscription "
        f"--topic-arn {topic_arn} --authenticate-on-unsubscribe true --token TOKEN"
        for one in subscriptions
        if not one.confirmed
    ]
    if not subscriptions:
        found.append(
            f"Nobody is subscribed to {topic_arn}, so nobody reads an alert. Deploying again does not bring the "
            f"address back. Subscribe: aws sns subscribe --topic-arn {topic_arn} --protocol email "
            "--notification-endpoint ADDRESS"
        )
    return found


def _about_the_certificate(seen: Seen, now: datetime) -> Iterator[Need]:
    if seen.empty:
        csr, store = seen.whose.command("csr"), seen.whose.command("store")
        yield Need("empty", f"The secret is empty. Put the first credential into it: `{csr}`, then `{store}`.")
        return
    if seen.failure:
        code = seen.failure.error_type
        cure_of_it = _cure(seen, code)
        yield Need(code or "not asked", f"The function fails: {seen.failure.message} {cure_of_it}")
        return
    answer, left = seen.answer, seen.answer["daysLeft"]
    if answer.get("wouldDo") == "fail":
        yield Need("has ended", f"{answer['why']} {_cure(seen, 'CredentialExpired')}")
        return
    due_since = datetime.fromisoformat(answer["renewAt"])
    if left <= seen.critical_days:
        yield Need(f"{left} days left", f"Only {left} days are left. {_to_renew(seen)}")
    elif now - due_since > _OVERDUE and answer.get("wouldDo") == "rotate":
        yield Need("overdue", f"Renewal has been due since {utc_text(due_since)}. {_to_renew(seen)}")


def _to_renew(seen: Seen) -> str:
    """What a person can do so that the certificate is renewed, by what a run would do now."""
    answer, event = seen.answer, seen.whose.event
    again = f"onboard again: `{seen.whose.command('csr')}`, then `{seen.whose.command('store', '--replace')}`"
    match answer.get("wouldDo"):
        case "hold":
            return (
                f"Runs wait until {answer['until']}, because a new certificate may delete the one in use. To go ahead "
                f"now, have consumers ready to reload, and {_INVOKE} {event(force=True, allowEviction=True)}."
            )
        case "wait":
            return (
                f"The service takes no request before {answer['until']}; the next run after that asks again. If that "
                f"is too late, {again}."
            )
        case "nothing":
            return (
                f"Renewal is due only from {answer['renewAt']} on. If this is always so, CriticalDays is too large for "
                "a certificate with so short a life: deploy with a smaller one."
            )
    return (
        f"A run would go ahead: {_INVOKE} {event()}. Its answer says what is in the way. If it does not help, {again}."
    )


def _about_the_rotation(seen: Seen, now: datetime) -> Iterator[Need]:
    incident, attempt = seen.state.incident, stuck(seen, now)
    told = {seen.failure.error_type if seen.failure else "CredentialExpired" if seen.ended else ""}
    if incident and incident.code not in told:
        is_open = f"{incident.code} is open since {utc_text(incident.since)}"
        if seen.closes:
            sentence = (
                f"{is_open}, and the new certificate is in use already. The next run closes the rotation and says "
                f"whether this is over; to have that now, {_INVOKE} {seen.whose.event()}."
            )
        else:
            sentence = f"{is_open}. {_cure(seen, incident.code)}"
        yield Need(incident.code, sentence)
        told.add(incident.code)
    if attempt:
        what, code = _STUCK[attempt.outcome]
        if code not in told:
            name = f"{utc_text(attempt.started_at)} ({attempt.cert_name})"
            yield Need(code, f"The attempt of {name} {what}. {_cure(seen, code)}")


def stuck(seen: Seen, now: datetime) -> OpenAttempt | None:
    """An attempt that no run carries on by itself, and none is at work on."""
    attempt, lease = seen.state.open_attempt, seen.state.lease
    at_work = lease is not None and now < lease.until + LEASE_SKEW
    return attempt if attempt and attempt.outcome in _STUCK and not at_work and not seen.closes else None


def _cure(seen: Seen, code: str) -> str:
    return cure(code, seen.whose.secret, seen.whose.stack)
