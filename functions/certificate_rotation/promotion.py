"""The second half of a rotation: check, stage, probe, promote, close.

| step    | what it writes                  | what a crash right after it leaves to the next run |
|---------|---------------------------------|----------------------------------------------------|
| check   | nothing                         | checks again                                       |
| stage   | the whole credential: a version | carries on with the probe                          |
| probe   | nothing                         | as stage                                           |
| promote | AWSCURRENT moves                | only tidies                                        |
| close   | labels off, event, mail, ledger | nothing is left to do: the lease went with it      |
"""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from certificate_rotation.attempts import Attempts
from certificate_rotation.certificates import check_issued, load_private_key
from certificate_rotation.credential import Credential, Intent
from certificate_rotation.decision import Progress
from certificate_rotation.device_id_service import CONNECT_SECONDS, PROBE_SECONDS
from certificate_rotation.errors import (
    CertificateNotAccepted,
    CertificateRejected,
    ServiceFailure,
    ServiceUnreachable,
    StorageFailure,
    adding,
)
from certificate_rotation.gathering import Gathered, situation_of, staged_version
from certificate_rotation.messages import Situation
from certificate_rotation.parts import TIME_FOR_WRITES, Invocation, Parts
from certificate_rotation.secret_store import PENDING
from certificate_rotation.state import LastRotation

logger = logging.getLogger(__name__)

# A new certificate may need a moment until every server of the service knows it: seconds before each probe.
PROBE_PAUSES = (0, 1, 2, 4, 8)
_PROBE_BUDGET = timedelta(seconds=2 * CONNECT_SECONDS + PROBE_SECONDS) + TIME_FOR_WRITES


@dataclass(frozen=True)
class Renewed:
    """A finished rotation.

    Attributes:
        credential: what is in use now.
        rotation: what happened.
        attempts: what is left of the vendor's limit.
        closed: whether the ledger has it, and with it our lease back.
    """

    credential: Credential
    rotation: LastRotation
    attempts: Attempts
    closed: bool


