"""boto3's clients: answered by moto inside this process, or the fakes in their place."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import Session
from moto.core.botocore_stubber import BotocoreStubber

from tests.support.fake_aws.account import FakeAccount
from tests.support.fake_aws.service import REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient


def in_process() -> boto3.Session:
    """A session whose clients moto answers, at once and without a socket; its credentials open nothing anywhere.

    moto reads no signature and no user agent: without them a call takes a quarter less time.
    """
    moto = BotocoreStubber()  # what botocore would send goes to it, serialised as for AWS
    moto.enabled = True
    plain = Session()
    plain.set_default_client_config(Config(signature_version=UNSIGNED, user_agent="tests"))
    session = boto3.Session(
        botocore_session=plain,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - of nobody
        region_name=REGION,
    )
    session.events.register("before-send", moto)  # type: ignore[arg-type]  # the stubs forget that it may answer
    return session


@dataclass(frozen=True)
class Clients:
    """One set of clients as the function makes them."""

    secrets: "SecretsManagerClient"
    dynamodb: "DynamoDBClient"
    sns: "SNSClient"
    events: "EventBridgeClient"

    @classmethod
    def of(cls, session: boto3.Session | FakeAccount) -> Self:
        """Of moto, or of the fakes."""
        return cls(
            session.client("secretsmanager"),
            session.client("dynamodb"),
            session.client("sns"),
            session.client("events"),
        )

    def all(self) -> tuple["SecretsManagerClient", "DynamoDBClient", "SNSClient", "EventBridgeClient"]:
        """Each of them."""
        return self.secrets, self.dynamodb, self.sns, self.events


@functools.cache
def of_moto(session: boto3.Session) -> tuple[Clients, str]:
    """Clients, and a topic: to make a client takes longer than a rotation, and so does the signing key of a topic."""
    clients = Clients.of(session)
    return clients, clients.sns.create_topic(Name="alerts")["TopicArn"]
