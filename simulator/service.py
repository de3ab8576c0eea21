"""The vendor's four calls over HTTP.

A request passes these gates in this order: path, method, certificate and key (401), the endpoint's limit (429), the
tenant's one job (409), a fault if one waits, the body (400). So a fault is not used up by a request refused before it,
and everything that authenticates costs an attempt, whatever becomes of it.
"""

import contextlib
import json
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from simulator.clock import Clock
from simulator.deliveries import DELIVERIES, json_response
from simulator.faults import CERT_REFRESH, ENDPOINTS, STATISTICS, TOKEN_REFRESH, Fault, FaultQueue
from simulator.issuing import Issuer
from simulator.journal import Entry, Journal
from simulator.obstacles import REFUSALS, DroppedError, http_date, meet
from simulator.refusals import Refusal
from simulator.registry import Registry, authenticate
from simulator.tenants import Tenant

PREFIX: Final = "/api/v1/token/"
MAXIMUM_BODY_BYTES: Final = 64 * 1024  # invented: a CSR has two kilobytes, so this is generous
MAXIMUM_PAGE: Final = 1000  # invented: the vendor does not say how long a page may be

# vendor: the key stood in the path once, and that form is not supported any more.
_LEGACY = re.compile(rf"{PREFIX}.+/({'|'.join(ENDPOINTS)})")


@dataclass(frozen=True)
class _Call:
    """A request that passed the gates, taken apart."""

    request: web.Request
    endpoint: str
    tenant: Tenant
    body: bytes
    fault: Fault | None
    entry: Entry

    def meets(self, fault_name: str) -> bool:
        """Whether this is the fault it met."""
        return self.fault is not None and self.fault.name == fault_name


