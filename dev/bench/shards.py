"""Where a fleet's secrets and ledgers are, so that moto does not slow down what is measured.

moto copies a whole table at every transaction and looks for a secret one by one. On AWS neither matters. Here the fleet
is spread over shards: each has a ledger of its own, and they are spread over regions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certificate_rotation.adapters.alert_topic import AlertTopic
from certificate_rotation.adapters.device_id_api import DeviceIdApi
from certificate_rotation.adapters.event_bus import EventBus
from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.secret_store import SecretStore
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.notifications.alerts import Alerts
from certificate_rotation.settings import Settings
from dev.bench.environment import LEDGER, make_ledger
from dev.bench.inprocess_aws import InprocessAws
from simulator import Simulator

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SHARDS = 100
REGIONS = (
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-3",
    "eu-north-1",
    "ca-central-1",
)


@dataclass(frozen=True)
class Shard:
    """What one function works with, and the secrets it looks after."""

    dependencies: Dependencies
    secrets: "SecretsManagerClient"

    def keep(self, name: str, secret: str) -> str:
        """Make a tenant's secret; its ARN."""
        return self.secrets.create_secret(Name=name, SecretString=secret)["ARN"]

    def read(self, arn: str) -> tuple[list[str], str]:
        """The labels that are on, and what consumers read."""
        stages = self.secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
        labels = [label for on_version in stages.values() for label in on_version]
        answer = self.secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        return labels, answer["SecretString"]


class Shards:
    """All of them, in one AWS."""

    def __init__(self, simulator: Simulator, *, watch: bool) -> None:
        """`simulator` is the service that they all ask; `watch`: also when nothing is due."""
        self.aws = InprocessAws()
        self._watch = "true" if watch else "false"
        self._shards = [self._make(number, simulator) for number in range(SHARDS)]

    def __getitem__(self, number: int) -> Shard:
        """The shard of the tenant with this number."""
        return self._shards[number % SHARDS]

    def _make(self, number: int, simulator: Simulator) -> Shard:
        region = REGIONS[number % len(REGIONS)]
        secrets, dynamodb, sns = (self.aws.client(name, region) for name in ("secretsmanager", "dynamodb", "sns"))
        table = f"{LEDGER}-{number}"
        make_ledger(dynamodb, table)
        settings = Settings.from_env(
            {
                "SECRET_ARN": "every event names its own",
                "LEDGER_TABLE": table,
                "ALERT_TOPIC_ARN": sns.create_topic(Name="alerts")["TopicArn"],
                "SERVICE_URL": simulator.url,
                "TRUSTED_CA_PEM": simulator.trusted_ca_pem,
                "WATCH_IN_USE": self._watch,
            }
        )
        ledger = Ledger(dynamodb, table)
        api = DeviceIdApi(settings.service_url, settings.trusted_ca_pem)
        events = self.aws.client("events", region)
        alerts = Alerts(AlertTopic(lambda: sns, settings.alert_topic_arn), EventBus(lambda: events), ledger)
        return Shard(Dependencies(SecretStore(secrets), ledger, api, alerts, settings), secrets)
