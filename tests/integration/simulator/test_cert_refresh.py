"""``cert:refresh``: what it issues, what it refuses, and the rule of two."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulator.ca import KeyAlgorithm, new_csr, new_key

if TYPE_CHECKING:
    from tests.integration.simulator.conftest import Customer, Onboard

SUBJECT = x509.Name(
    [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ünlü & Söhne"), x509.NameAttribute(NameOID.COMMON_NAME, "any name")]
)
SANS: list[x509.GeneralName] = [x509.DNSName("a.example"), x509.UniformResourceIdentifier("urn:device:1")]


@pytest.mark.parametrize("algorithm", ["rsa2048", "ec256", "ec384"])
def test_the_certificate_keeps_subject_sans_and_key_of_the_request(acme: "Customer", algorithm: KeyAlgorithm) -> None:
    """Consumers rely on the names, and the key is the customer's own."""
    key = new_key(algorithm)
    answer = acme.refresh(csr=new_csr(key, SUBJECT, SANS)).json()
    certificate = x509.load_pem_x509_certificate(answer["cert"].encode())
    assert set(answer) == {"cert", "deletedCertName"}
    assert certificate.subject == SUBJECT
    assert list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value) == SANS
    assert _raw(certificate) == key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_request_with_sans_alone_is_signed(acme: "Customer") -> None:
    """RFC 5280 wants the SANs critical when the subject is empty."""
    answer = acme.refresh(csr=new_csr(new_key("ec256"), x509.Name([]), SANS)).json()
    certificate = x509.load_pem_x509_certificate(answer["cert"].encode())
    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_the_certificate_is_for_clients_and_has_just_begun(acme: "Customer") -> None:
    """It must work at once, and for as long as was set."""
    acme.simulator.issued_lifetime = timedelta(days=30)
    just_before = acme.simulator.clock.now() - timedelta(seconds=2)
    certificate = x509.load_pem_x509_certificate(acme.refresh().json()["cert"].encode())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH in usage
    assert just_before <= certificate.not_valid_before_utc <= acme.simulator.clock.now()
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=30)


def test_the_new_certificate_is_let_in_beside_the_old_one(acme: "Customer") -> None:
    """Consumers change over at their own pace."""
    assert acme.call("verdicts:statistics").status_code == 200
    acme.renew()
    assert acme.call("verdicts:statistics").status_code == 200
    assert [record.active for record in acme.tenant.certificates] == [True, True]


def test_a_third_certificate_deletes_the_oldest_and_names_it(acme: "Customer") -> None:
    """vendor: two valid certificates per tenant."""
    assert acme.renew("second")["deletedCertName"] == ""
    assert acme.renew("third")["deletedCertName"] == "onboarded-1"
    assert acme.renew("fourth")["deletedCertName"] == "second"
    assert [(record.name, record.deleted) for record in acme.tenant.certificates] == [
        ("onboarded-1", True),
        ("second", True),
        ("third", False),
        ("fourth", False),
    ]


def test_an_expired_certificate_does_not_count_among_the_two(acme: "Customer") -> None:
    """vendor: two *valid* ones; so the one that expired must not push another out."""
    acme.renew("second")
    acme.simulator.clock.advance(timedelta(days=11))
    assert acme.renew("third")["deletedCertName"] == ""


def test_a_revoked_certificate_does_not_count_among_the_two(acme: "Customer") -> None:
    """Deleting one by hand makes room."""
    acme.renew("second")
    acme.tenant.revoke("onboarded-1")
    assert acme.renew("third")["deletedCertName"] == ""


def test_tenants_do_not_push_out_each_others_certificates(acme: "Customer", onboard: "Onboard") -> None:
    """The two are counted per tenant, and so are the names."""
    other = onboard("other")
    acme.renew("same-name")
    assert other.renew("same-name")["deletedCertName"] == ""
    assert all(record.valid for record in acme.tenant.certificates)


def test_a_name_cannot_be_used_twice(acme: "Customer") -> None:
    """Project's reading; deleted certificates keep their names."""
    acme.renew("second")
    acme.tenant.revoke("onboarded-1")
    response = acme.refresh("onboarded-1")
    assert response.status_code == 400
    assert "taken" in response.json()["message"]
    assert len(acme.tenant.certificates) == 2


