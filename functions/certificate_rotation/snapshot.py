"""The first step of a rotation: everything a decision needs, read and never written.

A snapshot is never changed. What a step of the rotation adds makes a new one: `with_issued`, `with_staged`,
`with_promoted`. All that tells how far a rotation has come is read and judged here, so that no step judges it anew.
"""

import logging
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.adapters.secret_store import CURRENT, EARLIER, INTENT, PENDING, Labels, SecretStore
from certificate_rotation.domain.credential import Credential, Intent
from certificate_rotation.domain.decision import Facts, Policy, Progress, held_until, renew_at
from certificate_rotation.domain.errors import InvalidCredential, StorageFailure
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.report import Report
from certificate_rotation.domain.state import OpenAttempt, State
from certificate_rotation.domain.verdict import Verdict
from certificate_rotation.domain.x509 import Chain, belong_together, load_chain, load_private_key

logger = logging.getLogger(__name__)


class CredentialChangedError(Exception):
    """What the snapshot shows is not so any more: take another one and decide again."""


class LeaseLostError(CredentialChangedError):
    """Our lease ran out, and another invocation took it over."""


@dataclass(frozen=True)
class InHand:
    """A certificate that the service issued, with the key it was asked for with.

    Attributes:
        intent: key, request and name.
        certificate: PEM, as the service sent it.
        attempt: what the ledger knows of it; None when somebody deleted its record.
    """

    intent: Intent
    certificate: str
    attempt: OpenAttempt | None


@dataclass(frozen=True)
class Snapshot:
    """One credential as it stands.

    Attributes:
        arn: the secret's.
        version: which version is AWSCURRENT.
        credential: what that version holds.
        state: the ledger's record.
        labels: of our own labels, which are on and where.
        intent: of the open attempt; without one, `unasked`; None when it is gone.
        unasked: an intent that no request was made with; None without one.
        in_hand: the certificates that wait to be put into use, the earlier one first.
        promoted: the attempt whose certificate is in use already; None without one.
        progress: how far that rotation has come.
    """

    arn: str
    version: str
    credential: Credential
    state: State
    labels: dict[str, str]
    intent: Intent | None = None
    unasked: Intent | None = None
    in_hand: tuple[InHand, ...] = ()
    promoted: OpenAttempt | None = None
    progress: Progress = Progress.NONE

    def usable(self, now: datetime) -> tuple[InHand, ...]:
        """What is in hand and has not ended by `now` (aware, UTC)."""
        return tuple(one for one in self.in_hand if not _has_ended(one, now))

    def facts(self, in_use: Verdict, now: datetime) -> Facts:
        """What `decision` needs of it; `in_use` is what the service said in this run of the credential in use."""
        chain, usable = self.credential.chain, self.usable(now)
        return Facts(
            chain.not_before,
            chain.not_after,
            chain.fingerprint,
            self.state,
            self.progress,
            in_use=in_use.answer,
            in_hand=len(usable),
            all_ended=bool(self.in_hand) and not usable,
        )

    def with_issued(self, new: InHand, attempts: Attempts, earlier: InHand | None) -> Self:
        """The service issued a certificate; `earlier` waits beside it."""
        state = replace(
            self.state, attempts=attempts, open_attempt=new.attempt, earlier=earlier.attempt if earlier else None
        )
        labels = {**self.labels, INTENT: new.intent.version}
        if self.intent and self.intent is not new.intent:
            labels[EARLIER] = self.intent.version
        in_hand = (earlier, new) if earlier else (new,)
        return replace(self, state=state, labels=labels, intent=new.intent, in_hand=in_hand, progress=Progress.ISSUED)

    def with_staged(self, version: str) -> Self:
        """A certificate in hand was joined with the credential in use, in a version labelled so."""
        return replace(self, labels={**self.labels, PENDING: version}, progress=Progress.STAGED)

    def with_promoted(self, credential: Credential) -> Self:
        """A new credential is in use."""
        return replace(self, credential=credential, progress=Progress.PROMOTED)

    def describe(self, report: Report, policy: Policy, in_use: Verdict) -> Report:
        """The report with what is known of the credential; `in_use` as of `facts`."""
        leaf, attempts = self.credential.chain.leaf, self.state.attempts
        begins, ends = self.credential.chain.not_before, self.credential.chain.not_after
        return replace(
            report,
            secret=self.arn,
            cert_name=self.credential.cert_name,
            serial=f"{leaf.serial_number:x}",
            not_after=ends,
            renew_at=renew_at(begins, ends, policy),
            held_until=held_until(begins, ends, policy),
            attempts=attempts.available(report.at),
            next_attempt_at=attempts.next_at(report.at),
            in_use=in_use,
        )

    def is_staged(self, one: InHand) -> bool:
        """Whether this certificate is joined already with the credential in use, and labelled so."""
        return self.labels.get(PENDING) == staged_version(one.intent.version, self.version)


