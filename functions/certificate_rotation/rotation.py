"""Rotates one credential: gather, decide, apply.

`issuance` and `promotion` hold the order of the writes, and what a crash after each of them leaves. `asking` is how
anybody here knows whether a credential works.
"""

import logging
from dataclasses import replace

from certificate_rotation.asking import Asking
from certificate_rotation.attempts import Attempts
from certificate_rotation.credential import Credential
from certificate_rotation.decision import (
    Ask,
    Busy,
    Command,
    Decision,
    Drop,
    Expired,
    Hold,
    Issue,
    NotDue,
    Progress,
    Resume,
    Unanswered,
    Wait,
    decide,
)
from certificate_rotation.errors import (
    CertificateNotAccepted,
    CertificateRejected,
    CredentialExpired,
    InvalidSettings,
    OutcomeUnknown,
    RotationError,
    StorageFailure,
    Unauthorized,
)
from certificate_rotation.gathering import Gathered, gather, situation_of
from certificate_rotation.issuance import Issuance
from certificate_rotation.messages import Situation
from certificate_rotation.parts import Invocation, Parts
from certificate_rotation.promotion import Promoted, Promotion
from certificate_rotation.results import Result, result, utc_text
from certificate_rotation.secret_store import is_name_of
from certificate_rotation.state import Lease
from certificate_rotation.verdict import ACCEPTED, NOT_ASKED, Answer

logger = logging.getLogger(__name__)

_ROUNDS = 4  # how often a run starts over because the credential changed under it

