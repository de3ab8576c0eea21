"""Ways to spoil a good answer on its way out: the work was done, only the 200 is not what it should be."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from simulator.faults import Fault
from simulator.refusals import NO_HEADERS

type Payload = dict[str, object]
type Delivery = Callable[[web.Request, Payload, Fault], Awaitable[web.StreamResponse]]

BLOCK_BYTES: Final = 64 * 1024
MEGABYTE: Final = 1024 * 1024


def json_response(payload: Payload, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> web.Response:
    """Return a whole JSON answer."""
    return web.json_response(payload, status=status, headers=headers)


async def _malformed_json(request: web.Request, payload: Payload, fault: Fault) -> web.Response:  # noqa: ARG001  - Delivery
    """Break off in the middle, with a Content-Length that fits."""
    whole = json.dumps(payload)
    return web.Response(text=whole[: len(whole) // 2], content_type="application/json")


async def _no_cert(request: web.Request, payload: Payload, fault: Fault) -> web.Response:  # noqa: ARG001  - Delivery
    """Leave ``cert`` out."""
    return json_response({name: value for name, value in payload.items() if name != "cert"})


async def _truncated_pem(request: web.Request, payload: Payload, fault: Fault) -> web.Response:  # noqa: ARG001  - Delivery
    """Send valid JSON whose certificate breaks off."""
    pem = str(payload["cert"])
    return json_response(payload | {"cert": pem[: len(pem) // 2]})


async def _huge_body(request: web.Request, payload: Payload, fault: Fault) -> web.Response:  # noqa: ARG001  - Delivery
    """Send a valid answer that nobody should read into memory."""
    return json_response(payload | {"padding": "x" * int(fault.number("megabytes") * MEGABYTE)})


async def _endless_body(request: web.Request, payload: Payload, fault: Fault) -> web.StreamResponse:  # noqa: ARG001  - Delivery
    """Send blanks, which JSON allows before its first token, until the client has had enough."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        while True:
            await response.write(b" " * BLOCK_BYTES)
            await asyncio.sleep(0)  # the other clients' turn, also when this one reads as fast as we write
    return response


async def _drip(request: web.Request, payload: Payload, fault: Fault) -> web.StreamResponse:
    """Send the right answer so slowly that no timeout between two bytes ever strikes."""
    body = json.dumps(payload).encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(fault.number("seconds"))
    return response


DELIVERIES: Final[Mapping[str, Delivery]] = {
    "malformed-json": _malformed_json,
    "no-cert": _no_cert,
    "truncated-pem": _truncated_pem,
    "huge-body": _huge_body,
    "endless-body": _endless_body,
    "drip": _drip,
}
