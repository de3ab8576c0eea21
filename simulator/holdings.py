"""What a tenant holds: certificates and API keys, as the service keeps them and as others may see them."""

from dataclasses import dataclass
from datetime import datetime

from simulator.authority import Issued


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
    """A certificate as the tenant keeps it."""

    name: str
    issued: Issued
    active_from: datetime | None  # None: not until somebody activates it
    deleted: bool = False

    def valid(self, now: datetime) -> bool:
        """Whether it counts among the two."""
        return not self.deleted and now < self.issued.leaf.not_valid_after_utc

    def active(self, now: datetime) -> bool:
        """Whether the service accepts it."""
        begun = self.issued.leaf.not_valid_before_utc <= now
        return self.valid(now) and begun and self.active_from is not None and self.active_from <= now

    def record(self, now: datetime) -> CertificateRecord:
        """Return how it stands."""
        leaf = self.issued.leaf
        return CertificateRecord(
            name=self.name,
            serial=leaf.serial_number,
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            valid=self.valid(now),
            active=self.active(now),
            deleted=self.deleted,
            pem=self.issued.pem,
        )


@dataclass
class Token:
    """An API key as the tenant keeps it."""

    value: str
    expiry: datetime
    deleted: bool = False

    def valid(self, now: datetime) -> bool:
        """Whether it counts among the two."""
        return not self.deleted and now < self.expiry
