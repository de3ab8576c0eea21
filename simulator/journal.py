"""The list of requests that reached the service, for tests to count. It never holds a key or a body."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class Request:
    """One request that got through the handshake.

    Attributes:
        when: Simulated time of arrival, UTC.
        method: HTTP method.
        path: Path without query; API keys that stood in it are replaced.
        endpoint: One of ``faults.ENDPOINTS``; None for any other path.
        tenant: Whose client certificate it came with; None if it is nobody's.
        cert_name: Name of that certificate.
        cert_serial: Serial number of that certificate.
        status: HTTP status answered; None while in progress, and for good when the connection was dropped.
        fault: Name of the fault it met, if any.
        issued_cert_name: Name of the certificate issued to it, whether or not the answer arrived.
        token: ``tokens.token_digest`` of the API key it came with, whoever's; None without one.
        issued_token: Digest of the API key made for it, whether or not the answer arrived.
        deleted_token: Digest of the API key that this deleted.
    """

    when: datetime
    method: str
    path: str
    endpoint: str | None = None
    tenant: str | None = None
    cert_name: str | None = None
    cert_serial: int | None = None
    status: int | None = None
    fault: str | None = None
    issued_cert_name: str | None = None
    token: str | None = None
    issued_token: str | None = None
    deleted_token: str | None = None


class Entry:
    """The place of one request in the journal, to fill in while it is served."""

    def __init__(self, journal: "Journal", index: int) -> None:
        self._journal = journal
        self._index = index

    def note(self, **changes: str | int | None) -> None:
        """Record more about the request; the keys are fields of ``Request``."""
        self._journal.change(self._index, **changes)


class Journal:
    """All requests in order of arrival; safe to read while the service runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []

    def open(self, when: datetime, method: str, path: str) -> Entry:
        """Record an arrival."""
        with self._lock:
            self._requests.append(Request(when, method, path))
            return Entry(self, len(self._requests) - 1)

    def change(self, index: int, **changes: str | int | None) -> None:
        """Replace fields of one request."""
        with self._lock:
            self._requests[index] = replace(self._requests[index], **changes)  # type: ignore[arg-type]  # Entry.note

    def requests(self) -> list[Request]:
        """Return a copy of the list."""
        with self._lock:
            return list(self._requests)