_OUTCOMES = {NotDue: "not_due", Hold: "held", Wait: "rate_limited", Busy: "busy"}
_WOULD_DO = {
    NotDue: "nothing",
    Issue: "rotate",
    Resume: "resume",
    Drop: "drop",
    Hold: "hold",
    Wait: "wait",
    Busy: "wait",
    Unanswered: "fail",
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
        self._asking = Asking(parts, invocation)
        self._issuance, self._promotion = Issuance(parts, invocation), Promotion(parts, invocation, self._asking)
        self._secret_id = command.secret_id or parts.settings.secret_arn
        own = parts.settings.secret_arn
        self._situation = Situation(
            own if is_name_of(self._secret_id, own) else self._secret_id,
            stack=invocation.stack,
            request_id=invocation.request_id,
            log_url=invocation.log_url,
        )
        self._in_use: Credential | None = None  # what AWSCURRENT held when it was read last
        self._claimed = ""  # the ARN we hold the lease of

    def run(self) -> Result:
        try:
            return self._gather_decide_apply()
        except Exception as error:
            if not self._command.dry_run:
                self._tell_failure(error)
            raise
        finally:
            self._release()

    def _tell_failure(self, error: Exception) -> None:
        """Tell of it, and whether traffic works meanwhile: the one in use is still in place, so the service knows."""
        in_use = self._in_use
        if in_use:
            if isinstance(error, RotationError):
                self._watch(in_use)
            self._situation = replace(self._situation, in_use=self._asking.known(in_use))
        self._parts.alerts.failed(error, self._situation, self._invocation)

    def _gather_decide_apply(self) -> Result:
        for _ in range(_ROUNDS):
            labels = self._parts.secrets.labels(self._secret_id)
            if labels.arn != self._situation.secret:
                if not self._command.dry_run:
                    self._parts.alerts.adopt(self._situation.secret, labels.arn)
                self._situation = replace(self._situation, secret=labels.arn)
            gathered = gather(self._parts.secrets, self._parts.ledger, labels)
            self._in_use = gathered.credential
            self._situation = self._situation_of(gathered)
            self._invocation.in_use_until(gathered.credential.chain.not_after)
            decision = self._decide(gathered)
            answer = self._preview(gathered, decision) if self._command.dry_run else self._apply(gathered, decision)
            if answer is not None:
                return answer
        raise StorageFailure("The credential changed again and again while this run was at work.")

    def _decide(self, gathered: Gathered) -> Decision:
        """Decide; where that hangs on whether the credential in use is accepted, ask first."""
        decision = self._decide_on_what_is_known(gathered)
        if not isinstance(decision, Ask):
            return decision
        if self._asking.ask(gathered.credential) == NOT_ASKED:
            raise InvalidSettings(
                f"Timeout: too little time was left of this invocation. {decision.why} Nothing was done."
            )
        return self._decide_on_what_is_known(gathered)

    def _decide_on_what_is_known(self, gathered: Gathered) -> Decision:
        facts = gathered.facts(self._asking.known(gathered.credential))
        policy, owner = self._parts.settings.policy, self._invocation.owner
        decision = decide(facts, policy, self._command, self._invocation.clock(), owner)
        logger.info("%s. %s", type(decision).__name__, decision.why)
        return decision

    def _apply(self, gathered: Gathered, decision: Decision) -> Result | None:
        """Carry the decision out; None when the credential changed meanwhile, so that it has to be decided again."""
        match decision:
            case Issue() | Resume() | Drop():
                return self._act(gathered, decision) if self._claim(gathered) else None
            case Expired(why):
                raise CredentialExpired(why)
            case Unanswered(why):
                error = self._asking.known(gathered.credential).error
                if error is None:
                    raise ValueError("an answer is there")  # `decide` says so only for want of one
                raise type(error)(f"{why} {error}")
            case NotDue() | Hold() | Wait():
                self._require_accepted(gathered.credential)
                self._tell(gathered, decision)
        answer = self._result(_OUTCOMES[type(decision)], gathered.credential, gathered.state.attempts)
        if isinstance(decision, Hold):
            answer |= {"why": decision.why, "until": utc_text(decision.until)}
        return answer

    def _tell(self, gathered: Gathered, decision: Decision) -> None:
        """What a run that leaves everything in place has to tell: a hold, a recovery, what was not taken before."""
        state, alerts, situation = gathered.state, self._parts.alerts, self._situation_of(gathered)
        if isinstance(decision, Hold) and state.open_attempt:
            # The failure goes on; and if the run that met it was killed, nobody was told yet.
            kind = CertificateRejected if state.open_attempt.outcome == "rejected" else OutcomeUnknown
            alerts.failed(kind(decision.why), situation, self._invocation)
        elif isinstance(decision, NotDue) and state.incident and self._may_be_over(gathered.credential):
            alerts.recovered(state.incident, situation, state, self._invocation)
        else:
            alerts.catch_up(gathered.arn, state, self._invocation)

    def _require_accepted(self, in_use: Credential) -> None:
        """Ask about what consumers use now, in every run that leaves it in place.

        Raises:
            Unauthorized: somebody deleted the certificate or the key at the service. Better told now than when due.
        """
        self._watch(in_use)
        if self._asking.known(in_use).answer is Answer.REFUSED:
            name = in_use.cert_name or "it has no name in the secret"
            raise Unauthorized(f"The service refuses the certificate in use ({name}) together with its API key.")

    def _watch(self, in_use: Credential) -> None:
        """Ask, unless the owner does not want it; what comes of it is known to `asking`."""
        if not self._parts.settings.watch_in_use or self._asking.known(in_use) != NOT_ASKED:
            return
        verdict = self._asking.ask(in_use)
        if verdict.answer is Answer.NONE:  # consumers notice that themselves: no mail for it
            logger.warning("Whether the service accepts the certificate in use could not be found out: %s", verdict.why)
            self._invocation.in_use_not_checked()

    def _may_be_over(self, in_use: Credential) -> bool:
        """Whether an incident has ended: the service let in what is in use, or nobody wants it asked."""
        return not self._parts.settings.watch_in_use or self._asking.known(in_use) == ACCEPTED

    def _act(self, gathered: Gathered, decision: Issue | Resume | Drop) -> Result | None:
        if isinstance(decision, Drop):
            self._promotion.drop(gathered)
            return None
        if isinstance(decision, Resume):
            promoted = self._resume(gathered, another=decision.another)
        else:
            promoted = self._issue(gathered)
        if promoted is None:
            return None
        self._in_use = promoted.credential
        self._situation = self._situation_of(replace(gathered, credential=promoted.credential))
        renewed = self._promotion.close(promoted)
        if renewed.closed:  # in one write with the lease
            self._claimed = ""
        return self._result("rotated", promoted.credential, promoted.gathered.state.attempts) | {
            "previousCertName": renewed.rotation.previous_cert_name,
            "deletedCertName": renewed.rotation.deleted_cert_name or None,
        }

    def _issue(self, gathered: Gathered) -> Promoted | None:
        try:
            issued = self._issuance.issue(gathered)
        except Unauthorized:
            self._asking.learn_refused(gathered.credential)
            raise
        if issued is None:  # our lease ran out
            self._claimed = ""
            return None
        self._asking.forget()
        return self._promotion.promote(issued)

    def _resume(self, gathered: Gathered, *, another: bool) -> Promoted | None:
        if gathered.progress is Progress.PROMOTED:
            self._watch(gathered.credential)
        try:
            return self._promotion.promote(gathered)
        except CertificateNotAccepted:
            if not another or self._asking.known(gathered.credential).answer is Answer.REFUSED:
                raise
            logger.info("The end is near and the certificate in hand is not accepted: one more is asked for.")
            return self._issue(gathered)

    def _preview(self, gathered: Gathered, decision: Decision) -> Result:
        answer = self._result("dry_run", gathered.credential, gathered.state.attempts)
        answer |= {"wouldDo": _WOULD_DO[type(decision)], "why": decision.why}
        if isinstance(decision, Hold | Wait):
            answer |= {"until": utc_text(decision.until)}
        return answer

    def _situation_of(self, gathered: Gathered) -> Situation:
        in_use = self._asking.known(gathered.credential)
        return situation_of(gathered, self._parts.settings.policy, self._invocation, in_use)

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