class Promotion:
    """Puts an issued certificate into use. The caller holds the lease."""

    def __init__(self, parts: Parts, invocation: Invocation) -> None:
        """`parts` and `invocation` as they are for this run."""
        self._parts, self._invocation = parts, invocation

    def promote(self, gathered: Gathered, *, replace_if_refused: bool = False) -> Renewed | None:
        """Put the certificate in hand into use, without another request.

        Args:
            gathered: what was gathered, the new certificate and its intent included.
            replace_if_refused: if the service still does not accept it, give it up: the next decision asks for another.

        Returns:
            The finished rotation; None when the credential changed meanwhile, so that it has to be decided anew.

        Raises:
            CertificateRejected: it fails the offline check.
            CertificateNotAccepted: the service does not accept it yet, or nobody could find out.
            StorageFailure: AWS refused a write; says where the certificate is safe.
        """
        if gathered.progress is Progress.PROMOTED:
            return self._close(gathered, gathered.credential)
        intent = gathered.intent
        if intent is None or gathered.certificate is None:
            raise ValueError("nothing to promote")  # `decision` asks for it only where there is
        attempt = gathered.state.open_attempt
        renewed = self._check(gathered, intent, gathered.certificate)
        version = staged_version(intent.version, gathered.version)
        if gathered.progress is not Progress.STAGED:
            self._stage(gathered.arn, version, renewed, intent, journalled=gathered.journalled)
        gathered = replace(gathered, labels={**gathered.labels, PENDING: version})

        evicted = attempt is not None and attempt.deleted_cert_name == gathered.credential.cert_name
        if not evicted and not self._accepted(renewed):
            if replace_if_refused and attempt:
                self._parts.ledger.journal(gathered.arn, replace(attempt, outcome="rejected"))
                return None
            raise CertificateNotAccepted(
                f"The service does not accept the new certificate {intent.cert_name} yet. It is safe in the secret, "
                "labelled AWSPENDING. The one in use was left in place."
            )
        with adding(f"The new certificate {intent.cert_name} is safe in the secret, labelled AWSPENDING."):
            if not self._parts.secrets.promote(gathered.arn, version, instead_of=gathered.version):
                return None
        logger.info("%s is in use.", intent.cert_name)
        return self._close(gathered, renewed)

    def drop(self, gathered: Gathered) -> None:
        """Give up a rotation that was made for a certificate no longer in use; what to do next is decided anew."""
        self._parts.secrets.unlabel_all(gathered.arn, gathered.labels)
        attempt = gathered.state.open_attempt
        if attempt:
            if gathered.certificate:
                self._parts.alerts.dropped(attempt.cert_name, self._situation(gathered), self._invocation.clock())
            self._parts.ledger.drop(gathered.arn, attempt)

    def _check(self, gathered: Gathered, intent: Intent, certificate: str) -> Credential:
        """The offline check; what fails it is journalled as rejected, so that the next run holds."""
        key = load_private_key(intent.private_key_pem)
        try:
            chain = check_issued(certificate, key, gathered.credential.chain, self._invocation.clock())
            return gathered.credential.renewed(chain, key, intent.cert_name)
        except ValueError as error:
            attempt = gathered.state.open_attempt
            if attempt:
                self._parts.ledger.journal(gathered.arn, replace(attempt, outcome="rejected"))
            raise CertificateRejected(f"The new certificate {intent.cert_name} {error}.") from error

    def _stage(self, arn: str, version: str, renewed: Credential, intent: Intent, *, journalled: bool) -> None:
        """The second store of the certificate, joined with its key."""
        where = "in the ledger" if journalled else "in this run's log"
        with adding(f"The new certificate {intent.cert_name} is safe {where}, its key in version {intent.version}."):
            try:
                self._parts.secrets.put(arn, version, renewed.dump(), PENDING)
            except StorageFailure:
                if not journalled:  # public data, and nowhere else: losing it would lose the attempt
                    logger.error("Neither store took %s:\n%s", intent.cert_name, renewed.chain.pem)  # noqa: TRY400
                raise

    def _accepted(self, renewed: Credential) -> bool:
        """Whether the service lets the new certificate in, asked a few times.

        Raises:
            CertificateNotAccepted: it never gave an answer either way.
        """
        inconclusive: ServiceUnreachable | ServiceFailure | None = None
        for pause in PROBE_PAUSES:
            if self._invocation.time_left() < _PROBE_BUDGET + timedelta(seconds=pause):
                break
            self._invocation.sleep(pause)
            try:
                if self._parts.service.accepts(renewed):
                    return True
                inconclusive = None
            except (ServiceUnreachable, ServiceFailure) as error:
                inconclusive = error
        if inconclusive:
            raise CertificateNotAccepted(
                f"Whether the service accepts the new certificate {renewed.cert_name} could not be found out. "
                f"{inconclusive} It is safe in the secret, labelled AWSPENDING. The one in use was left in place."
            ) from inconclusive
        return False

    def _close(self, gathered: Gathered, in_use: Credential) -> Renewed:
        attempt = gathered.state.open_attempt
        now = self._invocation.clock()
        rotation = LastRotation(
            at=now,
            cert_name=in_use.cert_name or "",
            fingerprint=in_use.chain.fingerprint,
            previous_fingerprint=attempt.based_on if attempt else "",
            previous_cert_name=attempt.previous_cert_name if attempt else None,
            deleted_cert_name=attempt.deleted_cert_name if attempt else "",
        )
        with adding(f"The new certificate {rotation.cert_name} is in use (AWSCURRENT)."):
            self._parts.secrets.unlabel_all(gathered.arn, gathered.labels)
            situation = self._situation(replace(gathered, credential=in_use))
            self._parts.announcements.rotated(rotation, situation)
            self._parts.alerts.rotated(
                rotation,
                situation,
                over=gathered.state.incident,
                announce=self._parts.settings.notify_on_success,
                now=now,
            )
            owner = self._invocation.owner
            closed = attempt is not None and self._parts.ledger.close(gathered.arn, owner, attempt, rotation)
        return Renewed(in_use, rotation, gathered.state.attempts, closed)

    def _situation(self, gathered: Gathered) -> Situation:
        return situation_of(gathered, self._parts.settings.policy, self._invocation)
