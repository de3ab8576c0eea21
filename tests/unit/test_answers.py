"""What the service's answers mean, byte for byte, without a network."""

import json
import logging
import traceback

import pytest

from certificate_rotation.adapters.device_id_api import DeviceIdApi, Issued
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import (
    OutcomeUnknown,
    RefreshFailed,
    ServiceFailure,
    ServiceUnreachable,
    TooManyRequests,
)
from certificate_rotation.domain.x509 import PrivateKey
from tests.support.factories import API_KEY, secret
from tests.support.fake_connection import answering

SERVICE = DeviceIdApi("https://service.example")


@pytest.fixture
def credential(ec_key: PrivateKey) -> Credential:
    """Whose key a server may send back."""
    return Credential.parse(json.dumps(secret(ec_key)))


def answer(status: str, *headers: str, body: object = "") -> bytes:
    """A whole answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(text)}", "", text]).encode("latin-1")


def refresh(credential: Credential, sent: bytes) -> Issued:
    """Ask, and get this."""
    with answering(sent):
        return SERVICE.refresh(credential, "csr", "name")


def refused(credential: Credential, sent: bytes) -> RefreshFailed:
    """Ask, and get this, which is no certificate."""
    with pytest.raises(RefreshFailed) as caught:
        refresh(credential, sent)
    return caught.value


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
        "Fri, 31 Dec 2027 23:59:59 +99999999999999999999",
        "Fri, 31 Dec 2027 99999999999999999999:59:59 GMT",
    ],
)
def test_a_wait_until_no_date_there_is_is_none(credential: Credential, date: str) -> None:
    """A 429 proves that nothing was issued, whatever else it says."""
    error = refused(credential, answer("429 Too Many Requests", f"Retry-After: {date}"))
    assert isinstance(error, TooManyRequests)
    assert error.retry_after_seconds is None


def test_an_answer_with_two_lengths_does_not_prove_that_nothing_was_sent(credential: Credential) -> None:
    """The attempt would be given back, and asked for again."""
    error = refused(credential, b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n{}")
    assert type(error) is OutcomeUnknown


@pytest.mark.parametrize("location", ["https://[::1", "https://\xff\xfe", "https://a:b/", "//", ""])
def test_where_a_redirect_leads_is_of_no_interest(credential: Credential, location: str) -> None:
    """An address that cannot be read is no other answer than one that can."""
    error = refused(credential, answer("307 Temporary Redirect", f"Location: {location}"))
    assert type(error) is ServiceFailure


@pytest.mark.parametrize(
    "sent",
    [
        f"apiKey: {API_KEY}\r\n\r\n".encode(),
        f"HTTP/{API_KEY} 200 OK\r\n\r\n".encode(),
        answer("200 OK", f"Content-Encoding: gzip, {API_KEY}", body="no gzip"),
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{API_KEY}\r\n".encode(),
        answer("400 Bad Request", body={"message": f"unknown key {API_KEY}"}),
        answer("400 Bad Request", body={"message": {"key": API_KEY}}),
    ],
)
def test_no_error_repeats_our_key_when_a_server_sends_it_back(credential: Credential, sent: bytes) -> None:
    """Errors go into logs and mails, and libraries quote in theirs what they cannot read."""
    assert API_KEY not in "".join(traceback.format_exception(refused(credential, sent)))


def test_a_certificate_is_kept_without_what_stands_around_it(credential: Credential) -> None:
    """It goes into the ledger, where no key may stand."""
    pem = str(credential.document["cert"])
    body = {"cert": f"for {API_KEY}:\n{pem}\ud800", "deletedCertName": f"{API_KEY}\n\ud800{'x' * 9000}"}
    issued = refresh(credential, answer("200 OK", body=body))
    assert issued.certificate == pem
    assert issued.deleted_cert_name.startswith("[apiKey]  xxx")
    assert len(issued.deleted_cert_name) == 200


def test_a_certificate_that_cannot_be_read_is_kept_for_people_to_look_at(credential: Credential) -> None:
    """But for our key, what UTF-8 cannot say, and more than the ledger takes."""
    body = {"cert": f"-----BEGIN CERTIFICATE-----\n{API_KEY}\ud800{'A' * 200_000}"}
    issued = refresh(credential, answer("200 OK", body=body))
    assert issued.certificate.startswith("-----BEGIN CERTIFICATE-----\n[apiKey]?AAA")
    assert len(issued.certificate) < 30_000


def test_a_lost_answer_to_the_probe_is_no_answer(credential: Credential) -> None:
    """It says neither yes nor no, and costs nothing."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"), pytest.raises(ServiceUnreachable):
        SERVICE.accepts(credential)


def test_headers_that_cannot_be_read_are_not_quoted_in_the_log(
    credential: Credential, caplog: pytest.LogCaptureFixture
) -> None:
    """urllib3 warns of them with all they hold, and a server that sends our request back makes it our key."""
    caplog.set_level(logging.DEBUG)
    echo = f"HTTP/1.1 400 Bad Request\r\nGET / HTTP/1.1\r\napiKey: {API_KEY}\r\n\r\n".encode()
    refused(credential, echo)
    assert "service.example" in caplog.text, "nothing was logged at all"
    assert API_KEY not in caplog.text
