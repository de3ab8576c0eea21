"""Why a request to the service brought no answer, and what that proves: whether it can have left, and who refused."""

import ssl

import requests
from urllib3.exceptions import ConnectTimeoutError

from certificate_rotation.errors import OutcomeUnknown, RefreshFailed, ServiceUnreachable, Unauthorized

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


def not_answered(error: Exception) -> RefreshFailed:
    """The error to raise for what requests and urllib3 raised."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, ConnectTimeoutError):  # ours: see transport
        cause = reason.__cause__
        if isinstance(cause, ssl.SSLError) and _refuses_us(cause):
            return Unauthorized(f"The service refused the client certificate in the TLS handshake ({cause.reason}).")
        return ServiceUnreachable(f"No connection to the service: {_describe(cause or reason)}. No request was sent.")
    if isinstance(error, requests.exceptions.InvalidURL):  # requests: an address it cannot make a request of
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
    """What happened: in the system's words or ours, never in the server's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted ({error.verify_message})"
    inner = next((a for a in error.args if isinstance(a, BaseException)), None)
    if inner is not None:
        return _describe(inner)
    if not isinstance(error, OSError):  # of http.client, urllib3 or zlib, which quote what they cannot read
        return f"{type(error).__module__}.{type(error).__name__}"
    text = error.strerror or getattr(error, "reason", None) or str(error)
    return f"{type(error).__name__}, {text}" if text else type(error).__name__
