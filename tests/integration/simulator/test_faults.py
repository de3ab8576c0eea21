"""Every fault by name, as a client sees it and as the service remembers it."""

import time
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography import x509

from simulator import FAULTS, TokenRules
from simulator.faults import CHOICES, ENDPOINTS, PARAMETERS, STATISTICS, faults_at
from simulator.service import Service

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer, Onboard

HOUR = timedelta(hours=1)
# Small enough for a test to sit out.
QUICKLY: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 0.05},
    "huge-body": {"megabytes": 1},
    "drip": {"seconds": 0.0001},
}
ISSUES_NOTHING = {
    name for name, description in FAULTS.items() if "nothing is" in description or "nothing issued" in description
}


@pytest.mark.parametrize("name", faults_at("cert:refresh"))
def test_a_fault_is_met_once_and_issues_exactly_when_its_description_says_so(acme: "Customer", name: str) -> None:
    """The description is what people go by; the request after the fault's shows that it is over."""
    acme.simulator.fault(name, **QUICKLY.get(name, {}))
    try:
        acme.refresh("first", stream=True).close()
    except requests.exceptions.ConnectionError:
        assert name.startswith("drop-")
    issued = [record.name for record in acme.tenant.certificates[1:]]
    assert issued == ([] if name in ISSUES_NOTHING else ["first"])
    (request,) = acme.simulator.requests_to("cert:refresh")
    assert request.fault == name
    assert request.issued_cert_name == (None if name in ISSUES_NOTHING else "first")
    assert (request.status is None) == name.startswith("drop-")
    assert acme.refresh("second").status_code == 200


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("bad-request", 400),
        ("unauthorized", 401),
        ("conflict", 409),
        ("too-many-requests", 429),
        ("too-many-requests-retry-after", 429),
        ("server-error", 500),
        ("server-error-after-issuing", 500),
        ("unavailable", 503),
        ("redirect", 307),
    ],
)
def test_a_refusing_fault_answers_in_the_vendors_shape(acme: "Customer", name: str, status: int) -> None:
    """vendor: errors carry code and message."""
    acme.simulator.fault(name)
    response = acme.refresh()
    assert response.status_code == status
    assert response.json()["code"] == status
    assert response.json()["message"]
    assert ("Retry-After" in response.headers) == (name == "too-many-requests-retry-after")


@pytest.mark.parametrize("name", ["drop-before-processing", "drop-after-issuing"])
def test_a_dropped_connection_brings_no_answer(acme: "Customer", name: str) -> None:
    """The client cannot tell the two apart, and must not try."""
    acme.simulator.fault(name)
    with pytest.raises(requests.exceptions.ConnectionError) as dropped:
        acme.refresh()
    assert not isinstance(dropped.value, requests.exceptions.SSLError)


def test_a_slow_refresh_that_the_client_gives_up_on_is_issued_all_the_same(acme: "Customer") -> None:
    """A timeout after sending proves nothing; this is why such an outcome is unknown."""
    acme.simulator.fault("slow", seconds=0.4)
    acme.timeout = 0.1
    with pytest.raises(requests.exceptions.ReadTimeout):
        acme.refresh()
    assert len(acme.tenant.certificates) == 1
    time.sleep(0.6)
    assert len(acme.tenant.certificates) == 2


def test_retry_after_is_seconds_or_a_date(acme: "Customer") -> None:
    """HTTP allows both; the date goes by the simulator's clock."""
    acme.simulator.clock.advance(timedelta(days=1))
    acme.simulator.fault("too-many-requests-retry-after", seconds=90)
    assert acme.refresh().headers["Retry-After"] == "90"
    acme.simulator.fault("too-many-requests-retry-after", seconds=90, http_date=True)
    moment = parsedate_to_datetime(acme.refresh().headers["Retry-After"])
    assert abs(moment - acme.simulator.clock.now().astimezone(UTC) - timedelta(seconds=90)) < timedelta(seconds=2)


def test_a_redirect_points_to_another_host(acme: "Customer") -> None:
    """A client that follows it gives its API key away."""
    acme.simulator.fault("redirect")
    acme.simulator.fault("redirect", status=302, location="https://localhost:1/api")
    first, second = acme.refresh(), acme.refresh()
    assert (first.status_code, first.headers["Location"]) == (307, "https://elsewhere.invalid/")
    assert (second.status_code, second.headers["Location"]) == (302, "https://localhost:1/api")


def test_a_bad_gateway_answers_in_html(acme: "Customer") -> None:
    """Proxies do not know the vendor's shape of errors."""
    acme.simulator.fault("bad-gateway-html")
    response = acme.refresh()
    assert response.status_code == 502
    assert response.headers["Content-Type"].startswith("text/html")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()


def test_malformed_json_is_a_200_that_cannot_be_read(acme: "Customer") -> None:
    """The certificate exists, and nobody has it."""
    acme.simulator.fault("malformed-json")
    response = acme.refresh()
    assert response.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()


