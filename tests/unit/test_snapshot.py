"""What is read of each half, and what a half that cannot be read leaves known."""

import json
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from certificate_rotation.adapters.secret_store import CURRENT, Current
from certificate_rotation.domain import api_key
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Policy, Progress
from certificate_rotation.domain.errors import InvalidCredential, StorageFailure
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.sealing import new_key
from certificate_rotation.domain.state import OpenAttempt, State
from certificate_rotation.domain.verdict import NOT_ASKED
from certificate_rotation.domain.x509 import PrivateKey
from certificate_rotation.halves import HALVES
from certificate_rotation.halves.half import Intent
from certificate_rotation.snapshot import Snapshot, about, staged_version, take_snapshots, with_rotations
from tests.support.factories import API_KEY, NOW, secret

if TYPE_CHECKING:
    from certificate_rotation.adapters.secret_store import SecretStore

ARN = "arn:of-the-secret"
NEW_KEY = "a-new-key-that-nobody-may-see-either"
POLICY = Policy(timedelta(0), timedelta(days=7), timedelta(hours=24))
HALF = HALVES[HalfName.API_KEY]
INTENT = Intent("intent", api_key.fingerprint(ARN, API_KEY), {"sealingKey": new_key()})
ATTEMPT = OpenAttempt(NOW, "intent", INTENT.based_on, "")
ANSWER = api_key.write_answer(NEW_KEY, None)


@dataclass
class Vault:
    """A secret and the ledger's record of it. A version without a text is one that AWS refuses to read."""

    versions: dict[str, str | None]
    on: Mapping[str, str] = field(default_factory=dict)
    record: State = field(default_factory=State)

    def read(self, _arn: str, version: str) -> str | None:
        """As the secret store."""
        if version in self.versions and self.versions[version] is None:
            raise StorageFailure(f"AWS refused reading version {version}.")
        return self.versions.get(version)

    def labels(self, _arn: str) -> dict[str, str]:
        """As the secret store."""
        return {CURRENT: "now", **self.on}

    def look(self) -> dict[HalfName, Snapshot]:
        """Take the snapshots."""
        current = Current(ARN, "now", frozenset({CURRENT}), str(self.versions["now"]))
        return with_rotations(take_snapshots(self.record, current, POLICY), cast("SecretStore", self))


def vault(key: PrivateKey, attempt: OpenAttempt | None = None, **changes: object) -> Vault:
    """A credential in use, and an attempt for its API key."""
    record = State(revision=1)
    record = record.having(HalfName.API_KEY, replace(record.api_key, open_attempt=attempt))
    return Vault({"now": json.dumps(secret(key, **changes)), "intent": INTENT.dump()}, record=record)


def answered(sealed: str) -> OpenAttempt:
    """The ledger says that this came."""
    return replace(ATTEMPT, outcome="issued", answer=sealed)


def test_a_note_that_cannot_be_read_fails_the_keys_half_alone(ec_key: PrivateKey) -> None:
    """It is optional: it must not stop the certificate's renewal."""
    found = vault(ec_key, apiKeyExpiry="next spring").look()
    failure = found[HalfName.API_KEY].failure
    assert isinstance(failure, InvalidCredential)
    assert "apiKeyExpiry" in str(failure)
    assert found[HalfName.API_KEY].life == Life()
    assert found[HalfName.CERTIFICATE].failure is None


@pytest.mark.parametrize("half", HalfName)
def test_what_aws_refuses_to_read_of_a_half_leaves_its_end_known(ec_key: PrivateKey, half: HalfName) -> None:
    """The end is in the secret, which was read: while the other half acts, its result must name this one's too."""
    given = vault(ec_key, apiKeyExpiry="2027-01-31")
    known = {name: one.life for name, one in given.look().items()}
    waiting = replace(ATTEMPT, outcome="issued", answer="what the intent is needed for")
    given.record = given.record.having(half, replace(given.record.of(half), open_attempt=waiting))
    given.versions["intent"] = None
    found = given.look()
    assert isinstance(found[half].failure, StorageFailure)
    assert found[half.other].failure is None
    assert {name: one.life for name, one in found.items()} == known


def test_a_sealed_answer_is_carried_on(ec_key: PrivateKey) -> None:
    """A crash after the journal costs no second attempt."""
    found = vault(ec_key, answered(HALF.journalled(INTENT, ANSWER, about(ARN, ATTEMPT)))).look()[HalfName.API_KEY]
    assert found.progress is Progress.ISSUED
    assert [one.answer for one in found.in_hand] == [ANSWER]
    assert NEW_KEY not in repr(found)


