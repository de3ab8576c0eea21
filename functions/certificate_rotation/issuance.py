"""The first half of a rotation: intend, charge, issue, journal.

| step    | what it writes           | what a crash right after it leaves to the next run |
|---------|--------------------------|----------------------------------------------------|
| intend  | what the answer will need: a version | uses it again                          |
| charge  | one attempt: ledger      | holds, because a new half may exist                |
| issue   | nothing: the one request | as charge                                          |
| journal | the answer: ledger       | carries on, without another request                |
"""

import logging
import uuid
from copy import replace
from datetime import timedelta

from certificate_rotation.adapters.device_id_api import ANSWER_SECONDS
from certificate_rotation.adapters.mtls import CONNECTING_SECONDS
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.errors import (
    InvalidSettings,
    RefreshFailed,
    RefreshRejected,
    ServiceUnreachable,
    StorageFailure,
    TooManyRequests,
    adding,
)
from certificate_rotation.domain.invocation import AWS_CALL, TIME_FOR_WRITES, Invocation
from certificate_rotation.domain.rate_limit import Attempts
from certificate_rotation.domain.state import OpenAttempt
from certificate_rotation.halves.half import Intent
from certificate_rotation.snapshot import InHand, LeaseLostError, Snapshot, about

logger = logging.getLogger(__name__)

# A request is not started with less time left than it and the writing down of its answer may take.
ISSUE_BUDGET = timedelta(seconds=CONNECTING_SECONDS + ANSWER_SECONDS) + TIME_FOR_WRITES
_SETTLE_PAUSES = (1, 2, 4, 8)  # seconds before the next try
_TOO_LATE = ServiceUnreachable(
    "AWS took so long to count the attempt that too little time was left to ask. Nothing was sent, and the attempt was "
    "given back."
)


