"""The vendor's Third-Party Device-ID API over mutual TLS.

Two calls: `cert:refresh`, which issues a certificate each time it is called and so is sent once, never repeated and
never redirected; and `verdicts:statistics`, which is harmless and shows whether a certificate is accepted.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError

from certificate_rotation.credential import Credential
from certificate_rotation.errors import (
    OutcomeUnknown,
    RefreshConflict,
    RefreshFailed,
    RefreshRejected,
    ServiceFailure,
    ServiceUnreachable,
    TooManyRequests,
    Unauthorized,
)
from certificate_rotation.transport import SingleTryAdapter, client_context, read_bounded

REFRESH_PATH = "/api/v1/token/cert:refresh"
PROBE_PATH = "/api/v1/token/verdicts:statistics"  # vendor: one request a second, returns no customer data

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 40.0  # signing may be slow, and giving up early leaves an attempt without an outcome
PROBE_SECONDS = 10.0

# OpenSSL's names for what a server says when it refuses a client certificate (RFC 8446, section 6.2).
_OUR_CERTIFICATE_REFUSED = (
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
    "ALERT_ACCESS_DENIED",
    "ALERT_CERTIFICATE_REQUIRED",
)
# An answer from a door in front of the service: what would have issued a certificate was not reached.
_TURNED_AWAY = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
    HTTPStatus.SERVICE_UNAVAILABLE,  # our reading of the vendor's pages: 503 means nothing was issued
}


@dataclass(frozen=True)
class Issued:
    """The service's 200: a certificate (PEM as it came, unchecked) and the name of the one it deleted, or empty."""

    certificate: str
    deleted_cert_name: str


class DeviceIdService:
    """Calls the API of one base URL."""

    def __init__(self, base_url: str, trusted_ca_pem: str = "") -> None:
        """Say where the service is.

        Args:
            base_url: https; the API key and the client key go to this host alone.
            trusted_ca_pem: one more trust anchor for the server's certificate; empty for none.
        """
        self._base_url = base_url
        self._trusted_ca_pem = trusted_ca_pem

    def refresh(self, credential: Credential, csr_pem: str, cert_name: str) -> Issued:
        """Ask for a certificate: one request, at most `CONNECT_SECONDS + ANSWER_SECONDS`.

        Vendor: a GET with a JSON body; each call issues a certificate.

        Raises:
            RefreshFailed: one of its subclasses; its `verdict` says what the failure proves.
        """
        body = {"pemCsr": csr_pem, "certName": cert_name}
        status, headers, answer = self._get(credential, REFRESH_PATH, ANSWER_SECONDS, body)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return _issued(answer)
        raise _refusal(status, headers, _service_message(answer, credential.api_key))

    def accepts(self, credential: Credential) -> bool:
        """Whether the service lets this credential in, shown by a harmless call.

        Raises:
            ServiceUnreachable: no answer.
            ServiceFailure: an answer that neither lets in nor refuses.
        """
        try:
            status, _, answer = self._get(credential, PROBE_PATH, PROBE_SECONDS)
        except Unauthorized:
            return False
        except OutcomeUnknown as error:  # of a probe, a lost answer is no more than that
            raise ServiceUnreachable(str(error)) from error
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return False
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return True
        message = _service_message(answer, credential.api_key)
        raise ServiceFailure(f"The service answered {status} to the probe{message}.")

    def _get(
        self, credential: Credential, path: str, seconds: float, body: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One exchange. Status, headers and body; or `Unauthorized`, `ServiceUnreachable` or `OutcomeUnknown`."""
        context = client_context(credential, self._trusted_ca_pem)
        try:
            with requests.Session() as session:
                session.trust_env = (
                    False  # no proxy, no .netrc, no other trust store: see design, "configured host alone"
                )
                session.mount("https://", SingleTryAdapter(context))
                response = session.get(
                    self._base_url + path,
                    headers={"apiKey": credential.api_key, "Accept": "application/json"},
                    json=body,
                    timeout=(CONNECT_SECONDS, seconds),
                    allow_redirects=False,
                    stream=True,
                )
                return response.status_code, response.headers, read_bounded(response)
        except (OSError, HTTPError) as error:  # requests' own errors are OSErrors
            raise _not_answered(error) from error


def _not_answered(error: Exception) -> RefreshFailed:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, ConnectTimeoutError):  # ours: see transport
        cause = reason.__cause__
        if isinstance(cause, ssl.SSLError) and _refuses_us(cause):
            return Unauthorized(f"The service refused the client certificate in the TLS handshake ({cause.reason}).")
        return ServiceUnreachable(f"No connection to the service: {_describe(cause or reason)}. No request was sent.")
    if isinstance(error, ValueError):  # requests: an address or header it cannot make a request of
        return ServiceUnreachable(f"The service's address cannot be used ({type(error).__name__}). Nothing was sent.")
    tls = _tls_error(error)
    if tls and _refuses_us(tls):
        return Unauthorized(f"The service refused the client certificate after the TLS handshake ({tls.reason}).")
    return OutcomeUnknown(f"The request was sent, and no readable answer came back: {_describe(error)}.")


def _refuses_us(error: ssl.SSLError) -> bool:
    return (error.reason or "").endswith(_OUR_CERTIFICATE_REFUSED)


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The TLS error inside an error of requests and urllib3, which wrap it in their arguments."""
    while not isinstance(error, ssl.SSLError):
        inner = next((a for a in error.args if isinstance(a, BaseException)), None)
        if inner is None:
            return None
        error = inner
    return error


def _describe(error: BaseException) -> str:
    """What happened, without the addresses of Python objects that urllib3 puts into its messages."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted ({error.verify_message})"
    inner = next((a for a in error.args if isinstance(a, BaseException)), None)
    if inner is not None:
        return _describe(inner)
    text = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error).rpartition(": ")[2]
    return f"{type(error).__name__}, {text}" if text else type(error).__name__


def _issued(answer: bytes) -> Issued:
    document = _json_object(answer)
    if document is None:
        raise OutcomeUnknown("The service answered 200 with something that is not a JSON object.")
    certificate, deleted = document.get("cert"), document.get("deletedCertName")
    if not isinstance(certificate, str) or "-----BEGIN CERTIFICATE-----" not in certificate:
        raise OutcomeUnknown("The service answered 200 without a certificate in `cert`.")
    return Issued(certificate, deleted if isinstance(deleted, str) else "")


def _refusal(status: int, headers: Mapping[str, str], message: str) -> RefreshFailed:
    said = f"The service answered {status}{message}."
    match status:
        case HTTPStatus.BAD_REQUEST:
            return RefreshRejected(said)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return Unauthorized(said)
        case HTTPStatus.CONFLICT:
            return RefreshConflict(said)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TooManyRequests(said, _retry_after(headers))
    if status in _TURNED_AWAY or HTTPStatus.BAD_REQUEST < status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServiceFailure(said)
    return OutcomeUnknown(said)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait; HTTP allows a number of seconds or a date (RFC 9110, section 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):  # absent, or neither form; TypeError: a date without a zone
        return None


def _service_message(answer: bytes, api_key: str) -> str:
    """What the service says in `message`, short and printable; never our key, should it echo it."""
    document = _json_object(answer) or {}
    text = str(document.get("message") or "").replace(api_key, "[apiKey]")
    printable = "".join(c if c.isprintable() else " " for c in text)[:200]
    return f': "{printable}"' if printable.strip() else ""


def _json_object(answer: bytes) -> dict[str, object] | None:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
