"""All tenants, and who a request comes from."""

import threading

from simulator.clock import Clock
from simulator.holdings import CertificateRecord
from simulator.limits import Rate
from simulator.refusals import Refusal
from simulator.tenants import NAME, Tenant


class Registry:
    """The tenants by name.

    Args:
        clock: Simulated time, shared by all.
        rate: How the attempts of both refreshes come back.
        statistics_limit: Whether ``verdicts:statistics`` answers once a second only.
    """

    def __init__(self, clock: Clock, *, rate: Rate, statistics_limit: bool) -> None:
        self._clock = clock
        self._rate = rate
        self._statistics_limit = statistics_limit
        self._lock = threading.Lock()
        self._tenants: dict[str, Tenant] = {}

    def add(self, name: str) -> Tenant:
        """Make an empty tenant.

        Raises:
            ValueError: The name is taken, or holds anything but letters, digits and -.
        """
        if not NAME.fullmatch(name):
            raise ValueError(f"a tenant's name holds letters, digits and -, and at most 64 of them: {name!r} does not")
        tenant = Tenant(name, self._clock, rate=self._rate, statistics_limit=self._statistics_limit)
        with self._lock:
            if name in self._tenants:
                raise ValueError(f"tenant {name!r} is onboarded already")
            self._tenants[name] = tenant
        return tenant

    def discard(self, name: str) -> None:
        """Forget a tenant whose onboarding failed half way."""
        with self._lock:
            self._tenants.pop(name, None)

    def named(self, name: str) -> Tenant:
        """Return a tenant.

        Raises:
            LookupError: Nobody of this name was onboarded.
        """
        with self._lock:
            try:
                return self._tenants[name]
            except KeyError:
                raise LookupError(f"no tenant is called {name!r}") from None

    def tenants(self) -> list[Tenant]:
        """Return all tenants in order of onboarding."""
        with self._lock:
            return list(self._tenants.values())

    def holder_of(self, der: bytes | None) -> tuple[Tenant, CertificateRecord] | None:
        """Return whose certificate this is, accepted or not; None if it is nobody's."""
        if der is not None:
            for tenant in self.tenants():
                if certificate := tenant.certificate_of(der):
                    return tenant, certificate
        return None

    def hide_keys(self, text: str) -> str:
        """Return ``text`` with every API key of every tenant replaced."""
        for tenant in self.tenants():
            text = tenant.hide_keys(text)
        return text


def authenticate(holder: tuple[Tenant, CertificateRecord] | None, api_key: str | None) -> Tenant:
    """Return the tenant whose active certificate and valid API key these are.

    vendor: every request needs both, a client certificate and the key in the header ``apiKey``.

    Raises:
        Refusal: 401, saying which half is wrong.
    """
    if holder is None:
        raise Refusal(401, "no client certificate that this service issued")
    tenant, certificate = holder
    if certificate.deleted:
        raise Refusal(401, "the client certificate has been deleted: regenerate the certificate")
    if not certificate.valid:
        raise Refusal(401, "the client certificate has expired: regenerate the certificate")
    if not certificate.active:
        raise Refusal(401, "the client certificate is not active yet")
    if not api_key:
        raise Refusal(401, "the header apiKey is missing")
    if not tenant.accepts_key(api_key):
        raise Refusal(401, "the header apiKey does not belong to the client certificate")
    return tenant