@pytest.mark.parametrize("name", ["", "a_b", "a b", "a.b", "ä", "x" * 65, "new\n"])
def test_a_name_outside_the_alphabet_gets_400(acme: "Customer", name: str) -> None:
    """Project's reading: letters, digits and -, at most 64."""
    response = acme.call("cert:refresh", json={"pemCsr": acme.csr(), "certName": name})
    assert response.status_code == 400
    assert len(acme.tenant.certificates) == 1


def test_a_name_of_64_characters_is_fine(acme: "Customer") -> None:
    """The twin of the longest refused one."""
    assert acme.refresh("x" * 64).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b"{}", b'{"pemCsr": "x"}', b'{"certName": "x"}', b'{"pemCsr": 1, "certName": "x"}'],
)
def test_a_body_that_is_not_what_the_vendor_asks_for_gets_400(acme: "Customer", body: bytes) -> None:
    """Every error is JSON with code and message (vendor)."""
    response = acme.call("cert:refresh", data=body)
    assert response.status_code == 400
    assert response.json().keys() == {"code", "message"}
    assert response.json()["code"] == 400


def test_a_body_that_is_far_too_long_gets_400(acme: "Customer") -> None:
    """The one refusal that comes from the HTTP server has the same shape."""
    response = acme.call("cert:refresh", json={"pemCsr": "x" * 100_000, "certName": "x"})
    assert response.json()["code"] == 400


def test_a_request_with_a_broken_signature_gets_400(acme: "Customer") -> None:
    """Only the holder of a key may have it certified."""
    der = bytearray(x509.load_pem_x509_csr(acme.csr().encode()).public_bytes(Encoding.DER))
    der[-5] ^= 1
    pem = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
    response = acme.refresh(csr=pem)
    assert response.status_code == 400
    assert "signature" in response.json()["message"]


@pytest.mark.parametrize(
    "pem", ["", "not PEM", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"]
)
def test_what_is_no_request_gets_400(acme: "Customer", pem: str) -> None:
    """A body that is not even a request gets the same kind of answer."""
    response = acme.call("cert:refresh", json={"pemCsr": pem, "certName": "x"})
    assert response.status_code == 400
    assert "PKCS#10" in response.json()["message"]


def test_a_key_that_tls_would_refuse_gets_400(acme: "Customer") -> None:
    """TLS would refuse the certificate, but only in the next handshake."""
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505  - too short is the point of it
    for key in (short, ed25519.Ed25519PrivateKey.generate()):
        builder = x509.CertificateSigningRequestBuilder().subject_name(SUBJECT)
        algorithm = hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None
        pem = builder.sign(key, algorithm).public_bytes(Encoding.PEM).decode()
        assert acme.refresh(csr=pem).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_get_405(acme: "Customer", method: str) -> None:
    """It is a GET with a body, unusual as that is (vendor)."""
    response = acme.call("cert:refresh", method=method, json={"pemCsr": acme.csr(), "certName": "x"})
    assert response.status_code == 405
    assert response.json()["code"] == 405
    assert response.headers["Allow"] == "GET"
    assert len(acme.tenant.certificates) == 1


@pytest.mark.sends_key_in_url
def test_the_key_in_the_path_is_refused(acme: "Customer") -> None:
    """vendor: the older form is not supported."""
    response = acme.call(f"{acme.api_key}/cert:refresh", json={"pemCsr": acme.csr(), "certName": "x"})
    assert response.status_code == 404
    assert "header apiKey" in response.json()["message"]
    assert acme.simulator.requests[0].path == "/api/v1/token/<redacted>/cert:refresh"


@pytest.mark.parametrize("path", ["/", "/api/v1/token/", "/api/v1/token/cert:fetch", "/api/v2/token/cert:refresh"])
def test_unknown_paths_get_404(acme: "Customer", path: str) -> None:
    """There is no call that fetches a certificate again, so none is invented here."""
    response = acme.call(path)
    assert response.status_code == 404
    assert response.json()["code"] == 404


def test_the_console_signs_a_csr_that_the_customer_brings(onboard: "Onboard") -> None:
    """Onboarding as the vendor does it: the key never leaves the customer."""
    key = new_key("ec256")
    customer = onboard(csr_pem=new_csr(key, SUBJECT, []), cert_name=None)
    assert set(customer.tenant.credential) == {"apiKey", "cert"}
    signed = customer.simulator.sign_csr("acme", new_csr(key, SUBJECT, []), "brought-again")
    assert [record.pem for record in customer.tenant.certificates][1] == signed
    assert x509.load_pem_x509_certificate(signed.encode()).subject == SUBJECT


def _raw(certificate: x509.Certificate) -> bytes:
    """Return the public key of a certificate."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
