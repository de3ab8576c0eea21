"""A running simulator, and customers who call it as programs do: with requests, over real mutual TLS."""

import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator import Simulator, Tenant
from simulator.ca import KeyAlgorithm, key_pem, new_csr, new_key

API = "/api/v1/token"


class Customer:
    """A tenant's own program: it holds a credential and makes requests with it."""

    def __init__(self, simulator: Simulator, tenant: Tenant, directory: Path) -> None:
        self.simulator = simulator
        self.tenant = tenant
        self.timeout = 5.0  # seconds, to connect and between two bytes
        self.api_key = tenant.credential["apiKey"]
        self._ca = directory / "ca"
        self._cert = directory / "cert"
        self._key = directory / "key"
        self._made = 0
        directory.mkdir()
        self._ca.write_text(simulator.trusted_ca_pem)
        if "privateKey" in tenant.credential:
            self.use(tenant.credential["cert"], tenant.credential["privateKey"])

    def use(self, cert: str, private_key: str) -> None:
        """Call with this client certificate from now on."""
        self._cert.write_text(cert)
        self._key.write_text(private_key)

    def trust(self, ca: str) -> None:
        """Trust this authority, instead of the simulator's, from now on."""
        self._ca.write_text(ca)

    @property
    def port(self) -> int:
        """Port of the service."""
        return int(self.simulator.url.rpartition(":")[2])

    def tls_context(self) -> ssl.SSLContext:
        """Return what the customer's program would connect with below HTTP."""
        context = ssl.create_default_context(cafile=str(self._ca))
        context.load_cert_chain(self._cert, self._key)
        return context

    def call(  # noqa: PLR0913  - what a test can vary about a request
        self,
        endpoint: str,
        *,
        method: str = "GET",
        api_key: str | None = "",
        json: object = None,
        data: bytes | None = None,
        with_certificate: bool = True,
        stream: bool = False,
        url: str | None = None,
    ) -> requests.Response:
        """Make one request; ``api_key`` None leaves the header out, empty means the customer's own."""
        headers: Mapping[str, str] = {} if api_key is None else {"apiKey": api_key or self.api_key}
        session = requests.Session()
        session.trust_env = False
        with session:
            return session.request(
                method,
                (url or self.simulator.url) + (endpoint if endpoint.startswith("/") else f"{API}/{endpoint}"),
                headers=headers,
                json=json,
                data=data,
                cert=(str(self._cert), str(self._key)) if with_certificate else None,
                verify=str(self._ca),
                allow_redirects=False,
                timeout=self.timeout,
                stream=stream,
            )

    def csr(self, algorithm: KeyAlgorithm = "ec256") -> str:
        """Return a CSR for a key that nobody needs."""
        return new_csr(new_key(algorithm), _SUBJECT, [x509.DNSName("camera.example")])

    def refresh(
        self, cert_name: str | None = None, csr: str | None = None, *, stream: bool = False
    ) -> requests.Response:
        """Ask for a new certificate; every name and key is new unless given."""
        self._made += 1
        body = {"pemCsr": csr or self.csr(), "certName": cert_name or f"next-{self._made}"}
        return self.call("cert:refresh", json=body, stream=stream)

    def renew(self, cert_name: str | None = None) -> dict[str, Any]:
        """Get a new certificate with its key, and use it from now on; return the answer."""
        key = new_key("ec256")
        response = self.refresh(cert_name, new_csr(key, _SUBJECT, []))
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        self.use(answer["cert"], key_pem(key))
        return answer


_SUBJECT = x509.Name(
    [x509.NameAttribute(NameOID.COMMON_NAME, "camera"), x509.NameAttribute(NameOID.COUNTRY_NAME, "NL")]
)

type Onboard = Callable[..., Customer]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Serve without the one limit that goes by real time."""
    with Simulator.running(statistics_limit=False) as running:
        yield running


@pytest.fixture
def onboard(simulator: Simulator, tmp_path: Path) -> Iterator[Onboard]:
    """Onboard a customer at the simulator, or at another one; EC keys, because RSA takes longer to make."""
    directories = []

    def onboard_customer(name: str = "acme", *, at: Simulator | None = None, **choices: Any) -> Customer:  # noqa: ANN401  - as Simulator.onboard
        service = at or simulator
        tenant = service.onboard(name, **{"key_algorithm": "ec256", **choices})
        directories.append(tmp_path / f"{name}-{service.url.rpartition(':')[2]}")
        return Customer(service, tenant, directories[-1])

    yield onboard_customer
    for directory in directories:
        shutil.rmtree(directory)  # no test leaves a key on disk


@pytest.fixture
def acme(onboard: Onboard) -> Customer:
    """Return a customer whose certificate has ten of its ninety days left."""
    return onboard("acme", age=timedelta(days=80), lifetime=timedelta(days=90))
