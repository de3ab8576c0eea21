"""Every alert as a mailbox gets it, rendered by the code for `docs/alerts.md`; a test compares the two.

`python -m dev.render_alert_docs` writes the page anew.
"""

import inspect
import json
from collections.abc import Iterator
from copy import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import RefreshFailed, RotationError, RotationPostponed
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.report import HalfReport, Report, Rotated
from certificate_rotation.domain.state import Incident, LastRotation, News
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Answer, Verdict
from certificate_rotation.notifications import messages
from certificate_rotation.notifications.incidents import level_of
from certificate_rotation.notifications.messages import ALONE

PAGE = Path(__file__).resolve().parent.parent / "docs/alerts.md"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-credential-AbCdEf"
STACK = "device-id-certificate"
NAME = "device-id-20260901-030012-5f3a9c"
NEW = "device-id-20261124-030000-a1b2c3"
UNAVAILABLE = 'The service answered 503: "unavailable".'
NO_ANSWER = Verdict(Answer.NONE, errors.ServiceFailure(UNAVAILABLE))
ENDS = NOW + timedelta(days=25)
KEY_ENDS = NOW + timedelta(days=40)
CRITICAL = timedelta(days=7)
BOTH = {
    HalfName.CERTIFICATE: HalfReport(Life(ENDS, ENDS - timedelta(days=30)), ENDS - CRITICAL, 2, None),
    HalfName.API_KEY: HalfReport(Life(KEY_ENDS, KEY_ENDS - timedelta(days=30)), KEY_ENDS - CRITICAL, 4, None),
}
REPORT = Report(
    secret=ARN,
    at=NOW,
    stack=STACK,
    renews=HalfName.CERTIFICATE,
    cert_name=NAME,
    serial="5b1d7ac2e4f0",
    halves=BOTH,
    in_use=ACCEPTED,
    request_id="4e1f0e5c-7c52-4d0e-9a53-0c1f3b6d2a11",
    log_url="https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/...",
)
# A message as the code raises it, for each error of the contract.
SAID = {
    "InvalidEvent": "The event has unknown keys: dryrun. Known: secretId, dryRun, force, allowEviction, renew.",
    "InvalidSettings": "CRITICAL_DAYS is 'soon'. Expected a whole number from 1 to 3650.",
    "InvalidCredential": "privateKey in the secret is not the key of cert (its first certificate must be the client's own).",
    "CredentialExpired": "The certificate in use ended at 2026-11-23T03:00:00Z, and the service refuses it.",
    "RefreshRejected": 'The service answered 400: "certName is taken".',
    "Unauthorized": f"The service refuses the certificate in use ({NAME}) together with its API key.",
    "RefreshConflict": 'The service answered 409: "another update or delete job is running".',
    "TooManyRequests": 'The service answered 429: "too many requests".',
    "ServiceFailure": UNAVAILABLE,
    "ServiceUnreachable": "No connection to the service: the server's certificate is not trusted (certificate has expired). "
    "No request was sent.",
    "OutcomeUnknown": "The request was sent, and no readable answer came back: TimeoutError, the answer takes too long.",
    "CertificateRejected": f"The new certificate {NEW} was issued for another key than the one we asked for.",
    "CertificateNotAccepted": f"The service does not accept the new certificate {NEW} yet (it is valid from "
    "2026-11-24T03:00:00Z on). It is safe in the secret, labelled CERTIFICATE_STAGED. The one in use was left in place.",
    "ApiKeyRejected": "The new API key holds blanks, line breaks or non-ASCII characters.",
    "ApiKeyNotAccepted": "The service does not accept the new API key yet. It is safe in the secret, labelled API_KEY_STAGED. "
    "The one in use was left in place.",
    "StorageFailure": "AWS refused storing the version labelled CERTIFICATE_STAGED. AccessDeniedException: not authorized. The new "
    f"certificate {NEW} is safe in the ledger, and what it needs in version 0b6e6a5e.",
}
# The same of the API key, where it reads otherwise.
SAID_OF_THE_KEY = {
    "CredentialExpired": "The API key in use ended at 2026-11-23T03:00:00Z, and the service refuses it.",
    "InvalidCredential": "apiKeyExpiry in the secret is neither ISO 8601 nor Unix seconds or milliseconds.",
    "OutcomeUnknown": "The attempt of 2026-11-24T02:00:00Z (API key) has no known outcome: one may have been issued, and "
    "another one may delete the API key in use.",
    "StorageFailure": "AWS refused storing the version labelled API_KEY_STAGED. AccessDeniedException: not authorized. "
    "Neither the ledger nor the secret took the new API key: it was issued and is lost, and another one may delete the API "
    "key in use.",
}
# Found before anything of the credential is known.
BLIND = {"InvalidEvent", "InvalidSettings", "InvalidCredential"}
# What the service said of the one in use when it was asked before the mail; of the others it accepted it.
ANSWERS = {
    "CredentialExpired": REFUSED,
    "Unauthorized": REFUSED,
    "ServiceFailure": NO_ANSWER,
    "ServiceUnreachable": Verdict(Answer.NONE, errors.ServiceUnreachable(SAID["ServiceUnreachable"])),
    "StorageFailure": NOT_ASKED,  # as where WatchInUse is false
}


