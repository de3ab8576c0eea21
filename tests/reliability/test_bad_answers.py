"""Ten thousand bad answers of the service: each is read for what it proves."""

import json
import math
import re
from functools import partial

from certificate_rotation.adapters.device_id_api import DeviceIdApi
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import RefreshFailed, ServiceFailure, ServiceUnreachable
from certificate_rotation.domain.x509 import Chain, check_issued, load_private_key
from tests.support import secret_parser
from tests.support.bad_answers import Answers
from tests.support.bad_secrets import Secrets
from tests.support.batches import batches, inputs, odd_certificates, outcome, telling
from tests.support.canary import Canary
from tests.support.factories import NOW, certificate
from tests.support.fake_connection import answering
from tests.support.invariants import TALLY

# Of these the contract says that nothing was issued; 401 and 403 are our certificate or key, refused.
NOT_ISSUED = {301, 302, 307, 308, 503, *range(400, 500)}
_GO_ON = rb"(?:HTTP/1\.\d +100\b[^\n]*\n(?:[^\n]*[^\r\n][^\n]*\n)*\r?\n)*"  # RFC 9110, section 15.2: not the answer yet
STATUS = re.compile(_GO_ON + rb"HTTP/\d\.\d +(\d{3})\b")


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
                read = outcome(partial(service.refresh, credential, "csr", "name"), RefreshFailed)
                if isinstance(read, RefreshFailed):
                    assert read.verdict == "unknown" or status in NOT_ISSUED
                    wait = getattr(read, "retry_after_seconds", None)
                    assert wait is None or (wait >= 0 and math.isfinite(wait))
                else:
                    assert 200 <= status < 300
                    check(read.certificate, secrets, in_use)
                assert 0 < len(str(read).encode()) < 80_000
                TALLY.check(6, not canary.found_in(str(read)), f"a key is in {read}")
                if junk.once_in(5):
                    probe(service, credential, status)


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
