"""What a person has to see to, judged from what `status` saw: each with what to do, and in a few words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from certificate_rotation.domain.decision import LEASE_SKEW
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import OpenAttempt
from certificate_rotation.domain.times import days_left, utc_text
from certificate_rotation.halves import HALVES
from cli.errors import cure, is_named
from cli.half_status import HalfStatus
from cli.status import CredentialStatus, Subscription

# Due for longer than this, a half should have been renewed: an hourly schedule had many chances.
_OVERDUE = timedelta(days=1)
# What an attempt that stands still has come to.
_STUCK = {
    "unknown": "has no known outcome",
    "rejected": "brought one that cannot be used",
}


@dataclass(frozen=True)
class Need:
    """Something for a person: a few words for a table, and a sentence with what to do."""

    short: str
    sentence: str


def attention(status: CredentialStatus) -> list[str]:
    """Sentences, each with what to do; none when all is well."""
    needs = [] if status.rests else [*about_the_credential(status), *about_the_schedule(status)]
    return [*(need.sentence for need in needs), *about_readers(status.topic_arn, status.subscriptions)]


def notes(status: CredentialStatus) -> list[str]:
    """What a person should know, and nobody is harmed by today."""
    if not status.renewed_by_nobody:
        return []
    renew = status.target.command("renew", "--force", "--half", HalfName.API_KEY.value)
    said = (
        "Nobody renews the API key, because nobody knows when it ends. If you know it, put it into the secret as "
        "apiKeyExpiry (Secrets Manager console > the secret > Retrieve secret value > Edit). If not, have the key "
        f"renewed now, which brings its end along: `{renew}`. Consumers then read the secret again."
    )
    return [said]


def about_the_credential(status: CredentialStatus) -> list[Need]:
    """What concerns one credential alone."""
    rotations = (need for half in status.halves for need in _about_the_rotation(status, half))
    return [*_about_a_run(status), *rotations, *_about_the_news(status)]


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


def _about_a_run(status: CredentialStatus) -> Iterator[Need]:
    if status.empty:
        csr, store = status.target.command("csr"), status.target.command("store")
        yield Need("empty", f"The secret is empty. Put the first credential into it: `{csr}`, then `{store}`.")
    elif status.failure:
        code = status.failure.error_type
        cure_of_it = _cure(status, code)
        yield Need(code or "not asked", f"The function fails: {status.failure.message} {cure_of_it}")
    else:
        for half in status.halves:
            yield from _about_the_end(status, half)


def _about_the_end(status: CredentialStatus, half: HalfStatus) -> Iterator[Need]:
    life, what, why = half.life, half.name.words, status.answer.get("why")
    if half.would == "fail":
        if life.has_ended(status.at):
            yield Need(_short("has ended", half), f"{why} {_cure(status, 'CredentialExpired', half)}")
        elif half.state.incident is None:  # one that is open says it, with its cure
            yield Need(_short("would fail", half), f"A run would fail: {why} The next one mails what to do about it.")
        return
    if life.ends is None or life.renew_at is None or half.is_stale(status.at):
        return
    left = days_left(life.ends, status.at)
    if left <= status.policy.critical.days:
        said = f"Only {left} days are left of the {what}. {_to_renew(status, half)}"
        yield Need(_short(f"{left} days left", half), said)
    elif status.at - life.renew_at > _OVERDUE and half.would == "rotate":
        said = f"Renewal of the {what} has been due since {utc_text(life.renew_at)}. {_to_renew(status, half)}"
        yield Need(_short("overdue", half), said)


def _to_renew(status: CredentialStatus, half: HalfStatus) -> str:
    """What a person can do so that a half is renewed, by what a run would do now."""
    answer, what = status.answer, half.name.words
    again = f"onboard again: `{status.target.command('csr')}`, then `{status.target.command('store', '--replace')}`"
    match half.would:
        case "hold":
            return (
                f"Runs wait until {answer['until']}, because another {what} may delete the one in use. To go ahead "
                f"now, have consumers ready to reload: `{_forcing(status, half)}`."
            )
        case "wait":
            return (
                f"The service takes no request before {answer['until']}; the next run after that asks again. If that "
                f"is too late, {again}."
            )
        case "nothing":
            renew_at = utc_text(half.life.renew_at) if half.life.renew_at else "later"
            return (
                f"Renewal is due only from {renew_at} on. If this is always so, CriticalDays is too large for so "
                f"short a life of the {what}: deploy with a smaller one."
            )
    return (
        f"A run would go ahead: `{status.target.command('renew')}` says what is in the way. If it does not help, "
        f"{again}."
    )


def _forcing(status: CredentialStatus, half: HalfStatus) -> str:
    of_half = () if half.name is HalfName.CERTIFICATE else ("--half", half.name.value)
    return status.target.command("renew", "--force", *of_half, "--allow-eviction")


def _about_the_rotation(status: CredentialStatus, half: HalfStatus) -> Iterator[Need]:
    incident, attempt, what = half.state.incident, stuck(status, half), half.name.words
    ended = half.would == "fail" and half.life.has_ended(status.at)
    told = {status.failure.error_type if status.failure else "CredentialExpired" if ended else ""}
    if incident and incident.code not in told:
        is_open = f"{incident.code} is open since {utc_text(incident.since)}"
        if half.promoted:
            sentence = (
                f"{is_open}, and the new {what} is in use already. The next run closes the rotation and says "
                f"whether this is over; to have that now: `{status.target.command('renew')}`."
            )
        else:
            why = f"{status.answer['why']} " if half.would == "fail" else ""
            sentence = f"{is_open}. {why}{_cure(status, incident.code, half)}"
        yield Need(_short(incident.code, half), sentence)
        told.add(incident.code)
    if attempt:
        code = "OutcomeUnknown" if attempt.outcome == "unknown" else HALVES[half.name].rejected.__name__
        if code not in told:
            name = f"{utc_text(attempt.started_at)} ({attempt.name or what})"
            has_end = half.life.ends and not half.is_stale(status.at)
            waits = "" if has_end else f"Nobody knows when the {what} in use ends, so this has no end by itself. "
            said = f"The attempt of {name} {_STUCK[attempt.outcome]}. {waits}{_cure(status, code, half)}"
            yield Need(_short(code, half), said)


def _about_the_news(status: CredentialStatus) -> Iterator[Need]:
    if status.state.news:
        untold = "; ".join(f"{one.subject} ({utc_text(one.at)})" for one in status.state.news)
        yield Need(
            "untold news",
            f"AWS did not take what people or programs should have been told: {untold}. Every run tries again. The "
            "function's log says why (could not be published). Check the topic's policy, its KMS key and the bus.",
        )


def stuck(status: CredentialStatus, half: HalfStatus) -> OpenAttempt | None:
    """An attempt that no run carries on by itself, and none is at work on."""
    attempt, lease = half.state.open_attempt, status.state.lease
    at_work = lease is not None and status.at < lease.until + LEASE_SKEW
    return attempt if attempt and attempt.outcome in _STUCK and not at_work and not half.promoted else None


def _short(words: str, half: HalfStatus) -> str:
    return words if half.name is HalfName.CERTIFICATE else f"{words} (API key)"


def _cure(status: CredentialStatus, code: str, half: HalfStatus | None = None) -> str:
    about = half.name if half else HalfName.CERTIFICATE
    said = cure(code, status.target.secret, status.target.stack, about)
    return f"{said} What to type: docs/incidents.md#{code.lower()}." if is_named(code) else said