def test_an_answer_without_cert_still_says_what_was_deleted(acme: "Customer") -> None:
    """A client learns which certificate was deleted, but has no new one."""
    acme.simulator.fault("no-cert")
    assert acme.refresh().json() == {"deletedCertName": ""}


def test_a_truncated_pem_is_valid_json(acme: "Customer") -> None:
    """Only a client that parses the certificate notices."""
    acme.simulator.fault("truncated-pem")
    pem = acme.refresh().json()["cert"]
    assert pem.startswith("-----BEGIN CERTIFICATE-----")
    with pytest.raises(ValueError, match="PEM"):
        x509.load_pem_x509_certificate(pem.encode())


@pytest.mark.parametrize("algorithm", ["ec384", "rsa2048"])
def test_a_certificate_for_another_key_has_a_key_of_the_same_kind(acme: "Customer", algorithm: str) -> None:
    """Only a comparison of the keys themselves finds the fault."""
    acme.simulator.fault("other-key")
    csr = acme.csr(algorithm)  # type: ignore[arg-type]  # both are key algorithms
    certificate = x509.load_pem_x509_certificate(acme.refresh(csr=csr).json()["cert"].encode())
    asked = x509.load_pem_x509_csr(csr.encode()).public_key()
    assert certificate.public_key() != asked
    assert type(certificate.public_key()) is type(asked)


def test_an_expired_certificate_is_issued_expired(acme: "Customer") -> None:
    """The service's clock may be wrong as well as ours."""
    acme.simulator.fault("expired")
    certificate = x509.load_pem_x509_certificate(acme.refresh().json()["cert"].encode())
    assert certificate.not_valid_before_utc < certificate.not_valid_after_utc < acme.simulator.clock.now()
    assert not acme.tenant.certificates[-1].valid


def test_a_shorter_lived_certificate_ends_before_the_newest_one(acme: "Customer") -> None:
    """A renewal must not shorten the time that is left."""
    acme.simulator.fault("shorter-lived")
    acme.refresh()
    old, new = acme.tenant.certificates
    assert acme.simulator.clock.now() < new.not_after < old.not_after


def test_a_certificate_that_begins_later_is_refused_until_then(acme: "Customer") -> None:
    """An authority may date a certificate from the next hour on."""
    acme.simulator.clock.advance(timedelta(days=1))  # unmoved, the clock has TLS look at the dates
    acme.simulator.fault("begins-later", seconds=7200)
    pem = acme.renew()["cert"]
    begins = x509.load_pem_x509_certificate(pem.encode()).not_valid_before_utc
    assert abs(begins - acme.simulator.clock.now() - timedelta(hours=2)) < timedelta(seconds=5)
    assert acme.tenant.certificates[-1].valid
    assert acme.call("verdicts:statistics").status_code == 401
    acme.simulator.clock.advance(timedelta(hours=2))
    assert acme.call("verdicts:statistics").status_code == 200


def test_a_chain_is_leaf_and_intermediate(acme: "Customer") -> None:
    """Everything in ``cert`` belongs into the secret, leaf first."""
    acme.simulator.fault("chain")
    answer = acme.renew()
    leaf, intermediate = x509.load_pem_x509_certificates(answer["cert"].encode())
    leaf.verify_directly_issued_by(intermediate)
    assert acme.call("verdicts:statistics").status_code == 200


def test_an_activation_delay_ends_by_the_clock(acme: "Customer") -> None:
    """The vendor does not say whether a new certificate works at once."""
    acme.simulator.fault("activation-delay", seconds=30)
    acme.renew()
    assert acme.call("verdicts:statistics").status_code == 401
    acme.simulator.clock.advance(timedelta(seconds=31))
    assert acme.call("verdicts:statistics").status_code == 200


def test_an_activation_delay_without_seconds_lasts_until_activated(acme: "Customer") -> None:
    """A test decides when the delay ends."""
    acme.simulator.fault("activation-delay")
    acme.renew("waiting")
    acme.simulator.clock.advance(timedelta(days=5))
    assert acme.call("verdicts:statistics").status_code == 401
    acme.tenant.activate("waiting")
    assert acme.call("verdicts:statistics").status_code == 200


def test_a_huge_body_is_valid_json(acme: "Customer") -> None:
    """A client that limits what it reads treats it as unreadable; one that does not, runs out of memory."""
    acme.simulator.fault("huge-body", megabytes=2)
    response = acme.refresh()
    assert len(response.content) > 2 * 1024 * 1024
    assert response.json()["cert"].startswith("-----BEGIN CERTIFICATE-----")


def test_an_endless_body_goes_on_for_as_long_as_one_reads(acme: "Customer") -> None:
    """Bytes keep coming, so no timeout between two of them helps."""
    acme.simulator.fault("endless-body")
    seen = 0
    with acme.refresh(stream=True) as response:
        for block in response.iter_content(64 * 1024):
            seen += len(block)
            if seen > 8 * 1024 * 1024:
                break
    assert acme.call("verdicts:statistics").status_code == 200


