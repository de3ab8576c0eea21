"""The first step of a rotation: everything a decision needs, read and never written."""

import uuid
from dataclasses import dataclass, replace

from certificate_rotation.credential import Credential, Intent
from certificate_rotation.decision import Facts, Policy, Progress, held_until
from certificate_rotation.errors import InvalidCredential
from certificate_rotation.ledger import Ledger
from certificate_rotation.messages import Situation
from certificate_rotation.parts import Invocation
from certificate_rotation.secret_store import CURRENT, INTENT, PENDING, Labels, SecretStore
from certificate_rotation.state import State


@dataclass(frozen=True)
class Gathered:
    """One credential as it stands.

    Attributes:
        arn: the secret's.
        version: which version is AWSCURRENT.
        credential: what that version holds.
        state: the ledger's record.
        labels: of our own two labels, which are on and where.
        intent: of a rotation under way; None without one, or when it cannot be read.
        certificate: the new certificate, PEM, as far as it reached us.
        progress: how far that rotation has come.
        journalled: whether the ledger holds that certificate.
    """

    arn: str
    version: str
    credential: Credential
    state: State
    labels: dict[str, str]
    intent: Intent | None
    certificate: str | None
    progress: Progress = Progress.NONE
    journalled: bool = True

    @property
    def facts(self) -> Facts:
        """What `decision` needs of it."""
        chain = self.credential.chain
        return Facts(chain.not_before, chain.not_after, chain.fingerprint, self.state, self.progress)


def staged_version(intent_version: str, current_version: str) -> str:
    """The id of the version that joins an intent's certificate with the credential it replaces.

    Derived, so that a repeat after a crash names the same version (AWS: doing it twice does nothing), and a customer's
    own edit of the secret in between gives another one.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{intent_version}/{current_version}"))


def gather(secrets: SecretStore, ledger: Ledger, labels: Labels) -> Gathered:
    """Read the ledger's record, the credential in use, and what a rotation under way left behind.

    The ledger comes first: what another run does to the secret from then on changes the record too, and the claim,
    which is made on the record as it was read, fails. Read the other way round, a claim could succeed for a
    certificate that another run has replaced already.

    Args:
        secrets: where the credential is.
        ledger: where the record is.
        labels: the secret's, which name it; read again if AWSCURRENT has moved on since.

    Raises:
        InvalidCredential: the secret in use is missing or cannot be used.
        StorageFailure: AWS refused a read.
    """
    if CURRENT not in labels.versions:
        raise InvalidCredential(f"The secret {labels.arn} is empty. Put apiKey, cert and privateKey into it.")
    state = ledger.load(labels.arn)
    version, text = secrets.current(labels.arn)
    if version != labels.versions[CURRENT]:
        labels = secrets.labels(labels.arn)
    credential = Credential.parse(text)

    attempt = state.open_attempt
    intent_version = attempt.intent_version if attempt else labels.versions.get(INTENT)
    intent = _intent(secrets, labels.arn, intent_version) if intent_version else None
    staged = _staged(secrets, labels, intent.cert_name) if intent else None
    journalled = attempt.certificate if attempt else None
    gathered = Gathered(
        arn=labels.arn,
        version=version,
        credential=credential,
        state=state,
        labels={name: at for name, at in labels.versions.items() if name == INTENT or (name == PENDING and staged)},
        intent=intent,
        certificate=staged.chain.pem if staged else journalled,
    )
    return replace(gathered, progress=_progress(gathered))


def _progress(g: Gathered) -> Progress:
    attempt, intent = g.state.open_attempt, g.intent
    started = attempt or intent  # both say what the rotation is called and what it is based on
    if started is None:
        return Progress.NONE
    if started.cert_name == g.credential.cert_name:
        return Progress.PROMOTED
    if started.based_on != g.credential.chain.fingerprint:
        return Progress.STALE
    if intent is None or g.certificate is None or (attempt and attempt.outcome == "rejected"):
        return Progress.NONE
    staged = g.labels.get(PENDING) == staged_version(intent.version, g.version)
    return Progress.STAGED if staged else Progress.ISSUED


def _intent(secrets: SecretStore, arn: str, version: str) -> Intent | None:
    """None when it is gone or unreadable: then nothing can be carried on, and `decision` holds what has to be held."""
    try:
        return Intent.parse(version, secrets.read(arn, version))
    except InvalidCredential:
        return None


def _staged(secrets: SecretStore, labels: Labels, cert_name: str) -> Credential | None:
    """What is labelled AWSPENDING, if it is of this rotation: others may use that label too."""
    version = labels.versions.get(PENDING)
    if version is None:
        return None
    try:
        staged = Credential.parse(secrets.read(labels.arn, version))
    except InvalidCredential:
        return None
    return staged if staged.cert_name == cert_name else None


def situation_of(gathered: Gathered, policy: Policy, invocation: Invocation) -> Situation:
    """What a message about this credential tells of it."""
    now, leaf, attempts = invocation.clock(), gathered.credential.chain.leaf, gathered.state.attempts
    begins, ends = gathered.credential.chain.not_before, gathered.credential.chain.not_after
    return Situation(
        secret=gathered.arn,
        cert_name=gathered.credential.cert_name,
        serial=f"{leaf.serial_number:x}",
        not_after=ends,
        held_until=held_until(begins, ends, policy),
        attempts=attempts.available(now),
        next_attempt_at=attempts.next_at(now),
        request_id=invocation.request_id,
        log_url=invocation.log_url,
    )
