"""The work of the vendor's four calls: what is done and answered once a request has passed the gates."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aiohttp import web

from simulator.effects import Refusal
from simulator.expiry import READABLE, iso
from simulator.faults import CERT_REFRESH, STATISTICS, TOKEN_REFRESH, Fault
from simulator.journal import Entry
from simulator.service import Service
from simulator.tenants import Tenant
from simulator.token_effects import change_token_answer, change_token_terms
from simulator.tokens import TokenTerms, token_digest

MAXIMUM_PAGE: Final = 1000  # invented: the vendor does not say how long a page may be


@dataclass(frozen=True)
class Call:
    """A request that passed the gates, taken apart."""

    request: web.Request
    endpoint: str
    tenant: Tenant
    api_key: str = field(repr=False)
    body: bytes
    fault: Fault | None
    entry: Entry


def answer_to(call: Call, service: Service) -> dict[str, object]:
    """Do what the endpoint is for and return its answer."""
    if call.endpoint == CERT_REFRESH:
        return _refresh_certificate(call, service)
    if call.endpoint == TOKEN_REFRESH:
        return _refresh_token(call, service)
    if call.endpoint == STATISTICS:
        # vendor: counts of verdicts and requests; the names of the fields are invented.
        mine = sum(seen.tenant == call.tenant.name for seen in service.journal.requests())
        return {"verdictCount": 0, "requestCount": mine}
    return _page_of_verdicts(call.request, service.clock.now())


def _refresh_certificate(call: Call, service: Service) -> dict[str, object]:
    """Issue a certificate (vendor: ``pemCsr`` and ``certName`` in, ``cert`` and ``deletedCertName`` out)."""
    csr_pem, cert_name = _refresh_body(call.body)
    try:
        pem, deleted = service.refresh_certificate(call.tenant, csr_pem, cert_name, call.fault)
    except ValueError as refused:
        raise Refusal(400, str(refused)) from refused
    call.entry.note(issued_cert_name=cert_name)
    return {"cert": pem, "deletedCertName": deleted}


def _refresh_token(call: Call, service: Service) -> dict[str, object]:
    """Make an API key (vendor: no body in, ``token``, ``expiry`` and ``deletedToken`` out)."""
    tenant, fault, rules, now = call.tenant, call.fault, service.token_rules, service.clock.now()
    written = READABLE[rules.expiry]
    if fault and fault.name == "same-token":
        used = tenant.token_with(call.api_key)
        return {"token": call.api_key, "expiry": written(used.expires if used else now), "deletedToken": ""}
    terms = TokenTerms.starting(now, now + rules.lifetime)
    if fault:
        ends = [record.expires for record in tenant.tokens if record.valid]
        terms = change_token_terms(fault, terms, now, newest_end=ends[-1] if ends else terms.expires)
    key, made, deleted = tenant.add_token(terms)
    call.entry.note(issued_token=made.digest, deleted_token=token_digest(deleted.key) if deleted else None)
    told = "" if deleted is None else {"name": deleted.name, "key": deleted.key}[rules.deleted]
    answer: dict[str, object] = {"token": key, "expiry": written(made.expires), "deletedToken": told}
    return change_token_answer(fault, answer, written, now, made.expires) if fault else answer


def _refresh_body(raw: bytes) -> tuple[str, str]:
    """Return ``pemCsr`` and ``certName``.

    Raises:
        Refusal: 400, the body is not what the vendor asks for.
    """
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body is not a JSON object")
    csr_pem, cert_name = body.get("pemCsr"), body.get("certName")
    if not isinstance(csr_pem, str) or not isinstance(cert_name, str):
        raise Refusal(400, "the body needs pemCsr and certName, both text")
    return csr_pem, cert_name


def _page_of_verdicts(request: web.Request, now: datetime) -> dict[str, object]:
    """Return one made-up verdict and a bookmark, whatever ``pageLen`` allows.

    Raises:
        Refusal: 400, ``pageLen`` is not a number of verdicts.
    """
    length = request.query.get("pageLen", "1")
    if not length.isascii() or not length.isdigit() or not 1 <= int(length) <= MAXIMUM_PAGE:
        raise Refusal(400, f"pageLen is a number from 1 to {MAXIMUM_PAGE}")
    verdict = {"ipAddress": "192.0.2.10", "profile": "Simulated Camera", "lastSeen": iso(now)}
    return {"verdicts": [verdict], "bookmark": "simulated-bookmark"}
