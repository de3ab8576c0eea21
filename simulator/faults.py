"""Faults by name: which there are, the queue in which they wait, and what each does to a request.

One module, because a fault is one thing: to add one, write its line in ``FAULTS`` and its effect below. An effect comes
before the work, in the certificate, after the work, or in the answer.
"""

import asyncio
import contextlib
import email.utils
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from aiohttp import web

from simulator.ca import Terms

type Parameter = int | float | str | bool | None

# The one list of faults: the command line prints it and every set fault is checked against it.
FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "slow": "the work takes SECONDS of real time before it is done and answered; meanwhile others get 409",
        "drop-before-processing": "the connection is cut and nothing is issued",
        "drop-after-issuing": "issued, then the connection is cut: the answer is lost",
        "bad-request": "400; nothing issued",
        "unauthorized": "401; nothing issued",
        "conflict": "409: another update or delete job is running; nothing issued",
        "too-many-requests": "429 without Retry-After; nothing issued",
        "too-many-requests-retry-after": "429 with Retry-After of SECONDS, or as an HTTP date; nothing issued",
        "server-error": "500; nothing issued",
        "server-error-after-issuing": "issued, then 500",
        "bad-gateway-html": "502 with an HTML page, as a proxy makes it; nothing issued",
        "unavailable": "503; nothing issued",
        "redirect": "STATUS (307) to LOCATION on another host; nothing issued",
        "malformed-json": "issued, then 200 with JSON that breaks off",
        "no-cert": "issued, then 200 without the field cert",
        "truncated-pem": "issued, then 200 with half of the certificate's PEM",
        "other-key": "issued for another key than the request's",
        "expired": "issued already expired",
        "shorter-lived": "issued to end before the newest valid certificate does",
        "begins-later": "issued to begin in SECONDS of simulated time; refused with 401 until then",
        "chain": "issued by an intermediate: cert holds leaf and intermediate",
        "activation-delay": "issued, but refused with 401 for SECONDS of simulated time, or until activated",
        "huge-body": "done, then 200 padded to MEGABYTES",
        "endless-body": "done, then 200 with a body that never ends",
        "drip": "done, then 200 one byte every SECONDS",
    }
)

# What each fault can be told, with its default.
PARAMETERS: Final[Mapping[str, Mapping[str, Parameter]]] = MappingProxyType(
    {
        "slow": {"seconds": 1.0},
        "too-many-requests-retry-after": {"seconds": 3600, "http_date": False},
        "redirect": {"status": 307, "location": "https://elsewhere.invalid/"},
        "begins-later": {"seconds": 3600},
        "activation-delay": {"seconds": None},
        "huge-body": {"megabytes": 32},
        "drip": {"seconds": 0.2},
    }
)

CERT_REFRESH: Final = "cert:refresh"
TOKEN_REFRESH: Final = "token:refresh"  # noqa: S105  - a path, not a password
STATISTICS: Final = "verdicts:statistics"
VERDICTS: Final = "verdicts"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
ENDPOINTS: Final = (CERT_REFRESH, TOKEN_REFRESH, STATISTICS, VERDICTS)

_OF_CERTIFICATES = frozenset(
    {"no-cert", "truncated-pem", "other-key", "expired", "shorter-lived", "begins-later", "chain", "activation-delay"}
)
_OF_REFRESHES = frozenset({"drop-after-issuing", "server-error-after-issuing"})


@dataclass(frozen=True)
class Fault:
    """One fault, checked.

    Attributes:
        name: A key of ``FAULTS``.
        tenant: The tenant it waits for; None for all.
        endpoint: The call it waits for, one of ``ENDPOINTS``.
        parameters: Every parameter of the fault, defaults filled in.
    """

    name: str
    tenant: str | None
    endpoint: str
    parameters: Mapping[str, Parameter]

    def number(self, parameter: str) -> float:
        """Return a parameter that is a number; 0 when it is unset."""
        value = self.parameters[parameter]
        return float(value) if isinstance(value, int | float) else 0.0


def fault_named(name: str, tenant: str | None, endpoint: str, parameters: Mapping[str, Parameter]) -> Fault:
    """Check a fault and fill in its defaults.

    Raises:
        ValueError: No such fault, endpoint or parameter, a value of the wrong type, or a fault that this endpoint
            cannot have.
    """
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}: use one of {', '.join(FAULTS)}")
    if endpoint not in ENDPOINTS:
        raise ValueError(f"no endpoint is called {endpoint!r}: use one of {', '.join(ENDPOINTS)}")
    if name in _OF_CERTIFICATES and endpoint != CERT_REFRESH:
        raise ValueError(f"the fault {name!r} is about an issued certificate: only {CERT_REFRESH} can have it")
    if name in _OF_REFRESHES and endpoint not in {CERT_REFRESH, TOKEN_REFRESH}:
        raise ValueError(f"the fault {name!r} is about issuing: only the refreshes can have it")
    defaults = PARAMETERS.get(name, {})
    for parameter, value in parameters.items():
        if parameter not in defaults:
            known = ", ".join(defaults) or "none"
            raise ValueError(f"the fault {name!r} takes no parameter {parameter!r}; it takes: {known}")
        if not _fits(value, defaults[parameter]) or (parameter == "status" and value not in REDIRECTS):
            raise ValueError(f"the parameter {parameter!r} of the fault {name!r} cannot be {value!r}")
    return Fault(name, tenant, endpoint, MappingProxyType({**defaults, **parameters}))


def _fits(value: Parameter, default: Parameter) -> bool:
    """Whether ``value`` is of the kind of ``default``: text, truth, or a number that is not negative."""
    if isinstance(default, bool | str):
        return isinstance(value, type(default))
    if value is None:
        return default is None
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


class FaultQueue:
    """The faults that wait for requests: those set for so many requests in order, then those set until cleared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault, times: int | None) -> None:
        """Queue a fault for the next ``times`` requests, or until cleared when None.

        Raises:
            ValueError: ``times`` is below 1.
        """
        if times is not None and times < 1:
            raise ValueError("a fault is set for at least one request: times must be 1 or more, or None")
        with self._lock:
            self._waiting.append((fault, times))

    def take(self, tenant: str, endpoint: str) -> Fault | None:
        """Return the fault this request meets, and use it up."""
        with self._lock:
            matching = [
                (index, fault, times)
                for index, (fault, times) in enumerate(self._waiting)
                if fault.endpoint == endpoint and fault.tenant in {None, tenant}
            ]
            if not matching:
                return None
            # Counted faults go first, so that one can be slipped in front of a lasting one.
            index, fault, times = min(matching, key=lambda match: (match[2] is None, match[0]))
            if times == 1:
                del self._waiting[index]
            elif times is not None:
                self._waiting[index] = (fault, times - 1)
            return fault

    def clear(self) -> None:
        """Forget every fault that waits."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[tuple[Fault, int | None]]:
        """Return the faults that wait, each with the requests it is still for (None: until cleared)."""
        with self._lock:
            return list(self._waiting)


# What a fault does to a request.


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