class Service:
    """The service as an aiohttp application.

    Args:
        registry: Who may call.
        issuer: Who signs.
        faults: What goes wrong next.
        journal: Where requests are recorded.
        clock: Simulated time.
    """

    def __init__(self, registry: Registry, issuer: Issuer, faults: FaultQueue, journal: Journal, clock: Clock) -> None:
        self._registry = registry
        self._issuer = issuer
        self._faults = faults
        self._journal = journal
        self._clock = clock

    def application(self) -> web.Application:
        """Return the application; every path leads to it, so that every error has the vendor's shape."""
        app = web.Application(client_max_size=MAXIMUM_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and record what became of it."""
        path, endpoint = self._recognise(request.path)
        entry = self._journal.open(self._clock.now(), request.method, path)
        try:
            response = await self._answer(request, endpoint, entry)
        except Refusal as refusal:
            entry.note(status=refusal.status)
            return self._refused(refusal)
        except DroppedError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # goes nowhere: the connection is gone
        return response

    def _refused(self, refusal: Refusal) -> web.Response:
        """Return the answer that a refusal is (vendor: code and message)."""
        headers = {"Date": http_date(self._clock.now()), **refusal.headers}
        if refusal.html is not None:
            return web.Response(status=refusal.status, text=refusal.html, content_type="text/html", headers=headers)
        return json_response({"code": refusal.status, "message": refusal.message}, refusal.status, headers)

    def _recognise(self, path: str) -> tuple[str, str | None]:
        """Return the path as it may be recorded, and the endpoint it names."""
        endpoint = path.removeprefix(PREFIX)
        if path.startswith(PREFIX) and endpoint in ENDPOINTS:
            return path, endpoint
        if legacy := _LEGACY.fullmatch(path):
            return f"{PREFIX}<redacted>/{legacy[1]}", None
        return self._registry.hide_keys(path), None

    async def _answer(self, request: web.Request, endpoint: str | None, entry: Entry) -> web.StreamResponse:
        """Pass the gates one by one; see the module's docstring."""
        holder = self._registry.holder_of(_client_certificate(request))
        if holder:
            tenant, certificate = holder
            entry.note(tenant=tenant.name, cert_name=certificate.name, cert_serial=certificate.serial)
        if endpoint is None:
            if _LEGACY.fullmatch(request.path):
                raise Refusal(404, "an API key in the path is not supported: send it in the header apiKey")
            raise Refusal(404, "no such path")
        entry.note(endpoint=endpoint)
        if request.method != "GET":
            raise Refusal(405, f"{endpoint} is a GET", {"Allow": "GET"})
        tenant = authenticate(holder, request.headers.get("apiKey"))
        if not tenant.admit(endpoint):
            raise Refusal(429, "too many requests")
        body = await _received(request)
        async with _job(tenant, endpoint):
            call = _Call(request, endpoint, tenant, body, self._faults.take(tenant.name, endpoint), entry)
            entry.note(fault=call.fault.name if call.fault else None)
            if call.fault:
                await meet(call.fault, self._clock.now())
            payload = self._work(call)
        return await self._deliver(call, payload)

    def _work(self, call: _Call) -> dict[str, object]:
        """Do what the endpoint is for and return its answer."""
        if call.endpoint == CERT_REFRESH:
            return self._refresh_certificate(call)
        if call.endpoint == TOKEN_REFRESH:
            token, expiry, deleted = call.tenant.add_token()
            return {"token": token, "expiry": _iso(expiry), "deletedToken": deleted}
        if call.endpoint == STATISTICS:
            # vendor: counts of verdicts and requests; the names of the fields are invented.
            mine = sum(seen.tenant == call.tenant.name for seen in self._journal.requests())
            return {"verdictCount": 0, "requestCount": mine}
        return _page_of_verdicts(call.request, self._clock.now())

    def _refresh_certificate(self, call: _Call) -> dict[str, object]:
        """Issue a certificate (vendor: ``pemCsr`` and ``certName`` in, ``cert`` and ``deletedCertName`` out)."""
        csr_pem, cert_name = _refresh_body(call.body)
        try:
            outcome = self._issuer.refresh(call.tenant, csr_pem, cert_name, call.fault)
        except ValueError as refused:
            raise Refusal(400, str(refused)) from refused
        call.entry.note(issued_cert_name=cert_name)
        return {"cert": outcome.pem, "deletedCertName": outcome.deleted_cert_name}

    async def _deliver(self, call: _Call, payload: dict[str, object]) -> web.StreamResponse:
        """Send the answer, or what the fault makes of it.

        Raises:
            Refusal: Done, but answered with 500.
            DroppedError: Done, and not answered.
        """
        if call.meets("drop-after-issuing"):
            raise DroppedError
        if call.meets("server-error-after-issuing"):
            raise Refusal(500, "internal error")
        call.entry.note(status=200)
        if call.fault and call.fault.name in DELIVERIES:
            return await DELIVERIES[call.fault.name](call.request, payload, call.fault)
        return json_response(payload, 200, {"Date": http_date(self._clock.now())})


@contextlib.asynccontextmanager
async def _job(tenant: Tenant, endpoint: str) -> AsyncIterator[None]:
    """Hold the tenant's one place for updates while a refresh works; the other calls need none.

    Raises:
        Refusal: 409, another update has it (vendor).
    """
    if endpoint not in {CERT_REFRESH, TOKEN_REFRESH}:
        yield
        return
    if not tenant.begin_job():
        raise Refusal(*REFUSALS["conflict"])
    try:
        yield
    finally:
        tenant.end_job()


def _client_certificate(request: web.Request) -> bytes | None:
    """Return the client certificate of the connection in DER; None over plain HTTP."""
    tls = request.transport.get_extra_info("ssl_object") if request.transport else None
    return tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLObject) else None


async def _received(request: web.Request) -> bytes:
    """Return the body. It is read before the work begins: the work goes on when the client has gone.

    Raises:
        Refusal: 400, the body is too long.
        DroppedError: The client went away in the middle of it.
    """
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(400, f"the body is longer than {MAXIMUM_BODY_BYTES} bytes") from None
    except ConnectionError as gone:
        raise DroppedError from gone


def _refresh_body(raw: bytes) -> tuple[str, str]:
    """Return ``pemCsr`` and ``certName``.

    Raises:
        Refusal: 400, the body is not what the vendor asks for.
    """
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body is not a JSON object")
    csr_pem, cert_name = body.get("pemCsr"), body.get("certName")
    if not isinstance(csr_pem, str) or not isinstance(cert_name, str):
        raise Refusal(400, "the body needs pemCsr and certName, both text")
    return csr_pem, cert_name


def _page_of_verdicts(request: web.Request, now: datetime) -> dict[str, object]:
    """Return one made-up verdict and a bookmark, whatever ``pageLen`` allows.

    Raises:
        Refusal: 400, ``pageLen`` is not a number of verdicts.
    """
    length = request.query.get("pageLen", "1")
    if not length.isascii() or not length.isdigit() or not 1 <= int(length) <= MAXIMUM_PAGE:
        raise Refusal(400, f"pageLen is a number from 1 to {MAXIMUM_PAGE}")
    verdict = {"ipAddress": "192.0.2.10", "profile": "Simulated Camera", "lastSeen": _iso(now)}
    return {"verdicts": [verdict], "bookmark": "simulated-bookmark"}


def _iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
