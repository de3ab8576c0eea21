"""What a person has to see to, judged from what `status` saw: each with what to do, and in a few words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certificate_rotation.domain.decision import LEASE_SKEW
from certificate_rotation.domain.result import utc_text
from certificate_rotation.domain.state import OpenAttempt
from cli.errors import cure
from cli.status import CredentialStatus, Subscription

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


def attention(status: CredentialStatus, now: datetime) -> list[str]:
    """Sentences, each with what to do; none when all is well. `now` is aware, UTC."""
    needs = [] if status.rests else [*about_the_credential(status, now), *about_the_schedule(status)]
    return [*(need.sentence for need in needs), *about_readers(status.topic_arn, status.subscriptions)]


def about_the_credential(status: CredentialStatus, now: datetime) -> list[Need]:
    """What concerns one credential alone."""
    return [*_about_the_certificate(status, now), *_about_the_rotation(status, now), *_about_the_news(status)]


def about_the_schedule(status: CredentialStatus) -> list[Need]:
    """What has the function look at the credential by itself, if it does not."""
    if not (status.target.own or status.target.tenant):
        name_it = "Make it a tenant's, or name it in ExistingSecretArn."
        return [Need("nobody's", f"No schedule of the stack {status.target.stack} looks at this secret. {name_it}")]
    if status.schedule is None:
        cure_of_it = (
            f"`{status.target.of_tenant('add')}` makes it." if status.target.tenant else "Deploy the stack again."
        )
        return [Need("no schedule", f"There is no schedule, so nothing renews by itself. {cure_of_it}")]
    if not status.schedule.enabled:
        resume = f"`{status.target.of_tenant('resume')}` enables it." if status.target.tenant else ""
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


def _about_the_certificate(status: CredentialStatus, now: datetime) -> Iterator[Need]:
    if status.empty:
        csr, store = status.target.command("csr"), status.target.command("store")
        yield Need("empty", f"The secret is empty. Put the first credential into it: `{csr}`, then `{store}`.")
        return
    if status.failure:
        code = status.failure.error_type
        cure_of_it = _cure(status, code)
        yield Need(code or "not asked", f"The function fails: {status.failure.message} {cure_of_it}")
        return
    answer, left = status.answer, status.answer["daysLeft"]
    if answer.get("wouldDo") == "fail":
        yield Need("has ended", f"{answer['why']} {_cure(status, 'CredentialExpired')}")
        return
    due_since = datetime.fromisoformat(answer["renewAt"])
    if left <= status.critical_days:
        yield Need(f"{left} days left", f"Only {left} days are left. {_to_renew(status)}")
    elif now - due_since > _OVERDUE and answer.get("wouldDo") == "rotate":
        yield Need("overdue", f"Renewal has been due since {utc_text(due_since)}. {_to_renew(status)}")


def _to_renew(status: CredentialStatus) -> str:
    """What a person can do so that the certificate is renewed, by what a run would do now."""
    answer, event = status.answer, status.target.event
    again = f"onboard again: `{status.target.command('csr')}`, then `{status.target.command('store', '--replace')}`"
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


def _about_the_rotation(status: CredentialStatus, now: datetime) -> Iterator[Need]:
    incident, attempt = status.state.incident, stuck(status, now)
    told = {status.failure.error_type if status.failure else "CredentialExpired" if status.ended else ""}
    if incident and incident.code not in told:
        is_open = f"{incident.code} is open since {utc_text(incident.since)}"
        if status.promoted:
            sentence = (
                f"{is_open}, and the new certificate is in use already. The next run closes the rotation and says "
                f"whether this is over; to have that now, {_INVOKE} {status.target.event()}."
            )
        else:
            sentence = f"{is_open}. {_cure(status, incident.code)}"
        yield Need(incident.code, sentence)
        told.add(incident.code)
    if attempt:
        what, code = _STUCK[attempt.outcome]
        if code not in told:
            name = f"{utc_text(attempt.started_at)} ({attempt.cert_name})"
            yield Need(code, f"The attempt of {name} {what}. {_cure(status, code)}")


def _about_the_news(status: CredentialStatus) -> Iterator[Need]:
    if status.state.news:
        untold = "; ".join(f"{one.subject} ({utc_text(one.at)})" for one in status.state.news)
        yield Need(
            "untold news",
            f"AWS did not take what people or programs should have been told: {untold}. Every run tries again. The "
            "function's log says why (could not be published). Check the topic's policy, its KMS key and the bus.",
        )


def stuck(status: CredentialStatus, now: datetime) -> OpenAttempt | None:
    """An attempt that no run carries on by itself, and none is at work on."""
    attempt, lease = status.state.open_attempt, status.state.lease
    at_work = lease is not None and now < lease.until + LEASE_SKEW
    return attempt if attempt and attempt.outcome in _STUCK and not at_work and not status.promoted else None


def _cure(status: CredentialStatus, code: str) -> str:
    return cure(code, status.target.secret, status.target.stack)
