"""Rotates one credential: take a snapshot, decide whose turn it is, carry out; and report.

`issuance` and `promotion` hold the order of the writes, and what a crash after each of them leaves. `prober` is how
anybody here knows whether a credential works. One run is one class, and everything that ends it is here.
"""

import logging
from contextlib import suppress
from copy import replace
from datetime import timedelta
from typing import NamedTuple

from certificate_rotation.adapters.secret_store import CURRENT, PENDING, Current, is_name_of
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.decision import (
    Ask,
    Busy,
    Command,
    Decision,
    Drop,
    Facts,
    Failed,
    Hold,
    Issue,
    NotDue,
    Progress,
    Resume,
    Unanswered,
    Wait,
    decide,
    is_dead,
)
from certificate_rotation.domain.errors import (
    InvalidCredential,
    InvalidSettings,
    OutcomeUnknown,
    RotationError,
    StorageFailure,
    Unauthorized,
)
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Outcome, Report, begun
from certificate_rotation.domain.state import Lease, State
from certificate_rotation.domain.turn import whose_turn
from certificate_rotation.domain.verdict import ACCEPTED, REFUSED, Answer
from certificate_rotation.issuance import Issuance
from certificate_rotation.notifications.alerts import Delivery
from certificate_rotation.prober import Prober
from certificate_rotation.promotion import Promoted, Promotion
from certificate_rotation.snapshot import (
    CredentialChangedError,
    LeaseLostError,
    Snapshot,
    more_may_be_there,
    take_snapshots,
    with_rotations,
)

logger = logging.getLogger(__name__)

_ROUNDS = 4  # how often a run starts over because the credential changed under it
_PAUSE = 1  # second before each: what AWS answers may lag behind a write

