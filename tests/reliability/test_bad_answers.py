"""Ten thousand bad answers of the service: each is read for what it proves."""

import json
import math
import re
from functools import partial

from certificate_rotation.adapters.device_id_api import DeviceIdApi
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import RefreshFailed, ServiceFailure, ServiceUnreachable
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.x509 import Chain, check_issued, load_private_key
from certificate_rotation.halves import HALVES
from certificate_rotation.halves.half import Half, Intent
from certificate_rotation.settings import Settings
from tests.support import secret_parser
from tests.support.bad_answers import Answers, KeyAnswers
from tests.support.bad_secrets import Secrets
from tests.support.batches import batches, inputs, odd_certificates, outcome, telling
from tests.support.canary import Canary
from tests.support.factories import NOW, certificate
from tests.support.fake_connection import answering
from tests.support.good_input import STACK
from tests.support.invariants import TALLY
from tests.support.leak_detector import HYGIENE

# Of these the contract says that nothing was issued; 401 and 403 are our certificate or key, refused.
NOT_ISSUED = {301, 302, 307, 308, 503, *range(400, 500)}
_GO_ON = rb"(?:HTTP/1\.\d +100\b[^\n]*\n(?:[^\n]*[^\r\n][^\n]*\n)*\r?\n)*"  # RFC 9110, section 15.2: not the answer yet
STATUS = re.compile(_GO_ON + rb"HTTP/[^ \n]* +(\d{3})\b")


@odd_certificates
@batches
def test_an_answer_means_what_it_proves_and_no_more(secrets: Secrets, canary: Canary, batch: int) -> None:
    """Whatever comes: no attempt is given back that may have issued something, and nothing bad is taken for good."""
    credential = Credential.parse(json.dumps(secrets.good))
    sendable = [pem for pem in secrets.pems.values() if "PRIVATE KEY" not in pem]  # no key ever left us
    answers = Answers(sendable, credential.api_key)
    service, in_use = DeviceIdApi("https://service.example"), Chain((certificate(credential.key),))
    with answering() as connection:
        for junk in inputs("service answers", batch):
            connection.answer = answers.one(junk)
            found = STATUS.match(connection.answer)
            status = int(found[1]) if found else 0
            with telling(connection.answer):
                read = outcome(partial(service.refresh_certificate, credential, "csr", "name"), RefreshFailed)
                if isinstance(read, RefreshFailed):
                    check_refusal(read, status)
                else:
                    assert 200 <= status < 300
                    check(read.answer, secrets, in_use)
                assert 0 < len(str(read).encode()) < 80_000
                TALLY.check(6, not canary.found_in(str(read)), f"a key is in {read}")
                if junk.once_in(5):
                    probe(service, credential, status)


@batches
def test_an_answer_about_an_api_key_means_what_it_proves_and_tells_nothing(
    secrets: Secrets, canary: Canary, batch: int
) -> None:
    """The same of `token:refresh`, of whose answers nothing may be quoted: whatever stands there may be a key."""
    credential = Credential.parse(json.dumps(secrets.good))
    token = "a-token-that-the-service-made-and-nobody-may-see"  # noqa: S105 - nobody's
    canary.watch_for(api_key=token)
    HYGIENE.watch_for(api_key=token)
    answers, half = KeyAnswers(token, credential.api_key), HALVES[HalfName.API_KEY]
    intent = Intent("version", "", half.new_parts(credential, Settings.from_env(STACK), NOW))
    service = DeviceIdApi("https://service.example")
    with answering() as connection:
        for junk in inputs("answers about an API key", batch):
            connection.answer = answers.one(junk)
            found = STATUS.match(connection.answer)
            status = int(found[1]) if found else 0
            with telling(connection.answer):
                read = outcome(partial(service.refresh_api_key, credential, NOW), RefreshFailed)
                TALLY.check(6, not canary.found_in(f"{read} {read!r}"), f"a key is in {read}")
                if isinstance(read, RefreshFailed):
                    check_refusal(read, status)
                    continue
                assert 200 <= status < 300
                assert read.deleted in {"", "an older API key"}
                check_key(half, intent, read.answer, credential)


def check_key(half: Half, intent: Intent, answer: str, credential: Credential) -> None:
    """Sealed and opened it is the same; and what passes the offline check can be sent, and its end is to come."""
    sealed = half.journalled(intent, answer, "about")
    TALLY.check(6, not any(part in sealed for part in ("token", credential.api_key)), "it can be read")
    TALLY.check(2, half.answered(intent, sealed, "about") == answer, "what was sealed does not open")
    joined = outcome(partial(half.join, intent, answer, credential, NOW, shorter=False), ValueError)
    if isinstance(joined, ValueError):
        return
    held, before = secret_parser.credential(joined.dump()), secret_parser.credential(credential.dump())
    assert held
    assert before
    TALLY.check(5, re.fullmatch("[!-~]{1,4096}", held.api_key), "it cannot be sent")
    TALLY.check(5, held.api_key != credential.api_key, "it is the one in use")
    TALLY.check(5, held.key_ends is None or held.key_ends > NOW, "it has ended")
    TALLY.check(8, held.own == before.own, "the customer's keys changed")


def check_refusal(read: RefreshFailed, status: int) -> None:
    """It proves no more than it does."""
    assert read.verdict == "unknown" or status in NOT_ISSUED
    wait = getattr(read, "retry_after_seconds", None)
    assert wait is None or (wait >= 0 and math.isfinite(wait))


def check(pem: str, secrets: Secrets, in_use: Chain) -> None:
    """The offline check, of which nothing but good certificates may come."""
    key = load_private_key(str(secrets.good["privateKey"]))
    try:
        chain = check_issued(pem, key, in_use, NOW)
    except ValueError:
        return
    TALLY.check(
        5, secret_parser.spki(chain.leaf) == secret_parser.public_key(json.dumps(secrets.good)), "for another key"
    )
    TALLY.check(5, chain.leaf.not_valid_after_utc > NOW, "ended already")
    TALLY.check(5, chain.leaf.not_valid_after_utc >= in_use.not_after, "ends sooner")


def probe(service: DeviceIdApi, credential: Credential, status: int) -> None:
    """The same answer to the probe."""
    try:
        accepted = service.accepts(credential)
    except (ServiceUnreachable, ServiceFailure):
        return
    assert accepted == (200 <= status < 300)
    assert accepted or status in {401, 403}
