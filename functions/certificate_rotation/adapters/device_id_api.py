"""The vendor's Third-Party Device-ID API over mutual TLS.

Three calls: `cert:refresh` and `token:refresh`, which issue something each time they are called and so are sent once,
never repeated and never redirected; and `verdicts:statistics`, which is harmless and shows whether a credential is
accepted.
"""

import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from certificate_rotation.adapters import mtls
from certificate_rotation.domain import api_key
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import (
    OutcomeUnknown,
    RefreshConflict,
    RefreshFailed,
    RefreshRejected,
    ServiceFailure,
    ServiceUnreachable,
    TooManyRequests,
    Unauthorized,
)
from certificate_rotation.domain.key_pair import show
from certificate_rotation.domain.x509 import load_chain

logger = logging.getLogger(__name__)

CERTIFICATE_PATH = "/api/v1/token/cert:refresh"
API_KEY_PATH = "/api/v1/token/token:refresh"
PROBE_PATH = "/api/v1/token/verdicts:statistics"  # vendor: one request a second, returns no customer data

ANSWER_SECONDS = 40.0  # signing may be slow, and giving up early leaves an attempt without an outcome
PROBE_SECONDS = 10.0

# Characters kept of what the service says ...
MAX_QUOTED = 200  # ... in a message or as a name
MAX_UNREADABLE = 20_000  # ... instead of a certificate; the ledger holds 400 KB

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
    """The service's 200.

    Attributes:
        answer: a certificate (PEM, unchecked), or an API key and its end (`api_key.read_answer`).
        deleted: what it deleted, as people may read it; empty for nothing.
    """

    answer: str = field(repr=False)
    deleted: str


class DeviceIdApi:
    """Calls the API of one base URL."""

    def __init__(self, base_url: str, trusted_ca_pem: str = "") -> None:
        """Say where the service is.

        Args:
            base_url: https; the API key and the client key go to this host alone.
            trusted_ca_pem: one more trust anchor for the server's certificate; empty for none.
        """
        self._base_url = base_url
        self._trusted_ca_pem = trusted_ca_pem
        self._last: tuple[Credential, ssl.SSLContext] | None = None

    def refresh_certificate(self, credential: Credential, csr_pem: str, cert_name: str) -> Issued:
        """Ask for a certificate: one request, whose answer is waited for at most `ANSWER_SECONDS`.

        Vendor: a GET with a JSON body; each call issues a certificate.

        Raises:
            RefreshFailed: one of its subclasses; its `verdict` says what the failure proves.
        """
        body = {"pemCsr": csr_pem, "certName": cert_name}
        status, headers, answer = self._get(credential, CERTIFICATE_PATH, ANSWER_SECONDS, body)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return _issued_certificate(_issued(answer), credential.api_key)
        raise _refusal(status, headers, _service_message(answer, credential.api_key))

    def refresh_api_key(self, credential: Credential, now: datetime) -> Issued:
        """Ask for an API key: as `refresh_certificate`, but with nothing to send.

        Vendor: a GET without a body; each call issues a key. Nothing the service says here is quoted or logged: it may
        be a key.

        Raises:
            RefreshFailed: one of its subclasses; its `verdict` says what the failure proves.
        """
        status, headers, answer = self._get(credential, API_KEY_PATH, ANSWER_SECONDS)
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return _issued_api_key(_issued(answer), now)
        raise _refusal(status, headers, "")

    def accepts(self, credential: Credential) -> bool:
        """Whether the service lets this credential in, shown by a harmless call.

        Raises:
            ServiceUnreachable: no answer.
            ServiceFailure: an answer that neither lets in nor refuses.
        """
        try:
            status, _, _ = self._get(credential, PROBE_PATH, PROBE_SECONDS)
        except Unauthorized:
            return False
        except OutcomeUnknown as error:  # of a probe, a lost answer is no more than that
            raise ServiceUnreachable(str(error)) from error
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return False
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return True
        raise ServiceFailure(f"The service answered {status} to the probe.")  # not quoted: it may name another key

    def _context(self, credential: Credential) -> ssl.SSLContext:
        """The last one again, shown another certificate where it has to be: making one takes longer than an exchange.

        Never for keys of two kinds: OpenSSL keeps a certificate of each, and would choose which one to show.
        """
        last, self._last = self._last, None  # if it cannot be told to show this one, it is of no use any more
        if last is None or type(last[0].key) is not type(credential.key):
            context = mtls.client_context(credential, self._trusted_ca_pem)
        else:
            shown, context = last
            if shown.chain != credential.chain:
                show(context, credential.key, credential.chain)
        self._last = credential, context
        return context

    def _get(
        self, credential: Credential, path: str, seconds: float, body: Mapping[str, str] | None = None
    ) -> mtls.Response:
        """One exchange. An answer; or `Unauthorized`, `ServiceUnreachable` or `OutcomeUnknown`."""
        headers = {"apiKey": credential.api_key, "Accept": "application/json"}
        context = self._context(credential)
        try:
            return mtls.get(context, self._base_url + path, headers, body=body, seconds=seconds)
        except mtls.CertificateRefusedError as error:
            raise Unauthorized(f"The service refused the client certificate {error}.") from None
        except mtls.NotSentError as error:
            raise ServiceUnreachable(f"No connection to the service: {error}. No request was sent.") from None
        except mtls.NoAnswerError as error:
            raise OutcomeUnknown(f"The request was sent, and no readable answer came back: {error}.") from None


