"""AWS inside this process: moto answers boto3's clients without a socket, each call counted and timed."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from moto.core.botocore_stubber import BotocoreStubber

from dev.bench.environment import aws_session

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3})


class InprocessAws:
    """Clients of every region.

    Attributes:
        calls: how many were made, by operation.
        seconds: the processor's time moto took for them, to tell it from the function's.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.seconds = 0.0
        self._session = aws_session()
        self._clients: dict[tuple[str, str], Any] = {}
        self._moto = BotocoreStubber()
        self._moto.enabled = True

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - a boto3 client of any service
        """A boto3 client whose calls never leave; the same one each time."""
        if (service, region) not in self._clients:
            client = self._session.client(service, region_name=region, config=_CONFIG)  # type: ignore[call-overload]
            client.meta.events.register("before-send", self._answer)
            self._clients[service, region] = client
        return self._clients[service, region]

    def _answer(self, event_name: str, request: "AWSPreparedRequest", **more: object) -> "AWSResponse | None":
        self.calls[event_name.rpartition(".")[2]] += 1  # before-send.secretsmanager.GetSecretValue
        began = time.thread_time()
        try:
            return self._moto(event_name, request, **more)
        finally:
            self.seconds += time.thread_time() - began
