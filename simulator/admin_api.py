"""The admin API: plain HTTP on loopback, for demonstrations and for programs that are not Python.

=======  =========  ==================================================================================================
method   path       body, and what comes back
=======  =========  ==================================================================================================
GET      /tenants   tenants with their certificates and tokens; no keys, tokens by name and digest
POST     /tenants   ``{"name"}``, optional ``keyAlgorithm csr certName ageDays lifetimeDays chain
                    apiKeyLeftDays`` → 201, the credential as the secret's JSON
GET      /faults    ``known``: every fault with description and parameters; ``waiting``: those set
POST     /faults    ``{"fault"}``, optional ``tenant endpoint times parameters`` (``times`` null: until cleared) → 201
DELETE   /faults    204; forgets those set
POST     /clock     ``{"advanceSeconds": 3600}`` or ``{"set": "2027-01-31T12:00:00Z"}`` → ``{"now"}``
GET      /requests  every request to the service; no bodies, API keys as digests
=======  =========  ==================================================================================================

Errors are ``{"message"}`` with 400, 404, 405 or 415. Bodies must be sent as ``application/json`` and to a loopback host
name: a web page open on this machine can do neither, so it cannot take part.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from simulator.faults import FAULTS, PARAMETERS, fault_named
from simulator.json_bodies import Json, days, json_body, number, text
from simulator.server import is_loopback
from simulator.service import Service

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TENANT_KEYS: Final = {"name", "keyAlgorithm", "csr", "certName", "ageDays", "lifetimeDays", "chain", "apiKeyLeftDays"}
FAULT_KEYS: Final = {"fault", "tenant", "endpoint", "times", "parameters"}


def admin_application(service: Service) -> web.Application:
    """Return the admin API of a service."""

    async def get_tenants(_: web.Request) -> web.Response:
        tenants = [
            {
                "name": tenant.name,
                "certificates": [_plain(record) for record in tenant.certificates],
                "tokens": [_plain(record) for record in tenant.tokens],
            }
            for tenant in service.tenants
        ]
        return web.json_response({"tenants": tenants})

    async def post_tenants(request: web.Request) -> web.Response:
        body = await json_body(request, TENANT_KEYS)
        # In a thread: making an RSA key takes long enough for the service to stumble.
        credential = await asyncio.to_thread(_onboard, service, body)
        return web.json_response(credential, status=201)

    async def get_faults(_: web.Request) -> web.Response:
        known = [
            {"name": name, "description": description, "parameters": dict(PARAMETERS.get(name, {}))}
            for name, description in FAULTS.items()
        ]
        waiting = [
            {
                "fault": fault.name,
                "tenant": fault.tenant,
                "endpoint": fault.endpoint,
                "times": times,
                "parameters": dict(fault.parameters),
            }
            for fault, times in service.faults.waiting()
        ]
        return web.json_response({"known": known, "waiting": waiting})

    async def post_faults(request: web.Request) -> web.Response:
        _set_fault(service, await json_body(request, FAULT_KEYS))
        return web.json_response({"waiting": len(service.faults.waiting())}, status=201)

    async def delete_faults(_: web.Request) -> web.Response:
        service.clear_faults()
        return web.Response(status=204)

    async def post_clock(request: web.Request) -> web.Response:
        now = _move_clock(service, await json_body(request, {"advanceSeconds", "set"}))
        return web.json_response({"now": now.isoformat()})

    async def get_requests(_: web.Request) -> web.Response:
        return web.json_response({"requests": [_plain(request) for request in service.requests]})

    app = web.Application(middlewares=[_guard])
    app.add_routes(
        [
            web.get("/tenants", get_tenants),
            web.post("/tenants", post_tenants),
            web.get("/faults", get_faults),
            web.post("/faults", post_faults),
            web.delete("/faults", delete_faults),
            web.post("/clock", post_clock),
            web.get("/requests", get_requests),
        ]
    )
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep web pages out, and give every error a sentence in JSON."""
    # Any other name could be a web page's own, made to point here.
    if not is_loopback(request.url.host or ""):
        return web.json_response({"message": "call the admin API by a loopback name"}, status=400)
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return web.json_response({"message": answer.text or answer.reason}, status=answer.status)
    except (TypeError, ValueError, OverflowError) as wrong:
        return web.json_response({"message": str(wrong)}, status=400)


def _onboard(service: Service, body: Json) -> dict[str, str]:
    """Make a tenant and return its credential."""
    name = text(body, "name")
    if name is None:
        raise ValueError("name is missing")
    tenant = service.onboard(
        name,
        key_algorithm=text(body, "keyAlgorithm") or "rsa2048",  # type: ignore[arg-type]  # checked by new_key
        csr_pem=text(body, "csr"),
        cert_name=text(body, "certName") or "onboarded-1",
        age=days(body, "ageDays") or timedelta(0),
        lifetime=days(body, "lifetimeDays"),
        chain=body.get("chain") is True,
        api_key_left=days(body, "apiKeyLeftDays"),
    )
    return tenant.credential


def _set_fault(service: Service, body: Json) -> None:
    """Set a fault; ``times`` is 1 when it is missing, and until cleared when it is null."""
    parameters = body.get("parameters", {})
    times = body.get("times", 1)
    if not isinstance(parameters, dict):
        raise TypeError("parameters must be a JSON object")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
        raise TypeError("times must be a whole number, or null for until cleared")
    fault = fault_named(text(body, "fault") or "", text(body, "tenant"), text(body, "endpoint"), parameters)
    service.faults.add(fault, times)


def _move_clock(service: Service, body: Json) -> datetime:
    """Advance or set simulated time."""
    step, moment = number(body, "advanceSeconds"), text(body, "set")
    if (step is None) == (moment is None):
        raise ValueError("give either advanceSeconds or set")
    if moment is not None:
        return service.clock.set(datetime.fromisoformat(moment))
    return service.clock.advance(timedelta(seconds=step or 0))


def _plain(record: object) -> Json:
    """Return a record as JSON can hold it: times as ISO 8601, serial numbers in hexadecimal."""
    plain: Json = {}
    for field in dataclasses.fields(record):  # type: ignore[arg-type]  # called with this package's dataclasses
        value = getattr(record, field.name)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif field.name.endswith("serial") and value is not None:
            value = f"{value:x}"
        plain[field.name] = value
    return plain
