"""An account of AWS for one test, asked for clients as a session of boto3 is."""

from typing import TYPE_CHECKING, Any

from tests.support.fake_aws.dynamodb import FakeDynamoDB
from tests.support.fake_aws.messages import FakeEvents, FakeSns
from tests.support.fake_aws.secrets_manager import FakeSecretsManager

if TYPE_CHECKING:
    from tests.support.fake_aws.service import FakeService


class FakeAccount:
    """Empty at first. Every client of a service is the service itself."""

    def __init__(self) -> None:
        self.secrets = FakeSecretsManager()
        services: tuple[FakeService, ...] = (self.secrets, FakeDynamoDB(), FakeSns(), FakeEvents())
        self._services = {service.name: service for service in services}

    def client(self, name: str, **_: object) -> Any:  # noqa: ANN401 - whichever client it stands for
        """The service of this name."""
        return self._services[name]
