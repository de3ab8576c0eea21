"""`recover --api-key`: what lies sealed in the ledger is opened, tried and used, and shown to nobody."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from certificate_rotation.domain import api_key as api_keys
from certificate_rotation.domain import sealing
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import OpenAttempt, State
from certificate_rotation.domain.x509 import PrivateKey
from certificate_rotation.snapshot import about, was_made_from
from cli import recover_api_key as recovering
from cli.errors import UserError
from cli.recover import Place
from cli.recover_api_key import recover_api_key
from cli.target import Target
from tests.support.factories import API_KEY, NOW, secret

if TYPE_CHECKING:
    from cli.service import Service

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:acme-AbCdEf"
ACME = Target(ARN, "the tenant acme's", ("--tenant", "acme"), tenant="acme")
NEWER, OLDER = "a-newer-key-that-nobody-may-see", "an-older-key-that-nobody-may-see"
ENDS = NOW + timedelta(days=90)


class GoneError(Exception):
    """AWS has no such version."""


@dataclass
class Secrets:
    """Secrets Manager, as far as it is asked here."""

    versions: dict[str, str]
    current: str = "v1"

    class exceptions:  # noqa: N801 - boto3's
        """As boto3's client has them."""

        ResourceNotFoundException = GoneError

    def describe_secret(self, **_: str) -> dict[str, Any]:
        """Where the labels are."""
        return {"ARN": ARN, "VersionIdsToStages": {self.current: ["AWSCURRENT"]}}

    def get_secret_value(self, *, VersionId: str, **_: str) -> dict[str, str]:  # noqa: N803 - boto3's
        """One version."""
        if VersionId not in self.versions:
            raise GoneError
        return {"SecretString": self.versions[VersionId]}

    def put_secret_value(self, *, ClientRequestToken: str, SecretString: str, **_: object) -> None:  # noqa: N803
        """One more."""
        self.versions[ClientRequestToken] = SecretString

    def update_secret_version_stage(self, *, VersionStage: str, **move: str) -> None:  # noqa: N803
        """A label moves."""
        if VersionStage == "AWSCURRENT":
            assert move["RemoveFromVersionId"] == self.current
            self.current = move["MoveToVersionId"]


@dataclass
class Asked:
    """The service: accepts these keys."""

    accepted: set[str]
    url: str = "https://service.example"
    asked: list[str] = field(default_factory=list)

    def accepts(self, credential: Credential) -> bool:
        """As `Service`."""
        self.asked.append(credential.api_key)
        return credential.api_key in self.accepted


def attempt(
    key: str, sealing_key: str, version: str, *, days_ago: int = 0, ends: datetime | None = ENDS
) -> OpenAttempt:
    """A counted one whose answer the ledger holds."""
    plain = OpenAttempt(NOW - timedelta(days=days_ago), version, "fingerprint", "", outcome="issued")
    answer = api_keys.write_answer(key, ends)
    return replace(plain, answer=sealing.seal(answer, sealing_key, about(ARN, plain)))


@dataclass
class Stuck:
    """A credential, and two API keys that lie sealed in the ledger."""

    secrets: Secrets
    service: Asked
    newer: OpenAttempt | None
    older: OpenAttempt | None
    claimed: list[HalfName] = field(default_factory=list)

    def recover(self) -> None:
        """As the command."""
        place = Place(cast("Any", self.secrets), cast("Any", None), ACME, "ledger")
        recover_api_key(place, cast("Service", self.service), NOW)

    @property
    def in_use(self) -> dict[str, Any]:
        """What consumers read."""
        return dict(json.loads(self.secrets.versions[self.secrets.current]))


