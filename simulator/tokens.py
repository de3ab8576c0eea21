"""API keys, which the vendor calls tokens: what the service keeps of one, and what it shows of one."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Self

from simulator.expiry import MISSING, READABLE, ExpiryForm

TOKEN_LIFETIME: Final = timedelta(days=180)  # invented, as the next: the vendor does not say how long a token lives
CONSOLE_LIFETIME: Final = timedelta(days=365)
AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)  # also by a clock that was moved back
DIGEST_CHARACTERS: Final = 12  # enough to tell a simulator's keys apart, and too few to be a key

# What the faults put into a token, and in a token's place.
LINE_BREAKS: Final[Mapping[str, str]] = MappingProxyType({"crlf": "\r\n", "lf": "\n", "cr": "\r"})
NOT_A_TOKEN: Final[Mapping[str, object]] = MappingProxyType(
    {"missing": MISSING, "null": None, "number": 15552000, "boolean": True, "object": {}, "list": []}
)


def token_digest(key: str) -> str:
    """Return the short hash by which the journal and the records name a key, without giving it away."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:DIGEST_CHARACTERS]


@dataclass(frozen=True)
class TokenRules:
    """What the vendor leaves open about ``token:refresh``.

    Attributes:
        lifetime: How long the tokens live that it makes.
        expiry: How it writes ``expiry``, a key of ``expiry.READABLE``.
        deleted: What ``deletedToken`` holds: the token's name, or the key itself.

    Raises:
        ValueError: ``expiry`` or ``deleted`` is none of these.
    """

    lifetime: timedelta = TOKEN_LIFETIME
    expiry: ExpiryForm = "iso-z"
    deleted: Literal["name", "key"] = "name"

    def __post_init__(self) -> None:
        if self.expiry not in READABLE:
            raise ValueError(f"no way to write an expiry is called {self.expiry!r}: use one of {', '.join(READABLE)}")
        if self.deleted not in {"name", "key"}:
            raise ValueError(f"a deleted token is told by name or by key, not by {self.deleted!r}")


@dataclass(frozen=True)
class TokenRecord:
    """One API key of a tenant as it stood when it was read; never the key itself.

    Attributes:
        name: ``token-1`` and so on, in order of issue; deleted ones keep theirs.
        digest: ``token_digest`` of the key.
        issued: When it was made.
        expires: From when on the service refuses it.
        valid: Counts among the two: neither deleted nor expired.
        active: The service accepts it now: valid, and past any activation delay.
        deleted: Evicted by a newer one, or revoked.
    """

    name: str
    digest: str
    issued: datetime
    expires: datetime
    valid: bool
    active: bool
    deleted: bool


@dataclass(frozen=True)
class TokenTerms:
    """A key that is to be kept; ``active_from`` None means not until somebody activates it."""

    key: str = field(repr=False)
    issued: datetime
    expires: datetime
    active_from: datetime | None = AT_ONCE

    @classmethod
    def starting(cls, moment: datetime, end: datetime) -> Self:
        """Return the usual terms for a key made at ``moment``."""
        return cls(secrets.token_urlsafe(32), moment, end.replace(microsecond=0))


class NewToken(NamedTuple):
    """What came of making a key; ``deleted`` is None unless the rule of two cost one."""

    key: str
    record: TokenRecord
    deleted: "Token | None"

    def __repr__(self) -> str:
        return f"NewToken({self.record.name})"


@dataclass
class Token:
    """A key as the tenant keeps it."""

    name: str
    terms: TokenTerms
    active_from: datetime | None
    deleted: bool = False

    @property
    def key(self) -> str:
        """The key itself."""
        return self.terms.key

    def valid(self, now: datetime) -> bool:
        """Whether it counts among the tenant's two."""
        return not self.deleted and now < self.terms.expires

    def active(self, now: datetime) -> bool:
        """Whether the service accepts it."""
        return self.valid(now) and self.active_from is not None and self.active_from <= now

    def is_key(self, given: str) -> bool:
        """Whether this is the key; compared as a service would, in constant time."""
        return secrets.compare_digest(self.key.encode(), given.encode(errors="surrogateescape"))

    def record(self, now: datetime) -> TokenRecord:
        """Return it as it stands now."""
        return TokenRecord(
            name=self.name,
            digest=token_digest(self.key),
            issued=self.terms.issued,
            expires=self.terms.expires,
            valid=self.valid(now),
            active=self.active(now),
            deleted=self.deleted,
        )
