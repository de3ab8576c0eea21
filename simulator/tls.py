"""The server's side of TLS: its certificate, the client certificate it demands, and the alerts it sends."""

import logging
import ssl
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import trustme

from simulator.clock import Clock

type ServerCertificate = Literal["valid", "expired", "wrong-host"]
type Tls = Literal["modern", "1.1-only", "none"]

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_NO_CHECK_TIME: Final = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name
_EXPIRED_SINCE: Final = datetime(2001, 1, 1)  # noqa: DTZ001  - trustme takes naive UTC

_logger = logging.getLogger(__name__)


class _AlertingSession(ssl.SSLObject):
    """A server session that tells a client why its handshake was refused.

    asyncio closes the connection as soon as a handshake fails and throws away the alert that OpenSSL has prepared
    (``SSLProtocol._do_handshake``). A client would see a bare reset, and could not tell a refused certificate from a
    lost connection; real servers send the alert. So a failure is reported as "wants more to read", which makes asyncio
    send what is waiting. The client then closes, or the handshake's time runs out.
    """

    _refused = False

    def do_handshake(self) -> None:
        if self._refused:
            raise ssl.SSLWantReadError
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as refusal:
            self._refused = True
            _logger.debug("handshake refused: %s", refusal)
            raise ssl.SSLWantReadError from refusal


class _SimulatedTimeContext(ssl.SSLContext):
    """A context that leaves the dates of client certificates to the service while the clock is moved.

    OpenSSL can only compare them with the machine's time, which would refuse every certificate issued in a simulated
    future. The service checks the dates itself (401); an unmoved clock keeps the refusal in the handshake.
    """

    clock: Clock
    sslobject_class = _AlertingSession

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002  - the ssl module's signature
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        flags = self.verify_flags & ~_NO_CHECK_TIME
        self.verify_flags = ssl.VerifyFlags(flags | _NO_CHECK_TIME if self.clock.moved else flags)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def server_context(  # noqa: PLR0913  - the situations to make, every one by name
    authority: trustme.CA,
    *,
    client_root_pem: str,
    clock: Clock,
    names: Sequence[str] = (),
    certificate: ServerCertificate = "valid",
    tls: Literal["modern", "1.1-only"] = "modern",
    session_tickets: bool = False,
) -> ssl.SSLContext:
    """Return a context that demands a client certificate.

    Args:
        authority: Who signs the server's certificate.
        client_root_pem: The one root that client certificates must lead to.
        clock: Simulated time.
        names: Host names and addresses for the certificate, besides the loopback's.
        certificate: The situation to make: a good certificate, one out of date, or one for another host.
        tls: ``modern`` is 1.2 and 1.3; ``1.1-only`` is what a client must refuse to speak.
        session_tickets: Whether a session ticket follows a TLS 1.3 handshake, as from most servers. It resumes no
            session here, but tells a client that it was let in.
    """
    hosts = ("elsewhere.example",) if certificate == "wrong-host" else (*LOOPBACK_NAMES, *names)
    not_after = _EXPIRED_SINCE if certificate == "expired" else None
    context = _SimulatedTimeContext(ssl.PROTOCOL_TLS_SERVER)
    context.clock = clock
    authority.issue_cert(*hosts, not_after=not_after).configure_cert(context)
    context.load_verify_locations(cadata=client_root_pem)
    context.verify_mode = ssl.CERT_REQUIRED
    # A resumed session would let a client in without a new handshake.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 1 if session_tickets else 0
    if tls == "1.1-only":
        _limit_to_tls_1_1(context)
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _limit_to_tls_1_1(context: ssl.SSLContext) -> None:
    """Speak TLS 1.1 and nothing newer, which OpenSSL 3 does at security level 0 only."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # being outdated is the point of it
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
