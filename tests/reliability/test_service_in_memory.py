"""The service in memory against the service over TLS: it answers, counts and keeps the same."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta

import pytest

from certificate_rotation.adapters.device_id_api import API_KEY_PATH, CERTIFICATE_PATH, PROBE_PATH
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import Unauthorized
from simulator import Simulator
from simulator.api import PREFIX
from simulator.ca import key_pem, new_csr, new_key
from simulator.faults import CERT_REFRESH, STATISTICS, TOKEN_REFRESH, faults_at
from tests.support.local_aws import LocalAws
from tests.support.rotation_env import RotationEnv
from tests.support.service_in_memory import OF_THE_NETWORK
from tests.support.watched_api import WatchedApi

SECONDS = 10
ENDPOINTS = (CERT_REFRESH, TOKEN_REFRESH, STATISTICS)
_MADE_UP = {"cert_serial", "tenant", "token", "issued_token", "deleted_token", "when"}  # each service's own


class Side:
    """A customer of a service of their own, and a way to it."""

    def __init__(self, service: Simulator, *, over_tls: bool) -> None:
        self.env = RotationEnv(LocalAws(), service, list)
        self.env.over_tls = over_tls
        self.tenant = self.env.onboard(name=f"customer-{len(service.tenants)}")
        self.document = dict(self.tenant.credential)

    @property
    def credential(self) -> Credential:
        """What the customer shows."""
        return Credential.parse(json.dumps(self.document))

    def another(self) -> "Side":
        """Another customer of the same service."""
        return Side(self.env.simulator, over_tls=self.env.over_tls)

    def asks(self, path: str, cert_name: str = "") -> tuple[object, ...]:
        """What the service answers: the status, and the body as far as the service does not make it up."""
        api = self.env.dependencies().api
        assert isinstance(api, WatchedApi)
        subject = self.credential.chain.leaf.subject
        body = {"pemCsr": new_csr(new_key("ec256"), subject, []), "certName": cert_name} if cert_name else None
        status, headers, answer = api._get(self.credential, path, SECONDS, body)  # noqa: SLF001 - what both override
        try:
            document = json.loads(answer)
        except ValueError:
            return status, headers["Content-Type"], "no JSON"
        said = [document.get(name) for name in ("code", "message", "deletedCertName", "requestCount")]
        return status, headers["Content-Type"], sorted(document), said

    def kept(self) -> tuple[object, ...]:
        """What the service knows of it all."""
        requests = [asdict(request) for request in self.env.simulator.requests]
        return (
            [{name: value for name, value in one.items() if name not in _MADE_UP} for one in requests],
            [(one.name, one.valid, one.active, one.deleted) for one in self.tenant.certificates],
            [(one.name, one.valid, one.active, one.deleted) for one in self.tenant.tokens],
        )


@pytest.fixture
def sides(trust_anchors: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Side, Side]]:
    """In memory, and over TLS."""
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", trust_anchors)
    monkeypatch.setattr("certificate_rotation.adapters.mtls.VERDICT_SECONDS", 0)
    with Simulator.running(rate="strict") as one, Simulator.running(rate="strict") as other:
        yield Side(one, over_tls=False), Side(other, over_tls=True)


def _shows_another_key(side: Side) -> None:
    side.document["apiKey"] += "x"


def _is_told_of_no_key(side: Side) -> None:
    side.tenant.revoke_token(side.tenant.tokens[0].name)


def _is_revoked(side: Side) -> None:
    side.tenant.revoke(side.tenant.certificates[0].name)


def _waits_for_activation(side: Side) -> None:
    side.env.fault("activation-delay")
    refreshed = side.env.dependencies().api.refresh_certificate(
        side.credential, new_csr(key := new_key("ec256"), side.credential.chain.leaf.subject, []), "waiting"
    )
    side.document |= {"cert": refreshed.answer, "privateKey": key_pem(key)}


def _was_asked_too_often(side: Side) -> None:
    for number in range(6):
        side.asks(CERTIFICATE_PATH, f"often-{number}")
        side.asks(API_KEY_PATH)


def _is_at_work(side: Side) -> None:
    side.tenant.job.acquire()


SITUATIONS: Mapping[str, Callable[[Side], object]] = {
    "all is well": lambda _: None,
    "another's API key": _shows_another_key,
    "the API key was revoked": _is_told_of_no_key,
    "the certificate was revoked": _is_revoked,
    "the certificate waits for its activation": _waits_for_activation,
    "too many requests": _was_asked_too_often,
    "another job is running": _is_at_work,
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_service_in_memory_does_what_it_does_over_tls(sides: tuple[Side, Side], name: str) -> None:
    """Thousands of runs stand on it: were it another, they would prove nothing."""
    in_memory, over_tls = sides
    for side in sides:
        SITUATIONS[name](side)
    before = in_memory.env.seen.over_tls
    for path, cert_name in (
        (PROBE_PATH, ""),
        (CERTIFICATE_PATH, "second"),
        (CERTIFICATE_PATH, "second"),  # taken
        (CERTIFICATE_PATH, "not/allowed"),
        (CERTIFICATE_PATH, ""),  # without a body
        (API_KEY_PATH, ""),
        (API_KEY_PATH, ""),
        (PROBE_PATH, ""),
    ):
        assert in_memory.asks(path, cert_name) == over_tls.asks(path, cert_name)
        assert in_memory.kept() == over_tls.kept()
    assert in_memory.env.seen.over_tls == before
    assert over_tls.env.seen.over_tls > 0


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_fault_in_memory_is_what_it_is_over_tls(sides: tuple[Side, Side], endpoint: str) -> None:
    """What the service does wrong without the network's part in it."""
    in_memory, over_tls = sides
    for number, fault in enumerate(name for name in faults_at(endpoint) if name not in OF_THE_NETWORK):
        if number % 2 == 0:  # the next attempts at the harshest service there is
            in_memory, over_tls = sides[0].another(), sides[1].another()
        for side in (in_memory, over_tls):
            side.env.fault(fault, at=endpoint)
        cert_name = fault if endpoint == CERT_REFRESH else ""
        assert in_memory.asks(f"{PREFIX}{endpoint}", cert_name) == over_tls.asks(f"{PREFIX}{endpoint}", cert_name)
        assert in_memory.kept() == over_tls.kept()
        assert in_memory.env.seen.over_tls == 0


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_fault_of_the_network_goes_over_it(sides: tuple[Side, Side], endpoint: str) -> None:
    """They are about connections, time and size: in memory there is none of these."""
    side = sides[0]
    for fault in OF_THE_NETWORK & set(faults_at(endpoint)):
        before = side.env.seen.over_tls
        side.env.simulator.clear_faults()
        side.env.fault(fault, at=endpoint)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("certificate_rotation.adapters.mtls.get", _sent)
            with pytest.raises(_SentError):
                side.asks(f"{PREFIX}{endpoint}", "name" if endpoint == CERT_REFRESH else "")
        assert side.env.seen.over_tls == before + 1


def test_a_certificate_the_service_does_not_let_in_goes_over_the_network(sides: tuple[Side, Side]) -> None:
    """That is refused in the handshake, and not by an answer."""
    stranger, expired = sides[0], sides[0]
    with Simulator.running() as elsewhere:
        stranger.document = dict(elsewhere.onboard("stranger").credential)
    with pytest.raises(Unauthorized, match="refused the client certificate"):
        stranger.asks(PROBE_PATH)
    expired.document = dict(expired.tenant.credential)
    expired.env.time.advance(timedelta(days=11))
    expired.asks(PROBE_PATH)
    assert expired.env.seen.over_tls == 2


class _SentError(Exception):
    """A request left."""


def _sent(*_: object, **__: object) -> None:
    raise _SentError
