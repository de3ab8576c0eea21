"""Every way a rotation can fail: the class name is the `errorType` people see and the alert's code.

Each class says in its docstring what happened and in `cure` what a person can do about it. A message never
holds an API key or a private key.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

Verdict = Literal["not_sent", "not_issued", "unknown"]
"""What a failed refresh proves: no byte of the request left us, no certificate was issued, or nothing."""


class RotationError(Exception):
    """A failure with a name. Raise one of the classes below, never this one."""

    cure: ClassVar[str]


class InvalidEvent(RotationError):
    """The event holds a key or a type this function does not know."""

    cure = "Invoke again with {} or with any of secretId (text), dryRun, force and allowEviction (true or false)."


class InvalidSettings(RotationError):
    """A setting of the function, so a parameter of the stack, is missing or cannot be used."""

    cure = "Correct the parameter named above and deploy the stack again."


class InvalidCredential(RotationError):
    """The secret is missing, or its content is not a credential this function can work with."""

    cure = (
        "Put a JSON object with apiKey, cert (PEM, leaf first) and privateKey (PEM, unencrypted) into the secret "
        "as a new version. Nothing was sent and nothing was changed."
    )


class CredentialExpired(RotationError):
    """The certificate in use has ended, and the service renews only for a certificate that is still valid."""

    cure = (
        "Onboard again: make a new key and CSR, have it signed under Cloud Identity Engine > Third-Party Device-ID, "
        "and put the new apiKey, cert and privateKey into the secret. Rotation then goes on by itself."
    )


class RefreshFailed(RotationError):
    """The call that should have issued a certificate did not bring one: the classes below say why."""

    verdict: ClassVar[Verdict]


class RefreshRejected(RefreshFailed):
    """The service answered 400: it does not accept the certificate request or its name."""

    verdict = "not_issued"
    cure = (
        "Check KeyAlgorithm and CertNamePrefix against what the service accepts, and its message above. A new "
        "request with a new name is made on the next run."
    )


class Unauthorized(RefreshFailed):
    """The service refused the API key (401, 403) or the client certificate, in the handshake or after it."""

    verdict = "not_issued"
    cure = (
        "Check in the Cloud Identity Engine that the certificate and the API key are still valid. If either is "
        "gone, onboard again and put the new values into the secret; else contact the vendor's support."
    )


class RefreshConflict(RefreshFailed):
    """The service answered 409: another update or delete job of this tenant is running."""

    verdict = "not_issued"
    cure = "Nothing to do: the next run tries again. If it lasts a day, ask the vendor which job is stuck."


class TooManyRequests(RefreshFailed):
    """The service answered 429 although our own count had an attempt left. Its count wins."""

    verdict = "not_issued"
    cure = (
        "Nothing to do: the next attempt waits as long as the service asked. If nobody here used the API by hand, "
        "look for another program that uses the same credential."
    )

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        """`retry_after_seconds`: how long the service asked us to wait, None when it did not say."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ServiceFailure(RefreshFailed):
    """The service failed in a way that proves no certificate was issued: 503, or a refusal on the way to it."""

    verdict = "not_issued"
    cure = "Nothing to do at first: the next run tries again. If it lasts a day, ask the vendor's support."


class ServiceUnreachable(RefreshFailed):
    """No request left us: the name did not resolve, nobody answered, or the server's certificate is not trusted."""

    verdict = "not_sent"
    cure = (
        "Check ServiceRegion, ServiceUrl and TrustedCaPem, and that the function's network may reach the service. "
        "The attempt was given back and the next run tries again."
    )


class OutcomeUnknown(RefreshFailed):
    """The request left, and no readable verdict came back: a certificate may or may not have been issued."""

    verdict = "unknown"
    cure = (
        "The next rotation may delete the certificate in use, so it is held until that one is close to its end. To "
        'go ahead now, have consumers ready to reload and invoke with {"force": true, "allowEviction": true}.'
    )


class CertificateRejected(RotationError):
    """A certificate was issued and fails the offline check, so it was not put into use."""

    cure = (
        "Report it to the vendor with the certificate name. Rotation is held until the certificate in use is close "
        'to its end; {"force": true, "allowEviction": true} asks for another one now.'
    )


class CertificateNotAccepted(RotationError):
    """The new certificate is stored and ready, and the service does not accept it yet, or gives no answer."""

    cure = (
        "Nothing to do at first: every run tries it again without using an attempt. If it lasts a day, ask the "
        "vendor to activate the certificate named above."
    )


class StorageFailure(RotationError):
    """AWS refused a read or a write that the rotation stands on. The message says where a new certificate is safe."""

    cure = (
        "Check the function's role, the KMS key and service quotas against the AWS message above. The next run "
        "carries on where this one stopped."
    )


@contextmanager
def adding(what: str) -> Iterator[None]:
    """Tell with a `StorageFailure` what else its reader must know."""
    try:
        yield
    except StorageFailure as error:
        raise StorageFailure(f"{error} {what}") from error
