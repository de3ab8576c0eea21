"""Issuing a certificate to a tenant: what onboarding and ``cert:refresh`` have in common."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.authority import ClientAuthority, Issued, another_key_like, load_csr
from simulator.clock import Clock
from simulator.faults import Fault
from simulator.tenants import Tenant


@dataclass(frozen=True)
class Outcome:
    """A certificate that was issued and counted.

    Attributes:
        pem: The certificate, with its intermediate if there is one.
        deleted_cert_name: The certificate it pushed out, or an empty string.
    """

    pem: str
    deleted_cert_name: str


class Issuer:
    """Signs for tenants, with the faults that concern the certificate itself.

    Args:
        authority: Who signs.
        clock: Simulated time.
        lifetime: How long a certificate lives, unless something else is asked for.
        chain: Whether every certificate comes with an intermediate.
    """

    def __init__(self, authority: ClientAuthority, clock: Clock, *, lifetime: timedelta, chain: bool) -> None:
        self.lifetime = lifetime
        self._authority = authority
        self._clock = clock
        self._chain = chain

    def onboard(  # noqa: PLR0913  - the customer's choices, every one by name
        self,
        tenant: Tenant,
        csr_pem: str,
        cert_name: str,
        *,
        age: timedelta = timedelta(0),
        lifetime: timedelta | None = None,
        chain: bool = False,
    ) -> Outcome:
        """Sign a CSR as the vendor's console does, ``age`` ago.

        Raises:
            ValueError: The CSR or the name is not acceptable.
        """
        csr = load_csr(csr_pem)
        tenant.check_cert_name(cert_name)
        start = self._beginning() - age
        issued = self._authority.sign(
            csr, not_before=start, not_after=start + (lifetime or self.lifetime), chain=chain or self._chain
        )
        return self._keep(tenant, cert_name, issued, start)

    def refresh(self, tenant: Tenant, csr_pem: str, cert_name: str, fault: Fault | None) -> Outcome:
        """Sign a CSR as ``cert:refresh`` does.

        Raises:
            ValueError: The CSR or the name is not acceptable; nothing was issued.
        """
        csr = load_csr(csr_pem)
        tenant.check_cert_name(cert_name)
        name = fault.name if fault else None
        now = self._clock.now()
        start = self._beginning()
        end = start + self.lifetime
        if name == "expired":
            start, end = start - self.lifetime, start - timedelta(minutes=1)
        elif name == "shorter-lived":
            newest = tenant.newest_valid_end() or end
            end = now + (newest - now) / 2
        elif fault and name == "begins-later":
            later = timedelta(seconds=fault.number("seconds"))
            start, end = start + later, end + later
        issued = self._authority.sign(
            csr,
            not_before=start,
            not_after=end,
            chain=self._chain or name == "chain",
            public_key=another_key_like(csr) if name == "other-key" else None,
        )
        active_from: datetime | None = start
        if fault and name == "activation-delay":
            delayed = fault.parameters["seconds"] is not None
            active_from = now + timedelta(seconds=fault.number("seconds")) if delayed else None
        return self._keep(tenant, cert_name, issued, active_from)

    def _beginning(self) -> datetime:
        """Return when a certificate issued now begins to be valid: in whole seconds, and one second ago.

        OpenSSL reads the time from a coarser clock than Python does. Just after a second has begun, it would refuse a
        certificate that is valid from that second on, because to it the second is still to come.
        """
        return self._clock.now().replace(microsecond=0) - timedelta(seconds=1)

    def _keep(self, tenant: Tenant, cert_name: str, issued: Issued, active_from: datetime | None) -> Outcome:
        """Count the certificate among the tenant's two."""
        return Outcome(issued.pem, tenant.add_certificate(cert_name, issued, active_from))
