"""Faults that strike before the work is done, or keep it from being done."""

import asyncio
import email.utils
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from simulator.faults import Fault
from simulator.refusals import NO_HEADERS, Refusal

REFUSALS: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    "bad-request": (HTTPStatus.BAD_REQUEST, "invalid request"),
    "unauthorized": (HTTPStatus.UNAUTHORIZED, "unauthorized: regenerate the certificate, or contact support"),
    "conflict": (HTTPStatus.CONFLICT, "another update or delete job is running: try again when it is done"),
    "too-many-requests": (HTTPStatus.TOO_MANY_REQUESTS, "too many requests"),
    "too-many-requests-retry-after": (HTTPStatus.TOO_MANY_REQUESTS, "too many requests"),
    "server-error": (HTTPStatus.INTERNAL_SERVER_ERROR, "internal error"),
    "unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "the service is unavailable"),
}

_HTML: Final = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"


class DroppedError(Exception):
    """The connection is to be cut without an answer."""


async def meet(fault: Fault, now: datetime) -> None:
    """Play a fault if it is one of these; return if the work goes on.

    Args:
        fault: The fault the request meets.
        now: Simulated time, from which a Retry-After counts.

    Raises:
        Refusal: The answer is an error.
        DroppedError: There is no answer.
    """
    if fault.name == "slow":
        await asyncio.sleep(fault.number("seconds"))
    elif fault.name == "drop-before-processing":
        raise DroppedError
    elif fault.name == "bad-gateway-html":
        raise Refusal(502, "bad gateway", html=_HTML)
    elif fault.name == "redirect":
        status = HTTPStatus(int(fault.number("status")))
        raise Refusal(status, "the service has moved", {"Location": str(fault.parameters["location"])})
    elif fault.name in REFUSALS:
        status, message = REFUSALS[fault.name]
        raise Refusal(status, message, _retry_after(fault, now))


def _retry_after(fault: Fault, now: datetime) -> Mapping[str, str]:
    """Return the header Retry-After in the form the fault wants, if it wants one."""
    if fault.name != "too-many-requests-retry-after":
        return NO_HEADERS
    wait = timedelta(seconds=fault.number("seconds"))
    as_date = fault.parameters["http_date"]
    return {"Retry-After": http_date(now + wait) if as_date else str(int(wait.total_seconds()))}


def http_date(moment: datetime) -> str:
    """Return a moment as HTTP writes dates."""
    return email.utils.format_datetime(moment, usegmt=True)
