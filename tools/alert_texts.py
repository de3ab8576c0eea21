"""Every alert as a mailbox gets it, rendered by the code for `docs/alerts.md`; a test compares the two.

`python -m tools.alert_texts` writes the page anew.
"""

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certificate_rotation import errors, messages
from certificate_rotation.digest import ALONE, Batch
from certificate_rotation.errors import RefreshFailed, RotationError
from certificate_rotation.incidents import level_of
from certificate_rotation.messages import Message, Situation
from certificate_rotation.state import Incident, LastRotation

PAGE = Path(__file__).resolve().parent.parent / "docs/alerts.md"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-credential-AbCdEf"
NAME = "device-id-20260901-030012-5f3a9c"
ENDS = NOW + timedelta(days=25)
SITUATION = Situation(
    secret=ARN,
    cert_name=NAME,
    serial="5b1d7ac2e4f0",
    not_after=ENDS,
    held_until=ENDS - timedelta(days=7),
    attempts=2,
    request_id="4e1f0e5c-7c52-4d0e-9a53-0c1f3b6d2a11",
    log_url="https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/...",
)
# A message as the code raises it, for each error of the contract.
SAID = {
    "InvalidEvent": "The event has unknown keys: dryrun. Known: secretId, dryRun, force, allowEviction.",
    "InvalidSettings": "CRITICAL_DAYS is 'soon'. Expected a whole number from 0 to 3650.",
    "InvalidCredential": "privateKey in the secret is not the key of cert (its first certificate must be the client's own).",
    "CredentialExpired": "The certificate in use ended at 2026-11-23T03:00:00Z.",
    "RefreshRejected": 'The service answered 400: "certName is taken".',
    "Unauthorized": 'The service answered 401: "unauthorized".',
    "RefreshConflict": 'The service answered 409: "another update or delete job is running".',
    "TooManyRequests": 'The service answered 429: "too many requests".',
    "ServiceFailure": 'The service answered 503: "unavailable".',
    "ServiceUnreachable": "The service could not be reached: the server's certificate is not trusted (certificate has expired).",
    "OutcomeUnknown": "The request was sent, and no readable answer came back: TimeoutError, the answer takes too long.",
    "CertificateRejected": "The new certificate device-id-20261124-030000-a1b2c3 was issued for another key than the one we "
    "asked for.",
    "CertificateNotAccepted": "The service does not accept the new certificate device-id-20261124-030000-a1b2c3 yet. It is "
    "safe in the secret, labelled AWSPENDING. The one in use was left in place.",
    "StorageFailure": "AWS refused storing the version labelled AWSPENDING. AccessDeniedException: not authorized. The new "
    "certificate device-id-20261124-030000-a1b2c3 is safe in the ledger, its key in version 0b6e6a5e.",
}
# Found before anything of the credential is known.
BLIND = {"InvalidEvent", "InvalidSettings", "InvalidCredential"}


def named() -> dict[str, type[RotationError]]:
    """The errors of the contract, in the order of the module."""
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, RotationError)]
    found.sort(key=lambda c: inspect.getsourcelines(c)[1])
    return {c.__name__: c for c in found if c not in {RotationError, RefreshFailed}}


def failures() -> Iterator[Message]:
    """One for each error."""
    for name, kind in named().items():
        situation = SITUATION
        if name in BLIND:
            of_function = name != "InvalidCredential"
            situation = Situation(
                "device-id-certificate" if of_function else ARN,
                request_id=SITUATION.request_id,
                log_url=SITUATION.log_url,
                of_function=of_function,
            )
        if name == "CredentialExpired":
            situation = replace(SITUATION, not_after=NOW - timedelta(days=1))
        if name == "TooManyRequests":
            situation = replace(SITUATION, attempts=0, next_attempt_at=NOW + timedelta(hours=1, minutes=2))
        left = situation.not_after - NOW if situation.not_after else None
        incident = Incident(name, since=NOW, alerted_at=NOW, level=level_of(left))
        yield messages.failed(kind(SAID[name]), situation, incident, "begun", NOW)


def news() -> Iterator[Message]:
    """What is not a failure, and a failure that goes on."""
    over = Incident("ServiceFailure", since=NOW - timedelta(hours=5), alerted_at=NOW - timedelta(hours=5), level=0)
    fresh = replace(SITUATION, cert_name="device-id-20261124-030000-a1b2c3", not_after=NOW + timedelta(days=90))
    new = LastRotation(NOW, str(fresh.cert_name), "f", "p", NAME, "device-id-20260601-030007-77c0de")
    yield messages.rotated(new, fresh, None, NOW)
    yield messages.rotated(LastRotation(NOW, str(fresh.cert_name), "f", "p", NAME, NAME), fresh, over, NOW)
    yield messages.recovered(over, SITUATION, NOW)
    yield messages.dropped("device-id-20261124-030000-a1b2c3", SITUATION, NOW)
    near = replace(SITUATION, not_after=NOW + timedelta(days=7))
    escalated = Incident("ServiceFailure", since=NOW - timedelta(days=7), alerted_at=NOW, level=2)
    yield messages.failed(errors.ServiceFailure(SAID["ServiceFailure"]), near, escalated, "escalated", NOW)


def digests() -> Iterator[Message]:
    """What stands for many mails."""
    names = frozenset(
        f"{ARN.removesuffix('device-id-credential-AbCdEf')}device-id/tenants/{name}-AbCdEf"
        for name in ("acme", "globex", "initech")
    )
    for cause in ("ServiceFailure", "recovered", "rotated"):
        yield messages.digest(cause, Batch(names, 0, urgent=False, since=NOW - timedelta(hours=1)), NOW)


_INTRODUCTION = """\
Every mail the bundle can send, as the code renders it. `python -m tools.alert_texts` writes this page; a test fails when
it is out of date. What to do about each, step by step, is in [the runbook](runbook.md)."""

_OF_MANY = f"""\
Of one cause, an hour's first {ALONE} credentials have a mail each, as above. Further ones wait, and when the hour is over
one mail tells of all of them; while the flood lasts, it is one an hour. Every kind of failure has such a digest, and so
have recoveries and rotations that end an incident. A certificate in its last day, and one that the service deleted, are
told at once whatever else happens. A digest's document has `count`, `secrets` and `since`, and its `secretId` is null. Its
attribute `secret` is an array (`String.Array`), so a subscriber that filters by one secret gets the digests that name it;
a digest names a hundred and counts the others."""

_FOR_PROGRAMS = """\
Subscribers other than mailboxes get a JSON document, and may filter by the message attributes `severity`, `code` and
`secret`. `version` goes up when a key is taken away or means something else."""


def page() -> str:
    """The whole of `docs/alerts.md`."""
    parts = [
        "# What the alerts say",
        _INTRODUCTION,
        "## When something fails",
        *(_shown(message) for message in failures()),
        "## When there is news",
        *(_shown(message) for message in news()),
        "## When it is many at once",
        _OF_MANY,
        *(_shown(message) for message in digests()),
        "## What programs get",
        _FOR_PROGRAMS,
        f"```json\n{json.dumps(next(failures()).document, indent=2)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _shown(message: Message) -> str:
    return f"### {message.code}\n\n```text\nSubject: {message.subject}\n\n{message.text}\n```"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE.name}.")
