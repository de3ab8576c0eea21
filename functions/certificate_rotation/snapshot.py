"""The first step of a rotation: everything a decision needs, read and never written.

A snapshot shows one half of a credential; both are taken at once. It is never changed: what a step of the rotation adds
makes a new one, `with_issued`, `with_staged`, `with_promoted`. All that tells how far a rotation has come is read and
judged here, so that no step judges it anew.
"""

import hashlib
import logging
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from certificate_rotation.adapters.secret_store import CURRENT, PENDING, Current, SecretStore
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Facts, Policy, Progress
from certificate_rotation.domain.errors import InvalidCredential, RotationError, StorageFailure
from certificate_rotation.domain.half import HalfName, HalfOf, Life
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.report import HalfReport
from certificate_rotation.domain.state import HalfState, LastRotation, OpenAttempt, State
from certificate_rotation.domain.verdict import Verdict
from certificate_rotation.halves import HALVES, OWN_LABELS
from certificate_rotation.halves.half import Half, Intent

logger = logging.getLogger(__name__)

_SOON = timedelta(minutes=5)  # due by the time of the decision, which asks the service first


class CredentialChangedError(Exception):
    """What the snapshot shows is not so any more: take another one and decide again."""


class LeaseLostError(CredentialChangedError):
    """Our lease ran out, and another invocation took it over."""


@dataclass(frozen=True)
class InHand:
    """A new half that the service issued, with the intent it was asked for with.

    Attributes:
        intent: what its answer needs.
        answer: as the service sent it.
        attempt: what the ledger knows of it; None when somebody deleted its record.
        safe_in: where the answer is stored, as people read it; empty for nowhere.
    """

    intent: Intent
    answer: str = field(repr=False)
    attempt: OpenAttempt | None
    safe_in: str


class Snapshot(NamedTuple):
    """One half of a credential as it stands.

    Attributes:
        half: which one.
        arn: the secret's.
        version: which version is AWSCURRENT.
        credential: what that version holds.
        record: the ledger's, about the whole credential.
        life: when the half in use ends and is due.
        labels: of the half's own labels, which are on and where; none before `with_rotations` looked.
        pending: where AWSPENDING is, which Secrets Manager puts on its own rotation's version; None for nowhere, or
            before `with_rotations` looked.
        intent: of the open attempt; without one, `unasked`; None when it is gone.
        unasked: an intent that no request was made with; None without one.
        staged: the credential with what the intent brought in it, as it is stored; None without one.
        in_hand: what waits to be put into use, the earlier one first.
        promoted: the attempt whose answer is in use already; None without one, or where somebody deleted its record.
        progress: how far that rotation has come.
        failure: why no more of the above is known, from `life` or from `labels` on; None where all is.
    """

    half: Half
    arn: str
    version: str
    credential: Credential
    record: State
    life: Life = Life()
    labels: Mapping[str, str] = MappingProxyType({})
    pending: str | None = None
    intent: Intent | None = None
    unasked: Intent | None = None
    staged: Credential | None = None
    in_hand: tuple[InHand, ...] = ()
    promoted: OpenAttempt | None = None
    progress: Progress = Progress.NONE
    failure: RotationError | None = None

    @property
    def state(self) -> HalfState:
        """What the ledger remembers of this half."""
        return self.record.of(self.half.name)

    @property
    def fingerprint(self) -> str:
        """Of the half in use."""
        return self.half.fingerprint(self.arn, self.credential)

    @property
    def half_of(self) -> HalfOf:
        """What the ledger's writes are about."""
        return HalfOf(self.arn, self.half.name)

    def usable(self, now: datetime) -> tuple[InHand, ...]:
        """What is in hand and has not ended by `now` (aware, UTC)."""
        return tuple(one for one in self.in_hand if not self.half.has_ended(one.intent, one.answer, now))

    def facts(self, in_use: Verdict, now: datetime) -> Facts:
        """What `decision` needs of it; `in_use` is what the service said in this run of the credential in use."""
        usable = self.usable(now)
        return Facts(
            self.half.name,
            self.life,
            self.fingerprint,
            self.state,
            self.record.lease,
            self.progress,
            in_use=in_use.answer,
            in_hand=len(usable),
            all_ended=bool(self.in_hand) and not usable,
            failure=self.failure,
        )

    def with_issued(self, new: InHand, attempts: Attempts, earlier: InHand | None) -> "Snapshot":
        """The service issued one; `earlier` waits beside it."""
        state = replace(
            self.state, attempts=attempts, open_attempt=new.attempt, earlier=earlier.attempt if earlier else None
        )
        labels = {**self.labels, self.half.labels.intent: new.intent.version}
        if self.intent and self.intent is not new.intent:
            labels[self.half.labels.earlier] = self.intent.version
        record = self.record.having(self.half.name, state)
        in_hand = (earlier, new) if earlier else (new,)
        return replace(self, record=record, labels=labels, intent=new.intent, in_hand=in_hand, progress=Progress.ISSUED)

    def with_staged(self, version: str) -> "Snapshot":
        """What is in hand was joined with the credential in use, in a version labelled so."""
        return replace(self, labels={**self.labels, self.half.labels.staged: version}, progress=Progress.STAGED)

    def with_promoted(
        self, credential: Credential, rotation: LastRotation, attempt: OpenAttempt | None, policy: Policy
    ) -> "Snapshot":
        """A new credential is in use; `attempt` as of `promoted`."""
        life = self.half.life(self.arn, credential, replace(self.state, last_rotation=rotation), policy)
        return replace(self, credential=credential, life=life, promoted=attempt, progress=Progress.PROMOTED)

    @property
    def all_labels(self) -> dict[str, str]:
        """What comes off when the rotation is over. AWS refuses its own while AWSPENDING is on an older version."""
        return {**self.labels, **({PENDING: self.pending} if self.pending else {})}

    def report(self, policy: Policy, now: datetime) -> HalfReport:
        """What people and programs are told of this half."""
        held_until, attempts = self.life.held_until(policy.critical), self.state.attempts
        return HalfReport(self.life, held_until, attempts.available(now), attempts.next_at(now))

    def version_of(self, one: InHand, joined: Credential) -> tuple[str, bool]:
        """The version that holds, or is to hold, what is in hand joined with the credential in use; whether it does."""
        if self.staged and one.intent is self.intent and self.staged.document == joined.document:
            return self.labels[self.half.labels.staged], True
        return staged_version(one.intent.version, self.version), False


