"""Every way a rotation can fail: the class name is the `errorType` people see and the alert's code.

Each class says in its docstring what happened, in `by_itself` what happens next without anybody, and in `cure` what a
person can do about it: first what anybody can do in a console, then the command for whoever has `device-id`. Both have
gaps, which `by_itself_of` and `cure_of` fill in: for the half it is about, and for events and commands that are
complete for one credential. A message never holds an API key or a private key. All in one list, because it is the
contract: whoever adds one sees the others.
"""

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Literal

from certificate_rotation.domain.half import HalfName

Verdict = Literal["not_sent", "not_issued", "unknown"]
"""What a failed refresh proves: no byte of the request left us, nothing was issued, or nothing at all."""


class RotationError(Exception):
    """A failure with a name. Raise one of the classes below, never this one."""

    by_itself: str  # with the gap {what}: the half, in words
    cure: ClassVar[str]  # with the gaps of `cure_of`
    of_key: ClassVar[Mapping[str, str]] = {}  # what of the two is said otherwise of an API key
    holds: bool = False  # whether the next rotation waits until the end of the half in use is near


class InvalidEvent(RotationError):
    """The event holds a key or a type this function does not know."""

    by_itself = "Nothing was done because of this event. The schedule's own runs go on."
    cure = (
        "Invoke again (Lambda console > the function > Test) with {{}} or with any of secretId (text), dryRun, force "
        "and allowEviction (true or false); beside force, renew may be certificate or apiKey."
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
        "(Secrets Manager console > the secret > Retrieve secret value > Edit). `{store}` checks the three and does "
        "it."
    )
    of_key: ClassVar[Mapping[str, str]] = {  # all that is read of that half alone is the note of its end
        "by_itself": "The API key is not renewed until the note of its end can be read. The certificate is.",
        "cure": (
            "Correct apiKeyExpiry in the secret: when the API key ends, such as 2027-01-31T00:00:00Z, or as Unix "
            "seconds or milliseconds. If nobody knows, remove it (Secrets Manager console > the secret > Retrieve "
            "secret value > Edit)."
        ),
    }


class CredentialExpired(RotationError):
    """A half in use has ended, and the service refuses it."""

    by_itself = "Nothing can mend this by itself: the service issues only to a credential that it accepts."
    cure = (
        "Onboard again: make a new key and CSR, have it signed under Cloud Identity Engine > Third-Party Device-ID, "
        "and put the new apiKey, its apiKeyExpiry, cert and privateKey into the secret. `{csr}` and `{store}` do the "
        "first and the last of these. Rotation then goes on by itself."
    )


class RefreshFailed(RotationError):
    """The call that should have issued a new half did not bring one: the classes below say why."""

    verdict: ClassVar[Verdict]
    by_itself = "The next run tries again, as far as the vendor's limit allows."


class RefreshRejected(RefreshFailed):
    """The service answered 400: it does not accept the request, or the name in it."""

    verdict = "not_issued"
    by_itself = "The next run makes a new request, as far as the vendor's limit allows."
    cure = (
        "Check KeyAlgorithm and CertNamePrefix against what the service accepts. If both are right, ask the vendor's "
        "support."
    )
    of_key: ClassVar[Mapping[str, str]] = {
        "cure": "Ask the vendor's support: a request for an API key holds nothing but the credential in use."
    }


class Unauthorized(RefreshFailed):
    """The service refused the API key (401, 403) or the client certificate, in the handshake or after it."""

    verdict = "not_issued"
    cure = (
        "Check in the Cloud Identity Engine that the certificate and the API key are still valid: the service refuses "
        "the two together, and does not say which of them it means. If either is gone, onboard again and put the new "
        "values into the secret (`{csr}`, then `{store}`); else contact the vendor's support."
    )

    def __init__(self, message: str, *, asked: bool = False) -> None:
        """`asked`: nothing was requested; the service was asked whether it accepts the credential in use."""
        super().__init__(message)
        if asked:
            self.by_itself = "Every run asks again. Renewal needs a credential that the service accepts."


class RefreshConflict(RefreshFailed):
    """The service answered 409: another update or delete job of this tenant is running."""

    verdict = "not_issued"
    cure = "Nothing at first. If it lasts a day, ask the vendor's support which job of yours is stuck."


