"""The admin API, for programs that are not Python."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography import x509

from simulator import FAULTS, Simulator
from simulator.ca import new_csr, new_key
from simulator.tokens import token_digest

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Onboard

type Admin = Callable[..., requests.Response]


@pytest.fixture
def with_admin() -> Iterator[Simulator]:
    """Serve with the admin API on."""
    with Simulator.running(admin_port=0) as simulator:
        yield simulator


@pytest.fixture
def admin(with_admin: Simulator) -> Admin:
    """Call the admin API."""

    def call(method: str, path: str, **request: Any) -> requests.Response:  # noqa: ANN401  - as requests
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, f"{with_admin.admin_url}{path}", timeout=5, **request)

    return call


def test_the_admin_api_is_off_unless_asked_for(simulator: Simulator) -> None:
    """It gives credentials away."""
    assert simulator.admin_url is None


def test_a_tenant_is_onboarded_and_listed_without_keys(with_admin: Simulator, admin: Admin) -> None:
    """The answer to POST is the secret's JSON; the list is for looking."""
    answer = admin("POST", "/tenants", json={"name": "acme", "keyAlgorithm": "ec256", "ageDays": 80})
    assert answer.status_code == 201
    assert answer.json() == with_admin.tenant("acme").credential
    listed = admin("GET", "/tenants")
    assert listed.json()["tenants"][0]["certificates"][0]["name"] == "onboarded-1"
    assert answer.json()["apiKey"] not in listed.text
    assert "PRIVATE KEY" not in listed.text


def test_api_keys_are_listed_by_name_and_digest(with_admin: Simulator, admin: Admin, onboard: "Onboard") -> None:
    """Demonstrations show that a key was renewed; no list may give one away."""
    customer = onboard(at=with_admin, api_key_left=timedelta(days=9))
    key = customer.call("token:refresh").json()["token"]
    listed, journal = admin("GET", "/tenants"), admin("GET", "/requests")
    first, second = listed.json()["tenants"][0]["tokens"]
    assert (first["name"], first["digest"]) == ("token-1", token_digest(customer.api_key))
    assert second["issued"] < first["expires"] < second["expires"]
    (request,) = journal.json()["requests"]
    assert (request["token"], request["issued_token"]) == (first["digest"], second["digest"])
    assert not [text for text in (listed.text, journal.text) if key in text or customer.api_key in text]


def test_the_handed_out_keys_remaining_life_is_chosen(with_admin: Simulator, admin: Admin) -> None:
    """The end is told as the secret tells it."""
    body = {"name": "acme", "keyAlgorithm": "ec256", "apiKeyLeftDays": 9}
    told = admin("POST", "/tenants", json=body).json()["apiKeyExpiry"]
    (record,) = with_admin.tenant("acme").tokens
    assert datetime.fromisoformat(told) == record.expires
    assert record.expires - with_admin.clock.now() <= timedelta(days=9)


def test_a_tenant_can_bring_a_csr(admin: Admin) -> None:
    """The vendor's console onboards in this way."""
    csr = new_csr(new_key("ec256"), x509.Name([]), [x509.DNSName("acme.example")])
    answer = admin("POST", "/tenants", json={"name": "acme", "csr": csr, "certName": "brought", "chain": True})
    assert set(answer.json()) == {"apiKey", "cert", "certName"}
    assert answer.json()["cert"].count("BEGIN CERTIFICATE") == 2


def test_faults_are_listed_set_and_cleared(with_admin: Simulator, admin: Admin) -> None:
    """The list is the same table that the command line prints."""
    known = {fault["name"]: fault["description"] for fault in admin("GET", "/faults").json()["known"]}
    assert known == dict(FAULTS)
    body = {"fault": "slow", "tenant": "acme", "times": None, "parameters": {"seconds": 3}}
    assert admin("POST", "/faults", json=body).status_code == 201
    assert admin("GET", "/faults").json()["waiting"] == [{**body, "endpoint": "cert:refresh"}]
    assert admin("DELETE", "/faults").status_code == 204
    assert with_admin.faults.waiting() == []


def test_the_clock_is_moved(with_admin: Simulator, admin: Admin) -> None:
    """Both forms of the body move it: by seconds, and to a date."""
    assert admin("POST", "/clock", json={"set": "2030-01-31T12:00:00Z"}).status_code == 200
    answer = admin("POST", "/clock", json={"advanceSeconds": 3600})
    assert answer.json()["now"].startswith("2030-01-31T13:00:0")
    assert with_admin.clock.now().year == 2030


def test_requests_are_listed(with_admin: Simulator, admin: Admin, onboard: "Onboard") -> None:
    """Demonstrations count requests by it; it must hold no keys."""
    assert admin("GET", "/requests").json() == {"requests": []}
    customer = onboard(at=with_admin)
    customer.call("verdicts:statistics")
    listed = admin("GET", "/requests")
    (request,) = listed.json()["requests"]
    assert (request["endpoint"], request["status"], request["tenant"]) == ("verdicts:statistics", 200, "acme")
    assert customer.api_key not in listed.text


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/tenants", {}, "name is missing"),
        ("/tenants", {"name": 1}, "name must be text"),
        ("/tenants", {"name": "a", "ageDays": "x"}, "ageDays must be a number"),
        ("/tenants", {"name": "a", "unheard": 1}, "unknown: unheard"),
        ("/faults", {"fault": "unheard-of"}, "no fault is called"),
        ("/faults", {"fault": "slow", "times": "x"}, "times must be"),
        ("/faults", {"fault": "slow", "parameters": []}, "parameters must be"),
        ("/faults", {"fault": "slow", "parameters": {"times": 2}}, "takes no parameter"),
        ("/clock", {}, "either advanceSeconds or set"),
        ("/clock", {"set": "tomorrow"}, "tomorrow"),
        ("/clock", {"set": "2030-01-01T00:00:00"}, "aware"),
        ("/clock", {"advanceSeconds": 1e12}, "out of range"),
        ("/clock", [], "not a JSON object"),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_sentence(admin: Admin, path: str, body: object, reason: str) -> None:
    """People type these bodies by hand."""
    answer = admin("POST", path, json=body)
    assert answer.status_code == 400
    assert reason in answer.json()["message"]


def test_unknown_paths_and_methods_are_answered_in_json(admin: Admin) -> None:
    """Scripts need only one way to read answers."""
    assert admin("GET", "/nothing").json()["message"]
    assert admin("PUT", "/clock").status_code == 405


def test_web_pages_are_kept_out(admin: Admin) -> None:
    """A page in the browser can send simple requests to this machine, or have its own name point here."""
    assert admin("POST", "/clock", data='{"advanceSeconds": 1}').status_code == 415
    assert admin("GET", "/tenants", headers={"Host": "attacker.example"}).status_code == 400
    assert admin("GET", "/tenants", headers={"Host": "localhost"}).status_code == 200
