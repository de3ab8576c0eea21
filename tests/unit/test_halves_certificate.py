"""The certificate as one half: when it is due, what its intent holds, how its answer is known."""

import json
import re
from copy import replace
from datetime import timedelta
from operator import itemgetter

import pytest

from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.rate_limit import UNUSED
from certificate_rotation.domain.state import HalfState
from certificate_rotation.domain.x509 import Chain, PrivateKey, new_csr_pem, private_key_pem
from certificate_rotation.halves.certificate import Certificate
from certificate_rotation.halves.half import Intent
from certificate_rotation.settings import Settings
from tests.support.factories import NOW, certificate, secret

HALF = Certificate()
ARN = "arn:of-the-secret"
LIFE = timedelta(days=90)
POLICY = Policy(timedelta(0), timedelta(days=7), timedelta(hours=24))
NEVER = HalfState(UNUSED[HalfName.CERTIFICATE])


@pytest.fixture
def credential(ec_key: PrivateKey) -> Credential:
    """In use, with ten days left of ninety."""
    return Credential.parse(json.dumps(secret(ec_key, apiKeyExpiry="no date", ports=[1, None])))


@pytest.fixture
def intent(rsa_key: PrivateKey) -> Intent:
    """What a rotation is about to ask for."""
    csr = new_csr_pem(rsa_key, like=certificate(rsa_key))
    parts = {"certName": "device-id-2", "privateKey": private_key_pem(rsa_key), "csr": csr}
    return Intent("version", "fingerprint", parts)


@pytest.mark.parametrize(
    ("before_days", "age_at_renewal"),
    [(0, 60), (1, 89), (30, 60), (89, 1), (90, 60), (3650, 60)],
)
def test_a_certificate_is_renewed_in_its_last_third_or_when_the_owner_says(
    ec_key: PrivateKey, before_days: int, age_at_renewal: float
) -> None:
    """A margin as long as the whole life would rotate without end, so it counts as none."""
    pem = Chain((certificate(ec_key, begins=NOW, ends=NOW + LIFE),)).pem
    credential = Credential.parse(json.dumps(secret(ec_key, cert=pem)))
    policy = replace(POLICY, renew_before=timedelta(days=before_days))
    assert HALF.life(ARN, credential, NEVER, policy) == Life(NOW + LIFE, NOW + timedelta(days=age_at_renewal))


def test_a_note_about_the_key_that_cannot_be_read_is_no_matter_of_the_certificates(credential: Credential) -> None:
    """It is optional: it must not stop a renewal."""
    assert HALF.life(ARN, credential, NEVER, POLICY).ends == credential.chain.not_after


def test_an_intent_comes_back_as_it_was(intent: Intent) -> None:
    """A crash between asking and writing down must not part a certificate from its key."""
    assert HALF.parse_intent("version", intent.dump()) == intent


@pytest.mark.parametrize("missing", ["privateKey", "csr", "certName", "basedOn"])
def test_what_is_no_intent_is_not_read_as_one(intent: Intent, missing: str) -> None:
    """Somebody else may use the label."""
    document = json.loads(intent.dump())
    del document[missing]
    with pytest.raises(InvalidCredential, match=missing):
        HALF.parse_intent("version", json.dumps(document))


def test_an_intent_whose_request_is_for_another_key_is_not_used(intent: Intent, ec_key: PrivateKey) -> None:
    """An attempt would be spent on a certificate that nobody has the key of."""
    for spoilt in ({"privateKey": private_key_pem(ec_key)}, {"privateKey": "garbage"}, {"csr": "garbage"}):
        with pytest.raises(InvalidCredential, match=next(iter(spoilt))):
            HALF.parse_intent("version", json.dumps(json.loads(intent.dump()) | spoilt))


def test_every_rotation_asks_with_a_key_and_a_name_of_its_own(credential: Credential) -> None:
    """A key that was used twice outlives the certificate it was made for; and names are unique at the service."""
    settings = Settings.from_env({"SECRET_ARN": ARN, "LEDGER_TABLE": "ledger", "ALERT_TOPIC_ARN": "arn:topic"})
    names, keys = zip(
        *(itemgetter("certName", "privateKey")(HALF.new_parts(credential, settings, NOW)) for _ in range(2)),
        strict=True,
    )
    assert len(set(names)) == len(set(keys)) == 2
    assert all(re.fullmatch(r"device-id-20261124-120000-[0-9a-f]{6}", name) for name in names)
    HALF.check_parts(HALF.new_parts(credential, settings, NOW))


def test_an_intent_shows_no_key_when_it_is_printed(intent: Intent) -> None:
    """A traceback with local variables, a log line in a hurry: both print values."""
    assert "PRIVATE KEY" not in repr(intent)


def test_an_answer_is_public_and_journalled_as_it_came(intent: Intent) -> None:
    """A person must be able to read it, whatever becomes of the program."""
    assert HALF.journalled(intent, "PEM", "about") == HALF.answered(intent, "PEM", "about") == "PEM"


def test_an_answer_joins_into_the_credential_in_use(
    intent: Intent, credential: Credential, rsa_key: PrivateKey
) -> None:
    """With its key and its name; the API key and what is the customer's survive untouched."""
    pem = Chain((certificate(rsa_key, ends=NOW + timedelta(days=90)),)).pem
    joined = HALF.join(intent, pem, credential, NOW, shorter=False)
    changes = {"cert": pem, "privateKey": private_key_pem(rsa_key), "certName": "device-id-2"}
    assert joined.document == {**credential.document, **changes}
    assert HALF.is_for(intent, joined)
    assert not HALF.is_for(intent, credential)
    assert HALF.brought(pem, joined)
    assert not HALF.brought(pem, credential)
    assert HALF.answer_in(joined) == pem


@pytest.mark.parametrize("answer", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_an_answer_that_cannot_be_read_has_not_ended_and_brought_nothing(
    intent: Intent, credential: Credential, answer: str
) -> None:
    """The offline check says what is wrong with it; as one that has ended it would be passed over in silence."""
    assert not HALF.has_ended(intent, answer, NOW)
    assert not HALF.brought(answer, credential)


def test_an_answer_ends_when_the_certificate_for_our_key_does(
    intent: Intent, ec_key: PrivateKey, rsa_key: PrivateKey
) -> None:
    """An authority in the chain that ends sooner says nothing of ours."""
    ended, ours = certificate(ec_key, ends=NOW), certificate(rsa_key, ends=NOW + timedelta(seconds=1))
    pem = Chain((ours, ended)).pem
    assert not HALF.has_ended(intent, pem, NOW)
    assert HALF.has_ended(intent, pem, NOW + timedelta(seconds=1))
