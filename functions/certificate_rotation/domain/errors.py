"""Every way a rotation can fail: the class name is the `errorType` people see and the alert's code.

Each class says in its docstring what happened, in `by_itself` what happens next without anybody, and in `cure` what a
person can do about it: first what anybody can do in a console, then the command for whoever has `device-id`. Cures
have gaps for the events and commands, which are complete for one credential: `cure_of` fills them in. A message never
holds an API key or a private key. All in one list, because it is the contract: whoever adds one sees the others.
"""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

Verdict = Literal["not_sent", "not_issued", "unknown"]
"""What a failed refresh proves: no byte of the request left us, no certificate was issued, or nothing."""


class RotationError(Exception):
    """A failure with a name. Raise one of the classes below, never this one."""

    by_itself: str
    cure: ClassVar[str]  # with the gaps of `cure_of`
    holds: bool = False  # whether the next rotation waits until the end of the certificate in use is near


class InvalidEvent(RotationError):
    """The event holds a key or a type this function does not know."""

    by_itself = "Nothing was done because of this event. The schedule's own runs go on."
    cure = (
        "Invoke again (Lambda console > the function > Test) with {{}} or with any of secretId (text), dryRun, force "
        "and allowEviction (true or false)."
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

    by_itself = "Every run fails until the secret can be used."
    cure = (
        "Put a JSON object with apiKey, cert (PEM, leaf first) and privateKey (PEM, unencrypted) into the secret "
        "(Secrets Manager console > the secret > Retrieve secret value > Edit). `{store}` checks the three and does it."
    )


class CredentialExpired(RotationError):
    """The certificate in use has ended, and the service refuses it."""

    by_itself = "Nothing can mend this by itself: the service issues only to a certificate that it accepts."
    cure = (
        "Onboard again: make a new key and CSR, have it signed under Cloud Identity Engine > Third-Party Device-ID, "
        "and put the new apiKey, cert and privateKey into the secret. `{csr}` and `{store}` do the first and the last "
        "of these. Rotation then goes on by itself."
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
        "Check in the Cloud Identity Engine that the certificate and the API key are still valid: the service refuses "
        "the two together, and does not say which of them it means. If either is gone, onboard again and put the new "
        "values into the secret (`{csr}`, then `{store}`); else contact the vendor's support."
    )

    def __init__(self, message: str, *, asked: bool = False) -> None:
        """`asked`: no certificate was requested; the service was asked whether it accepts the one in use."""
        super().__init__(message)
        if asked:
            self.by_itself = "Every run asks again. Renewal needs a credential that the service accepts."


class RefreshConflict(RefreshFailed):
    """The service answered 409: another update or delete job of this tenant is running."""

    verdict = "not_issued"
    by_itself = "The next run tries again, as far as the vendor's limit allows."
    cure = "Nothing at first. If it lasts a day, ask the vendor's support which job of yours is stuck."


class TooManyRequests(RefreshFailed):
    """The service answered 429 although our own count had an attempt left. Its count wins."""

    verdict = "not_issued"
    by_itself = "It waits as long as the service asked, at least an hour and at most a day, and then tries again."
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
    """No request for a certificate left us: no connection, or no answer to the question that comes before one."""

    verdict = "not_sent"
    by_itself = "No attempt was used, because no request for a certificate was sent. The next run tries again."
    cure = "Check ServiceRegion, ServiceUrl and TrustedCaPem, and that the function's network may reach the service."


class OutcomeUnknown(RefreshFailed):
    """The request left, and no readable verdict came back: a certificate may or may not have been issued."""

    verdict = "unknown"
    holds = True
    by_itself = "Rotation is held until the certificate in use is within CriticalDays of its end, and then goes ahead."
    cure = (
        "Waiting is safe. To go ahead now, have consumers ready to reload, because the certificate in use may be "
        "deleted, and invoke (Lambda console > the function > Test) with {force}. If the function's log shows the "
        "certificate, save it to a file: `{recover}` puts that one into use."
    )


class CertificateRejected(RotationError):
    """A certificate was issued and fails the offline check, so it was not put into use."""

    holds = True
    by_itself = "Rotation is held until the certificate in use is within CriticalDays of its end, and then goes ahead."
    cure = (
        "Report it to the vendor with the certificate name. Waiting is safe. To ask for another one now, have "
        "consumers ready to reload, and invoke (Lambda console > the function > Test) with {force}."
    )


class CertificateNotAccepted(RotationError):
    """The new certificate is stored and ready, and the service does not accept it yet, or gives no answer."""

    by_itself = (
        "Every run tries it again without using an attempt. Once the one in use has ended, or the service refuses it, "
        "the new one is used unless the service refuses that too. In the last day of the one in use, one more is asked "
        "for, and both are tried."
    )
    cure = "Nothing at first. If it lasts a day, ask the vendor's support to activate the certificate named above."


class StorageFailure(RotationError):
    """AWS refused a read or a write that the rotation stands on. The message says where a new certificate is safe."""

    by_itself = "The next run carries on where this one stopped."
    cure = (
        "Check the function's role, the KMS key and service quotas against the AWS message above. A new certificate "
        "that is safe in the log only, save to a file: `{recover}` puts it into use."
    )

    def __init__(self, message: str, *, holds: bool = False) -> None:
        """`holds`: the ledger still counts an attempt as one of unknown outcome, so the next runs wait."""
        super().__init__(message)
        if holds:
            self.holds = True
            self.by_itself = OutcomeUnknown.by_itself


@contextmanager
def adding(what: str) -> Iterator[None]:
    """Tell with a `StorageFailure` what else its reader must know."""
    try:
        yield
    except StorageFailure as error:
        raise StorageFailure(f"{error} {what}", holds=error.holds) from error


def cure_of(kind: type[RotationError], secret: str, stack: str) -> str:
    """What a person can do about an error, its events and commands complete for one credential.

    Args:
        kind: the error's class.
        secret: the ARN, or the name, of the credential's secret.
        stack: the name of the deployed stack.
    """
    options = shlex.join(["--stack-name", stack, "--secret", secret])  # an event may have named any text
    return kind.cure.format(
        force=json.dumps({"secretId": secret, "force": True, "allowEviction": True}),
        csr=f"device-id csr {options}",
        store=f"device-id store {options}",
        recover=f"device-id recover {options} --cert FILE",
    )
