"""The real adapter of the service, watched: what it was told, and how many requests it had open at once."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import override

from certificate_rotation.adapters.device_id_api import REFRESH_PATH, DeviceIdApi, Issued
from certificate_rotation.adapters.mtls import Response
from certificate_rotation.domain.credential import Credential
from certificate_rotation.settings import Settings
from tests.support.exchanges import Exchanges


@dataclass
class Seen:
    """What the code was told by the service, and how many requests for a certificate it had open at once."""

    issued: list[Issued] = field(default_factory=list)
    accepted: set[int] = field(default_factory=set)  # serial numbers of certificates that were let in
    times_accepted: int = 0
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request for a certificate is open while the block runs."""
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

    `on_its_way` is what becomes of the answer to a request for a certificate before it is read.
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
        answer = super()._get(credential, path, seconds, body)
        return self._on_its_way(answer) if path == REFRESH_PATH else answer

    @override
    def refresh(self, credential: Credential, csr_pem: str, cert_name: str) -> Issued:
        self._exchanges.before("cert:refresh")
        try:
            with self._seen.request():
                issued = super().refresh(credential, csr_pem, cert_name)
        finally:
            self._exchanges.after()
        self._seen.issued.append(issued)
        return issued

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
