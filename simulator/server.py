"""The simulator as a whole: what it is made of, and the thread that serves it."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Final, Self

import trustme
from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator.authority import ClientAuthority, KeyAlgorithm, key_pem, new_csr, new_key
from simulator.clock import Clock
from simulator.control import control_application
from simulator.faults import CERT_REFRESH, Fault, FaultQueue, Parameter, fault_named
from simulator.issuing import Issuer
from simulator.journal import Journal, Request
from simulator.limits import Rate
from simulator.listening import LOOPBACK, certifiable, check_address, listening, url_host
from simulator.registry import Registry
from simulator.service import Service
from simulator.tenants import Tenant
from simulator.tls import ServerCertificate, Tls, server_context

DEFAULT_LIFETIME: Final = timedelta(days=90)  # invented: the vendor does not say how long a certificate lives
START_SECONDS: Final = 30.0


class Simulator:
    """A running service. ``Simulator.running()`` makes one.

    Attributes:
        url: Base URL, ``https://localhost:PORT``.
        control_url: Base URL of the control API; None unless it was asked for.
        trusted_ca_pem: PEM of the authority that signed the server's certificate, for clients to trust.
        clock: Simulated time, to move.
    """

    def __init__(  # noqa: PLR0913  - the situations a test can ask for, every one by name
        self,
        *,
        host: str,
        rate: Rate,
        statistics_limit: bool,
        issue_chain: bool,
        issued_lifetime: timedelta,
        server_certificate: ServerCertificate,
        tls: Tls,
        server_names: Sequence[str],
        session_tickets: bool,
    ) -> None:
        self.url = ""
        self.control_url: str | None = None
        self.clock = Clock()
        self._host = LOOPBACK if host == "localhost" else host
        self._faults = FaultQueue()
        self._journal = Journal()
        self._registry = Registry(self.clock, rate=rate, statistics_limit=statistics_limit)
        authority = ClientAuthority()
        self._issuer = Issuer(authority, self.clock, lifetime=issued_lifetime, chain=issue_chain)
        server_authority = trustme.CA(organization_name="Device-ID simulator", organization_unit_name="server root")
        self.trusted_ca_pem = server_authority.cert_pem.bytes().decode()
        self._context = (
            None
            if tls == "none"
            else server_context(
                server_authority,
                client_root_pem=authority.root_pem,
                clock=self.clock,
                names=(*server_names, *certifiable(self._host)),
                certificate=server_certificate,
                tls=tls,
                session_tickets=session_tickets,
            )
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @classmethod
    @contextlib.contextmanager
    def running(  # noqa: PLR0913  - as above
        cls,
        *,
        port: int = 0,
        control_port: int | None = None,
        host: str = LOOPBACK,
        allow_non_loopback: bool = False,
        rate: Rate = "bucket",
        statistics_limit: bool = True,
        issue_chain: bool = False,
        issued_lifetime: timedelta = DEFAULT_LIFETIME,
        server_certificate: ServerCertificate = "valid",
        tls: Tls = "modern",
        server_names: Sequence[str] = (),
        session_tickets: bool = False,
    ) -> Iterator[Self]:
        """Serve from a thread until the block ends; then every port is free again.

        Args:
            port: Port of the service; 0 picks a free one.
            control_port: Port of the control API, always on loopback; 0 picks a free one, None leaves it off.
            host: Address to listen on.
            allow_non_loopback: Must be true for any address that other machines could reach.
            rate: How the attempts come back: ``bucket`` one by one, ``strict`` never.
            statistics_limit: Whether ``verdicts:statistics`` answers once a second only.
            issue_chain: Whether every certificate comes with an intermediate.
            issued_lifetime: How long certificates live.
            server_certificate: ``valid``, ``expired`` or ``wrong-host``.
            tls: ``modern`` (1.2 and 1.3), ``1.1-only``, or ``none`` for plain HTTP, where everything gets 401.
            server_names: Further host names for the server's certificate, for example ``host.docker.internal``.
            session_tickets: Whether a session ticket follows a TLS 1.3 handshake, as from most servers.

        Yields:
            The running simulator, without tenants.

        Raises:
            CannotListenError: Not a loopback address, or the port is in use.
        """
        check_address(host, allow_non_loopback=allow_non_loopback)
        simulator = cls(
            host=host,
            rate=rate,
            statistics_limit=statistics_limit,
            issue_chain=issue_chain,
            issued_lifetime=issued_lifetime,
            server_certificate=server_certificate,
            tls=tls,
            server_names=server_names,
            session_tickets=session_tickets,
        )
        simulator._start(port, control_port)
        try:
            yield simulator
        finally:
            simulator._finish()

    # Tenants.

    def onboard(  # noqa: PLR0913  - the customer's choices, every one by name
        self,
        name: str,
        *,
        key_algorithm: KeyAlgorithm | None = "rsa2048",
        csr_pem: str | None = None,
        subject: x509.Name | None = None,
        sans: Sequence[x509.GeneralName] | None = None,
        cert_name: str | None = "onboarded-1",
        age: timedelta = timedelta(0),
        lifetime: timedelta | None = None,
        chain: bool = False,
        api_key: str | None = None,
    ) -> Tenant:
        """Make a tenant with an API key and a first certificate, as the vendor's console does.

        Args:
            name: Letters, digits and -.
            key_algorithm: What kind of key to make for the customer; None for a tenant without a certificate.
            csr_pem: A CSR the customer brings instead; its key stays with the customer.
            subject: Subject of the certificate; the tenant's name as CN by default.
            sans: Its subject alternative names; one DNS name by default.
            cert_name: The certificate's name; None makes one up and leaves it out of the credential.
            age: How long ago it was issued.
            lifetime: How long it lives; ``issued_lifetime`` by default.
            chain: Whether it comes with an intermediate.
            api_key: The API key; a random one by default.

        Returns:
            The tenant; ``tenant.credential`` is what onboarding gives out.

        Raises:
            ValueError: The name is taken, or the CSR or a name is not acceptable.
        """
        tenant = self._registry.add(name)
        credential = {"apiKey": tenant.add_token(api_key)[0]}
        try:
            if csr_pem is None and key_algorithm is not None:
                key = new_key(key_algorithm)
                credential["privateKey"] = key_pem(key)
                csr_pem = new_csr(
                    key,
                    x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) if subject is None else subject,
                    [x509.DNSName(f"{name.lower()}.example")] if sans is None else sans,
                )
            if csr_pem is not None:
                credential["cert"] = self.sign_csr(name, csr_pem, cert_name, age=age, lifetime=lifetime, chain=chain)
                if cert_name is not None:
                    credential["certName"] = cert_name
        except ValueError:
            self._registry.discard(name)
            raise
        tenant.remember_onboarding(credential)
        return tenant

    def sign_csr(  # noqa: PLR0913  - as above
        self,
        tenant_name: str,
        csr_pem: str,
        cert_name: str | None = None,
        *,
        age: timedelta = timedelta(0),
        lifetime: timedelta | None = None,
        chain: bool = False,
    ) -> str:
        """Sign a CSR as the vendor's console does: no limit counts, but the rule of two holds.

        Returns:
            The certificate in PEM, with its intermediate if there is one.

        Raises:
            LookupError: No such tenant.
            ValueError: The CSR or the name is not acceptable.
        """
        tenant = self._registry.named(tenant_name)
        chosen = tenant.free_cert_name() if cert_name is None else cert_name
        return self._issuer.onboard(tenant, csr_pem, chosen, age=age, lifetime=lifetime, chain=chain).pem

    def tenant(self, name: str) -> Tenant:
        """Return a tenant.

        Raises:
            LookupError: Nobody of this name was onboarded.
        """
        return self._registry.named(name)

    @property
    def tenants(self) -> list[Tenant]:
        """All tenants in order of onboarding."""
        return self._registry.tenants()

    @property
    def issued_lifetime(self) -> timedelta:
        """How long certificates live; set it to change that for those issued from now on."""
        return self._issuer.lifetime

    @issued_lifetime.setter
    def issued_lifetime(self, lifetime: timedelta) -> None:
        self._issuer.lifetime = lifetime

    # Faults and requests.

    def fault(
        self,
        name: str,
        *,
        tenant: str | None = None,
        times: int | None = 1,
        endpoint: str = CERT_REFRESH,
        **parameters: Parameter,
    ) -> None:
        """Let coming requests meet a fault.

        Args:
            name: A key of ``FAULTS``.
            tenant: Whose requests; None for everybody's.
            times: How many requests; None until ``clear_faults()``. Counted faults go before lasting ones.
            endpoint: Which call, one of ``faults.ENDPOINTS``.
            parameters: The fault's own, as in ``faults.PARAMETERS``.

        Raises:
            ValueError: There is no such fault, or not at this endpoint, or not with these parameters.
        """
        self._faults.add(fault_named(name, tenant, endpoint, parameters), times)

    def clear_faults(self) -> None:
        """Forget every fault that still waits."""
        self._faults.clear()

    @property
    def waiting_faults(self) -> list[tuple[Fault, int | None]]:
        """Faults that wait, each with the requests it is still for (None: until cleared)."""
        return self._faults.waiting()

    @property
    def requests(self) -> list[Request]:
        """Every request that got through the handshake, in order of arrival."""
        return self._journal.requests()

    def requests_to(self, endpoint: str) -> list[Request]:
        """Return the requests to one endpoint, for example ``cert:refresh``."""
        return [request for request in self.requests if request.endpoint == endpoint]

    # The thread.

    def _start(self, port: int, control_port: int | None) -> None:
        """Serve from a new thread; return when the ports are open.

        Raises:
            CannotListenError: A port is in use, or the address is not this machine's.
        """
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(port, control_port, ready)), name="simulator", daemon=True
        )
        self._thread.start()
        try:
            ready.result(timeout=START_SECONDS)
        except BaseException:
            self._finish()
            raise

    def _finish(self) -> None:
        """Stop serving; return when the ports are free."""
        if self._loop and self._stop and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it closed between the question and the call
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread:
            self._thread.join()

    async def _serve(self, port: int, control_port: int | None, ready: Future[None]) -> None:
        """Hold the servers open until told to stop."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        service = Service(self._registry, self._issuer, self._faults, self._journal, self.clock)
        try:
            async with contextlib.AsyncExitStack() as servers:
                bound = await servers.enter_async_context(
                    listening(service.application(), self._host, port, self._context)
                )
                scheme = "https" if self._context else "http"
                self.url = f"{scheme}://{url_host(self._host)}:{bound}"
                if control_port is not None:
                    control = control_application(self)
                    bound = await servers.enter_async_context(listening(control, LOOPBACK, control_port, None))
                    self.control_url = f"http://{LOOPBACK}:{bound}"
                ready.set_result(None)
                await self._stop.wait()
        except Exception as failure:
            if ready.done():
                raise
            ready.set_exception(failure)  # for the thread that waits in _start
