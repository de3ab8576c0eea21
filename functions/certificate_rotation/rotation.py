"""Rotates one credential: take a snapshot, decide, carry out; and report.

`issuance` and `promotion` hold the order of the writes, and what a crash after each of them leaves. `prober` is how
anybody here knows whether a credential works. One run is one class, and everything that ends it is here.
"""

import logging
from dataclasses import replace

from certificate_rotation.adapters.secret_store import is_name_of
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.decision import (
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
from certificate_rotation.domain.errors import (
    CertificateNotAccepted,
    CertificateRejected,
    CredentialExpired,
    InvalidSettings,
    OutcomeUnknown,
    RotationError,
    StorageFailure,
    Unauthorized,
)
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Outcome, Report
from certificate_rotation.domain.state import Lease
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Answer
from certificate_rotation.issuance import Issuance
from certificate_rotation.notifications.alerts import Delivery
from certificate_rotation.prober import Prober
from certificate_rotation.promotion import Promoted, Promotion
from certificate_rotation.snapshot import CredentialChangedError, LeaseLostError, Snapshot, take_snapshot

logger = logging.getLogger(__name__)

_ROUNDS = 4  # how often a run starts over because the credential changed under it

_OUTCOMES: dict[type[Decision], Outcome] = {NotDue: "not_due", Hold: "held", Wait: "rate_limited", Busy: "busy"}
_WOULD_DO: dict[type[Decision], str] = {
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


def rotate(dependencies: Dependencies, command: Command, invocation: Invocation, *, function_name: str = "") -> Report:
    """Do what is due for one credential, and notify people when it fails.

    Args:
        dependencies: the outside world.
        command: what the event asks for.
        invocation: this run.
        function_name: whose record of the ledger to read along with the credential's; empty for none.

    Returns:
        The report of the run; of one that failed, its `error` says how.
    """
    return _Run(dependencies, command, invocation, function_name).run()


class _Run:
    """One run."""

    def __init__(
        self, dependencies: Dependencies, command: Command, invocation: Invocation, function_name: str
    ) -> None:
        self._dependencies, self._command, self._invocation = dependencies, command, invocation
        self._settings, self._alerts = dependencies.settings, dependencies.alerts
        self._prober = Prober(dependencies, invocation)
        self._issuance = Issuance(dependencies, invocation)
        self._promotion = Promotion(dependencies, invocation, self._prober)
        self._function_name = function_name
        self._secret_id = command.secret_id or self._settings.secret_arn
        own = self._settings.secret_arn
        self._report = Report(  # what is known so far
            secret=own if is_name_of(self._secret_id, own) else self._secret_id,
            at=invocation.clock(),
            dry_run=command.dry_run,
            request_id=invocation.request_id,
            log_url=invocation.log_url,
            stack=invocation.stack,
        )
        self._snapshot: Snapshot | None = None  # the last one
        self._claimed = ""  # the ARN we hold the lease of

    def run(self) -> Report:
        try:
            return self._snapshot_decide_carry_out()
        except Exception as error:  # noqa: BLE001 - the handler raises it again, when people and metrics know of it
            return self._fail(error)
        finally:
            self._release()

    def _snapshot_decide_carry_out(self) -> Report:
        for _ in range(_ROUNDS):
            snapshot = self._take_snapshot()
            decision = self._decide(snapshot)
            if self._command.dry_run:
                return self._preview(snapshot, decision)
            try:
                return self._carry_out(snapshot, decision)
            except LeaseLostError:
                self._claimed = ""
            except CredentialChangedError as changed:
                logger.info("%s Once more from the start.", changed)
        raise StorageFailure("The credential changed again and again while this run was at work.")

    def _take_snapshot(self) -> Snapshot:
        secrets, ledger = self._dependencies.secrets, self._dependencies.ledger
        labels = secrets.labels(self._secret_id)
        if labels.arn != self._report.secret:
            if not self._command.dry_run:
                self._alerts.adopt(self._report.secret, labels.arn)
            self._report = replace(self._report, secret=labels.arn)
        snapshot, of_function = take_snapshot(secrets, ledger, labels, self._function_name)
        if of_function is not None:
            self._report = replace(self._report, function_state=of_function)
        self._function_name = ""
        self._snapshot = snapshot
        return snapshot

    def _decide(self, snapshot: Snapshot) -> Decision:
        """Decide; where that hangs on whether the credential in use is accepted, ask first."""
        decision = self._decide_on_what_is_known(snapshot)
        if not isinstance(decision, Ask):
            return decision
        if self._prober.ask(snapshot.credential) == NOT_ASKED:
            raise InvalidSettings(
                f"Timeout: too little time was left of this invocation. {decision.why} Nothing was done."
            )
        return self._decide_on_what_is_known(snapshot)

    def _decide_on_what_is_known(self, snapshot: Snapshot) -> Decision:
        owner, now = self._invocation.owner, self._invocation.clock()
        facts = snapshot.facts(self._prober.known(snapshot.credential), now)
        decision = decide(facts, self._settings.policy, self._command, now, owner)
        logger.info("%s. %s", type(decision).__name__, decision.why)
        return decision

    def _preview(self, snapshot: Snapshot, decision: Decision) -> Report:
        until = decision.until if isinstance(decision, Hold | Wait) else None
        report = self._describe(snapshot, "dry_run")
        return replace(report, would_do=_WOULD_DO[type(decision)], why=decision.why, until=until)

    def _carry_out(self, snapshot: Snapshot, decision: Decision) -> Report:
        """Carry the decision out.

        Raises:
            CredentialChangedError: what the snapshot shows is not so any more.
        """
        match decision:
            case Issue():
                self._claim(snapshot)
                return self._close(self._issue(snapshot))
            case Resume(_, another):
                self._claim(snapshot)
                return self._close(self._resume(snapshot, another=another))
            case Drop(why):
                self._claim(snapshot)
                self._count(self._promotion.drop(snapshot, self._describe(snapshot, "failed")))
                raise CredentialChangedError(why)
            case Expired(why):
                raise CredentialExpired(why)
            case Unanswered(why):
                error = self._prober.known(snapshot.credential).error
                if error is None:
                    raise ValueError("an answer is there")  # `decide` says so only for want of one
                raise type(error)(f"{why} {error}")
            case _:
                return self._leave_in_place(snapshot, decision)

    def _leave_in_place(self, snapshot: Snapshot, decision: Decision) -> Report:
        """Change nothing: look whether what is in use works, and notify of what has to be told."""
        if not isinstance(decision, Busy):
            self._require_accepted(snapshot)
        report = self._describe(snapshot, _OUTCOMES[type(decision)])
        state, invocation = snapshot.state, self._invocation
        if isinstance(decision, Hold):
            report = replace(report, why=decision.why, until=decision.until)
        if isinstance(decision, Hold) and state.open_attempt:
            # The failure goes on; and if the run that met it was killed, nobody was told yet.
            kind = CertificateRejected if state.open_attempt.outcome == "rejected" else OutcomeUnknown
            done = self._alerts.failed(kind(decision.why), report, invocation)
        elif isinstance(decision, NotDue) and state.incident and self._may_be_over(snapshot):
            done = self._alerts.recovered(state.incident, report, state, invocation)
        elif isinstance(decision, Busy):
            done = Delivery()  # the other run notifies
        else:
            done = self._alerts.catch_up(snapshot.arn, state, invocation)
        return self._count(done, report)

    def _require_accepted(self, snapshot: Snapshot) -> None:
        """Ask about what consumers use now, in every run that leaves it in place.

        Raises:
            Unauthorized: somebody deleted the certificate or the key at the service. Better told now than when due.
        """
        self._watch(snapshot)
        if self._prober.known(snapshot.credential) == REFUSED:
            name = snapshot.credential.cert_name or "it has no name in the secret"
            raise Unauthorized(
                f"The service refuses the certificate in use ({name}) together with its API key.", asked=True
            )

    def _watch(self, snapshot: Snapshot) -> None:
        """Ask once in a run, unless the owner does not want it. No answer is nothing to wake anybody for."""
        if self._settings.watch_in_use:
            verdict = self._prober.ask(snapshot.credential)
            if verdict.answer is Answer.NONE:
                logger.warning("Whether the service accepts the one in use could not be found out: %s", verdict.why)

    def _may_be_over(self, snapshot: Snapshot) -> bool:
        """Whether an incident has ended: the service let in what is in use, or nobody wants it asked."""
        return not self._settings.watch_in_use or self._prober.known(snapshot.credential) == ACCEPTED

    def _issue(self, snapshot: Snapshot) -> Promoted:
        try:
            issued = self._issuance.issue(snapshot)
        except Unauthorized:
            self._prober.learn_refused(snapshot.credential)
            raise
        self._prober.forget()
        return self._promotion.promote(issued)

    def _resume(self, snapshot: Snapshot, *, another: bool) -> Promoted:
        if snapshot.progress is Progress.PROMOTED:
            self._watch(snapshot)
        try:
            return self._promotion.promote(snapshot, patiently=not another)
        except CertificateNotAccepted:
            in_use = self._prober.known(snapshot.credential)
            ended = self._invocation.clock() >= snapshot.credential.chain.not_after
            dead = in_use == REFUSED or (ended and in_use != ACCEPTED)  # it cannot renew anything
            if not another or dead or not self._issuance.has_time():
                raise
            logger.info("The end is near and the certificate in hand is not accepted: one more is asked for.")
            return self._issue(snapshot)

    def _close(self, promoted: Promoted) -> Report:
        self._snapshot = promoted.snapshot
        report = self._describe(promoted.snapshot, "rotated")
        renewed = self._promotion.close(promoted, report)
        if renewed.closed:  # in one write with the lease
            self._claimed = ""
        return self._count(renewed.delivery, replace(report, rotated=renewed.rotated))

    def _fail(self, error: Exception) -> Report:
        """Notify of it, and whether traffic works meanwhile: the one in use is still in place, so the service knows."""
        snapshot, dry_run = self._snapshot, self._command.dry_run
        if snapshot and isinstance(error, RotationError) and not dry_run:
            self._watch(snapshot)
        report = self._describe(snapshot, "failed") if snapshot else self._report
        report = replace(report, at=self._invocation.clock(), error=error)
        return report if dry_run else self._count(self._alerts.failed(error, report, self._invocation), report)

    def _describe(self, snapshot: Snapshot, outcome: Outcome) -> Report:
        return snapshot.describe(
            replace(self._report, at=self._invocation.clock(), outcome=outcome),
            self._settings.policy,
            self._prober.known(snapshot.credential),
        )

    def _count(self, done: Delivery, report: Report | None = None) -> Report:
        """Add up what AWS did not take."""
        refused = self._report.mails_refused + done.mails_refused
        self._report = replace(self._report, mails_refused=refused)
        return replace(report or self._report, mails_refused=refused)

    def _claim(self, snapshot: Snapshot) -> None:
        """Take the lease.

        Raises:
            CredentialChangedError: somebody changed the ledger since it was read.
        """
        if not self._claimed:
            lease = Lease(self._invocation.owner, self._invocation.deadline)
            if not self._dependencies.ledger.claim(snapshot.arn, snapshot.state, lease):
                raise CredentialChangedError("Somebody changed the ledger since it was read.")
            self._claimed = snapshot.arn

    def _release(self) -> None:
        if not self._claimed:
            return
        try:
            self._dependencies.ledger.release(self._claimed, self._invocation.owner)
        except StorageFailure as error:
            logger.warning("The lease could not be given back; it ends by itself at the deadline: %s", error)