@pytest.mark.parametrize(
    "journalled",
    [
        ANSWER,  # unsealed
        HALF.journalled(INTENT, ANSWER, about("arn:of-another", ATTEMPT)),
        HALF.journalled(INTENT, ANSWER, about(ARN, replace(ATTEMPT, intent_version="another"))),
        HALF.journalled(INTENT, ANSWER, about(ARN, replace(ATTEMPT, started_at=NOW + timedelta(microseconds=1)))),
        HALF.journalled(replace(INTENT, parts={"sealingKey": new_key()}), ANSWER, about(ARN, ATTEMPT)),
        HALF.journalled(INTENT, ANSWER, about(ARN, ATTEMPT))[:-4],
        "{}",
        "not sealed",
    ],
)
def test_an_answer_that_was_not_sealed_for_this_attempt_is_never_used(ec_key: PrivateKey, journalled: str) -> None:
    """Whoever may write the ledger could else have a key of their choosing promoted: refused, and held."""
    found = vault(ec_key, answered(journalled)).look()[HalfName.API_KEY]
    assert (found.in_hand, found.progress, found.failure) == ((), Progress.NONE, None)
    facts = found.facts(NOT_ASKED, NOW)
    assert facts.in_hand == 0
    assert facts.state.open_attempt is not None, "so the decision is a hold"


def test_a_sealed_answer_without_its_intent_is_not_in_hand(ec_key: PrivateKey) -> None:
    """Nobody can open it any more: that is a hold, and no crash."""
    given = vault(ec_key, answered(HALF.journalled(INTENT, ANSWER, about(ARN, ATTEMPT))))
    del given.versions["intent"]
    found = given.look()[HalfName.API_KEY]
    assert (found.in_hand, found.intent, found.progress) == ((), None, Progress.NONE)


def test_a_staged_key_is_carried_on_though_the_ledger_has_no_answer(ec_key: PrivateKey) -> None:
    """The second store stands alone, where the first one failed."""
    given = vault(ec_key, ATTEMPT)
    in_use = Credential.parse(str(given.versions["now"]))
    version = staged_version("intent", "now")
    given.versions[version] = HALF.join(INTENT, ANSWER, in_use, NOW, shorter=False).dump()
    given.on = {"API_KEY_STAGED": version}
    found = given.look()
    assert found[HalfName.API_KEY].progress is Progress.STAGED
    assert [one.answer for one in found[HalfName.API_KEY].in_hand] == [ANSWER]
    assert found[HalfName.CERTIFICATE].progress is Progress.NONE, "the other half's label is none of its own"


def test_a_key_that_waits_survives_a_rotation_of_the_certificate(ec_key: PrivateKey) -> None:
    """Its copy holds the certificate that is not in use any more: it is in hand all the same, to be staged anew."""
    given = vault(ec_key, ATTEMPT, owner="as it was then")
    in_use = Credential.parse(str(given.versions["now"]))
    version = staged_version("intent", "the one before")
    given.versions[version] = HALF.join(INTENT, ANSWER, in_use, NOW, shorter=False).dump()
    given.on = {"API_KEY_STAGED": version}
    given.versions["now"] = json.dumps(secret(ec_key, owner="edited since"))
    found = given.look()[HalfName.API_KEY]
    (one,) = found.in_hand
    assert one.answer == ANSWER
    joined = HALF.join(INTENT, ANSWER, found.credential, NOW, shorter=False)
    assert found.version_of(one, joined) == (staged_version("intent", "now"), False)
    assert joined.document["owner"] == "edited since"


def test_a_key_that_is_in_use_already_is_known_as_promoted(ec_key: PrivateKey) -> None:
    """A crash between the promotion and the close: asked again, the service would delete the older one."""
    given = vault(ec_key, answered(HALF.journalled(INTENT, ANSWER, about(ARN, ATTEMPT))), apiKey=NEW_KEY)
    assert given.look()[HalfName.API_KEY].progress is Progress.PROMOTED


def test_a_key_that_somebody_replaced_makes_the_rotation_stale(ec_key: PrivateKey) -> None:
    """Whether what is in hand is dropped is for the service to say."""
    given = vault(ec_key, answered(HALF.journalled(INTENT, ANSWER, about(ARN, ATTEMPT))), apiKey="by-hand")
    assert given.look()[HalfName.API_KEY].progress is Progress.STALE