_OUTCOMES: dict[type[Decision], Outcome] = {NotDue: "not_due", Hold: "held", Wait: "rate_limited"}
_WOULD_DO: dict[type[Decision], str] = {  # any other one: fail
    NotDue: "nothing",
    Issue: "rotate",
    Resume: "resume",
    Drop: "drop",
    Hold: "hold",
    Wait: "wait",
    Busy: "wait",
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
    return Run(dependencies, command, invocation, function_name).run()


class Turn(NamedTuple):
    """What was decided: about each half, and which of them the run is about."""

    half: HalfName
    snapshots: dict[HalfName, Snapshot]
    decisions: dict[HalfName, Decision]

    @property
    def snapshot(self) -> Snapshot:
        """Of the half the run is about."""
        return self.snapshots[self.half]

    @property
    def decision(self) -> Decision:
        """About the half the run is about."""
        return self.decisions[self.half]


class Run:
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
        own = self._settings.secret_arn
        named = command.secret_id or own
        known_so_far = begun(own if is_name_of(named, own) else named, invocation)
        self._report = replace(known_so_far, dry_run=command.dry_run, of_step=command.step is not None)
        self._snapshots: dict[HalfName, Snapshot] = {}  # the last ones
        self._turn: Turn | None = None  # the last one
        self._claimed = ""  # the ARN we hold the lease of
        self._mails_refused = 0

    def run(self) -> Report:
        """The whole of it; never raises but what ends the process."""
        try:
            report = self._snapshot_decide_carry_out()
        except Exception as error:  # noqa: BLE001 - the handler raises it again, when people and metrics know of it
            report = self._fail(error)
        finally:
            self._release()
        return replace(report, mails_refused=self._mails_refused)

    def _snapshot_decide_carry_out(self) -> Report:
        for _ in range(_ROUNDS):
            try:
                return self._act(self._take_snapshots())
            except LeaseLostError:
                self._claimed = ""
            except CredentialChangedError as changed:
                logger.info("%s Once more from the start.", changed)
                self._invocation.sleep(_PAUSE)
        raise StorageFailure("The credential changed again and again while this run was at work.")

    def _act(self, snapshots: dict[HalfName, Snapshot]) -> Report:
        turn = self._turn = self._decide(snapshots)
        self._report = replace(self._report, renews=None if isinstance(turn.decision, NotDue) else turn.half)
        return self._preview(turn) if self._command.dry_run else self._carry_out(turn)

    def _take_snapshots(self) -> dict[HalfName, Snapshot]:
        self._report, self._turn = replace(self._report, renews=None), None
        record, current = self._read()
        self._snapshots = take_snapshots(record, current, self._settings.policy)
        # Secrets Manager's own rotation may have left AWSPENDING without our ever being invoked.
        in_any_case = self._command.force or self._command.step or self._settings.native_rotation
        if in_any_case or more_may_be_there(self._snapshots, current, self._invocation.clock()):
            self._snapshots = with_rotations(self._snapshots, self._dependencies.secrets)
        return self._snapshots

    def _read(self) -> tuple[State, Current]:
        """Read the ledger's record, then the credential in use.

        The ledger comes first: what another run does to the secret from then on changes the record too, and the claim,
        which is made on the record as it was read, fails. Read the other way round, a claim could succeed for a
        credential that another run has replaced already.
        """
        secrets, ledger = self._dependencies.secrets, self._dependencies.ledger
        if not self._report.secret.startswith("arn:"):
            self._know_as(secrets.arn(self._report.secret))
        arn = self._report.secret
        if self._function_name:
            record, of_function = ledger.load_both(arn, self._function_name)
            self._report, self._function_name = replace(self._report, function_state=of_function), ""
        else:
            record = ledger.load(arn)
        current = secrets.current(arn)
        if current.arn == arn:
            return record, current
        self._know_as(current.arn)  # a part of it was given, and the ledger knows only the whole
        return self._read()

    def _know_as(self, arn: str) -> None:
        """The secret's ARN came to be known."""
        if not self._command.dry_run:
            self._alerts.adopt(self._report.secret, arn, self._invocation)
        self._report = replace(self._report, secret=arn)

    def _decide(self, snapshots: dict[HalfName, Snapshot]) -> Turn:
        """Decide about each half; where that hangs on whether the credential in use is accepted, ask first."""
        facts, decisions = self._decide_on_what_is_known(snapshots)
        if any(isinstance(decision, Ask) for decision in decisions.values()):
            self._prober.ask(_any(snapshots).credential)
            facts, decisions = self._decide_on_what_is_known(snapshots)
        for half, decision in decisions.items():
            if isinstance(decision, Ask):
                too_late = f"Timeout: too little time was left of this invocation. {decision.why} Nothing was done."
                decisions[half] = Failed(decision.why, error=InvalidSettings(too_late))
        last_acted = _any(snapshots).record.last_acted
        half = whose_turn(decisions, facts, self._command, last_acted, self._invocation.clock())
        return Turn(half, snapshots, decisions)

    def _decide_on_what_is_known(
        self, snapshots: dict[HalfName, Snapshot]
    ) -> tuple[dict[HalfName, Facts], dict[HalfName, Decision]]:
        owner, now = self._invocation.owner, self._invocation.clock()
        facts, decisions = {}, {}
        for half, snapshot in snapshots.items():
            facts[half] = snapshot.facts(self._prober.known(snapshot.credential), now)
            decisions[half] = decide(facts[half], self._settings.policy, self._command.about(half), now, owner)
            logger.info("%s: %s. %s", half, type(decisions[half]).__name__, decisions[half].why)
        return facts, decisions

    def _preview(self, turn: Turn) -> Report:
        decision = turn.decision
        report = self._describe("dry_run")
        return replace(report, would_do=_WOULD_DO.get(type(decision), "fail"), why=decision.why, until=decision.until)

    def _carry_out(self, turn: Turn) -> Report:
        """Carry the decision out.

        Raises:
            CredentialChangedError: what the snapshots show is not so any more.
        """
        snapshot = turn.snapshot
        match turn.decision:
            case Issue():
                self._claim(snapshot)
                return self._finish(self._promote(self._issue(snapshot)))
            case Resume(another=another):
                self._claim(snapshot)
                return self._finish(self._resume(snapshot, another=another))
            case Drop(why):
                self._claim(snapshot)
                self._count(self._promotion.drop(snapshot, self._describe("failed")))
                raise CredentialChangedError(why)
            case Failed(error=error):
                raise error
            case Unanswered(why):
                no_answer = self._prober.known(snapshot.credential).error
                if no_answer is None:
                    raise ValueError("an answer is there")  # `decide` says so only for want of one
                raise type(no_answer)(f"{why} {no_answer}")
            case _:
                return self._leave_in_place(turn)

    def _leave_in_place(self, turn: Turn) -> Report:
        """Change nothing: look whether what is in use works, and notify of what has to be told."""
        decision = turn.decision
        if isinstance(decision, Busy):
            return self._describe("busy")  # the other run notifies
        self._free_an_empty_version(turn.snapshot)
        self._require_accepted(turn.snapshot)
        report = self._describe(_OUTCOMES[type(decision)])
        if isinstance(decision, Hold):
            report = replace(report, why=decision.why, until=decision.until)
        if not self._tell_of(turn, [half for half, one in turn.decisions.items() if not isinstance(one, Busy)]):
            self._count(self._alerts.catch_up(turn.snapshot.arn, turn.snapshot.record, self._invocation))
        return report

    def _free_an_empty_version(self, snapshot: Snapshot) -> None:
        """Take AWSPENDING off a version that holds nothing, and forget its token: its rotation ended there.

        API reference, "RotateSecret": while it is there, every later rotation is refused.
        """
        secrets, pending = self._dependencies.secrets, snapshot.pending
        if pending and pending != snapshot.version:
            if secrets.read(snapshot.arn, pending) is not None:
                return
            secrets.unlabel(snapshot.arn, pending, PENDING)
        if snapshot.record.rotation_token:
            self._dependencies.ledger.forget_token(snapshot.arn, snapshot.record.rotation_token)

    def _tell_of(self, turn: Turn, halves: list[HalfName]) -> bool:
        """Notify of failures that go on, and of their ends, for each of these halves; whether there was anything."""
        record: State | None = turn.snapshot.record
        told = halves == [turn.half.other]  # the one that acted was told of
        whole = told and self._report.renews is None  # a failure of the credential as a whole ends nothing
        for half in halves:
            snapshot, decision = turn.snapshots[half], turn.decisions[half]
            report = replace(self._describe("held" if isinstance(decision, Hold) else "not_due"), renews=half)
            over, attempt = snapshot.state.incident, snapshot.state.open_attempt
            if isinstance(decision, Hold) and attempt:
                # The failure goes on; and if the run that met it was killed, nobody was told yet.
                kind = snapshot.half.rejected if attempt.outcome == "rejected" else OutcomeUnknown
                if over and over.code == kind.__name__ and decision.until is None:
                    continue  # it may last for ever: once is enough
                self._count(self._alerts.failed(kind(decision.why), report, self._invocation))
            elif isinstance(decision, Failed) and half is not turn.half:
                self._count(self._alerts.failed(decision.error, report, self._invocation))
            elif isinstance(decision, NotDue) and over and self._may_be_over(snapshot) and not whole:
                record = self._alerts.known(snapshot.arn) if told else record  # the first one told what waited
                self._count(self._alerts.recovered(over, report, record or State(), self._invocation))
            else:
                continue
            told = True
        return told

    def _require_accepted(self, snapshot: Snapshot) -> None:
        """Ask about what consumers use now, in every run that leaves it in place.

        Raises:
            Unauthorized: somebody deleted the certificate or the key at the service. Better told now than when due.
        """
        self._watch(snapshot)
        if self._prober.known(snapshot.credential) == REFUSED:
            with suppress(StorageFailure):  # what the service said is told all the same
                if self._dependencies.secrets.labels(snapshot.arn).get(CURRENT) != snapshot.version:
                    raise CredentialChangedError("What the service refuses is not in use any more.")
            self._report = replace(self._report, renews=None)  # the service judges the two as a pair
            name = snapshot.credential.cert_name or "it has no name in the secret"
            raise Unauthorized(
                f"The service refuses the certificate in use ({name}) together with its API key.", asked=True
            )

    def _watch(self, snapshot: Snapshot) -> None:
        """Ask once in a run, unless the owner does not want it. No answer is nothing to wake anybody for."""
        if self._settings.watch_in_use:
            verdict = self._prober.ask(snapshot.credential)
            if verdict.answer is Answer.NONE:
                logger.warning("Whether the service accepts the one in use could not be found out: %s", verdict.error)

    def _may_be_over(self, snapshot: Snapshot) -> bool:
        """Whether an incident has ended: the service let in what is in use, or nobody wants it asked."""
        return not self._settings.watch_in_use or self._prober.known(snapshot.credential) == ACCEPTED

    def _issue(self, snapshot: Snapshot) -> Snapshot:
        try:
            issued = self._issuance.issue(snapshot)
        except Unauthorized:
            self._prober.learn_refused(snapshot.credential)
            raise
        except OutcomeUnknown:
            self._prober.forget()
            raise
        self._prober.forget()
        return issued

    def _resume(self, snapshot: Snapshot, *, another: bool) -> Promoted:
        if snapshot.progress is Progress.PROMOTED:
            self._watch(snapshot)
        try:
            return self._promote(snapshot, patiently=not another)
        except snapshot.half.not_accepted:
            in_use = self._prober.known(snapshot.credential).answer
            dead = is_dead(snapshot.life, in_use, self._invocation.clock())
            if not another or dead or not self._issuance.has_time():
                raise
            logger.info("The end is near and what is in hand is not accepted: one more is asked for.")
            return self._promote(self._issue(snapshot))

    def _promote(self, snapshot: Snapshot, *, patiently: bool = True, strictly: bool = False) -> Promoted:
        beside = self._snapshots[snapshot.half.name.other]
        return self._promotion.promote(snapshot, beside, patiently=patiently, strictly=strictly)

    def _finish(self, promoted: Promoted) -> Report:
        snapshot, rotated = promoted  # from here on both halves are read in its credential
        others = {half: replace(one, credential=snapshot.credential) for half, one in self._snapshots.items()}
        self._snapshots = {**others, snapshot.half.name: snapshot}
        report = self._describe("rotated")
        delivery, closed = self._promotion.close(promoted, report)
        if closed:  # in one write with the lease
            self._claimed = ""
        self._count(delivery)
        return self._tell_of_the_other(replace(report, rotated=rotated))

    def _fail(self, error: Exception) -> Report:
        """Notify of it, and whether traffic works meanwhile: the one in use is still in place, so the service knows."""
        dry_run = self._command.dry_run
        if self._snapshots and isinstance(error, RotationError) and not dry_run:
            self._watch(_any(self._snapshots))
        report = self._describe("failed") if self._snapshots else self._report
        report = replace(report, at=self._invocation.clock(), error=error)
        # Past its deadline, only a process that stood still gets here: another run has taken over, and tells the truth.
        if dry_run or self._invocation.time_left() <= timedelta(0):
            return report
        self._count(self._alerts.failed(error, report, self._invocation))
        return self._tell_of_the_other(report)

    def _tell_of_the_other(self, report: Report) -> Report:
        """One half acted or failed, perhaps in every run: how the other one stands must be told all the same."""
        other = self._turn.decisions[self._turn.half.other] if self._turn else None
        # An optional note that cannot be read: it is told as soon as nothing better happens.
        only_a_note = isinstance(other, Failed) and isinstance(other.error, InvalidCredential) and not report.error
        if self._turn and report.half is self._turn.half and not isinstance(other, Busy) and not only_a_note:
            self._tell_of(self._turn, [self._turn.half.other])
        return report

    def _describe(self, outcome: Outcome) -> Report:
        """The report so far."""
        current, now = _any(self._snapshots).credential, self._invocation.clock()
        return replace(
            self._report,
            at=now,
            outcome=outcome,
            cert_name=current.cert_name,
            serial=f"{current.chain.leaf.serial_number:x}",
            halves={half: one.report(self._settings.policy, now) for half, one in self._snapshots.items()},
            in_use=self._prober.known(current),
        )

    def _count(self, done: Delivery) -> None:
        """Add up what AWS did not take."""
        self._mails_refused += done.mails_refused

    def _claim(self, snapshot: Snapshot) -> None:
        """Take the lease.

        Raises:
            CredentialChangedError: somebody changed the ledger since it was read.
        """
        if not self._claimed:
            lease = Lease(self._invocation.owner, self._invocation.deadline)
            if not self._dependencies.ledger.claim(snapshot.arn, snapshot.record, lease, snapshot.half.name):
                raise CredentialChangedError("Somebody changed the ledger since it was read.")
            self._claimed = snapshot.arn

    def _release(self) -> None:
        try:
            if self._claimed:
                self._dependencies.ledger.release(self._claimed, self._invocation.owner)
        except StorageFailure as error:
            logger.warning("The lease could not be given back; it ends by itself at the deadline: %s", error)


def _any(snapshots: dict[HalfName, Snapshot]) -> Snapshot:
    """Either: for what both show alike."""
    return snapshots[HalfName.CERTIFICATE]
