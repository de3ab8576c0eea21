"""Rotates one credential: gather, decide, apply.

`issuance` and `promotion` hold the order of the writes, and what a crash after each of them leaves.
"""

import logging
from dataclasses import replace

from certificate_rotation.attempts import Attempts
from certificate_rotation.credential import Credential
from certificate_rotation.decision import (
    Busy,
    Command,
    Decision,
    Drop,
    Expired,
    Hold,
    Issue,
    NotDue,
    Resume,
    Wait,
    decide,
)
from certificate_rotation.errors import (
    CertificateRejected,
    CredentialExpired,
    OutcomeUnknown,
    ServiceFailure,
    ServiceUnreachable,
    StorageFailure,
    Unauthorized,
)
from certificate_rotation.gathering import Gathered, gather, situation_of
from certificate_rotation.issuance import Issuance
from certificate_rotation.messages import Situation
from certificate_rotation.parts import Invocation, Parts
from certificate_rotation.promotion import Promotion
from certificate_rotation.results import Result, result, utc_text
from certificate_rotation.state import Lease

logger = logging.getLogger(__name__)

_ROUNDS = 4  # how often a run starts over because the credential changed under it

_OUTCOMES = {NotDue: "not_due", Hold: "held", Wait: "rate_limited", Busy: "busy", Expired: "expired"}
_WOULD_DO = {
    NotDue: "nothing",
    Issue: "rotate",
    Resume: "resume",
    Drop: "drop",
    Hold: "hold",
    Wait: "wait",
    Busy: "wait",
    Expired: "fail",
}


def rotate(parts: Parts, command: Command, invocation: Invocation) -> Result:
    """Do what is due for one credential, and tell people when it fails.

    Raises:
        RotationError: one of the classes in `errors`, after the alert about it went out.
    """
    return _Rotation(parts, command, invocation).run()


class _Rotation:
    """One run."""

    def __init__(self, parts: Parts, command: Command, invocation: Invocation) -> None:
        self._parts, self._command, self._invocation = parts, command, invocation
        self._issuance, self._promotion = Issuance(parts, invocation), Promotion(parts, invocation)
        self._secret_id = command.secret_id or parts.settings.secret_arn
        self._situation = Situation(self._secret_id, request_id=invocation.request_id, log_url=invocation.log_url)
        self._claimed = ""  # the ARN we hold the lease of

    def run(self) -> Result:
        try:
            return self._gather_decide_apply()
        except Exception as error:
            if not self._command.dry_run:
                self._parts.alerts.failed(error, self._situation, self._invocation.clock())
            raise
        finally:
            self._release()

    def _gather_decide_apply(self) -> Result:
        for _ in range(_ROUNDS):
            labels = self._parts.secrets.labels(self._secret_id)
            self._situation = replace(self._situation, secret=labels.arn)
            gathered = gather(self._parts.secrets, self._parts.ledger, labels)
            self._situation = situation_of(gathered, self._parts.settings.policy, self._invocation)
            self._invocation.in_use_until(gathered.credential.chain.not_after)
            now = self._invocation.clock()
            decision = decide(gathered.facts, self._parts.settings.policy, self._command, now, self._invocation.owner)
            logger.info("%s. %s", type(decision).__name__, decision.why)
            answer = self._preview(gathered, decision) if self._command.dry_run else self._apply(gathered, decision)
            if answer is not None:
                if gathered.state.digests and not self._command.dry_run:
                    self._parts.alerts.catch_up(gathered.arn, gathered.state.digests, now)
                return answer
        raise StorageFailure("The credential changed again and again while this run was at work.")

    def _apply(self, gathered: Gathered, decision: Decision) -> Result | None:
        """Carry the decision out; None when the credential changed meanwhile, so that it has to be decided again."""
        if isinstance(decision, Issue | Resume | Drop):
            return self._act(gathered, decision) if self._claim(gathered) else None
        answer = self._result(_OUTCOMES[type(decision)], gathered.credential, gathered.state.attempts)
        match decision:
            case Expired(why):
                raise CredentialExpired(why)
            case NotDue():
                if self._works(gathered.credential) and gathered.state.incident:
                    self._parts.alerts.recovered(gathered.state.incident, self._situation, self._invocation.clock())
            case Hold(why, until):
                attempt = gathered.state.open_attempt
                if attempt:  # the failure goes on; and if the run that met it was killed, nobody was told yet
                    lasting = CertificateRejected(why) if attempt.outcome == "rejected" else OutcomeUnknown(why)
                    self._parts.alerts.failed(lasting, self._situation, self._invocation.clock())
                answer |= {"why": why, "until": utc_text(until)}
        return answer

    def _works(self, in_use: Credential) -> bool:
        """Whether the service lets in what consumers use now; False when it gave no answer. True when nobody asks.

        Raises:
            Unauthorized: somebody deleted the certificate or the key at the service. Better told now than when due.
        """
        if not self._parts.settings.watch_in_use:
            return True
        try:
            if self._parts.service.accepts(in_use):
                return True
        except (ServiceUnreachable, ServiceFailure) as error:  # consumers notice that themselves: no mail for it
            logger.warning("Whether the service accepts the certificate in use could not be found out: %s", error)
            self._invocation.in_use_not_checked()
            return False
        raise Unauthorized(
            f"The service refuses the certificate in use ({in_use.cert_name}), or its API key, long before its end."
        )

    def _act(self, gathered: Gathered, decision: Issue | Resume | Drop) -> Result | None:
        renewed = None
        match decision:
            case Issue():
                issued = self._issuance.issue(gathered)
                if issued is None:  # our lease or our time ran out
                    self._claimed = ""
                    return None
                renewed = self._promotion.promote(issued)
            case Resume(_, replace_if_refused):
                renewed = self._promotion.promote(gathered, replace_if_refused=replace_if_refused)
            case Drop():
                self._promotion.drop(gathered)
        if renewed is None:
            return None
        if renewed.closed:  # in one write with the lease
            self._claimed = ""
        return self._result("rotated", renewed.credential, renewed.attempts) | {
            "previousCertName": renewed.rotation.previous_cert_name,
            "deletedCertName": renewed.rotation.deleted_cert_name or None,
        }

    def _preview(self, gathered: Gathered, decision: Decision) -> Result:
        answer = self._result("dry_run", gathered.credential, gathered.state.attempts)
        answer |= {"wouldDo": _WOULD_DO[type(decision)], "why": decision.why}
        if isinstance(decision, Hold | Wait):
            answer |= {"until": utc_text(decision.until)}
        return answer

    def _result(self, outcome: str, credential: Credential, attempts: Attempts) -> Result:
        return result(
            outcome,
            arn=self._situation.secret,
            cert_name=credential.cert_name,
            chain=credential.chain,
            attempts=attempts,
            policy=self._parts.settings.policy,
            now=self._invocation.clock(),
        )

    def _claim(self, gathered: Gathered) -> bool:
        """Take the lease, if nobody changed the ledger since it was read."""
        if not self._claimed:
            lease = Lease(self._invocation.owner, self._invocation.deadline)
            if self._parts.ledger.claim(gathered.arn, gathered.state, lease):
                self._claimed = gathered.arn
        return bool(self._claimed)

    def _release(self) -> None:
        if not self._claimed:
            return
        try:
            self._parts.ledger.release(self._claimed, self._invocation.owner)
        except StorageFailure as error:
            logger.warning("The lease could not be given back; it ends by itself at the deadline: %s", error)
