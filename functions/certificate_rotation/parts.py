"""What a run works with: the adapters of the outside world, and what Lambda says about this invocation."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from certificate_rotation.alerts import Alerts
from certificate_rotation.announcements import Announcements
from certificate_rotation.device_id_service import DeviceIdService
from certificate_rotation.ledger import Ledger
from certificate_rotation.secret_store import SecretStore
from certificate_rotation.settings import Settings

# Kept free at the end of an invocation for the writes that follow a request to the service.
TIME_FOR_WRITES = timedelta(seconds=15)


@dataclass(frozen=True)
class Parts:
    """The outside world, one adapter each, and the owner's settings."""

    secrets: SecretStore
    ledger: Ledger
    service: DeviceIdService
    alerts: Alerts
    announcements: Announcements
    settings: Settings


@dataclass(frozen=True)
class Invocation:
    """This run.

    Attributes:
        request_id: Lambda's name for it.
        owner: unique to this run, so that its lease is nobody else's.
        deadline: when Lambda will stop it, aware, UTC.
        clock: tells the time, aware, UTC.
        sleep: waits, in seconds.
        log_url: where its log is in the console.
        in_use_until: is told when the certificate in use ends, as soon as that is known.
        in_use_not_checked: is told that the service gave no answer about the certificate in use.
    """

    request_id: str
    owner: str
    deadline: datetime
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    log_url: str = ""
    in_use_until: Callable[[datetime], None] = lambda _: None
    in_use_not_checked: Callable[[], None] = lambda: None

    def time_left(self) -> timedelta:
        """Until Lambda stops this run."""
        return self.deadline - self.clock()
