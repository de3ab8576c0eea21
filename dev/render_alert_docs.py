"""Every alert as a mailbox gets it, rendered by the code for `docs/alerts.md`; a test compares the two.

`python -m dev.render_alert_docs` writes the page anew.
"""

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certificate_rotation.domain import errors
from certificate_rotation.domain.errors import RefreshFailed, RotationError
from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.state import Incident, LastRotation
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Answer, Verdict
from certificate_rotation.notifications import messages
from certificate_rotation.notifications.incidents import level_of
from certificate_rotation.notifications.messages import ALONE, Message

PAGE = Path(__file__).resolve().parent.parent / "docs/alerts.md"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-credential-AbCdEf"
STACK = "device-id-certificate"
NAME = "device-id-20260901-030012-5f3a9c"
NEW = "device-id-20261124-030000-a1b2c3"
UNAVAILABLE = 'The service answered 503: "unavailable".'
NO_ANSWER = Verdict(Answer.NONE, UNAVAILABLE)
ENDS = NOW + timedelta(days=25)
REPORT = Report(
    secret=ARN,
    at=NOW,
    stack=STACK,
    cert_name=NAME,
    serial="5b1d7ac2e4f0",
    not_after=ENDS,
    held_until=ENDS - timedelta(days=7),
    attempts=2,
    in_use=ACCEPTED,
    request_id="4e1f0e5c-7c52-4d0e-9a53-0c1f3b6d2a11",
    log_url="https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/...",
)
# A message as the code raises it, for each error of the contract.
SAID = {
    "InvalidEvent": "The event has unknown keys: dryrun. Known: secretId, dryRun, force, allowEviction.",
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
    "2026-11-24T03:00:00Z on). It is safe in the secret, labelled AWSPENDING. The one in use was left in place.",
    "StorageFailure": "AWS refused storing the version labelled AWSPENDING. AccessDeniedException: not authorized. The new "
    f"certificate {NEW} is safe in the ledger or in this run's log, its key in version 0b6e6a5e.",
}
# Found before anything of the credential is known.
BLIND = {"InvalidEvent", "InvalidSettings", "InvalidCredential"}
# What the service said of the one in use when it was asked before the mail; of the others it accepted it.
ANSWERS = {
    "CredentialExpired": REFUSED,
    "Unauthorized": REFUSED,
    "ServiceFailure": NO_ANSWER,
    "ServiceUnreachable": Verdict(Answer.NONE, SAID["ServiceUnreachable"]),
    "StorageFailure": NOT_ASKED,  # as where WatchInUse is false
}


def named() -> dict[str, type[RotationError]]:
    """The errors of the contract, in the order of the module."""
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, RotationError)]
    found.sort(key=lambda c: inspect.getsourcelines(c)[1])
    return {c.__name__: c for c in found if c not in {RotationError, RefreshFailed}}


def failures() -> Iterator[Message]:
    """One for each error."""
    for name, kind in named().items():
        report = replace(REPORT, in_use=ANSWERS.get(name, ACCEPTED))
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
            report = replace(report, not_after=NOW - timedelta(days=1))
        if name == "TooManyRequests":
            report = replace(report, attempts=0, next_attempt_at=NOW + timedelta(hours=1, minutes=2))
        left = report.not_after - NOW if report.not_after else None
        incident = Incident(name, since=NOW, alerted_at=NOW, level=level_of(left))
        yield messages.failed(kind(SAID[name]), report, incident, "begun")


def news() -> Iterator[Message]:
    """What is not a failure, and a failure that goes on."""
    over = Incident("ServiceFailure", since=NOW - timedelta(hours=5), alerted_at=NOW - timedelta(hours=5), level=0)
    fresh = replace(REPORT, cert_name=NEW, not_after=NOW + timedelta(days=90))
    new = LastRotation(NOW, NEW, "f", "p", NAME, "device-id-20260601-030007-77c0de")
    yield messages.rotated(Rotated(new, ACCEPTED), None, fresh)
    yield messages.rotated(Rotated(replace(new, deleted_cert_name=NAME), REFUSED), over, fresh)
    yield messages.recovered(over, REPORT)
    yield messages.dropped(NEW, REPORT)
    near = replace(REPORT, not_after=NOW + timedelta(days=7), in_use=NO_ANSWER)
    escalated = Incident("ServiceFailure", since=NOW - timedelta(days=7), alerted_at=NOW, level=2)
    yield messages.failed(errors.ServiceFailure(SAID["ServiceFailure"]), near, escalated, "escalated")


def traffic() -> Iterator[tuple[Answer, str]]:
    """What a mail says of traffic, by what the service answered in that run: before the date and after it."""
    for in_use in (ACCEPTED, REFUSED, NO_ANSWER, NOT_ASKED):
        for ends in (ENDS, NOW - timedelta(days=1)):
            report = replace(REPORT, in_use=in_use, not_after=ends)
            body = messages.dropped(NEW, report).text
            yield in_use.answer, body.partition("Does traffic still work\n")[2].partition("\n\n")[0]


_INTRODUCTION = """\
Every mail the bundle can send, as the code renders it. `python -m dev.render_alert_docs` writes this page; a test fails when
it is out of date. What to do about each, step by step, is in [the runbook](runbook.md)."""

_OF_TRAFFIC = """\
A mail says of traffic what the service answered when it was asked about the credential in use, in the very run that sends
the mail. The date stands beside it, and neither stands for the other: below, each answer before the date and after it.
With `WatchInUse: false` a run asks only where its decision hangs on the answer, and the other mails say that it was not
asked."""

_OF_MANY = f"""\
Of one cause, {ALONE} credentials have a mail each in an hour of the clock, as above. In place of the next one comes the mail
below, and no more of that cause in that hour. So it is with every kind of failure, with recoveries, and with rotations that
end an incident. A credential in its last day, and one whose certificate the service deleted, have their mail whatever else
happens. Events are never thinned."""

_FOR_PROGRAMS = """\
Each mail is an event on the account's default EventBridge bus, too, with the same in its `detail`; also the mails that were
left out because there were more of their cause. The names are in [consumers.md](consumers.md#told-at-once). `version` goes
up when a key is taken away or means something else. A mail itself is plain text, with the message attributes `severity`,
`code` and `secret` to filter by.

`Credential Rotated`, with a certificate deleted that was in use, and `Rotation Failed`:"""


def page() -> str:
    """The whole of `docs/alerts.md`."""
    parts = [
        "# What the alerts say",
        _INTRODUCTION,
        "## When something fails",
        *(_shown(message) for message in failures()),
        "## When there is news",
        *(_shown(message) for message in news()),
        "## Whether traffic still works",
        _OF_TRAFFIC,
        *(f"- *{answer}*: {sentence}" for answer, sentence in traffic()),
        "## When it is many at once",
        _OF_MANY,
        _mail(*messages.and_more(next(m for m in failures() if m.code == "ServiceFailure"), REPORT)),
        "## What programs get",
        _FOR_PROGRAMS,
        *(_detail(message) for message in (list(news())[1], list(failures())[-1])),
    ]
    return "\n\n".join(parts) + "\n"


def _shown(message: Message) -> str:
    return f"### {message.code}\n\n{_mail(message.subject, message.text)}"


def _mail(subject: str, text: str) -> str:
    return f"```text\nSubject: {subject}\n\n{text}\n```"


def _detail(message: Message) -> str:
    return f"```json\n{json.dumps(json.loads(message.detail), indent=2)}\n```"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE.name}.")