def test_a_dripping_answer_outlasts_a_timeout_between_bytes(acme: "Customer") -> None:
    """Only a deadline for the whole request ends it."""
    acme.simulator.fault("drip", seconds=0.2)
    acme.timeout = 0.4
    started = time.monotonic()
    with acme.refresh(stream=True) as response:
        for count, _ in enumerate(response.iter_content(1)):
            if count == 4:
                break
    assert time.monotonic() - started > 0.6


def test_a_fault_can_be_one_tenants_own(acme: "Customer", onboard: "Onboard") -> None:
    """Tenants are isolated."""
    acme.simulator.fault("unavailable", tenant="acme")
    assert onboard("other").refresh().status_code == 200
    assert acme.refresh().status_code == 503


def test_faults_are_met_in_the_order_they_were_set(acme: "Customer") -> None:
    """Tests describe a failure request by request."""
    acme.simulator.fault("unavailable", times=2)
    acme.simulator.fault("conflict")
    assert [acme.refresh().status_code for _ in range(3)] == [503, 503, 409]


def test_a_lasting_fault_lasts_until_cleared_and_lets_counted_ones_go_first(acme: "Customer") -> None:
    """A test can add one error to an outage."""
    acme.simulator.fault("unavailable", times=None, endpoint=STATISTICS)
    acme.simulator.fault("server-error", endpoint=STATISTICS)
    assert [acme.call(STATISTICS).status_code for _ in range(4)] == [500, 503, 503, 503]
    acme.simulator.clear_faults()
    assert acme.call(STATISTICS).status_code == 200


def test_a_fault_waits_for_its_own_endpoint(acme: "Customer") -> None:
    """The probe can fail while refreshing works, and the other way round."""
    acme.simulator.fault("unauthorized", endpoint=STATISTICS)
    assert acme.refresh().status_code == 200
    assert acme.call(STATISTICS).status_code == 401


def test_a_request_refused_before_its_fault_does_not_use_it_up(acme: "Customer") -> None:
    """The fault is for a request that would have gone well."""
    acme.simulator.fault("unavailable")
    assert acme.call("cert:refresh", api_key="wrong").status_code == 401
    assert acme.refresh().status_code == 503


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("name", ["slow", "drop-before-processing", "unavailable", "malformed-json"])
def test_network_faults_are_possible_at_every_endpoint(acme: "Customer", endpoint: str, name: str) -> None:
    """These faults are the network's or a proxy's, whatever the call."""
    acme.simulator.fault(name, endpoint=endpoint, **QUICKLY.get(name, {}))
    try:
        acme.call(endpoint, json={"pemCsr": acme.csr(), "certName": "x"})
    except requests.exceptions.ConnectionError:
        assert name == "drop-before-processing"
    assert [request.fault for request in acme.simulator.requests] == [name]


@pytest.mark.parametrize(
    ("name", "choices", "reason"),
    [
        ("unheard-of", {}, "no fault is called"),
        ("conflict", {"endpoint": "cert:fetch"}, "no endpoint is called"),
        ("conflict", {"seconds": 3}, "takes no parameter"),
        ("slow", {"seconds": "three"}, "cannot be"),
        ("slow", {"seconds": -1}, "cannot be"),
        ("slow", {"seconds": None}, "cannot be"),
        ("slow", {"seconds": True}, "cannot be"),
        ("redirect", {"status": 200}, "cannot be"),
        ("slow", {"times": 0}, "at least one"),
        ("expired", {"endpoint": STATISTICS}, "about an issued certificate"),
        ("drop-after-issuing", {"endpoint": STATISTICS}, "about issuing"),
        ("other-key", {"endpoint": "token:refresh"}, "about an issued certificate"),
        ("empty-token", {"endpoint": "cert:refresh"}, "about an issued token"),
        ("unreadable-expiry", {"form": "runes"}, "use one of text, "),
        ("line-break-token", {"place": "nowhere"}, "use one of inside, end"),
        ("redirect", {"status": True}, "cannot be"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_when_it_is_set(
    acme: "Customer", name: str, choices: dict[str, object], reason: str
) -> None:
    """A misspelt fault would make a test pass that proves nothing."""
    with pytest.raises(ValueError, match=reason):
        acme.simulator.fault(name, **choices)  # type: ignore[arg-type]  # wrong on purpose
    assert acme.simulator.faults.waiting() == []


def test_every_parameter_belongs_to_a_fault() -> None:
    """A parameter without a fault could never be set."""
    assert set(PARAMETERS) <= set(FAULTS)
    assert all(parameter in PARAMETERS[fault] for fault, parameter in CHOICES)


def test_a_fault_of_tokens_alone_waits_for_a_token() -> None:
    """Nobody has to say which call, where only one can have it."""
    simulator = Service(rate="bucket", statistics_limit=False, issued_lifetime=HOUR, token_rules=TokenRules())
    simulator.fault("empty-token")
    simulator.fault("expired")
    assert [fault.endpoint for fault, _ in simulator.faults.waiting()] == ["token:refresh", "cert:refresh"]
