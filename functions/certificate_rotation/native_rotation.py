"""Secrets Manager's own rotation: its four steps, on the flow, the decisions and the ledger of every other run.

Secrets Manager user guide, "Lambda rotation functions" and "How rotation works": the function is invoked once for each
step with a token, which is the id of the version the rotation works on; AWSPENDING is on that version, which may be
empty. Any step may come again, with the same token or, after failures, from the start with a new one. While AWSPENDING
is on any version but AWSCURRENT's, the next rotation is refused. So it leaves the token's version with every promotion,
with `finishSecret`, and with a `createSecret` that fails.
"""

import logging
from copy import replace
from typing import override

from certificate_rotation.adapters.secret_store import PENDING, Current
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Busy, Command, Hold, Issue, NotDue, Progress, Resume, Step, Wait
from certificate_rotation.domain.errors import InvalidCredential, RotationPostponed, StorageFailure, Unauthorized
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Report
from certificate_rotation.domain.state import State
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED
from certificate_rotation.promotion import why_not
from certificate_rotation.rotation import Run
from certificate_rotation.snapshot import CredentialChangedError, Snapshot

logger = logging.getLogger(__name__)


def rotate_step(dependencies: Dependencies, command: Command, step: Step, invocation: Invocation) -> Report:
    """Do one step for the certificate.

    Returns:
        The report of the step; of one that failed, its `error` says how. `RotationPostponed` is not told to anybody.
    """
    return _StepRun(dependencies, command, step, invocation).run()


class _StepRun(Run):
    """One step."""

    def __init__(self, dependencies: Dependencies, command: Command, step: Step, invocation: Invocation) -> None:
        super().__init__(dependencies, command, invocation, "")
        self._step = step
        # Whether the token is one that we stored something for, or are asked to.
        self._known = step.name in {"createSecret", "finishSecret"}

    @override
    def run(self) -> Report:
        report = super().run()
        if self._step.name == "finishSecret" or (self._step.name == "createSecret" and report.error):
            self._let_the_next_one_begin()
        return report

    @override
    def _read(self) -> tuple[State, Current]:
        arn = self._report.secret
        if self._step.name == "createSecret" and arn.startswith("arn:"):  # first of all: it may be killed at once
            self._dependencies.ledger.note_token(arn, self._step.token)
        return super()._read()

    def _let_the_next_one_begin(self) -> None:
        """Take AWSPENDING off the token's version: a repeat of the step goes on with what it holds all the same."""
        secrets, arn, token = self._dependencies.secrets, self._report.secret, self._step.token
        try:
            if secrets.labels(arn).get(PENDING) == token:
                secrets.unlabel(arn, token, PENDING)
        except StorageFailure as error:
            logger.warning("AWSPENDING may still be on the version of this token: %s", error)

    @override
    def _act(self, snapshots: dict[HalfName, Snapshot]) -> Report:
        self._report = replace(self._report, renews=HalfName.CERTIFICATE)
        snapshot, stored = snapshots[HalfName.CERTIFICATE], self._stored()
        self._known = self._known or stored is not None
        in_use = snapshot.version == self._step.token or (stored and stored.chain.fingerprint == snapshot.fingerprint)
        if in_use and self._step.name != "finishSecret":
            return self._describe("staged")
        match self._step.name:
            case "setSecret":
                return self._describe("staged")
            case "testSecret":
                return self._test(snapshot, stored)
            case "createSecret":
                return self._create(snapshots, stored)
            case "finishSecret":
                return self._finish_secret(snapshots, stored, in_use=bool(in_use))

    def _stored(self) -> Credential | None:
        """What the token's version holds; None where it is empty."""
        arn = self._report.secret
        text = self._dependencies.secrets.read(arn, self._step.token)
        try:
            return None if text is None else Credential.parse(text)
        except InvalidCredential:
            raise RotationPostponed("The version of this token holds something that is no credential.") from None

    def _create(self, snapshots: dict[HalfName, Snapshot], stored: Credential | None) -> Report:
        """All up to the staging, as if forced; or what is in hand already, under the token's version."""
        snapshot = snapshots[HalfName.CERTIFICATE]
        if stored:
            if not _is_in_hand(snapshot, stored):
                raise RotationPostponed("The version of this token holds another credential already.")
            return self._describe("staged")
        turn = self._turn = self._decide(snapshots)
        if turn.half is not HalfName.CERTIFICATE:
            raise RotationPostponed(f"The API key comes first. {turn.decision.why}")
        match turn.decision:
            case Hold(why) | Wait(why) | Busy(why) | NotDue(why):
                raise RotationPostponed(why)
            case Issue():
                self._claim(snapshot)
                self._promotion.stage(self._issue(snapshot), self._step.token)
            case Resume() if snapshot.progress is not Progress.PROMOTED:
                self._claim(snapshot)
                self._promotion.stage(snapshot, self._step.token)
            case _:
                self._carry_out(turn)
                raise CredentialChangedError("What an earlier run had left is done.")
        return self._describe("staged")

    def _test(self, snapshot: Snapshot, stored: Credential | None) -> Report:
        """Ask about what the token's version holds; of a token nobody knows, about what is in use.

        AWS tries the function with this step alone when rotation is switched on.
        """
        credential = stored or snapshot.credential
        (verdict,) = self._prober.ask_each([credential])
        if stored and verdict != ACCEPTED:
            (verdict,) = self._prober.ask_patiently([credential])
        if verdict == ACCEPTED:
            return self._describe("staged")
        if stored:
            raise snapshot.half.not_accepted(why_not(snapshot, stored.cert_name or "", stored, verdict))
        if verdict.error:
            raise verdict.error
        if verdict == NOT_ASKED:
            raise RotationPostponed("Too little time was left of this run to ask the service.")
        raise Unauthorized("The service refuses the certificate in use together with its API key.", asked=True)

    def _finish_secret(self, snapshots: dict[HalfName, Snapshot], stored: Credential | None, *, in_use: bool) -> Report:
        """Put what this token's version holds into use, if the service accepts it."""
        snapshot = snapshots[HalfName.CERTIFICATE]
        turn = self._turn = self._decide(snapshots)
        match turn.decisions[HalfName.CERTIFICATE]:
            case Busy(why) if not in_use:
                raise RotationPostponed(why)
            case Resume() if in_use or (stored and _is_in_hand(snapshot, stored)):
                self._claim(snapshot)
                return self._finish(self._promote(snapshot, strictly=True))
            case _ if in_use:
                return self._describe("not_due")
            case _:
                raise RotationPostponed("There is nothing that this token's rotation could put into use.")

    @override
    def _fail(self, error: Exception) -> Report:
        if not isinstance(error, RotationPostponed) and self._known:
            return super()._fail(error)
        return replace(self._describe("failed") if self._snapshots else self._report, error=error)


def _is_in_hand(snapshot: Snapshot, stored: Credential) -> bool:
    """Whether a certificate that waits to be put into use is the one in this version."""
    return any(snapshot.half.brought(one.answer, stored) for one in snapshot.in_hand)
