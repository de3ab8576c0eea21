"""What the service's answers mean, byte for byte, without a network."""

import json
import logging
import traceback
from datetime import UTC, datetime

import pytest

from certificate_rotation.adapters.device_id_api import DeviceIdApi, Issued
from certificate_rotation.domain import api_key
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import (
    OutcomeUnknown,
    RefreshFailed,
    ServiceFailure,
    ServiceUnreachable,
    TooManyRequests,
)
from certificate_rotation.domain.x509 import PrivateKey
from tests.support.factories import API_KEY, NOW, secret
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
        return SERVICE.refresh_certificate(credential, "csr", "name")


def refresh_key(credential: Credential, sent: bytes) -> Issued:
    """The same of an API key."""
    with answering(sent):
        return SERVICE.refresh_api_key(credential, NOW)


def refused(credential: Credential, sent: bytes) -> RefreshFailed:
    """Ask, and get this, which is no certificate, and no API key either: both calls make the same of it."""
    with pytest.raises(RefreshFailed) as caught:
        refresh(credential, sent)
    with pytest.raises(type(caught.value)) as of_the_key:
        refresh_key(credential, sent)
    assert API_KEY not in "".join(traceback.format_exception(of_the_key.value))
    assert of_the_key.value.verdict == caught.value.verdict
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
    assert issued.answer == pem
    assert issued.deleted.startswith("[apiKey]  xxx")
    assert len(issued.deleted) == 200


def test_a_certificate_that_cannot_be_read_is_kept_for_people_to_look_at(credential: Credential) -> None:
    """But for our key, what UTF-8 cannot say, and more than the ledger takes."""
    body = {"cert": f"-----BEGIN CERTIFICATE-----\n{API_KEY}\ud800{'A' * 200_000}"}
    issued = refresh(credential, answer("200 OK", body=body))
    assert issued.answer.startswith("-----BEGIN CERTIFICATE-----\n[apiKey]?AAA")
    assert len(issued.answer) < 30_000


NEW_KEY = "a-new-key-that-nobody-may-see-either"


@pytest.mark.parametrize(
    ("expiry", "ends"),
    [
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        (1_801_396_800, datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("1801396800000", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        (7_776_000, None),  # a lifetime of 90 days, in seconds: as a date it is past
        ("2026-11-24T12:00:00Z", None),  # now, or an hour ahead in local time: decides nothing
        ("in 90 days", None),
        (None, None),
        (True, None),
        ({"seconds": 7_776_000}, None),
    ],
)
def test_an_api_key_is_kept_whatever_its_expiry_looks_like(
    credential: Credential, expiry: object, ends: datetime | None
) -> None:
    """The vendor does not say what it looks like, and a key that was issued and thrown away is one of five."""
    body = {"token": NEW_KEY, "expiry": expiry, "deletedToken": None}
    issued = refresh_key(credential, answer("200 OK", body=body))
    assert api_key.read_answer(issued.answer) == (NEW_KEY, ends)
    assert issued.deleted == ""


@pytest.mark.parametrize("deleted", ["the-older-one", NEW_KEY, API_KEY, 7, ["a"], {"name": "x"}])
def test_of_a_deleted_key_no_more_is_said_than_that(credential: Credential, deleted: object) -> None:
    """The vendor calls it a name; it may be the key itself, and that of somebody's consumers."""
    issued = refresh_key(credential, answer("200 OK", body={"token": NEW_KEY, "deletedToken": deleted}))
    assert issued.deleted == "an older API key"


@pytest.mark.parametrize("deleted", ["", None, [], False])
def test_no_deleted_key_is_none(credential: Credential, deleted: object) -> None:
    """Else consumers are told to hurry for nothing."""
    assert refresh_key(credential, answer("200 OK", body={"token": NEW_KEY, "deletedToken": deleted})).deleted == ""


@pytest.mark.parametrize("body", [{}, {"token": None}, {"token": 7}, {"token": [NEW_KEY]}, [NEW_KEY], NEW_KEY])
def test_an_answer_without_a_key_in_its_place_proves_nothing_and_is_not_quoted(
    credential: Credential, body: object
) -> None:
    """One may have been issued; and where a key should be is where one may stand."""
    with pytest.raises(OutcomeUnknown) as caught:
        refresh_key(credential, answer("200 OK", body=body))
    assert NEW_KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "401 Unauthorized", "409 Conflict", "429 Slow", "503 Busy", "500 x"]
)
def test_no_body_of_the_keys_call_is_quoted_or_logged(
    credential: Credential, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    """What refuses a key may name one: "conflicts with ...". Of a certificate's call the message helps people."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(RefreshFailed) as caught:
        refresh_key(credential, answer(status, body={"message": f"conflicts with {NEW_KEY}", "token": NEW_KEY}))
    assert str(caught.value) == f"The service answered {status[:3]}."
    assert NEW_KEY not in caplog.text


def test_a_new_key_shows_nowhere_on_its_way(credential: Credential, caplog: pytest.LogCaptureFixture) -> None:
    """The answer passes through many hands, each of which may be printed."""
    caplog.set_level(logging.DEBUG)
    issued = refresh_key(credential, answer("200 OK", body={"token": NEW_KEY, "deletedToken": NEW_KEY}))
    assert NEW_KEY not in repr(issued)
    assert NEW_KEY not in caplog.text
    assert "service.example" in caplog.text, "nothing was logged at all"


def test_a_key_that_is_far_too_long_is_cut(credential: Credential) -> None:
    """The ledger takes 400 KB; the offline check refuses it all the same."""
    token, _ = api_key.read_answer(refresh_key(credential, answer("200 OK", body={"token": "x" * 200_000})).answer)
    assert api_key.MAX_LENGTH < len(token) < 30_000


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
