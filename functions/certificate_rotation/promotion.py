"""The second half of a rotation: check, stage, probe, promote, close.

| step    | what it writes                  | what a crash right after it leaves to the next run |
|---------|---------------------------------|----------------------------------------------------|
| check   | nothing                         | checks again                                       |
| stage   | the whole credential: a version | carries on with the probe                          |
| probe   | nothing                         | as stage                                           |
| promote | AWSCURRENT moves                | only tidies                                        |
| close   | labels off, event, mail, ledger | nothing is left to do: the lease went with it      |

Two may wait at once, in the last day of the one in use: the first one the service accepts is used.

Five steps in one module, because their order is what a crash between two of them depends on.
"""

import logging
from copy import replace
from typing import NamedTuple

from certificate_rotation.adapters.secret_store import PENDING
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Progress, is_dead
from certificate_rotation.domain.errors import InvalidCredential, StorageFailure, adding
from certificate_rotation.domain.half import Life
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.state import LastRotation, OpenAttempt
from certificate_rotation.domain.verdict import NOT_ASKED, Answer, Verdict
from certificate_rotation.domain.x509 import EndsSoonerError
from certificate_rotation.notifications.alerts import Delivery
from certificate_rotation.prober import Prober
from certificate_rotation.snapshot import CredentialChangedError, InHand, Snapshot, staged_version

logger = logging.getLogger(__name__)


type Promoted = tuple[Snapshot, Rotated]
"""A new half in use, and nobody told yet: how things are now, and what is to be told of it."""


class _Candidate(NamedTuple):
    """A half in hand, joined with the credential it is to be part of."""

    of: InHand
    credential: Credential
    version: str
    is_staged: bool


