"""The service behind its two APIs: tenants, CA, faults, journal and clock, and what tests do with them."""

import hashlib
import threading
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator.ca import CertificateAuthority, KeyAlgorithm, Terms, key_pem, load_csr, new_csr, new_key
from simulator.certificates import CertificateRecord
from simulator.clock import Clock
from simulator.effects import change_terms
from simulator.expiry import iso
from simulator.fault_queue import FaultQueue
from simulator.faults import Fault, Parameter, fault_named
from simulator.journal import Journal, Request
from simulator.rate_limit import Rate
from simulator.tenants import Tenant
from simulator.tokens import CONSOLE_LIFETIME, TokenRules, TokenTerms

DEFAULT_LIFETIME: Final = timedelta(days=90)  # invented: the vendor does not say how long a certificate lives


class Service:
    """A Device-ID service that nobody can reach yet.

    Attributes:
        clock: Simulated time, to move.
        ca: The CA for client certificates.
        faults: The faults that wait.
        journal: Every request that got through the handshake.
        issued_lifetime: How long certificates live; set it to change that for those issued from now on.
        token_rules: How ``token:refresh`` answers, to be set likewise.
    """

    def __init__(
        self, *, rate: Rate, statistics_limit: bool, issued_lifetime: timedelta, token_rules: TokenRules
    ) -> None:
        self.clock = Clock()
        self.ca = CertificateAuthority()
        self.faults = FaultQueue()
        self.journal = Journal()
        self.issued_lifetime = issued_lifetime
        self.token_rules = token_rules
        self._rate = rate
        self._statistics_limit = statistics_limit
        self._lock = threading.Lock()
        self._tenants: dict[str, Tenant] = {}

    # Tenants.

    def onboard(  # noqa: PLR0913  - the customer's choices, every one by name
        self,
        name: str,
        *,
        key_algorithm: KeyAlgorithm | None = "rsa2048",
        csr_pem: str | None = None,
        subject: x509.Name | None = None,
        cert_name: str | None = "onboarded-1",
        age: timedelta = timedelta(0),
        lifetime: timedelta | None = None,
        chain: bool = False,
        api_key_left: timedelta | None = None,
    ) -> Tenant:
        """Make a tenant with an API key and a first certificate, as the vendor's console does.

        Args:
            name: Letters, digits and -.
            key_algorithm: What kind of key to make for the customer; None for a tenant without a certificate.
            csr_pem: A CSR the customer brings instead; its key stays with the customer.
            subject: Subject of the certificate; the tenant's name as CN by default.
            cert_name: The certificate's name; None makes one up and leaves it out of the credential.
            age: How long ago it was issued.
            lifetime: How long it lives; ``issued_lifetime`` by default.
            chain: Whether it comes with an intermediate.
            api_key_left: How long the API key still lives, told in the credential as ``apiKeyExpiry``; by default a
                year, and not told.

        Returns:
            The tenant; ``tenant.credential`` is what onboarding gives out.

        Raises:
            ValueError: The name is taken, or the CSR or a name is not acceptable.
        """
        tenant = Tenant(name, self.clock, rate=self._rate, statistics_limit=self._statistics_limit)
        now = self.clock.now()
        end = now + (CONSOLE_LIFETIME if api_key_left is None else api_key_left)
        api_key, token, _ = tenant.add_token(TokenTerms.starting(now - age, end))
        credential = {"apiKey": api_key}
        if api_key_left is not None:
            credential["apiKeyExpiry"] = iso(token.expires)
        if csr_pem is None and key_algorithm is not None:
            key = new_key(key_algorithm)
            credential["privateKey"] = key_pem(key)
            common_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            csr_pem = new_csr(
                key, common_name if subject is None else subject, [x509.DNSName(f"{name.lower()}.example")]
            )
        if csr_pem is not None:
            terms = Terms.starting(now - age, lifetime or self.issued_lifetime, chain=chain)
            credential["cert"], _ = self._issue(tenant, csr_pem, cert_name, terms)
            if cert_name is not None:
                credential["certName"] = cert_name
        tenant.remember_onboarding(credential)
        with self._lock:
            if name in self._tenants:
                raise ValueError(f"tenant {name!r} is onboarded already")
            self._tenants[name] = tenant
        return tenant

    def sign_csr(
        self,
        tenant_name: str,
        csr_pem: str,
        cert_name: str | None = None,
        *,
        age: timedelta = timedelta(0),
        lifetime: timedelta | None = None,
    ) -> str:
        """Sign a CSR as the vendor's console does: no limit counts, but the rule of two holds.

        Returns:
            The certificate in PEM.

        Raises:
            LookupError: No such tenant.
            ValueError: The CSR or the name is not acceptable.
        """
        terms = Terms.starting(self.clock.now() - age, lifetime or self.issued_lifetime)
        return self._issue(self.tenant(tenant_name), csr_pem, cert_name, terms)[0]

    def refresh_certificate(self, tenant: Tenant, csr_pem: str, cert_name: str, fault: Fault | None) -> tuple[str, str]:
        """Sign a CSR as ``cert:refresh`` does; return the PEM and the name of the deleted certificate, or "".

        Raises:
            ValueError: The CSR or the name is not acceptable; nothing was issued.
        """
        now = self.clock.now()
        terms = Terms.starting(now, self.issued_lifetime)
        if fault:
            ends = [record.not_after for record in tenant.certificates if record.valid]
            terms = change_terms(fault, terms, now, newest_end=ends[-1] if ends else terms.not_after)
        return self._issue(tenant, csr_pem, cert_name, terms)

    def _issue(self, tenant: Tenant, csr_pem: str, cert_name: str | None, terms: Terms) -> tuple[str, str]:
        """Sign a CSR and count the certificate among the tenant's two; return the PEM and the deleted one's name."""
        issued = self.ca.sign(load_csr(csr_pem), terms)
        return issued.pem, tenant.add_certificate(cert_name, issued, terms.active_from)

    def tenant(self, name: str) -> Tenant:
        """Return a tenant.

        Raises:
            LookupError: Nobody of this name was onboarded.
        """
        with self._lock:
            if name not in self._tenants:
                raise LookupError(f"no tenant is called {name!r}")
            return self._tenants[name]

    @property
    def tenants(self) -> list[Tenant]:
        """All tenants in order of onboarding."""
        with self._lock:
            return list(self._tenants.values())

    def holder_of(self, certificate_der: bytes) -> tuple[Tenant, CertificateRecord] | None:
        """Return whose certificate this is, accepted or not; None if it is nobody's."""
        fingerprint = hashlib.sha256(certificate_der).digest()
        for tenant in self.tenants:
            if certificate := tenant.certificate_with(fingerprint):
                return tenant, certificate
        return None

    # Faults and requests.

    def fault(
        self,
        name: str,
        *,
        tenant: str | None = None,
        times: int | None = 1,
        endpoint: str | None = None,
        **parameters: Parameter,
    ) -> None:
        """Let coming requests meet a fault.

        Args:
            name: A key of ``FAULTS``.
            tenant: Whose requests; None for everybody's.
            times: How many requests; None until ``clear_faults()``. Counted faults go before lasting ones.
            endpoint: Which call, one of ``faults.ENDPOINTS``; by default ``cert:refresh``, or ``token:refresh`` where
                only that can have it.
            parameters: The fault's own, as in ``faults.PARAMETERS``.

        Raises:
            ValueError: There is no such fault, or not at this endpoint, or not with these parameters.
        """
        self.faults.add(fault_named(name, tenant, endpoint, parameters), times)

    def clear_faults(self) -> None:
        """Forget every fault that still waits."""
        self.faults.clear()

    @property
    def requests(self) -> list[Request]:
        """Every request that got through the handshake, in order of arrival."""
        return self.journal.requests()

    def requests_to(self, endpoint: str) -> list[Request]:
        """Return the requests to one endpoint, for example ``cert:refresh``."""
        return [request for request in self.requests if request.endpoint == endpoint]