def named() -> dict[str, type[RotationError]]:
    """The errors of the contract that are mailed, in the order of the module."""
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, RotationError)]
    found.sort(key=lambda c: inspect.getsourcelines(c)[1])
    return {c.__name__: c for c in found if c not in {RotationError, RefreshFailed, RotationPostponed}}


def failures() -> Iterator[News]:
    """One for each error."""
    for name, kind in named().items():
        report = replace(REPORT, in_use=ANSWERS.get(name, ACCEPTED))
        if name.startswith("ApiKey"):
            report = replace(report, renews=HalfName.API_KEY)
        if name == "Unauthorized":
            report = replace(report, renews=None)  # found by asking about the credential as a whole
        if name in BLIND:
            of_function = name != "InvalidCredential"
            report = Report(
                "device-id-certificate" if of_function else ARN,
                NOW,
                stack=STACK,
                request_id=REPORT.request_id,
                log_url=REPORT.log_url,
                of_function=of_function,
            )
        if name == "CredentialExpired":
            report = _with(report, HalfName.CERTIFICATE, life=Life(NOW - timedelta(days=1), ENDS - timedelta(days=30)))
        if name == "TooManyRequests":
            next_at = NOW + timedelta(hours=1, minutes=2)
            report = _with(report, HalfName.CERTIFICATE, attempts=0, next_attempt_at=next_at)
        error = errors.Unauthorized(SAID[name], asked=True) if name == "Unauthorized" else kind(SAID[name])
        yield _failed(error, report)


def failures_of_the_key() -> Iterator[News]:
    """Where a mail about the API key says something else than one about the certificate."""
    report = replace(REPORT, renews=HalfName.API_KEY)
    unknown = replace(_with(report, HalfName.API_KEY, life=Life(), held_until=None), in_use=ACCEPTED)
    said = SAID_OF_THE_KEY
    yield _failed(errors.InvalidCredential(said["InvalidCredential"]), unknown)
    ended = _with(report, HalfName.API_KEY, life=Life(NOW - timedelta(days=1), NOW - timedelta(days=31)))
    yield _failed(errors.CredentialExpired(said["CredentialExpired"]), replace(ended, in_use=REFUSED))
    yield _failed(errors.OutcomeUnknown(said["OutcomeUnknown"]), report)
    yield _failed(errors.OutcomeUnknown(said["OutcomeUnknown"]), unknown)
    yield _failed(errors.StorageFailure(said["StorageFailure"], holds=True), report)


def _failed(error: RotationError, report: Report) -> News:
    left = report.ends - NOW if report.ends else None
    return messages.failed(error, report, Incident(type(error).__name__, NOW, NOW, level_of(left)), "begun")


def _with(report: Report, half: HalfName, **changes: Any) -> Report:  # noqa: ANN401 - a field of HalfReport each
    return replace(report, halves={**report.halves, half: replace(report.halves[half], **changes)})


def news() -> Iterator[News]:
    """What is not a failure, and a failure that goes on."""
    over = Incident("ServiceFailure", since=NOW - timedelta(hours=5), alerted_at=NOW - timedelta(hours=5), level=0)
    life = Life(NOW + timedelta(days=90), NOW + timedelta(days=60))
    fresh = _with(replace(REPORT, cert_name=NEW), HalfName.CERTIFICATE, life=life)
    new = LastRotation(NOW, NEW, "f", "p", NAME, "device-id-20260601-030007-77c0de")
    yield messages.rotated(Rotated(new, ACCEPTED), None, fresh)
    yield messages.rotated(Rotated(replace(new, deleted=NAME), REFUSED), over, fresh)
    yield messages.recovered(over, REPORT)
    yield messages.dropped(NEW, REPORT)
    near = _with(REPORT, HalfName.CERTIFICATE, life=Life(NOW + timedelta(days=7), NOW - timedelta(days=23)))
    escalated = Incident("ServiceFailure", since=NOW - timedelta(days=7), alerted_at=NOW, level=2)
    error = errors.ServiceFailure(SAID["ServiceFailure"])
    yield messages.failed(error, replace(near, in_use=NO_ANSWER), escalated, "escalated")


