"""boto3's clients, answered by moto inside this process."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import Session
from moto.core.botocore_stubber import BotocoreStubber

from tests.support import moto_memory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

# moto answers inside this process: what botocore would send goes to it, serialised as for AWS.
MOTO = BotocoreStubber()
MOTO.enabled = True


def in_process() -> boto3.Session:
    """A session whose clients moto answers, at once and without a socket; its credentials open nothing anywhere.

    moto reads no signature and no user agent: without them a call takes a quarter less time.
    """
    plain = Session()
    plain.set_default_client_config(Config(signature_version=UNSIGNED, user_agent="tests"))
    session = boto3.Session(
        botocore_session=plain,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - of nobody
        region_name=moto_memory.REGION,
    )
    session.events.register("before-send", MOTO)  # type: ignore[arg-type]  # the stubs forget that it may answer
    return session


@dataclass
class Clients:
    """One set of clients as the function makes them."""

    secrets: "SecretsManagerClient"
    dynamodb: "DynamoDBClient"
    sns: "SNSClient"
    events: "EventBridgeClient"

    @classmethod
    def made_by(cls, session: boto3.Session) -> Self:
        """A new set, answered by moto."""
        config = Config(retries={"mode": "standard", "total_max_attempts": 3})
        return cls(
            session.client("secretsmanager", config=config),
            session.client("dynamodb", config=config),
            session.client("sns", config=config),
            session.client("events", config=config),
        )

    def all(self) -> tuple["SecretsManagerClient", "DynamoDBClient", "SNSClient", "EventBridgeClient"]:
        """Each of them."""
        return self.secrets, self.dynamodb, self.sns, self.events
