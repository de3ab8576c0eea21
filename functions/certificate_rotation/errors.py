"""Every way a rotation can fail: the class name is the `errorType` people see and the alert's code.

Each class says in its docstring what happened, in `by_itself` what happens next without anybody, and in `cure` what a
person can do about it: first what anybody can do in a console, then the command for whoever has this repository. A
message never holds an API key or a private key.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

Verdict = Literal["not_sent", "not_issued", "unknown"]
"""What a failed refresh proves: no byte of the request left us, no certificate was issued, or nothing."""


class RotationError(Exception):
    """A failure with a name. Raise one of the classes below, never this one."""

    by_itself: ClassVar[str]
    cure: ClassVar[str]
    holds: ClassVar[bool] = False  # whether the next rotation waits until the end of the certificate in use is near


class InvalidEvent(RotationError):
    """The event holds a key or a type this function does not know."""

    by_itself = "Nothing was done because of this event. The schedule's own runs go on."
    cure = (
        "Invoke again (Lambda console > the function > Test) with {} or with any of secretId (text), dryRun, force and "
        "allowEviction (true or false)."
    )


class InvalidSettings(RotationError):
    """A setting of the function, so a parameter of the stack, is missing or cannot be used."""

    by_itself = "Every run fails until the setting is corrected. Nothing is sent to the service meanwhile."
    cure = (
        "Correct the parameter named above (CloudFormation console > the stack > Update). If somebody changed the "
        "function by hand, correct it there (Lambda console > the function > Configuration)."
    )


class InvalidCredential(RotationError):
    """The secret is missing, or its content is not a credential this function can work with."""

    by_itself = "Every run fails until the secret can be used. Nothing was sent and nothing was changed."
    cure = (
        "Put a JSON object with apiKey, cert (PEM, leaf first) and privateKey (PEM, unencrypted) into the secret "
        "(Secrets Manager console > the secret > Retrieve secret value > Edit). In the bundle's repository, "
        "`make store` checks the three and does it."
    )


class CredentialExpired(RotationError):
    """The certificate in use has ended, and the service renews only for a certificate that is still valid."""

    by_itself = "Nothing can mend this by itself: the service issues only to a certificate that is still valid."
    cure = (
        "Onboard again: make a new key and CSR, have it signed under Cloud Identity Engine > Third-Party Device-ID, "
        "and put the new apiKey, cert and privateKey into the secret. In the bundle's repository, `make csr` and "
        "`make store` do the first and the last of these. Rotation then goes on by itself."
    )


class RefreshFailed(RotationError):
    """The call that should have issued a certificate did not bring one: the classes below say why."""

    verdict: ClassVar[Verdict]


class RefreshRejected(RefreshFailed):
    """The service answered 400: it does not accept the certificate request or its name."""

    verdict = "not_issued"
    by_itself = "The next run asks again, with a new key and name, as far as the vendor's limit allows."
    cure = (
        "Check KeyAlgorithm and CertNamePrefix against what the service accepts, and its message above. If both are "
        "right, ask the vendor's support."
    )


class Unauthorized(RefreshFailed):
    """The service refused the API key (401, 403) or the client certificate, in the handshake or after it."""

    verdict = "not_issued"
    by_itself = "The next run tries again, as far as the vendor's limit allows."
    cure = (
        "Check in the Cloud Identity Engine that the certificate and the API key are still valid. If either is "
        "gone, onboard again and put the new values into the secret (in the bundle's repository: `make csr`, then "
        "`make store`); else contact the vendor's support."
    )


class RefreshConflict(RefreshFailed):
    """The service answered 409: another update or delete job of this tenant is running."""

    verdict = "not_issued"
    by_itself = "The next run tries again, as far as the vendor's limit allows."
    cure = "Nothing at first. If it lasts a day, ask the vendor's support which job of yours is stuck."


class TooManyRequests(RefreshFailed):
    """The service answered 429 although our own count had an attempt left. Its count wins."""

    verdict = "not_issued"
    by_itself = "It waits as long as the service asked, at least an hour, and then tries again."
    cure = (
        "Nothing, if somebody here used the API by hand. If nobody did, look for another program that uses the same "
        "credential."
    )

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        """`retry_after_seconds`: how long the service asked us to wait, None when it did not say."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ServiceFailure(RefreshFailed):
    """The service failed in a way that proves no certificate was issued: 503, or a refusal on the way to it."""

    verdict = "not_issued"
    by_itself = "The next run tries again, as far as the vendor's limit allows."
    cure = "Nothing at first. If it lasts a day, ask the vendor's support."


class ServiceUnreachable(RefreshFailed):
    """No request left us: the name did not resolve, nobody answered, or the server's certificate is not trusted."""

    verdict = "not_sent"
    by_itself = "The attempt was given back, because nothing was sent. The next run tries again."
    cure = "Check ServiceRegion, ServiceUrl and TrustedCaPem, and that the function's network may reach the service."


class OutcomeUnknown(RefreshFailed):
    """The request left, and no readable verdict came back: a certificate may or may not have been issued."""

    verdict = "unknown"
    holds = True
    by_itself = "Rotation is held until the certificate in use is within CriticalDays of its end, and then goes ahead."
    cure = (
        "Waiting is safe. To go ahead now, have consumers ready to reload, because the certificate in use may be "
        'deleted, and invoke (Lambda console > the function > Test) with {"force": true, "allowEviction": true}. If '
        "the function's error log shows the certificate, save it to a file: in the bundle's repository, "
        '`make recover ARGS="--cert FILE"` puts that one into use.'
    )


class CertificateRejected(RotationError):
    """A certificate was issued and fails the offline check, so it was not put into use."""

    holds = True
    by_itself = "Rotation is held until the certificate in use is within CriticalDays of its end, and then goes ahead."
    cure = (
        "Report it to the vendor with the certificate name. Waiting is safe. To ask for another one now, have "
        "consumers ready to reload, and invoke (Lambda console > the function > Test) with "
        '{"force": true, "allowEviction": true}.'
    )


class CertificateNotAccepted(RotationError):
    """The new certificate is stored and ready, and the service does not accept it yet, or gives no answer."""

    by_itself = (
        "Every run tries it again without using an attempt. Within CriticalDays "
        "of the end of the one in use, another is asked for."
    )
    cure = "Nothing at first. If it lasts a day, ask the vendor's support to activate the certificate named above."


class StorageFailure(RotationError):
    """AWS refused a read or a write that the rotation stands on. The message says where a new certificate is safe."""

    by_itself = "The next run carries on where this one stopped."
    cure = (
        "Check the function's role, the KMS key and service quotas against the AWS message above. A new certificate "
        "that is safe in the log only, save to a file: in the bundle's repository, "
        '`make recover ARGS="--cert FILE"` puts it into use.'
    )


@contextmanager
def adding(what: str) -> Iterator[None]:
    """Tell with a `StorageFailure` what else its reader must know."""
    try:
        yield
    except StorageFailure as error:
        raise StorageFailure(f"{error} {what}") from error
