"""Unit tests reach no network, and make a key once where any key will do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_socket
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certificate_rotation.domain.x509 import Chain, PrivateKey, private_key_pem
from tests.support.factories import certificate


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """A unit test that opens a socket is in the wrong folder, and fails."""
    pytest_socket.disable_socket()
    yield
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def ec_key() -> PrivateKey:
    """A private key of the kind a customer may have."""
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def rsa_key() -> PrivateKey:
    """The other kind."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ec_key: PrivateKey) -> None:
    """A folder with what the vendor gave out, which `store` reads before it asks AWS. Its test `makes_key_files`."""
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    chain = Chain((certificate(ec_key, begins=now - timedelta(days=1), ends=now + timedelta(days=1)),))
    Path("device-id.pem").write_text(chain.pem)
    Path("device-id.key").write_text(private_key_pem(ec_key))
    Path("api-key").write_text("an-api-key")