class Issuance:
    """Asks the service for a new half. The caller holds the lease."""

    def __init__(self, dependencies: Dependencies, invocation: Invocation) -> None:
        """`dependencies` and `invocation` as they are for this run."""
        self._dependencies, self._invocation = dependencies, invocation
        self._began_with = invocation.time_left()

    def issue(self, snapshot: Snapshot) -> Snapshot:
        """Ask for a new half. One that is in hand and waits is kept beside it.

        Returns:
            The snapshot, and the new half with it.

        Raises:
            LeaseLostError: before anything was sent.
            RefreshFailed: none was issued, or nobody knows.
            InvalidSettings: this invocation never had enough time.
            StorageFailure: AWS refused a write or took too long, and nothing was sent; or it could not be told that
                nothing was issued.
        """
        self._require_time(snapshot)
        usable = snapshot.usable(self._invocation.clock())
        waiting = usable[-1] if usable else None
        intent = self._intend(snapshot)
        self._require_time(snapshot)  # making a large RSA key takes a small Lambda many seconds
        attempt, earlier = self._charge(snapshot, intent, waiting)
        if not self.has_time():  # AWS may have taken long to count it
            self._settle(snapshot, attempt, _TOO_LATE)
            raise StorageFailure(str(_TOO_LATE))
        try:
            issued = snapshot.half.ask(self._dependencies.api, snapshot.credential, intent, self._invocation.clock())
        except RefreshFailed as error:
            self._settle(snapshot, attempt, error)
            raise
        called = snapshot.half.called(intent.name)
        logger.info("The service issued the new %s and deleted %s.", called, issued.deleted or "nothing")
        answer = snapshot.half.journalled(intent, issued.answer, about(snapshot.arn, attempt))
        answered = replace(attempt, outcome="issued", answer=answer, deleted=issued.deleted)
        safe_in = self._journal(snapshot, answered)
        attempts = snapshot.state.attempts.charged(attempt.started_at)
        return snapshot.with_issued(InHand(intent, issued.answer, answered, safe_in), attempts, earlier)

    def has_time(self) -> bool:
        """Whether enough is left of this invocation to ask, and to write down the answer."""
        return self._invocation.time_left() >= ISSUE_BUDGET

    def _require_time(self, snapshot: Snapshot) -> None:
        if self.has_time():
            return
        left, wanted = self._invocation.time_left().total_seconds(), ISSUE_BUDGET.total_seconds()
        what = snapshot.half.name.words
        said = f"{left:.0f} seconds are left of this invocation, and asking for a new {what} may take {wanted:.0f}."
        if self._began_with < ISSUE_BUDGET:
            raise InvalidSettings(f"Timeout: {said} Nothing was sent.")
        raise StorageFailure(f"What came before took AWS, or the making of the key, too long: {said} Nothing was sent.")

    def _intend(self, snapshot: Snapshot) -> Intent:
        """What the answer will need, in a version of its own; that of an earlier run if it never came to ask.

        Writing it also shows that the role, the KMS key and the quota allow what the answer will need.
        """
        if snapshot.unasked:
            return snapshot.unasked
        secrets, labels, names = self._dependencies.secrets, snapshot.labels, snapshot.half.labels
        if snapshot.intent is None:
            secrets.unlabel_all(snapshot.arn, labels)
        elif labels.get(names.earlier) != snapshot.intent.version:
            # What an open attempt needs must keep a label of ours: the intent's moves on to the new one.
            secrets.label(snapshot.arn, snapshot.intent.version, names.earlier, now_on=labels.get(names.earlier))
            secrets.unlabel(snapshot.arn, snapshot.intent.version, names.intent)
        settings, now = self._dependencies.settings, self._invocation.clock()
        parts = snapshot.half.new_parts(snapshot.credential, settings, now)
        intent = Intent(str(uuid.uuid4()), snapshot.fingerprint, parts)
        secrets.put(snapshot.arn, intent.version, intent.dump(), names.intent)
        return intent

    def _charge(self, snapshot: Snapshot, intent: Intent, waiting: InHand | None) -> tuple[OpenAttempt, InHand | None]:
        """Count the attempt before it leaves; with it comes what waits beside it, its answer written down.

        Raises:
            LeaseLostError: the lease ran out and is another's now.
        """
        attempt = OpenAttempt(
            started_at=self._invocation.clock(),
            intent_version=intent.version,
            based_on=intent.based_on,
            name=intent.name,
            previous_name=snapshot.half.name_in(snapshot.credential),
        )
        earlier = None
        if waiting and waiting.attempt:
            known_as = about(snapshot.arn, waiting.attempt)
            answer = snapshot.half.journalled(waiting.intent, waiting.answer, known_as)
            earlier = replace(waiting, attempt=replace(waiting.attempt, outcome="issued", answer=answer))
        attempts, owner = snapshot.state.attempts.charged(attempt.started_at), self._invocation.owner
        before = earlier.attempt if earlier else None
        try:
            charged = self._dependencies.ledger.charge(snapshot.half_of, owner, attempts, attempt, earlier=before)
        except StorageFailure as error:
            # It may have been counted all the same, the answer lost: as nothing was sent, it must not stay open.
            try:
                self._settle(snapshot, attempt, ServiceUnreachable(f"{error} Nothing was sent."))
            except StorageFailure as left:
                if self._may_be_open(snapshot, attempt):
                    raise left from error
            raise
        if not charged:
            raise LeaseLostError("The lease ran out before anything was sent.")
        return attempt, earlier

    def _may_be_open(self, snapshot: Snapshot, attempt: OpenAttempt) -> bool:
        """Whether the ledger counts it, or does not say: then the next runs hold, and people must hear so."""
        try:
            return self._dependencies.ledger.load(snapshot.arn).of(snapshot.half.name).open_attempt == attempt
        except StorageFailure:
            return True

    def _settle(self, snapshot: Snapshot, attempt: OpenAttempt, error: RefreshFailed) -> None:
        """Write down why nothing came. An unknown outcome stays open: that is what holds the next run."""
        if error.verdict == "unknown":
            return
        before = snapshot.state.attempts
        attempts = before if error.verdict == "not_sent" else before.charged(attempt.started_at)
        if isinstance(error, TooManyRequests):
            attempts = attempts.exhausted(self._invocation.clock(), error.retry_after_seconds)
        self._persist(snapshot, attempt, attempts, error)
        if isinstance(error, RefreshRejected):  # it would be refused again: the next run makes another request
            with adding(f"Before that: {error}"):
                label = snapshot.half.labels.intent
                self._dependencies.secrets.unlabel(snapshot.arn, attempt.intent_version, label)

    def _persist(self, snapshot: Snapshot, attempt: OpenAttempt, attempts: Attempts, error: RefreshFailed) -> None:
        """Close the attempt in the ledger, tried again while there is time: left open, it would hold for weeks.

        Raises:
            StorageFailure: AWS refused to the end; says that the next run will hold.
        """
        ledger, earlier = self._dependencies.ledger, snapshot.state.open_attempt
        for pause in (*_SETTLE_PAUSES, None):
            try:
                ledger.settle(snapshot.half_of, attempts, attempt, error, earlier)
            except StorageFailure as refused:
                if pause is None or self._invocation.time_left() < 2 * AWS_CALL + timedelta(seconds=pause):
                    raise StorageFailure(
                        f"{refused} So the ledger could not be told that nothing was issued, and goes on counting the "
                        f"attempt as one of unknown outcome. Before that: {error}",
                        holds=True,
                    ) from refused
                logger.warning("That nothing was issued could not be written down; once more: %s", refused)
                self._invocation.sleep(pause)
            else:
                return

    def _journal(self, snapshot: Snapshot, attempt: OpenAttempt) -> str:
        """The first store of the answer; where it is safe now, if anywhere.

        Should it fail, the second store, `stage`, matters more than the failure.
        """
        try:
            self._dependencies.ledger.journal(snapshot.half_of, attempt)
        except StorageFailure as error:
            logger.warning("The answer could not be recorded in the ledger: %s", error)
            return snapshot.half.second_store
        return "the ledger"
