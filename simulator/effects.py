"""What a fault does to a request: before the work, in the certificate, after the work, or in the answer."""

import asyncio
import contextlib
import email.utils
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from aiohttp import web

from simulator.ca import Terms
from simulator.faults import Fault


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of the simulator
    """An answer other than 200, by a fault or by the service's rules.

    Attributes:
        status: HTTP status, also the ``code`` of the body.
        message: One sentence; never holds an API key.
        headers: Headers to send besides.
        html: A page to send instead, when a proxy answers and not the service.
    """

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None, *, html: str | None = None
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.html = html


class DroppedError(Exception):
    """The connection is to be cut without an answer."""


REFUSALS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "bad-request": (400, "invalid request"),
        "unauthorized": (401, "unauthorized: regenerate the certificate, or contact support"),
        "conflict": (409, "another update or delete job is running: try again when it is done"),
        "too-many-requests": (429, "too many requests"),
        "server-error": (500, "internal error"),
        "unavailable": (503, "the service is unavailable"),
    }
)
SPOILED_ANSWERS: Final = frozenset({"malformed-json", "no-cert", "truncated-pem", "huge-body", "endless-body", "drip"})

_BAD_GATEWAY: Final = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
_BLOCK_BYTES: Final = 64 * 1024
_MEGABYTE: Final = 1024 * 1024


async def before_work(fault: Fault, now: datetime) -> None:
    """Delay or refuse a request; return if the work goes on. A Retry-After counts from ``now``.

    Raises:
        Refusal: The answer is an error.
        DroppedError: There is no answer.
    """
    match fault.name:
        case "slow":
            await asyncio.sleep(fault.number("seconds"))
        case "drop-before-processing":
            raise DroppedError
        case "bad-gateway-html":
            raise Refusal(502, "bad gateway", html=_BAD_GATEWAY)
        case "redirect":
            location = {"Location": str(fault.parameters["location"])}
            raise Refusal(int(fault.number("status")), "the service has moved", location)
        case "too-many-requests-retry-after":
            wait = timedelta(seconds=fault.number("seconds"))
            as_date = fault.parameters["http_date"]
            retry_after = http_date(now + wait) if as_date else str(int(wait.total_seconds()))
            raise Refusal(*REFUSALS["too-many-requests"], {"Retry-After": retry_after})
        case name if name in REFUSALS:
            raise Refusal(*REFUSALS[name])


def change_terms(fault: Fault, terms: Terms, now: datetime, newest_end: datetime) -> Terms:
    """Return the terms on which a certificate is issued; ``newest_end`` is the end of the newest valid one."""
    start, end = terms.not_before, terms.not_after
    match fault.name:
        case "expired":
            past = start - (end - start)
            terms = replace(terms, not_before=past, not_after=start - timedelta(minutes=1), active_from=past)
        case "shorter-lived":
            terms = replace(terms, not_after=now + (newest_end - now) / 2)
        case "begins-later":
            later = timedelta(seconds=fault.number("seconds"))
            terms = replace(terms, not_before=start + later, not_after=end + later, active_from=start + later)
        case "chain":
            terms = replace(terms, chain=True)
        case "other-key":
            terms = replace(terms, other_key=True)
        case "activation-delay":
            by_hand = fault.parameters["seconds"] is None
            delay = timedelta(seconds=fault.number("seconds"))
            terms = replace(terms, active_from=None if by_hand else now + delay)
    return terms


def after_work(fault: Fault) -> None:
    """Lose the answer to work that was done.

    Raises:
        Refusal: The answer is a 500.
        DroppedError: There is no answer.
    """
    if fault.name == "drop-after-issuing":
        raise DroppedError
    if fault.name == "server-error-after-issuing":
        raise Refusal(*REFUSALS["server-error"])


async def spoiled_answer(fault: Fault, request: web.Request, answer: Mapping[str, object]) -> web.StreamResponse:
    """Send a 200 that is not what it should be; the fault is one of ``SPOILED_ANSWERS``."""
    match fault.name:
        case "no-cert":
            answer = {name: value for name, value in answer.items() if name != "cert"}
        case "truncated-pem":
            pem = str(answer["cert"])
            answer = {**answer, "cert": pem[: len(pem) // 2]}
        case "huge-body":
            answer = {**answer, "padding": "x" * int(fault.number("megabytes") * _MEGABYTE)}
        case "endless-body":
            return await _endless_body(request)
        case "drip":
            return await _drip(request, json.dumps(answer).encode(), fault.number("seconds"))
    text = json.dumps(answer)
    if fault.name == "malformed-json":
        text = text[: len(text) // 2]
    return web.Response(text=text, content_type="application/json")


async def _endless_body(request: web.Request) -> web.StreamResponse:
    """Send blanks, which JSON allows before its first token, until the client has had enough."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        while True:
            await response.write(b" " * _BLOCK_BYTES)
            await asyncio.sleep(0)  # the other clients' turn, also when this one reads as fast as we write
    return response


async def _drip(request: web.Request, body: bytes, seconds: float) -> web.StreamResponse:
    """Send the right answer so slowly that no timeout between two bytes ever strikes."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(seconds)
    return response


def http_date(moment: datetime) -> str:
    """Return a moment as HTTP writes dates."""
    return email.utils.format_datetime(moment, usegmt=True)
