"""The service without a wire, where a run is repeated thousands of times: seven of ten seconds of it went into TLS.

Gates and work are the simulator's own. What has to do with the network still goes over it: a fault of the connection,
and a certificate that the service does not hold or that has ended. `test_service_in_memory` compares the two.
"""

import json
import ssl
from collections.abc import Coroutine, Mapping
from http import HTTPMethod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, cast, override
from urllib.parse import urlsplit

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from certificate_rotation.domain.credential import Credential
from simulator import Simulator
from simulator.api import Api
from tests.support.watched_api import WatchedApi

if TYPE_CHECKING:
    from certificate_rotation.adapters.mtls import Response


# Faults that are about the connection, its time, or more than one can hold.
OF_THE_NETWORK = {
    "slow",
    "drop-before-processing",
    "drop-after-issuing",
    "redirect",
    "huge-body",
    "endless-body",
    "drip",
}


class InMemoryApi(WatchedApi):
    """`WatchedApi`, which asks the service in memory for what it simply answers."""

    def __init__(self, service: Simulator, *watching: Any) -> None:  # noqa: ANN401 - `WatchedApi`'s
        super().__init__(*watching)
        self._service, self._api = service, Api(service)

    @override
    def _asked(self, credential: Credential, path: str, seconds: float, body: Mapping[str, str] | None) -> "Response":
        der = credential.chain.leaf.public_bytes(Encoding.DER)
        if not self._answers_simply(der, path):
            return super()._asked(credential, path, seconds, body)
        request = _Request(path, credential.api_key, der, b"" if body is None else json.dumps(body).encode())
        answer = _finished(self._api.handle(cast("web.Request", request)))
        if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
            raise TypeError(f"the service simply answers with {type(answer)}")
        return answer.status, answer.headers, answer.body

    def _answers_simply(self, der: bytes, path: str) -> bool:
        endpoint = path.rpartition("/")[2]
        holder = self._service.holder_of(der)
        if holder is None or holder[1].not_after <= self._service.clock.now():
            return False
        waiting = {fault.name for fault, _ in self._service.faults.waiting() if fault.endpoint == endpoint}
        return not OF_THE_NETWORK & waiting


class _Request:
    """As much of aiohttp's as the service looks at."""

    method, query = HTTPMethod.GET, MappingProxyType[str, str]({})

    def __init__(self, path: str, api_key: str, certificate_der: bytes, body: bytes) -> None:
        self.path, self.headers = urlsplit(path).path, {"apiKey": api_key}
        self._shown, self._body = _Shown(certificate_der), body

    @property
    def transport(self) -> Self:
        return self

    def get_extra_info(self, _: str) -> ssl.SSLObject:
        return self._shown

    async def read(self) -> bytes:
        return self._body


class _Shown(ssl.SSLObject):
    """A connection over which a certificate was shown."""

    def __init__(self, certificate_der: bytes) -> None:
        self._der = certificate_der

    @override
    def getpeercert(self, binary_form: bool = False) -> Any:
        return self._der


def _finished[T](work: Coroutine[Any, Any, T]) -> T:
    """What it comes to; without a fault of the network it waits for nothing.

    Raises:
        RuntimeError: it waits.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("the service waits for something in what it simply answers")
