"""Faults by name: what can go wrong at the service or on the way to it, one request at a time."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

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
