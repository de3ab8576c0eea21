"""What the function and the scripts meet: one AWS, one Device-ID service, and customers made as they are needed."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3

from dev.bench.counted_aws import Calls, counted_aws
from dev.local_aws import ADMIN, REGION
from simulator import Simulator

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

LIFETIME = timedelta(days=90)
NOT_DUE, DUE = timedelta(days=10), timedelta(days=80)  # ages of a certificate that lives LIFETIME
API_KEY_LEFT = timedelta(days=180)  # its end is known, so it is looked at; it is not due
LEDGER = "ledger"


def aws_session() -> boto3.Session:
    """Credentials that open nothing anywhere."""
    return boto3.Session(aws_access_key_id=ADMIN, aws_secret_access_key=ADMIN, region_name=REGION)


def make_ledger(dynamodb: "DynamoDBClient", name: str = LEDGER) -> None:
    """The table of template.yaml, as far as it matters here."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "credential", "KeyType": "HASH"},
            {"AttributeName": "record", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("credential", "record")],
        BillingMode="PAY_PER_REQUEST",
    )


@dataclass
class Environment:
    """Both ends of every measurement.

    Attributes:
        settings: the environment variables of whatever is measured.
        calls: the AWS calls it makes.
        simulator: the service it calls.
    """

    settings: dict[str, str]
    calls: Calls
    simulator: Simulator
    _secrets: "SecretsManagerClient"
    _dynamodb: "DynamoDBClient"
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def customer(self, age: timedelta) -> str:
        """A customer nobody has looked at before, with a certificate of that age; the ARN of their secret.

        EC keys: to make an RSA key takes a second or none, and takes the same on both sides of every ratio.
        """
        name = f"customer-{next(self._numbers)}"
        tenant = self.simulator.onboard(
            name, key_algorithm="ec256", age=age, lifetime=LIFETIME, api_key_left=API_KEY_LEFT
        )
        return self._secrets.create_secret(Name=name, SecretString=json.dumps(tenant.credential))["ARN"]

    def forget_records(self) -> None:
        """Empty the ledger: moto copies a whole table at every transaction, which AWS does not."""
        self._dynamodb.delete_table(TableName=LEDGER)
        make_ledger(self._dynamodb)

    @contextmanager
    def exchanges(self) -> Iterator[Counter[str]]:
        """The HTTPS exchanges of the block, by what they asked for; filled in when it ends."""
        found: Counter[str] = Counter()
        before = len(self.simulator.requests)
        yield found
        found.update(str(request.endpoint) for request in self.simulator.requests[before:])


@contextmanager
def environment() -> Iterator[Environment]:
    """Start both, and stop them at the end.

    The service sends a session ticket after the handshake, as most servers do: see `mtls`, which otherwise waits.
    """
    service = Simulator.running(session_tickets=True, statistics_limit=False, issued_lifetime=LIFETIME)
    with counted_aws() as (url, calls), service as simulator:
        session = aws_session()
        dynamodb = session.client("dynamodb", endpoint_url=url)
        make_ledger(dynamodb)
        topic = session.client("sns", endpoint_url=url).create_topic(Name="alerts")["TopicArn"]
        secrets = session.client("secretsmanager", endpoint_url=url)
        settings = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": ADMIN,
            "AWS_SECRET_ACCESS_KEY": ADMIN,
            "SECRET_ARN": secrets.create_secret(Name="the-stacks-own")["ARN"],
            "LEDGER_TABLE": LEDGER,
            "ALERT_TOPIC_ARN": topic,
            "SERVICE_URL": simulator.url,
            "TRUSTED_CA_PEM": simulator.trusted_ca_pem,
        }
        yield Environment(settings, calls, simulator, secrets, dynamodb)