class Promotion:
    """Puts an issued half into use. The caller holds the lease."""

    def __init__(self, dependencies: Dependencies, invocation: Invocation, prober: Prober) -> None:
        """`dependencies` and `invocation` as they are for this run; `prober` asks all its questions."""
        self._dependencies, self._invocation, self._prober = dependencies, invocation, prober

    def stage(self, snapshot: Snapshot, token: str) -> None:
        """Store what is in hand for Secrets Manager's own rotation: checked, under the version its token names.

        Raises:
            CertificateRejected, StorageFailure: as of `promote`.
        """
        newest = self._checked(snapshot)[0]
        self._stage(snapshot, replace(newest, version=token), PENDING)

    def promote(
        self, snapshot: Snapshot, beside: Snapshot, *, patiently: bool = True, strictly: bool = False
    ) -> Promoted:
        """Put what is in hand into use, without another request.

        Args:
            snapshot: with what is in hand.
            beside: of the other half: where both in use are dead, what waits there is tried together with this.
            patiently: whether to ask about it a few times; once, where something else is to be tried in this run.
            strictly: whether one of which the service says nothing will never do.

        Returns:
            What is in use now, for `close`.

        Raises:
            CredentialChangedError: somebody moved AWSCURRENT meanwhile.
            CertificateRejected, ApiKeyRejected: the newest one fails the offline check.
            CertificateNotAccepted, ApiKeyNotAccepted: the service does not accept one yet, or gives no answer.
            StorageFailure: AWS refused a write; says where the new half is safe.
        """
        if snapshot.progress is Progress.PROMOTED:
            held = self._held_by_consumers(snapshot)
            if held:
                self._prober.ask(held)
            return self._promoted(snapshot, snapshot.credential, snapshot.promoted, held)
        secrets, replaced = self._dependencies.secrets, snapshot.credential
        candidates = self._checked(snapshot)
        newest = candidates[0]
        if not newest.is_staged:
            snapshot = self._stage(snapshot, newest)
        chosen = self._choose(snapshot, candidates, beside, patiently=patiently, strictly=strictly)
        staged = snapshot.half.labels.staged
        if chosen is not newest:
            snapshot = self._stage(snapshot, chosen)
        called, attempt = snapshot.half.called(chosen.of.intent.name), chosen.of.attempt
        with adding(f"The new {called} is safe in the secret, labelled {staged}."):
            if not secrets.promote(snapshot.arn, chosen.version, instead_of=snapshot.version):
                raise CredentialChangedError(f"Somebody moved AWSCURRENT while a new {called} was being put into use.")
        logger.info("The new %s is in use.", called)
        seems_over = self._life_of(snapshot, replaced).has_ended(self._invocation.clock())
        if attempt is None or attempt.outcome != "issued" or attempt.deleted or seems_over:
            self._prober.ask(replaced)  # it was deleted, or what the service said of that is lost; or a note says so
        return self._promoted(snapshot, chosen.credential, attempt, replaced)

    def _promoted(
        self, snapshot: Snapshot, credential: Credential, attempt: OpenAttempt | None, replaced: Credential | None
    ) -> Promoted:
        half, policy, now = snapshot.half, self._dependencies.settings.policy, self._invocation.clock()
        # What was replaced, where that is known: a person may have put another one there since the attempt.
        ended, name = False, attempt.previous_name if attempt else None
        before, answer = attempt.based_on if attempt else "", NOT_ASKED
        if replaced:
            ended = self._life_of(snapshot, replaced).has_surely_ended(now)
            name, before = half.name_in(replaced), half.fingerprint(snapshot.arn, replaced)
            answer = self._prober.known(replaced)
        rotation = LastRotation(
            at=now,
            name=half.name_in(credential) or "",
            fingerprint=half.fingerprint(snapshot.arn, credential),
            previous_fingerprint=before,
            previous_name=name,
            deleted=attempt.deleted if attempt else "",
        )
        return snapshot.with_promoted(credential, rotation, attempt, policy), Rotated(rotation, answer, ended)

    def _life_of(self, snapshot: Snapshot, replaced: Credential) -> Life:
        """When what was replaced ends."""
        try:
            return snapshot.half.life(snapshot.arn, replaced, snapshot.state, self._dependencies.settings.policy)
        except InvalidCredential:  # a note of its end that cannot be read says nothing
            return Life()

    def _choose(
        self, snapshot: Snapshot, candidates: list[_Candidate], beside: Snapshot, *, patiently: bool, strictly: bool
    ) -> _Candidate:
        """The first one the service accepts; where the one in use is dead, one of which it says nothing will do.

        The one in use is asked about early: a service that takes its time with every answer must not leave too little
        of it for the question everything else hangs on.

        Raises:
            CertificateNotAccepted, ApiKeyNotAccepted: there is none.
        """
        offered = [one.credential for one in candidates]
        chosen = _first(Answer.ACCEPTED, candidates, self._prober.ask_each(offered))
        if chosen:
            return chosen
        in_use = self._prober.ask(snapshot.credential).answer
        verdicts = self._prober.ask_patiently(offered) if patiently else [self._prober.known(one) for one in offered]
        chosen = _first(Answer.ACCEPTED, candidates, verdicts)
        if chosen is None and in_use is Answer.REFUSED:  # the other half in use may be the dead one
            both = self._with_both(candidates[0], beside)
            chosen = _first(Answer.ACCEPTED, both, self._prober.ask_each([one.credential for one in both]))
        if chosen is None and not strictly and is_dead(snapshot.life, in_use, self._invocation.clock()):
            chosen = _first(Answer.NONE, candidates, verdicts)  # consumers have nothing that works: nothing is lost
        if chosen is None:
            newest = candidates[0]
            raise snapshot.half.not_accepted(why_not(snapshot, newest.of.intent.name, newest.credential, verdicts[0]))
        return chosen

    def _with_both(self, candidate: _Candidate, beside: Snapshot) -> list[_Candidate]:
        """The candidate, with what waits of the other half in it as well. The next run closes that one's rotation."""
        both, now = [], self._invocation.clock()
        for one in beside.usable(now):
            try:
                joined = beside.half.join(one.intent, one.answer, candidate.credential, now, shorter=True)
            except ValueError as error:
                logger.warning("What waits of the other half cannot be used: %s", error)
            else:
                version = staged_version(candidate.of.intent.version, f"{beside.version}/{one.intent.version}")
                both.append(_Candidate(candidate.of, joined, version, is_staged=False))
        return both

    def close(self, done: Promoted, report: Report) -> tuple[Delivery, bool]:
        """Tidy, notify, and close. What AWS does not take of the news is written down for the next run.

        Args:
            done: as `promote` returned it.
            report: of what is in use now.

        Returns:
            What became of the news, and whether the ledger has the rotation, and with it our lease back.

        Raises:
            StorageFailure: AWS refused a write. The next run closes, and notifies again.
        """
        (snapshot, rotated), invocation, ledger = done, self._invocation, self._dependencies.ledger
        one, rotation = snapshot.half_of, rotated.rotation
        opened, owner = snapshot.state.open_attempt, invocation.owner
        with adding(f"The new {snapshot.half.called(rotation.name)} is in use (AWSCURRENT)."):
            self._dependencies.secrets.unlabel_all(snapshot.arn, snapshot.all_labels)
            alerts, announce = self._dependencies.alerts, self._dependencies.settings.notify_on_success
            news = alerts.rotated(rotated, report, snapshot.record, invocation, announce=announce)
            if opened is None:  # somebody deleted the ledger's record
                ledger.remember(one, None, snapshot.record.told, news.changes)
                return news, False
            promoted = snapshot.promoted or opened
            closed = ledger.close(one, owner, opened, rotation, promoted=promoted, news=news.changes)
        return news, closed

    def drop(self, snapshot: Snapshot, report: Report) -> Delivery:
        """Give up a rotation that was made for a half no longer in use; what to do next is decided anew."""
        attempt, news = snapshot.state.open_attempt, Delivery()
        if snapshot.in_hand:
            names = ", ".join(filter(None, (one.intent.name for one in snapshot.in_hand)))
            news = self._dependencies.alerts.dropped(names, report, snapshot.record, self._invocation)
        self._dependencies.secrets.unlabel_all(snapshot.arn, snapshot.all_labels)
        if attempt:
            self._dependencies.ledger.drop(snapshot.half_of, attempt, news.changes)
        else:  # somebody deleted the ledger's record of it
            self._dependencies.ledger.change_news(snapshot.arn, news.changes)
        return news

    def _checked(self, snapshot: Snapshot) -> list[_Candidate]:
        """What passes the offline check, the newest one first, without which there is nothing to go on with.

        Of two that are as good, the newest is used: the service deletes the older one next.
        """
        *earlier, newest = snapshot.usable(self._invocation.clock()) or snapshot.in_hand
        checked = [self._check(snapshot, newest)]
        for one in earlier:
            try:
                checked.append(self._check(snapshot, one))
            except snapshot.half.rejected as error:
                logger.warning("The earlier one is of no use any more: %s", error)
        return checked

    def _check(self, snapshot: Snapshot, one: InHand) -> _Candidate:
        """The offline check; what fails it is journalled as rejected, so that the next run holds."""
        called = snapshot.half.called(one.intent.name)
        try:
            joined = self._join(snapshot, one)
        except ValueError as error:
            if one.attempt and one.attempt == snapshot.state.open_attempt:
                rejected = replace(one.attempt, outcome="rejected")
                self._dependencies.ledger.journal(snapshot.half_of, rejected)
            raise snapshot.half.rejected(f"The new {called} {error}.") from error
        return _Candidate(one, joined, *snapshot.version_of(one, joined))

    def _join(self, snapshot: Snapshot, one: InHand) -> Credential:
        """The credential in use, with what is in hand. One that ends sooner replaces only one that does not work."""
        in_use, now = snapshot.credential, self._invocation.clock()
        try:
            return snapshot.half.join(one.intent, one.answer, in_use, now, shorter=False)
        except EndsSoonerError as error:
            answer = self._prober.ask(in_use).answer
            if answer is Answer.ACCEPTED:
                raise
            if answer is not Answer.REFUSED:
                raise snapshot.half.not_accepted(
                    f"The new {snapshot.half.called(one.intent.name)} {error}, and whether the service still accepts "
                    "that one is not known. Every run asks again."
                ) from error
        # Better a shorter life than none.
        return snapshot.half.join(one.intent, one.answer, in_use, now, shorter=True)

    def _stage(self, snapshot: Snapshot, candidate: _Candidate, *labels: str) -> Snapshot:
        """The second store of the answer, joined with what it needs; `labels` beside the half's own.

        Returns:
            The snapshot, with the label where it is now.

        Raises:
            StorageFailure: says where the answer is safe; and if nowhere, that it is lost.
        """
        one, half, secrets = candidate.of, snapshot.half, self._dependencies.secrets
        staged, before = half.labels.staged, snapshot.labels.get(half.labels.staged)
        try:
            secrets.put(snapshot.arn, candidate.version, candidate.credential.dump(), staged, *labels)
            if before not in {None, candidate.version}:
                # AWS ignores a put of what is there already, labels included: then the label stays where it is.
                now_on = secrets.labels(snapshot.arn).get(staged)
                if now_on != candidate.version:
                    secrets.label(snapshot.arn, candidate.version, staged, now_on=now_on)
                else:  # or so it seems: a look that lags behind sees it where it was before
                    secrets.unlabel(snapshot.arn, before, staged)
        except StorageFailure as error:
            called = half.called(one.intent.name)
            if not one.safe_in:
                raise StorageFailure(
                    f"{error} Neither the ledger nor the secret took the new {called}: it was issued and is lost, and "
                    f"another one may delete the {half.name.words} in use.",
                    holds=True,
                ) from error
            raise StorageFailure(
                f"{error} The new {called} is safe in {one.safe_in}, and what it needs in version {one.intent.version}."
            ) from error
        return snapshot.with_staged(candidate.version)

    def _held_by_consumers(self, snapshot: Snapshot) -> Credential | None:
        """What a promotion replaced that an earlier run did not finish; None where an edit since hides it."""
        try:
            text = self._dependencies.secrets.previous(snapshot.arn)
            previous = Credential.parse(text) if text else None
        except (InvalidCredential, StorageFailure) as error:  # it is for the wording of a mail: the rotation goes on
            logger.warning("What was replaced cannot be read: %s", error)
            return None
        if previous and snapshot.half.fingerprint(snapshot.arn, previous) != snapshot.fingerprint:
            return previous  # a person may have stored it: then it is not what the attempt was based on
        return None


def _first(answer: Answer, candidates: list[_Candidate], verdicts: list[Verdict]) -> _Candidate | None:
    pairs = zip(candidates, verdicts, strict=True)
    return next((one for one, verdict in pairs if verdict.answer is answer), None)


def why_not(snapshot: Snapshot, name: str, credential: Credential, verdict: Verdict) -> str:
    """Why what is staged is not in use; `name` of the new half, which is in this credential."""
    half, called = snapshot.half, snapshot.half.called(name)
    safe = f"It is safe in the secret, labelled {half.labels.staged}. The one in use was left in place."
    match verdict.answer:
        case Answer.REFUSED:
            return f"The service does not accept the new {called} yet{half.remark(credential)}. {safe}"
        case Answer.NONE:
            return f"Whether the service accepts the new {called} could not be found out. {verdict.error} {safe}"
        case _:
            return f"Too little time was left of this run to ask whether the service accepts the new {called}. {safe}"