def _issued(answer: bytes) -> Mapping[str, object]:
    document = _json_object(answer)
    if document is None:
        raise OutcomeUnknown("The service answered 200 with something that is not a JSON object.")
    return document


def _issued_certificate(document: Mapping[str, object], api_key: str) -> Issued:
    certificate = document.get("cert")
    if not isinstance(certificate, str) or "-----BEGIN CERTIFICATE-----" not in certificate:
        raise OutcomeUnknown("The service answered 200 without a certificate in `cert`.")
    certificate = certificate.encode(errors="replace").decode()  # JSON can say more than UTF-8
    try:
        certificate = load_chain(certificate).pem  # without whatever else stands around the certificates
        # Public data, and nowhere else yet: whatever becomes of the two stores, it can be found in the log.
        logger.info("The service sent this certificate:\n%s", certificate)
    except ValueError:  # kept for people, who may make something of it; the offline check refuses it
        certificate = certificate.replace(api_key, "[apiKey]")[:MAX_UNREADABLE]
    return Issued(certificate, _line(document.get("deletedCertName"), api_key))


def _issued_api_key(document: Mapping[str, object], now: datetime) -> Issued:
    token, deleted = document.get("token"), document.get("deletedToken")
    if not isinstance(token, str):
        raise OutcomeUnknown("The service answered 200 without an API key in `token`.")
    # Its name may be the key itself, so of what was deleted no more is said than that.
    return Issued(
        api_key.answer_of(token[:MAX_UNREADABLE], document.get("expiry"), now), "an older API key" if deleted else ""
    )


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
    except (ValueError, TypeError, OverflowError):  # absent, or neither form; TypeError: a date without a zone
        return None


def _service_message(answer: bytes, api_key: str) -> str:
    """What the service says in `message`, as it may stand in ours."""
    text = _line((_json_object(answer) or {}).get("message"), api_key)
    return f': "{text}"' if text.strip() else ""


def _line(said: object, api_key: str) -> str:
    """A text of the service's on one short, printable line; never our key, should it echo it. Else empty."""
    text = said.replace(api_key, "[apiKey]") if isinstance(said, str) else ""
    return "".join(c if c.isprintable() else " " for c in text)[:MAX_QUOTED]


def _json_object(answer: bytes) -> dict[str, object] | None:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
