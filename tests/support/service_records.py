"""What the service knows and what it answered: the simulator's own records and journal, never the code's word."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Literal, Self

from simulator import CertificateRecord, Request, Simulator, Tenant, TokenRecord
from simulator.faults import CERT_REFRESH, TOKEN_REFRESH
from simulator.tokens import token_digest
from tests.support import secret_parser
from tests.support.secret_parser import Held

Verdict = Literal["accepted", "refused", "no answer"]
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def verdict(request: Request) -> Verdict:
    """What an answer says of the credential it was asked with."""
    if request.status in _REFUSED:
        return "refused"
    return "accepted" if request.status == HTTPStatus.OK else "no answer"


@dataclass(frozen=True)
class Answers:
    """What the service answered in one run, in order."""

    requests: tuple[Request, ...]

    def up_to(self, number: int | None) -> Self:
        """The first so many, without those before a half was issued, or may have been: that may have cost another."""
        asked = self.requests[:number]
        issued = [place for place, request in enumerate(asked) if _may_have_issued(request)]
        return replace(self, requests=asked[issued[-1] :] if issued else asked)

    def about(self, serial: int, api_key: str | None = None) -> list[Verdict]:
        """Whether it lets a certificate in, with this key if one is given.

        A request for the next certificate or key says so only where it is refused for these.
        """
        return [
            verdict(request)
            for request in self.requests
            if request.cert_serial == serial
            and (api_key is None or request.token == token_digest(api_key))
            and (request.endpoint == "verdicts:statistics" or verdict(request) == "refused")
        ]

    def refused(self, serial: int, api_key: str | None = None) -> bool:
        """Whether that was the last it said of it."""
        return self.about(serial, api_key)[-1:] == ["refused"]


class AtService:
    """The service, for one customer of its own.

    Attributes:
        tenants: who was signed up, in order.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.tenants: list[Tenant] = []
        self._seen = len(simulator.requests)
        self._let_in: set[tuple[int, str | None]] = set()  # serial numbers and keys that it ever answered 200 to

    def new_answers(self) -> Answers:
        """Those since this was asked last."""
        requests = self._simulator.requests
        new, self._seen = Answers(tuple(requests[self._seen :])), len(requests)
        self._let_in |= {(r.cert_serial, r.token) for r in new.requests if r.cert_serial and _lets_in(r)}
        return new

    def answers_so_far(self) -> Answers:
        """The same, and they will be new once more."""
        return Answers(tuple(self._simulator.requests[self._seen :]))

    def has_let_in(self, held: Held) -> bool:
        """Whether a probe with this certificate and this API key was ever answered 200."""
        pair = held.serial, token_digest(held.api_key)
        return pair in self._let_in or any(
            (r.cert_serial, r.token) == pair and _lets_in(r) for r in self.answers_so_far().requests
        )

    def works(self, held: Held) -> bool:
        """Whether it would accept the certificate and the API key now."""
        tenant, record = self.tenant(held.serial), self.record(held.serial)
        return tenant is not None and record is not None and record.active and tenant.accepts_key(held.api_key)

    def issued(self, held: Held) -> bool:
        """Whether a certificate is one of its own, to the last bit."""
        record = self.record(held.serial)
        return record is not None and secret_parser.leaf(record.pem) == secret_parser.leaf(str(held.document["cert"]))

    def may_come_to_work(self, serial: int, api_key: str) -> bool:
        """Whether nothing but time stands between a certificate and being let in with this key."""
        record, token = self.record(serial), self.token(serial, api_key)
        return record is not None and record.valid and token is not None and token.valid

    def younger(self, serial: int) -> list[CertificateRecord]:
        """The certificates that outlive one when the next is issued."""
        tenant = self.tenant(serial)
        records = tenant.certificates if tenant else []
        place = next((number for number, record in enumerate(records) if record.serial == serial), len(records))
        return [record for record in records[place + 1 :] if record.valid]

    def tokens(self, serial: int) -> list[TokenRecord]:
        """The API keys of a certificate's tenant, oldest first, deleted ones included."""
        tenant = self.tenant(serial)
        return tenant.tokens if tenant else []

    def token(self, serial: int, api_key: str) -> TokenRecord | None:
        """An API key as the service keeps it; None if it never made it for the certificate's tenant."""
        return next((token for token in self.tokens(serial) if token.digest == token_digest(api_key)), None)

    def token_of_anybody(self, api_key: str) -> TokenRecord | None:
        """The same, whoever it was made for."""
        records = (token for tenant in self.tenants for token in tenant.tokens)
        return next((token for token in records if token.digest == token_digest(api_key)), None)

    def newest_token(self, serial: int) -> TokenRecord | None:
        """The API key issued last, whether or not it reached anybody, deleted or not."""
        return next(reversed(self.tokens(serial)), None)

    def valid_tokens(self, serial: int) -> list[TokenRecord]:
        """Those that count among the tenant's two, newest last."""
        return [token for token in self.tokens(serial) if token.valid]

    def younger_tokens(self, serial: int, api_key: str) -> list[TokenRecord]:
        """The API keys that outlive one when the next is issued."""
        tokens, digest = self.tokens(serial), token_digest(api_key)
        place = next((number for number, token in enumerate(tokens) if token.digest == digest), len(tokens))
        return [token for token in tokens[place + 1 :] if token.valid]

    def token_attempts(self, tenant: Tenant) -> list[Request]:
        """Every request for a new API key that came with a certificate of a tenant, refused ones included."""
        return [request for request in self._simulator.requests_to(TOKEN_REFRESH) if request.tenant == tenant.name]

    def tenant(self, serial: int) -> Tenant | None:
        """Whose certificate it is."""
        return next((t for t in self.tenants if any(r.serial == serial for r in t.certificates)), None)

    def record(self, serial: int) -> CertificateRecord | None:
        """A certificate as the service keeps it."""
        return next((record for record in self._records() if record.serial == serial), None)

    def _records(self) -> Iterator[CertificateRecord]:
        return (record for tenant in self.tenants for record in tenant.certificates)


def _may_have_issued(request: Request) -> bool:
    """For all that its answer says. Our reading of the vendor's: 503 proves that nothing was, any other 5xx nothing."""
    if request.endpoint not in {CERT_REFRESH, TOKEN_REFRESH}:
        return False
    status = request.status
    return status in {None, HTTPStatus.OK} or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE
    )


def _lets_in(request: Request) -> bool:
    return request.endpoint == "verdicts:statistics" and verdict(request) == "accepted"
