"""AWS itself: the clients, each made when it is first used, and what AWS says when it refuses.

To make a client takes longer than a whole check, and most runs need two of the four.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation.domain.errors import StorageFailure
from certificate_rotation.domain.invocation import AWS_ANSWER_SECONDS, AWS_CONNECT_SECONDS, AWS_TRIES

_CONFIG = Config(
    connect_timeout=AWS_CONNECT_SECONDS,
    read_timeout=AWS_ANSWER_SECONDS,
    retries={"mode": "standard", "total_max_attempts": AWS_TRIES},
)

AwsError = (ClientError, BotoCoreError)
"""What boto3 raises: AWS refused, or was not reached."""


class AwsClients:
    """The clients of one container; boto3's stubs know their types."""

    secrets = cached_property(lambda _: boto3.client("secretsmanager", config=_CONFIG))
    dynamodb = cached_property(lambda _: boto3.client("dynamodb", config=_CONFIG))
    sns = cached_property(lambda _: boto3.client("sns", config=_CONFIG))
    events = cached_property(lambda _: boto3.client("events", config=_CONFIG))


def aws_code(error: ClientError | BotoCoreError) -> str:
    """AWS's name for the error; empty when AWS was not reached."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def aws_reason(error: ClientError | BotoCoreError) -> str:
    """What AWS said, fit for a person: the error code and its message, or why AWS was not reached."""
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        return f"{detail.get('Code', 'unknown error')}: {detail.get('Message', '')}"
    return f"{type(error).__name__}: {error}"


def refused(what: str, error: ClientError | BotoCoreError) -> StorageFailure:
    """AWS refused to do this, or was not reached."""
    return StorageFailure(f"AWS refused {what}. {aws_reason(error)}")


@contextmanager
def may_refuse(what: str) -> Iterator[None]:
    """Around a call that does this.

    Raises:
        StorageFailure: AWS refused it, or was not reached; with AWS's own words.
    """
    try:
        yield
    except AwsError as error:
        raise refused(what, error) from error