@pytest.fixture
def stuck(ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Stuck:
    """Both attempts brought a key, and the function put neither into use."""
    keys = {"newer": sealing.new_key(), "older": sealing.new_key()}
    intents = {name: json.dumps({"sealingKey": key, "basedOn": "fingerprint"}) for name, key in keys.items()}
    found = Stuck(
        Secrets({"v1": json.dumps(secret(ec_key, apiKeyExpiry="2026-12-01")), **intents}),
        Asked({API_KEY, NEWER, OLDER}),
        attempt(NEWER, keys["newer"], "newer"),
        attempt(OLDER, keys["older"], "older", days_ago=1, ends=None),
    )

    @contextmanager
    def lease(ledger: object, arn: str, now: datetime, half: HalfName) -> Iterator[State]:
        assert (ledger, arn, now) == (None, ARN, NOW)
        found.claimed.append(half)
        key = replace(State().api_key, open_attempt=found.newer, earlier=found.older)
        yield State().having(HalfName.API_KEY, key)

    monkeypatch.setattr(recovering, "Ledger", lambda *_: None)
    monkeypatch.setattr(recovering, "lease", lease)
    return found


def test_the_newest_key_the_service_accepts_is_put_into_use(stuck: Stuck, capsys: pytest.CaptureFixture[str]) -> None:
    """With its end, beside all the rest of the secret; and runs are kept out meanwhile."""
    before = stuck.in_use
    stuck.recover()
    changed = {name for name in before if stuck.in_use[name] != before[name]}
    assert changed == {"apiKey", "apiKeyExpiry"}
    assert (stuck.in_use["apiKey"], stuck.in_use["apiKeyExpiry"]) == (NEWER, "2027-02-22T12:00:00Z")
    assert stuck.claimed == [HalfName.API_KEY]
    said = capsys.readouterr().out
    assert "The new API key is in use (AWSCURRENT)." in said
    assert "Ends           2027-02-22T12:00:00Z, 90 days left" in said
    assert "The next run of the function closes the rotation" in said
    for key in (API_KEY, NEWER, OLDER):
        assert key not in said


def test_the_next_run_knows_it_by_the_versions_name(stuck: Stuck) -> None:
    """An API key has none, and the record may be of an attempt that was rejected."""
    stuck.recover()
    assert was_made_from(stuck.secrets.current, "newer")


def test_where_the_newest_is_refused_the_earlier_one_is_tried(stuck: Stuck, capsys: pytest.CaptureFixture[str]) -> None:
    """The service activates them in its own time."""
    stuck.service.accepted.remove(NEWER)
    stuck.recover()
    assert stuck.in_use["apiKey"] == OLDER
    assert "apiKeyExpiry" not in stuck.in_use, "the end of the one before is not the new one's"
    assert "Ends           not known, so nobody renews it" in capsys.readouterr().out


def test_what_is_in_use_already_is_left(stuck: Stuck, capsys: pytest.CaptureFixture[str]) -> None:
    """A person who is not sure runs it twice."""
    stuck.recover()
    before = dict(stuck.secrets.versions)
    stuck.recover()
    assert "This API key is in use already." in capsys.readouterr().out
    assert stuck.secrets.versions == before


def spoil(stuck: Stuck, how: str) -> None:
    """Make the newer one useless; the older one is not there."""
    newer, stuck.older = stuck.newer, None
    assert newer
    match how:
        case "none":
            stuck.newer = None
        case "no answer":
            stuck.newer = replace(newer, answer=None)
        case "refused":
            stuck.service.accepted.remove(NEWER)
        case "the intent is gone":
            del stuck.secrets.versions["newer"]
        case "the intent is no intent":
            stuck.secrets.versions["newer"] = json.dumps({"sealingKey": "short", "basedOn": "fingerprint"})
        case "another intent":
            stuck.secrets.versions["newer"] = stuck.secrets.versions["older"]
        case "another attempt":
            stuck.newer = replace(newer, started_at=NOW - timedelta(hours=1))
        case "changed":
            sealed = newer.answer or ""
            stuck.newer = replace(newer, answer=f"{'B' if sealed[0] == 'A' else 'A'}{sealed[1:]}")


WHY = {
    "none": "No API key of the secret .* is under way",
    "no answer": "no answer to it reached the ledger",
    "refused": "the service does not accept the key it brought",
    "the intent is gone": "version newer of the secret, which opens its answer, is gone",
    "the intent is no intent": "version newer of the secret holds nothing that opens its answer",
    "another intent": "cannot be opened",
    "another attempt": "cannot be opened",
    "changed": "cannot be opened",
}


@pytest.mark.parametrize("how", WHY)
def test_what_cannot_be_used_is_said_with_why_and_what_to_do(stuck: Stuck, how: str) -> None:
    """And nothing unverified comes into use by hand either."""
    spoil(stuck, how)
    before = stuck.in_use
    with pytest.raises(UserError, match=f"{WHY[how]}.*AWSCURRENT was left in place") as caught:
        stuck.recover()
    assert "device-id renew --force --half apiKey --allow-eviction" in str(caught.value)
    assert stuck.in_use == before
    for key in (API_KEY, NEWER):
        assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "days", "why"),
    [("two words", 90, "holds blanks"), ("", 90, "is empty")],
)
def test_a_key_that_fails_the_check_is_not_even_tried(stuck: Stuck, key: str, days: int, why: str) -> None:
    """What a run refuses, a person does not pass by hand."""
    sealing_key = json.loads(stuck.secrets.versions["newer"])["sealingKey"]
    stuck.newer, stuck.older = attempt(key, sealing_key, "newer", ends=NOW + timedelta(days=days)), None
    with pytest.raises(UserError, match=why) as caught:
        stuck.recover()
    assert "two words" not in str(caught.value)
    assert stuck.service.asked == []


def test_without_a_credential_there_is_nothing_to_join_it_with(stuck: Stuck) -> None:
    """A key alone opens nothing."""
    stuck.secrets.versions["v1"] = "{}"
    with pytest.raises(UserError, match=r"nothing an API key could be joined with.*device-id store --tenant acme"):
        stuck.recover()


def test_what_was_opened_shows_no_key_when_it_is_printed(stuck: Stuck) -> None:
    """A print in a hurry, a debugger: both show values."""
    assert stuck.newer
    credential = Credential.parse(stuck.secrets.versions["v1"])
    assert API_KEY not in repr(recovering.Opened(stuck.newer, credential))