class TooManyRequests(RefreshFailed):
    """The service answered 429 although our own count had an attempt left. Its count wins."""

    verdict = "not_issued"
    by_itself = "It waits for the vendor's limit, or longer if the service asked so, at most a day, and tries again."
    cure = (
        "Nothing, if somebody here used the API by hand. If nobody did, look for another program that uses the same "
        "credential."
    )

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        """`retry_after_seconds`: how long the service asked us to wait, None when it did not say."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ServiceFailure(RefreshFailed):
    """The service failed in a way that proves nothing was issued: 503, or a refusal on the way to it."""

    verdict = "not_issued"
    cure = "Nothing at first. If it lasts a day, ask the vendor's support."


class ServiceUnreachable(RefreshFailed):
    """No request for a new half left us: no connection, or no answer to the question that comes before one."""

    verdict = "not_sent"
    by_itself = "No attempt was used, because no request for a new {what} was sent. The next run tries again."
    cure = "Check ServiceRegion, ServiceUrl and TrustedCaPem, and that the function's network may reach the service."


_HELD = "Rotation of the {what} is held until the one in use is within CriticalDays of its end, and then goes ahead."
_GO_AHEAD = (
    "have consumers ready to reload, because the {what} in use may be deleted, and invoke (Lambda console > the "
    "function > Test) with {force}. `{renew}` does the same."
)
_NOT_ACCEPTED = (
    "Every run tries it again without using an attempt. Once the one in use has ended, or the service refuses it, the "
    "new one is used unless the service refuses that too. In the last day of the one in use, where that is known, one "
    "more is asked for, and both are tried."
)


class OutcomeUnknown(RefreshFailed):
    """The request left, and no readable verdict came back: a new half may or may not have been issued."""

    verdict = "unknown"
    holds = True
    by_itself = _HELD
    cure = f"Waiting is safe. To go ahead now, {_GO_AHEAD} {{recoverable}}"


class CertificateRejected(RotationError):
    """A certificate was issued and fails the offline check, so it was not put into use."""

    holds = True
    by_itself = _HELD
    cure = (
        f"Report it to the vendor with the certificate name. Waiting is safe. To ask for another one now, {_GO_AHEAD}"
    )


class ApiKeyRejected(RotationError):
    """An API key was issued and fails the offline check, so it was not put into use."""

    holds = True
    by_itself = _HELD
    cure = f"Report it to the vendor. Waiting is safe. To ask for another one now, {_GO_AHEAD}"


class CertificateNotAccepted(RotationError):
    """The new certificate is stored and ready, and the service does not accept it yet, or gives no answer."""

    by_itself = _NOT_ACCEPTED
    cure = "Nothing at first. If it lasts a day, ask the vendor's support to activate the certificate named above."


class ApiKeyNotAccepted(RotationError):
    """The new API key is stored and ready, and the service does not accept it yet, or gives no answer."""

    by_itself = _NOT_ACCEPTED
    cure = "Nothing at first. If it lasts a day, ask the vendor's support why the new API key is refused."


class StorageFailure(RotationError):
    """AWS refused a read or a write that the rotation stands on. The message says where the new half is safe."""

    by_itself = "The next run carries on where this one stopped."
    cure = "Check the function's role, the KMS key and service quotas against the AWS message above. {recoverable}"

    def __init__(self, message: str, *, holds: bool = False) -> None:
        """`holds`: the ledger still counts an attempt as one of unknown outcome, so the next runs wait."""
        super().__init__(message)
        if holds:
            self.holds = True
            self.by_itself = OutcomeUnknown.by_itself


class RotationPostponed(RotationError):
    """A step of Secrets Manager's own rotation met a hold, a limit, another run, or was out of order. Never mailed."""

    by_itself = "Secrets Manager tries its step again, and the function's own schedule goes on beside it."
    cure = "Nothing. The function's own runs renew the credential when that is safe."


@contextmanager
def adding(what: str) -> Iterator[None]:
    """Tell with a `StorageFailure` what else its reader must know."""
    try:
        yield
    except StorageFailure as error:
        raise StorageFailure(f"{error} {what}", holds=error.holds) from error


_RECOVERABLE = {
    HalfName.CERTIFICATE: "If the function's log shows the new certificate, save it to a file: `{recover} --cert FILE` "
    "puts that one into use.",
    HalfName.API_KEY: "If the ledger holds the new API key, sealed, `{recover} --api-key` puts that one into use.",
}


def cure_of(
    kind: type[RotationError], secret: str, stack: str, half: HalfName = HalfName.CERTIFICATE, *, held: bool = False
) -> str:
    """What a person can do about an error, its events and commands complete for one half of one credential.

    Args:
        kind: the error's class.
        secret: the ARN, or the name, of the credential's secret.
        stack: the name of the deployed stack.
        half: which half it is about.
        held: whether rotation is held, though errors of this kind mostly do not.
    """
    options = shlex.join(["--stack-name", stack, "--secret", secret])  # an event may have named any text
    of_half = {} if half is HalfName.CERTIFICATE else {"renew": half.value}
    cure = _said(kind, "cure", half)
    if held and half is HalfName.API_KEY:  # there is none that could be found
        cure = cure.replace(" {recoverable}", "")
    if held:
        cure += f" Waiting is safe. To ask for another one now, {_GO_AHEAD}"
    return cure.format(
        what=half.words,
        force=json.dumps({"secretId": secret, "force": True, "allowEviction": True} | of_half),
        renew=" ".join(
            [f"device-id renew {options} --force --allow-eviction", *(f"--half {of}" for of in of_half.values())]
        ),
        csr=f"device-id csr {options}",
        store=f"device-id store {options}",
        recoverable=_RECOVERABLE[half].format(recover=f"device-id recover {options}"),
    )


def by_itself_of(error: RotationError, half: HalfName) -> str:
    """What happens next without anybody."""
    return _said(error, "by_itself", half).format(what=half.words)


def _said(error: RotationError | type[RotationError], what: str, half: HalfName) -> str:
    words: str = getattr(error, what)
    return error.of_key.get(what, words) if half is HalfName.API_KEY else words