def staged_version(intent_version: str, current_version: str) -> str:
    """The id of the version that joins what an intent brought with the credential it is to replace.

    Derived, so that a repeat after a crash names the same version (AWS: doing it twice does nothing), and a change of
    the secret in between gives another one. AWS: at most 64 characters; it begins with the intent's own.
    """
    return f"{intent_version}-{hashlib.sha256(current_version.encode()).hexdigest()[:27]}"


def was_made_from(version: str, intent_version: str) -> bool:
    """Whether a version's id is `staged_version` of this intent."""
    return version.startswith(f"{intent_version}-")


def take_snapshots(record: State, current: Current, policy: Policy) -> dict[HalfName, Snapshot]:
    """What the ledger's record and the credential in use show of each half.

    Args:
        record: read before `current`.
        current: what is in use.
        policy: the owner's settings.

    Raises:
        InvalidCredential: what is in use cannot be used.
    """
    credential = Credential.parse(current.text)
    return {
        name: _with_life(Snapshot(half, current.arn, current.version, credential, record), policy)
        for name, half in HALVES.items()
    }


def more_may_be_there(snapshots: Mapping[HalfName, Snapshot], current: Current, now: datetime) -> bool:
    """Whether the labels are worth a call: something is due, or the ledger or what is in use tells of a rotation."""
    record = snapshots[HalfName.CERTIFICATE].record
    return bool(
        record.lease  # nobody gave it back: a run was killed, or is at work
        or record.rotation_token
        or not current.labels.isdisjoint(OWN_LABELS)
        or any(
            one.state.open_attempt
            or one.state.earlier
            or one.state.incident  # what it is about may show in the labels alone
            or (one.life.renew_at and one.life.renew_at <= now + _SOON)
            for one in snapshots.values()
        )
    )


def with_rotations(snapshots: Mapping[HalfName, Snapshot], secrets: SecretStore) -> dict[HalfName, Snapshot]:
    """The same, with what rotations under way left behind.

    Raises:
        CredentialChangedError: something else is in use by now.
        StorageFailure: AWS refused to read what both halves stand on.
    """
    one = snapshots[HalfName.CERTIFICATE]
    labels = secrets.labels(one.arn)
    if labels.get(CURRENT) != one.version:  # it has moved on since, or one of the two reads lagged behind a write
        raise CredentialChangedError("The credential in use is not the one that was read a moment ago.")
    return {name: _with_rotation(snapshot, secrets, labels) for name, snapshot in snapshots.items()}


def _with_life(snapshot: Snapshot, policy: Policy) -> Snapshot:
    """When the half in use ends is known whatever becomes of the rest."""
    try:
        life = snapshot.half.life(snapshot.arn, snapshot.credential, snapshot.state, policy)
    except InvalidCredential as error:
        return replace(snapshot, failure=error)
    return replace(snapshot, life=life)


def _with_rotation(snapshot: Snapshot, secrets: SecretStore, found: dict[str, str]) -> Snapshot:
    """With what an earlier run left behind of this half's rotation."""
    snapshot = replace(snapshot, pending=found.get(PENDING))
    if snapshot.failure:
        return snapshot
    try:
        return _with_what_is_left(snapshot, secrets, found)
    except StorageFailure as error:  # what AWS refuses to read now is not gone
        return replace(snapshot, failure=error)


