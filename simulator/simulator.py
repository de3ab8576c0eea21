"""The simulator: a service, its two APIs, and the ports on which they are served."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Self

import trustme

from simulator.admin_api import admin_application
from simulator.api import Api
from simulator.rate_limit import Rate
from simulator.server import LOOPBACK, certifiable, check_address, held_in_thread, listening, url_host
from simulator.service import DEFAULT_LIFETIME, Service
from simulator.tls import ServerCertificate, Tls, server_context
from simulator.tokens import TokenRules


class Simulator(Service):
    """A service that listens. ``Simulator.running()`` makes one.

    Attributes:
        url: Base URL, ``https://localhost:PORT``.
        admin_url: Base URL of the admin API; None unless it was asked for.
        trusted_ca_pem: PEM of the authority that signed the server's certificate, for clients to trust.
    """

    url: str
    admin_url: str | None = None
    trusted_ca_pem: str

    @classmethod
    @contextlib.contextmanager
    def running(  # noqa: PLR0913  - the situations a test can ask for, every one by name
        cls,
        *,
        port: int = 0,
        admin_port: int | None = None,
        host: str = LOOPBACK,
        allow_non_loopback: bool = False,
        rate: Rate = "bucket",
        statistics_limit: bool = True,
        issued_lifetime: timedelta = DEFAULT_LIFETIME,
        server_certificate: ServerCertificate = "valid",
        tls: Tls = "modern",
        server_names: Sequence[str] = (),
        session_tickets: bool = False,
        token_rules: TokenRules | None = None,
    ) -> Iterator[Self]:
        """Serve from a thread until the block ends; then every port is free again.

        Args:
            port: Port of the service; 0 picks a free one.
            admin_port: Port of the admin API, always on loopback; 0 picks a free one, None leaves it off.
            host: Address to listen on.
            allow_non_loopback: Must be true for any address that other machines could reach.
            rate: How the attempts come back: ``bucket`` one by one, ``strict`` never.
            statistics_limit: Whether ``verdicts:statistics`` answers once a second only.
            issued_lifetime: How long certificates live.
            server_certificate: ``valid``, ``expired`` or ``wrong-host``.
            tls: ``modern`` (1.2 and 1.3), ``1.1-only``, or ``none`` for plain HTTP, where everything gets 401.
            server_names: Further host names for the server's certificate, for example ``host.docker.internal``.
            session_tickets: Whether a session ticket follows a TLS 1.3 handshake, as from most servers.
            token_rules: How ``token:refresh`` answers; the usual ``TokenRules`` by default.

        Yields:
            The running simulator, without tenants.

        Raises:
            CannotListenError: Not a loopback address, or the port is in use.
        """
        check_address(host, allow_non_loopback=allow_non_loopback)
        address = LOOPBACK if host == "localhost" else host
        simulator = cls(
            rate=rate,
            statistics_limit=statistics_limit,
            issued_lifetime=issued_lifetime,
            token_rules=token_rules or TokenRules(),
        )
        server_ca = trustme.CA(organization_name="Device-ID simulator", organization_unit_name="server root")
        simulator.trusted_ca_pem = server_ca.cert_pem.bytes().decode()
        context = None
        if tls != "none":
            context = server_context(
                server_ca,
                client_root_pem=simulator.ca.root_pem,
                clock=simulator.clock,
                names=(*server_names, *certifiable(address)),
                certificate=server_certificate,
                tls=tls,
                session_tickets=session_tickets,
            )

        @contextlib.asynccontextmanager
        async def ports() -> AsyncIterator[None]:
            async with contextlib.AsyncExitStack() as stack:
                api = Api(simulator).application()
                bound = await stack.enter_async_context(listening(api, address, port, context))
                simulator.url = f"{'https' if context else 'http'}://{url_host(address)}:{bound}"
                if admin_port is not None:
                    admin = admin_application(simulator)
                    bound = await stack.enter_async_context(listening(admin, LOOPBACK, admin_port, None))
                    simulator.admin_url = f"http://{LOOPBACK}:{bound}"
                yield

        with held_in_thread(ports):
            yield simulator
