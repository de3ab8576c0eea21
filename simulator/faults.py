"""Faults by name: which there are, which calls can have them, and what each can be told.

To add one, write its line in ``FAULTS`` and its effect in ``effects``, or in ``token_effects`` if it is about a token.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from simulator.expiry import UNREADABLE
from simulator.tokens import LINE_BREAKS, NOT_A_TOKEN

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
        "shorter-lived": "issued to end before the newest valid one does",
        "begins-later": "issued to begin in SECONDS of simulated time; refused with 401 until then",
        "chain": "issued by an intermediate: cert holds leaf and intermediate",
        "no-token": "issued, then 200 without the field token, or with something else in it: FORM",
        "empty-token": "issued, then 200 with an empty token",
        "unknown-token": "issued, then 200 with a token that the service does not accept",
        "same-token": "200 with the token of the request once more; nothing issued",
        "line-break-token": "issued with a LINE_BREAK in the token: inside, or at the end (PLACE)",
        "long-token": "issued with a token of LENGTH characters, 43 or more",
        "past-expiry": "issued as usual, then 200 with an expiry SECONDS ago",
        "unreadable-expiry": "issued as usual, then 200 with an expiry that names no moment: FORM",
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
        "no-token": {"form": "missing"},
        "line-break-token": {"line_break": "crlf", "place": "inside"},
        "long-token": {"length": 100_000},
        "past-expiry": {"seconds": 3600},
        "unreadable-expiry": {"form": "text"},
        "activation-delay": {"seconds": None},
        "huge-body": {"megabytes": 32},
        "drip": {"seconds": 0.2},
    }
)

# Parameters that are one of a few words or numbers, with those.
CHOICES: Final[Mapping[tuple[str, str], Collection[Parameter]]] = MappingProxyType(
    {
        ("redirect", "status"): frozenset({301, 302, 303, 307, 308}),
        ("no-token", "form"): tuple(NOT_A_TOKEN),
        ("line-break-token", "line_break"): tuple(LINE_BREAKS),
        ("line-break-token", "place"): ("inside", "end"),
        ("unreadable-expiry", "form"): tuple(UNREADABLE),
    }
)

CERT_REFRESH: Final = "cert:refresh"
TOKEN_REFRESH: Final = "token:refresh"  # noqa: S105  - a path, not a password
STATISTICS: Final = "verdicts:statistics"
VERDICTS: Final = "verdicts"
ENDPOINTS: Final = (CERT_REFRESH, TOKEN_REFRESH, STATISTICS, VERDICTS)

# What a fault is about, and so which calls can have it; the others are the network's or a proxy's, whatever the call.
_KINDS: Final[tuple[tuple[str, tuple[str, ...], frozenset[str]], ...]] = (
    (
        "an issued certificate",
        (CERT_REFRESH,),
        frozenset({"no-cert", "truncated-pem", "other-key", "begins-later", "chain"}),
    ),
    (
        "an issued token",
        (TOKEN_REFRESH,),
        frozenset({"no-token", "empty-token", "unknown-token", "same-token", "line-break-token", "long-token"})
        | {"past-expiry", "unreadable-expiry"},
    ),
    (
        "an issued certificate or token",
        (CERT_REFRESH, TOKEN_REFRESH),
        frozenset({"expired", "shorter-lived", "activation-delay"}),
    ),
    ("issuing", (CERT_REFRESH, TOKEN_REFRESH), frozenset({"drop-after-issuing", "server-error-after-issuing"})),
)
_ABOUT: Final = {name: (about, calls) for about, calls, names in _KINDS for name in names}


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


def faults_at(endpoint: str) -> tuple[str, ...]:
    """Return the names of the faults that a call can meet."""
    return tuple(name for name in FAULTS if endpoint in _calls_of(name))


def _calls_of(name: str) -> tuple[str, ...]:
    return _ABOUT[name][1] if name in _ABOUT else ENDPOINTS


def fault_named(name: str, tenant: str | None, endpoint: str | None, parameters: Mapping[str, Parameter]) -> Fault:
    """Check a fault and fill in its defaults; without an endpoint it is for ``cert:refresh`` if that can have it.

    Raises:
        ValueError: No such fault, endpoint or parameter, a value of the wrong type, or a fault that this endpoint
            cannot have.
    """
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}: use one of {', '.join(FAULTS)}")
    endpoint = endpoint or _calls_of(name)[0]
    if endpoint not in ENDPOINTS:
        raise ValueError(f"no endpoint is called {endpoint!r}: use one of {', '.join(ENDPOINTS)}")
    if endpoint not in _calls_of(name):
        about, calls = _ABOUT[name]
        raise ValueError(f"the fault {name!r} is about {about}: only {' and '.join(calls)} can have it")
    defaults = PARAMETERS.get(name, {})
    for parameter, value in parameters.items():
        if parameter not in defaults:
            known = ", ".join(defaults) or "none"
            raise ValueError(f"the fault {name!r} takes no parameter {parameter!r}; it takes: {known}")
        choices = CHOICES.get((name, parameter))
        if not _fits(value, defaults[parameter]) or (choices and value not in choices):
            known = f": use one of {', '.join(map(str, choices))}" if choices else ""
            raise ValueError(f"the parameter {parameter!r} of the fault {name!r} cannot be {value!r}{known}")
    return Fault(name, tenant, endpoint, MappingProxyType({**defaults, **parameters}))


def _fits(value: Parameter, default: Parameter) -> bool:
    """Whether ``value`` is of the kind of ``default``: text, truth, or a number that is not negative."""
    if isinstance(default, bool | str):
        return isinstance(value, type(default))
    if value is None:
        return default is None
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