def _with_what_is_left(snapshot: Snapshot, secrets: SecretStore, found: dict[str, str]) -> Snapshot:
    half, state = snapshot.half, snapshot.state
    labels = {label: found[label] for label in half.labels if label in found}
    attempt, before = state.open_attempt, state.earlier
    unasked = _unasked(snapshot, secrets, labels)
    intent = _intent(half, secrets, snapshot.arn, attempt.intent_version) if attempt else unasked
    earlier = _intent(half, secrets, snapshot.arn, before.intent_version) if before else None
    staged = _staged(snapshot, secrets, labels, intent) if intent else None
    in_hand = []
    if before and earlier and (answer := _journalled(snapshot, before, earlier)):
        in_hand.append(InHand(earlier, answer, before, "the ledger"))
    if intent and not (attempt and attempt.outcome == "rejected"):
        journalled = _journalled(snapshot, attempt, intent) if attempt else None
        if answer := half.answer_in(staged) if staged else journalled:
            in_hand.append(InHand(intent, answer, attempt, "the secret" if staged else "the ledger"))
    snapshot = replace(snapshot, labels=labels, intent=intent, unasked=unasked, staged=staged, in_hand=tuple(in_hand))
    return _with_progress(snapshot, earlier)


def _with_progress(found: Snapshot, earlier: Intent | None) -> Snapshot:
    """How far the rotation under way has come, told by keys and certificates: a name proves nothing."""
    attempt, credential = found.state.open_attempt, found.credential
    for tried, intent in ((attempt, found.intent), (found.state.earlier, earlier)):
        if _has_brought(found, tried, intent):
            return replace(found, promoted=tried, progress=Progress.PROMOTED)
    started = attempt or found.intent  # both say what the rotation is based on
    if started is None:
        return found
    if started.based_on != found.half.fingerprint(found.arn, credential):
        return replace(found, progress=Progress.STALE)
    if not found.in_hand:
        return found
    return replace(found, progress=Progress.STAGED if found.staged else Progress.ISSUED)


def _has_brought(found: Snapshot, tried: OpenAttempt | None, intent: Intent | None) -> bool:
    """Whether the half in use is what was asked for, and not the one it was to replace once more."""
    asked_with = intent.version if intent else tried.intent_version if tried else None
    if asked_with and (
        was_made_from(found.version, asked_with) or (intent and found.half.is_for(intent, found.credential))
    ):
        return True
    if tried is None or tried.based_on == found.fingerprint:
        return False
    answers = [tried.answer, *(one.answer for one in found.in_hand if one.attempt == tried)]
    return any(answer and found.half.brought(answer, found.credential) for answer in answers)


def about(arn: str, attempt: OpenAttempt) -> str:
    """Names the secret and the attempt that a journalled answer is for."""
    return f"{arn}/{attempt.intent_version}/{attempt.started_at.isoformat()}"


def _journalled(snapshot: Snapshot, attempt: OpenAttempt, intent: Intent) -> str | None:
    """The answer that the ledger holds; None where none came, or what is there cannot be opened."""
    found = attempt.answer
    return snapshot.half.answered(intent, found, about(snapshot.arn, attempt)) if found else None


def _unasked(snapshot: Snapshot, secrets: SecretStore, labels: dict[str, str]) -> Intent | None:
    """An intent that an earlier run never came to ask with. Nothing hangs on it: what cannot be read is made anew."""
    half, attempt = snapshot.half, snapshot.state.open_attempt
    version = labels.get(half.labels.intent)
    if version is None or (attempt and attempt.intent_version == version):
        return None
    try:
        intent = _intent(half, secrets, snapshot.arn, version)
    except StorageFailure as error:
        logger.warning("An intent nobody asked with cannot be read, and is passed over: %s", error)
        return None
    # Beside an open attempt it is of use only for the credential it was made for; alone, it may tell of a rotation.
    return intent if attempt is None or (intent and intent.based_on == snapshot.fingerprint) else None


def _intent(half: Half, secrets: SecretStore, arn: str, version: str) -> Intent | None:
    """None when it is gone or not ours: then nothing can be carried on, and `decision` holds what has to be held."""
    text = secrets.read(arn, version)
    try:
        return half.parse_intent(version, text) if text else None
    except InvalidCredential:
        return None


def _staged(snapshot: Snapshot, secrets: SecretStore, labels: dict[str, str], intent: Intent) -> Credential | None:
    """The staged credential, if it holds what was asked for with this intent."""
    version = labels.get(snapshot.half.labels.staged)
    text = secrets.read(snapshot.arn, version) if version else None
    try:
        staged = Credential.parse(text) if text else None
    except InvalidCredential:
        return None
    if not (version and staged):
        return None
    return staged if snapshot.half.is_for(intent, staged) or was_made_from(version, intent.version) else None
