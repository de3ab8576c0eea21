"""What the service knows and what it answered: the simulator's own records and journal, never the code's word."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Literal, Self

from simulator import CertificateRecord, Request, Simulator, Tenant
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
        """The first so many, without those before a certificate was issued: that may have cost another."""
        asked = self.requests[:number]
        issued = [place for place, request in enumerate(asked) if request.issued_cert_name]
        return replace(self, requests=asked[issued[-1] :] if issued else asked)

    def about(self, serial: int) -> list[Verdict]:
        """Whether it lets a certificate in. A request for the next one says so only where it is refused for this."""
        return [
            verdict(request)
            for request in self.requests
            if request.cert_serial == serial
            and (request.endpoint == "verdicts:statistics" or verdict(request) == "refused")
        ]

    def refused(self, serial: int) -> bool:
        """Whether that was the last it said of it."""
        return self.about(serial)[-1:] == ["refused"]


class AtService:
    """The service, for one customer of its own.

    Attributes:
        tenants: who was signed up, in order.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.tenants: list[Tenant] = []
        self._seen = len(simulator.requests)
        self._let_in: set[int] = set()  # serial numbers that it ever answered 200 to

    def new_answers(self) -> Answers:
        """Those since this was asked last."""
        requests = self._simulator.requests
        new, self._seen = Answers(tuple(requests[self._seen :])), len(requests)
        self._let_in |= {r.cert_serial for r in new.requests if r.cert_serial and _lets_in(r)}
        return new

    def answers_so_far(self) -> Answers:
        """The same, and they will be new once more."""
        return Answers(tuple(self._simulator.requests[self._seen :]))

    def has_let_in(self, serial: int) -> bool:
        """Whether a probe with this certificate was ever answered 200."""
        return serial in self._let_in or any(
            r.cert_serial == serial and _lets_in(r) for r in self.answers_so_far().requests
        )

    def works(self, held: Held) -> bool:
        """Whether it would accept the certificate and the API key now."""
        tenant, record = self.tenant(held.serial), self.record(held.serial)
        return (
            tenant is not None
            and record is not None
            and record.active
            and tenant.accepts_key(str(held.document["apiKey"]))
        )

    def issued(self, held: Held) -> bool:
        """Whether a certificate is one of its own, to the last bit."""
        record = self.record(held.serial)
        return record is not None and secret_parser.leaf(record.pem) == secret_parser.leaf(str(held.document["cert"]))

    def may_come_to_work(self, serial: int, api_key: str) -> bool:
        """Whether nothing but time stands between a certificate and being let in with this key."""
        tenant, record = self.tenant(serial), self.record(serial)
        return tenant is not None and record is not None and record.valid and tenant.accepts_key(api_key)

    def younger(self, serial: int) -> list[CertificateRecord]:
        """The certificates that outlive one when the next is issued."""
        tenant = self.tenant(serial)
        records = tenant.certificates if tenant else []
        place = next((number for number, record in enumerate(records) if record.serial == serial), len(records))
        return [record for record in records[place + 1 :] if record.valid]

    def tenant(self, serial: int) -> Tenant | None:
        """Whose certificate it is."""
        return next((t for t in self.tenants if any(r.serial == serial for r in t.certificates)), None)

    def record(self, serial: int) -> CertificateRecord | None:
        """A certificate as the service keeps it."""
        return next((record for record in self._records() if record.serial == serial), None)

    def _records(self) -> Iterator[CertificateRecord]:
        return (record for tenant in self.tenants for record in tenant.certificates)


def _lets_in(request: Request) -> bool:
    return request.endpoint == "verdicts:statistics" and verdict(request) == "accepted"
