"""Unit tests reach no network, and make a key once where any key will do."""

from collections.abc import Iterator

import pytest
import pytest_socket
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certificate_rotation.domain.x509 import PrivateKey


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