def staged_version(intent_version: str, current_version: str) -> str:
    """The id of the version that joins an intent's certificate with the credential it replaces.

    Derived, so that a repeat after a crash names the same version (AWS: doing it twice does nothing), and a customer's
    own edit of the secret in between gives another one.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{intent_version}/{current_version}"))


def take_snapshot(
    secrets: SecretStore, ledger: Ledger, labels: Labels, function_name: str = ""
) -> tuple[Snapshot, State | None]:
    """Read the ledger's record, the credential in use, and what a rotation under way left behind.

    The ledger comes first: what another run does to the secret from then on changes the record too, and the claim,
    which is made on the record as it was read, fails. Read the other way round, a claim could succeed for a
    certificate that another run has replaced already.

    Args:
        secrets: where the credential is.
        ledger: where the record is.
        labels: the secret's, which name it; read again if AWSCURRENT has moved on since.
        function_name: whose record to read along; empty for none.

    Returns:
        The snapshot, and the function's own record if that was read.

    Raises:
        InvalidCredential: the secret in use is missing or cannot be used.
        StorageFailure: AWS refused a read. What it refuses now is not gone.
    """
    if CURRENT not in labels.versions:
        raise InvalidCredential(f"The secret {labels.arn} is empty. Put apiKey, cert and privateKey into it.")
    of_function = None
    if function_name:
        state, of_function = ledger.load_both(labels.arn, function_name)
    else:
        state = ledger.load(labels.arn)
    version, text = secrets.current(labels.arn)
    if version != labels.versions[CURRENT]:
        labels = secrets.labels(labels.arn)
    credential = Credential.parse(text)

    attempt, before = state.open_attempt, state.earlier
    unasked = _unasked(secrets, labels, attempt, credential)
    intent = _intent(secrets, labels.arn, attempt.intent_version) if attempt else unasked
    earlier = _intent(secrets, labels.arn, before.intent_version) if before else None
    pending = _pending(secrets, labels) if intent or earlier else None
    staged = pending if intent and pending and _is_for(intent, pending.chain) else None
    certificate = staged.chain.pem if staged else attempt.certificate if attempt else None
    in_hand = []
    if before and before.certificate and earlier:
        in_hand.append(InHand(earlier, before.certificate, before))
    if intent and certificate and not (attempt and attempt.outcome == "rejected"):
        in_hand.append(InHand(intent, certificate, attempt))
    ours = pending is not None and any(_is_for(one.intent, pending.chain) for one in in_hand)
    snapshot = Snapshot(
        arn=labels.arn,
        version=version,
        credential=credential,
        state=state,
        labels={
            name: at for name, at in labels.versions.items() if name in {INTENT, EARLIER} or (name == PENDING and ours)
        },
        intent=intent,
        unasked=unasked,
        in_hand=tuple(in_hand),
    )
    return _with_progress(snapshot, earlier), of_function


def _with_progress(g: Snapshot, earlier: Intent | None) -> Snapshot:
    """How far the rotation under way has come, told by keys and certificates: a name proves nothing."""
    attempt, chain = g.state.open_attempt, g.credential.chain
    for tried, intent in ((attempt, g.intent), (g.state.earlier, earlier)):
        if (intent and _is_for(intent, chain)) or (tried and _brought(tried, chain)):
            return replace(g, promoted=tried, progress=Progress.PROMOTED)
    started = attempt or g.intent  # both say what the rotation is based on
    if started is None:
        return g
    if started.based_on != chain.fingerprint:
        return replace(g, progress=Progress.STALE)
    if not g.in_hand:
        return g
    return replace(g, progress=Progress.STAGED if g.is_staged(g.in_hand[-1]) else Progress.ISSUED)


def _is_for(intent: Intent, chain: Chain) -> bool:
    """Whether a certificate was issued for this intent's key."""
    return belong_together(load_private_key(intent.private_key_pem), chain.leaf)


def _has_ended(one: InHand, now: datetime) -> bool:
    try:
        issued = load_chain(one.certificate)
    except ValueError:  # the offline check says what is wrong with it
        return False
    return any(_is_for(one.intent, Chain((c,))) and Chain((c,)).not_after <= now for c in issued.certificates)


def _brought(attempt: OpenAttempt, chain: Chain) -> bool:
    """Whether an attempt brought this certificate, and not the one it was to replace once more."""
    if attempt.based_on == chain.fingerprint:
        return False
    try:
        issued = load_chain(attempt.certificate or "")
    except ValueError:  # none came, or none that can be read
        return False
    return any(Chain((one,)).fingerprint == chain.fingerprint for one in issued.certificates)


def _unasked(
    secrets: SecretStore, labels: Labels, attempt: OpenAttempt | None, credential: Credential
) -> Intent | None:
    """An intent that an earlier run never came to ask with. Nothing hangs on it: what cannot be read is made anew."""
    version = labels.versions.get(INTENT)
    if version is None or (attempt and attempt.intent_version == version):
        return None
    try:
        intent = _intent(secrets, labels.arn, version)
    except StorageFailure as error:
        logger.warning("An intent nobody asked with cannot be read, and is passed over: %s", error)
        return None
    # Beside an open attempt it is of use only for the credential it was made for; alone, it may tell of a rotation.
    return intent if attempt is None or (intent and intent.based_on == credential.chain.fingerprint) else None


def _intent(secrets: SecretStore, arn: str, version: str) -> Intent | None:
    """None when it is gone or not ours: then nothing can be carried on, and `decision` holds what has to be held."""
    text = secrets.read(arn, version)
    try:
        return Intent.parse(version, text) if text else None
    except InvalidCredential:
        return None


def _pending(secrets: SecretStore, labels: Labels) -> Credential | None:
    """What is labelled AWSPENDING, if it is a credential at all: others may use that label too."""
    version = labels.versions.get(PENDING)
    text = secrets.read(labels.arn, version) if version else None
    try:
        return Credential.parse(text) if text else None
    except InvalidCredential:
        return None
