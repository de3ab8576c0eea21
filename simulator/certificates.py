"""What the service keeps of a certificate it issued, and what it shows of one."""

from dataclasses import dataclass
from datetime import datetime

from simulator.ca import Issued


@dataclass(frozen=True)
class CertificateRecord:
    """One certificate of a tenant as it stood when it was read.

    Attributes:
        name: Its certName.
        serial: Serial number.
        not_before: Start of validity.
        not_after: End of validity.
        valid: Counts among the two: neither deleted nor expired.
        active: The service accepts it now: valid, begun, and past any activation delay.
        deleted: Evicted by a newer one, or revoked.
        pem: What was handed out: leaf, and intermediate when there is one.
    """

    name: str
    serial: int
    not_before: datetime
    not_after: datetime
    valid: bool
    active: bool
    deleted: bool
    pem: str


@dataclass
class Certificate:
    """A certificate as the tenant keeps it; ``active_from`` None means not until somebody activates it."""

    name: str
    issued: Issued
    active_from: datetime | None
    deleted: bool = False

    def valid(self, now: datetime) -> bool:
        """Whether it counts among the tenant's two."""
        return not self.deleted and now < self.issued.leaf.not_valid_after_utc

    def record(self, now: datetime) -> CertificateRecord:
        """Return it as it stands now."""
        leaf = self.issued.leaf
        accepted = self.active_from is not None and max(self.active_from, leaf.not_valid_before_utc) <= now
        return CertificateRecord(
            name=self.name,
            serial=leaf.serial_number,
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            valid=self.valid(now),
            active=self.valid(now) and accepted,
            deleted=self.deleted,
            pem=self.issued.pem,
        )
