"""The real adapter of the service, watched: what it was told, and how many requests it had open at once."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import override

from certificate_rotation.adapters.device_id_api import PROBE_PATH, DeviceIdApi, Issued
from certificate_rotation.adapters.mtls import Response
from certificate_rotation.domain.credential import Credential
from certificate_rotation.settings import Settings
from tests.support.exchanges import Exchanges


@dataclass
class Seen:
    """What the code was told by the service, and how many requests for a new half it had open at once."""

    issued: list[Issued] = field(default_factory=list)  # certificates
    issued_keys: list[Issued] = field(default_factory=list)
    accepted: set[int] = field(default_factory=set)  # serial numbers of certificates that were let in
    times_accepted: int = 0
    most_at_once: int = 0
    over_tls: int = 0  # requests
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request for a new half is open while the block runs."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1


class WatchedApi(DeviceIdApi):
    """The real adapter; its exchanges are among those a run can be killed at.

    `on_its_way` is what becomes of the answer to a request for a new half before it is read.
    """

    def __init__(
        self, settings: Settings, exchanges: Exchanges, seen: Seen, on_its_way: Callable[[Response], Response]
    ) -> None:
        super().__init__(settings.service_url, settings.trusted_ca_pem)
        self._exchanges, self._seen, self._on_its_way = exchanges, seen, on_its_way

    @override
    def _get(
        self, credential: Credential, path: str, seconds: float, body: Mapping[str, str] | None = None
    ) -> Response:
        answer = self._asked(credential, path, seconds, body)
        return answer if path == PROBE_PATH else self._on_its_way(answer)

    def _asked(self, credential: Credential, path: str, seconds: float, body: Mapping[str, str] | None) -> Response:
        self._seen.over_tls += 1
        return super()._get(credential, path, seconds, body)

    @override
    def refresh_certificate(self, credential: Credential, csr_pem: str, cert_name: str) -> Issued:
        with self._request("cert:refresh"):
            issued = super().refresh_certificate(credential, csr_pem, cert_name)
        self._seen.issued.append(issued)
        return issued

    @override
    def refresh_api_key(self, credential: Credential, now: datetime) -> Issued:
        with self._request("token:refresh"):
            issued = super().refresh_api_key(credential, now)
        self._seen.issued_keys.append(issued)
        return issued

    @contextmanager
    def _request(self, endpoint: str) -> Iterator[None]:
        self._exchanges.before(endpoint)
        try:
            with self._seen.request():
                yield
        finally:
            self._exchanges.after()

    @override
    def accepts(self, credential: Credential) -> bool:
        self._exchanges.before("verdicts:statistics")
        try:
            accepted = super().accepts(credential)
        finally:
            self._exchanges.after()
        if accepted:
            self._seen.accepted.add(credential.chain.leaf.serial_number)
            self._seen.times_accepted += 1
        return accepted
