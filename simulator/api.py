"""The vendor's four calls over HTTP.

A request passes these gates in this order: path, method, certificate and key (401), the endpoint's limit (429), the
tenant's one job (409), a fault if one waits, the body (400). So a fault is not used up by a request refused before it,
and every request that authenticates costs an attempt.

One module, because the order of the gates is the behaviour.
"""

import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from simulator.calls import Call, answer_to
from simulator.certificates import CertificateRecord
from simulator.effects import (
    REFUSALS,
    SPOILED_ANSWERS,
    DroppedError,
    Refusal,
    after_work,
    before_work,
    http_date,
    spoiled_answer,
)
from simulator.faults import CERT_REFRESH, ENDPOINTS, TOKEN_REFRESH
from simulator.journal import Entry
from simulator.service import Service
from simulator.tenants import Tenant
from simulator.tokens import token_digest

PREFIX: Final = "/api/v1/token/"
MAXIMUM_BODY_BYTES: Final = 64 * 1024  # invented: a CSR has two kilobytes, so this is generous

# vendor: the key stood in the path once, and that form is not supported any more.
_LEGACY = re.compile(rf"{PREFIX}.+/({'|'.join(ENDPOINTS)})")


class Api:
    """The vendor's API as an aiohttp application."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def application(self) -> web.Application:
        """Return the application; every path leads to it, so that every error has the vendor's shape."""
        app = web.Application(client_max_size=MAXIMUM_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and record what became of it."""
        path, endpoint = self._recognise(request.path)
        entry = self._service.journal.open(self._service.clock.now(), request.method, path)
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
        headers = {"Date": http_date(self._service.clock.now()), **refusal.headers}
        if refusal.html is not None:
            return web.Response(status=refusal.status, text=refusal.html, content_type="text/html", headers=headers)
        body = {"code": refusal.status, "message": refusal.message}
        return web.json_response(body, status=refusal.status, headers=headers)

    def _recognise(self, path: str) -> tuple[str, str | None]:
        """Return the path as it may be recorded, and the endpoint it names."""
        endpoint = path.removeprefix(PREFIX)
        if path.startswith(PREFIX) and endpoint in ENDPOINTS:
            return path, endpoint
        if legacy := _LEGACY.fullmatch(path):
            return f"{PREFIX}<redacted>/{legacy[1]}", None
        for tenant in self._service.tenants:
            path = tenant.hide_keys(path)
        return path, None

    async def _answer(self, request: web.Request, endpoint: str | None, entry: Entry) -> web.StreamResponse:
        """Pass the gates one by one; see the module's docstring."""
        certificate_der = _client_certificate(request)
        holder = self._service.holder_of(certificate_der) if certificate_der else None
        if holder:
            tenant, certificate = holder
            entry.note(tenant=tenant.name, cert_name=certificate.name, cert_serial=certificate.serial)
        api_key = request.headers.get("apiKey", "")
        entry.note(token=token_digest(api_key) if api_key else None)
        if endpoint is None:
            if _LEGACY.fullmatch(request.path):
                raise Refusal(404, "an API key in the path is not supported: send it in the header apiKey")
            raise Refusal(404, "no such path")
        entry.note(endpoint=endpoint)
        if request.method != "GET":
            raise Refusal(405, f"{endpoint} is a GET", {"Allow": "GET"})
        tenant = _authenticated(holder, api_key)
        if not tenant.admit(endpoint):
            raise Refusal(429, "too many requests")
        body = await _received(request)
        async with _job(tenant, endpoint):
            fault = self._service.faults.take(tenant.name, endpoint)
            call = Call(request, endpoint, tenant, api_key, body, fault, entry)
            entry.note(fault=call.fault.name if call.fault else None)
            if call.fault:
                await before_work(call.fault, self._service.clock.now())
            payload = answer_to(call, self._service)
        return await self._deliver(call, payload)

    async def _deliver(self, call: Call, payload: dict[str, object]) -> web.StreamResponse:
        """Send the answer, or what the fault makes of it.

        Raises:
            Refusal: Done, but answered with 500.
            DroppedError: Done, and not answered.
        """
        if call.fault:
            after_work(call.fault)
        call.entry.note(status=200)
        if call.fault and call.fault.name in SPOILED_ANSWERS:
            return await spoiled_answer(call.fault, call.request, payload)
        return web.json_response(payload, headers={"Date": http_date(self._service.clock.now())})


@contextlib.asynccontextmanager
async def _job(tenant: Tenant, endpoint: str) -> AsyncIterator[None]:
    """Hold the tenant's one place for updates while a refresh works; the other calls need none.

    Raises:
        Refusal: 409, another update has it (vendor).
    """
    if endpoint not in {CERT_REFRESH, TOKEN_REFRESH}:
        yield
        return
    if not tenant.job.acquire(blocking=False):
        raise Refusal(*REFUSALS["conflict"])
    try:
        yield
    finally:
        tenant.job.release()


def _authenticated(holder: tuple[Tenant, CertificateRecord] | None, api_key: str) -> Tenant:
    """Return the tenant whose active certificate and valid API key these are (vendor: every request needs both).

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