def news_of_the_key() -> Iterator[News]:
    """As `news`, of the API key."""
    report = replace(REPORT, renews=HalfName.API_KEY)
    new = LastRotation(NOW, "", "f", "p", deleted="an older API key")
    life = Life(NOW + timedelta(days=180), NOW + timedelta(days=150))
    yield messages.rotated(Rotated(new, ACCEPTED), None, _with(report, HalfName.API_KEY, life=life))
    yield messages.rotated(Rotated(new, REFUSED), None, _with(report, HalfName.API_KEY, life=Life()))
    yield messages.dropped("", report)


def traffic() -> Iterator[tuple[Answer, str]]:
    """What a mail says of traffic, by what the service answered in that run: before the date and after it."""
    for in_use in (ACCEPTED, REFUSED, NO_ANSWER, NOT_ASKED):
        for ends in (ENDS, NOW - timedelta(days=1)):
            life = Life(ends, ends - timedelta(days=30))
            report = _with(replace(REPORT, in_use=in_use), HalfName.CERTIFICATE, life=life)
            body = messages.dropped(NEW, report).text
            yield in_use.answer, body.partition("Does traffic still work\n")[2].partition("\n\n")[0]


_INTRODUCTION = """\
Every mail the bundle can send, as the code renders it. `python -m dev.render_alert_docs` writes this page; a test fails when
it is out of date. What to think and to check about each is in [the runbook](runbook.md), what to type in
[incidents.md](incidents.md)."""

_OF_TRAFFIC = """\
A mail says of traffic what the service answered when it was asked about the credential in use, in the very run that sends
the mail. The date stands beside it, and neither stands for the other: below, each answer before the date and after it.
With `WatchInUse: false` a run asks only where its decision hangs on the answer, and the other mails say that it was not
asked."""

_OF_THE_KEY = """\
A mail about the API key has the same parts and says "API key" in its subject. Below are those that say something else than
the same one about the certificate."""

_OF_MANY = f"""\
Of one cause, {ALONE} credentials have a mail each in an hour of the clock, as above. In place of the next one comes the mail
below, and no more of that cause in that hour. So it is with every kind of failure, with recoveries, and with rotations that
end an incident. A credential with a half in its last day, and one of which the service deleted what was in use, have their mail whatever else
happens. Events are never thinned."""

_FOR_PROGRAMS = """\
Each mail is an event on the account's default EventBridge bus, too, with the same in its `detail`; also the mails that were
left out because there were more of their cause. The names are in [consumers.md](consumers.md#told-at-once). `version` goes
up when a key is taken away or means something else. A mail itself is plain text, with the message attributes `severity`,
`code` and `secret` to filter by.

`Credential Rotated`, with a certificate deleted that was in use; the same of an API key; and `Rotation Failed`:"""


def page() -> str:
    """The whole of `docs/alerts.md`."""
    parts = [
        "# What the alerts say",
        _INTRODUCTION,
        "## When something fails",
        *(_shown(message) for message in failures()),
        "## When there is news",
        *(_shown(message) for message in news()),
        "## Of the API key",
        _OF_THE_KEY,
        *(_shown(message, of="the API key") for message in (*failures_of_the_key(), *news_of_the_key())),
        "## Whether traffic still works",
        _OF_TRAFFIC,
        *(f"- *{answer}*: {sentence}" for answer, sentence in traffic()),
        "## When it is many at once",
        _OF_MANY,
        _mail(messages.and_more(next(m for m in failures() if m.code == "ServiceFailure"), REPORT)),
        "## What programs get",
        _FOR_PROGRAMS,
        *(_detail(message) for message in (list(news())[1], next(news_of_the_key()), list(failures())[-1])),
    ]
    return "\n\n".join(parts) + "\n"


def _shown(message: News, of: str = "") -> str:
    heading = f"{message.code}, of {of}" if of else message.code
    return f"### {heading}\n\n{_mail(message)}"


def _mail(message: News) -> str:
    return f"```text\nSubject: {message.subject}\n\n{message.text}\n```"


def _detail(message: News) -> str:
    return f"```json\n{json.dumps(json.loads(message.detail), indent=2)}\n```"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE.name}.")
