"""What a run works with: the adapters of the outside world, and the owner's settings."""

from typing import NamedTuple

from certificate_rotation.adapters.alert_topic import AlertTopic
from certificate_rotation.adapters.aws import AwsClients
from certificate_rotation.adapters.device_id_api import DeviceIdApi
from certificate_rotation.adapters.event_bus import EventBus
from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.secret_store import SecretStore
from certificate_rotation.notifications.alerts import Alerts
from certificate_rotation.settings import Settings


class Dependencies(NamedTuple):
    """The outside world, one adapter each, and the owner's settings."""

    secrets: SecretStore
    ledger: Ledger
    api: DeviceIdApi
    alerts: Alerts
    settings: Settings


def build(settings: Settings, clients: AwsClients, alerts: Alerts, ledger: Ledger) -> Dependencies:
    """What a container works with from then on."""
    api = DeviceIdApi(settings.service_url, settings.trusted_ca_pem)
    return Dependencies(SecretStore(clients.secrets), ledger, api, alerts, settings)


def build_alerts(clients: AwsClients, topic_arn: str, ledger: Ledger) -> Alerts:
    """What tells people and programs; needs no good settings, since it tells of bad ones too."""
    return Alerts(AlertTopic(lambda: clients.sns, topic_arn), EventBus(lambda: clients.events), ledger)
