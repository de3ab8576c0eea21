"""Where a fleet's secrets and ledgers are, so that moto does not slow down what is measured.

moto copies a whole table at every transaction and looks for a secret one by one. On AWS neither matters. Here the fleet
is spread over cells: each has a ledger of its own, and they are spread over regions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certificate_rotation.alerts import Alerts
from certificate_rotation.device_id_service import DeviceIdService
from certificate_rotation.event_bus import EventBus
from certificate_rotation.ledger import Ledger
from certificate_rotation.parts import Parts
from certificate_rotation.secret_store import SecretStore
from certificate_rotation.settings import Settings
from simulator import Simulator
from tools.bench.moto_inside import MotoInside
from tools.bench.scene import LEDGER, make_ledger

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CELLS = 100
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
class Cell:
    """What one function works with, and the secrets it looks after."""

    parts: Parts
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


class Cells:
    """All of them, in one AWS."""

    def __init__(self, simulator: Simulator, *, watch: bool) -> None:
        """`simulator` is the service that they all ask; `watch`: also when nothing is due."""
        self.aws = MotoInside()
        self._watch = "true" if watch else "false"
        self._cells = [self._make(number, simulator) for number in range(CELLS)]

    def __getitem__(self, number: int) -> Cell:
        """The cell of the tenant with this number."""
        return self._cells[number % CELLS]

    def _make(self, number: int, simulator: Simulator) -> Cell:
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
        service = DeviceIdService(settings.service_url, settings.trusted_ca_pem)
        events = EventBus(self.aws.client("events", region))
        alerts = Alerts(sns, settings.alert_topic_arn, events, ledger)
        return Cell(Parts(SecretStore(secrets), ledger, service, alerts, settings), secrets)
