"""The second half of a rotation: check, stage, probe, promote, close.

| step    | what it writes                  | what a crash right after it leaves to the next run |
|---------|---------------------------------|----------------------------------------------------|
| check   | nothing                         | checks again                                       |
| stage   | the whole credential: a version | carries on with the probe                          |
| probe   | nothing                         | as stage                                           |
| promote | AWSCURRENT moves                | only tidies                                        |
| close   | labels off, event, mail, ledger | nothing is left to do: the lease went with it      |

Two certificates may wait at once, in the last day of the one in use: the first one the service accepts is used.

Five steps in one module, because their order is what a crash between two of them depends on.
"""

import logging
from dataclasses import dataclass, replace

from certificate_rotation.adapters.secret_store import PENDING
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import Progress
from certificate_rotation.domain.errors import (
    CertificateNotAccepted,
    CertificateRejected,
    InvalidCredential,
    StorageFailure,
    adding,
)
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Report, Rotated
from certificate_rotation.domain.state import LastRotation, OpenAttempt
from certificate_rotation.domain.verdict import NOT_ASKED, Answer, Verdict
from certificate_rotation.domain.x509 import EndsSoonerError, check_issued, load_private_key
from certificate_rotation.notifications.alerts import Delivery
from certificate_rotation.prober import Prober
from certificate_rotation.snapshot import CredentialChangedError, InHand, Snapshot, staged_version

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Promoted:
    """A new credential in use, and nobody told yet.

    Attributes:
        snapshot: as things are now.
        attempt: the one that brought it; None when somebody deleted the ledger's record of it.
        previous: what the service says of the credential it replaced, since the new one was issued.
        previous_ended: whether that one has reached its date.
    """

    snapshot: Snapshot
    attempt: OpenAttempt | None
    previous: Verdict
    previous_ended: bool = False


@dataclass(frozen=True)
class Renewed:
    """A finished rotation.

    Attributes:
        rotated: what happened.
        delivery: what became of the news.
        closed: whether the ledger has it, and with it our lease back.
    """

    rotated: Rotated
    delivery: Delivery
    closed: bool


@dataclass(frozen=True)
class _Candidate:
    """A certificate in hand, joined with the credential it is to replace."""

    of: InHand
    credential: Credential
    version: str


class Promotion:
    """Puts an issued certificate into use. The caller holds the lease."""

    def __init__(self, dependencies: Dependencies, invocation: Invocation, prober: Prober) -> None:
        """`dependencies` and `invocation` as they are for this run; `prober` asks all its questions."""
        self._dependencies, self._invocation, self._prober = dependencies, invocation, prober

    def promote(self, snapshot: Snapshot, *, patiently: bool = True) -> Promoted:
        """Put a certificate in hand into use, without another request.

        Args:
            snapshot: with what is in hand.
            patiently: whether to ask about it a few times; once, where something else is to be tried in this run.

        Returns:
            What is in use now, for `close`.

        Raises:
            CredentialChangedError: somebody moved AWSCURRENT meanwhile.
            CertificateRejected: the newest one fails the offline check.
            CertificateNotAccepted: the service does not accept one yet, or gives no answer.
            StorageFailure: AWS refused a write; says where the certificate is safe.
        """
        if snapshot.progress is Progress.PROMOTED:
            held = self._held_by_consumers(snapshot)
            answer = self._prober.ask(held) if held else NOT_ASKED
            ended = held is not None and self._invocation.clock() >= held.chain.not_after
            return Promoted(snapshot, snapshot.promoted, answer, ended)
        secrets, replaced = self._dependencies.secrets, snapshot.credential
        candidates = self._checked(snapshot)
        newest = candidates[0]
        if not snapshot.is_staged(newest.of):
            self._stage(snapshot, newest)
        snapshot = snapshot.with_staged(newest.version)
        chosen = self._choose(snapshot, candidates, patiently=patiently)
        if chosen is not newest:
            # AWS ignores a put of what is there already, labels included: then the label stays where it is.
            self._stage(snapshot, chosen)
            secrets.unlabel(snapshot.arn, newest.version, PENDING)
            snapshot = snapshot.with_staged(chosen.version)
        name, attempt = chosen.of.intent.cert_name, chosen.of.attempt
        with adding(f"The new certificate {name} is safe in the secret, labelled AWSPENDING."):
            if not secrets.promote(snapshot.arn, chosen.version, instead_of=snapshot.version):
                raise CredentialChangedError("Somebody moved AWSCURRENT while a certificate was being put into use.")
        logger.info("%s is in use.", name)
        if attempt is None or attempt.outcome != "issued" or attempt.deleted_cert_name:
            self._prober.ask(replaced)  # it was deleted, or what the service said of that is lost
        ended = self._invocation.clock() >= replaced.chain.not_after
        return Promoted(snapshot.with_promoted(chosen.credential), attempt, self._prober.known(replaced), ended)

    def _choose(self, snapshot: Snapshot, candidates: list[_Candidate], *, patiently: bool) -> _Candidate:
        """The first one the service accepts; where the one in use is dead, one of which it says nothing will do.

        The one in use is asked about early: a service that takes its time with every answer must not leave too little
        of it for the question everything else hangs on.

        Raises:
            CertificateNotAccepted: there is none.
        """
        offered = [one.credential for one in candidates]
        chosen = _first(Answer.ACCEPTED, candidates, self._prober.ask_each(offered))
        if chosen:
            return chosen
        in_use = self._prober.ask(snapshot.credential).answer
        verdicts = self._prober.ask_patiently(offered) if patiently else [self._prober.known(one) for one in offered]
        chosen = _first(Answer.ACCEPTED, candidates, verdicts)
        ended = self._invocation.clock() >= snapshot.credential.chain.not_after
        if chosen is None and (in_use is Answer.REFUSED or (ended and in_use is not Answer.ACCEPTED)):
            chosen = _first(Answer.NONE, candidates, verdicts)  # consumers have nothing that works: nothing is lost
        if chosen is None:
            raise CertificateNotAccepted(_why_not(candidates[0], verdicts[0]))
        return chosen

    def close(self, done: Promoted, report: Report) -> Renewed:
        """Tidy, notify, and close. What AWS does not take of the news is written down for the next run.

        Args:
            done: as `promote` returned it.
            report: of what is in use now.

        Raises:
            StorageFailure: AWS refused a write. The next run closes, and notifies again.
        """
        snapshot, attempt, invocation = done.snapshot, done.attempt, self._invocation
        rotation = LastRotation(
            at=invocation.clock(),
            cert_name=snapshot.credential.cert_name or "",
            fingerprint=snapshot.credential.chain.fingerprint,
            previous_fingerprint=attempt.based_on if attempt else "",
            previous_cert_name=attempt.previous_cert_name if attempt else None,
            deleted_cert_name=attempt.deleted_cert_name if attempt else "",
        )
        rotated = Rotated(rotation, done.previous, done.previous_ended)
        state, ledger, opened = snapshot.state, self._dependencies.ledger, snapshot.state.open_attempt
        with adding(f"The new certificate {rotation.cert_name} is in use (AWSCURRENT)."):
            self._dependencies.secrets.unlabel_all(snapshot.arn, snapshot.labels)
            announce = self._dependencies.settings.notify_on_success
            news = self._dependencies.alerts.rotated(rotated, report, state, invocation, announce=announce)
            if opened is None:  # somebody deleted the ledger's record
                ledger.remember(snapshot.arn, None, state.told, keep=news.kept, told=news.gone)
                return Renewed(rotated, news, closed=False)
            closed = ledger.close(
                snapshot.arn,
                invocation.owner,
                opened,
                rotation,
                promoted=attempt or opened,
                keep=news.kept,
                told=news.gone,
            )
        return Renewed(rotated, news, closed)

    def drop(self, snapshot: Snapshot, report: Report) -> Delivery:
        """Give up a rotation that was made for a certificate no longer in use; what to do next is decided anew."""
        attempt, news = snapshot.state.open_attempt, Delivery()
        if snapshot.in_hand:
            names = ", ".join(one.intent.cert_name for one in snapshot.in_hand)
            news = self._dependencies.alerts.dropped(names, report, snapshot.state, self._invocation)
        self._dependencies.secrets.unlabel_all(snapshot.arn, snapshot.labels)
        if attempt:
            self._dependencies.ledger.drop(snapshot.arn, attempt, keep=news.kept, told=news.gone)
        else:  # somebody deleted the ledger's record of it
            self._dependencies.ledger.change_news(snapshot.arn, keep=news.kept, told=news.gone)
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
            except CertificateRejected as error:
                logger.warning("The earlier certificate is of no use any more: %s", error)
        return checked

    def _check(self, snapshot: Snapshot, one: InHand) -> _Candidate:
        """The offline check; what fails it is journalled as rejected, so that the next run holds."""
        key, in_use = load_private_key(one.intent.private_key_pem), snapshot.credential
        now = self._invocation.clock()
        try:
            try:
                chain = check_issued(one.certificate, key, in_use.chain, now)
            except EndsSoonerError as error:
                answer = self._prober.ask(in_use).answer
                if answer is Answer.ACCEPTED:
                    raise
                if answer is not Answer.REFUSED:  # it is given up only for one that works
                    raise CertificateNotAccepted(
                        f"The new certificate {one.intent.cert_name} {error}, and whether the service still accepts "
                        "that one is not known. Every run asks again."
                    ) from error
                chain = check_issued(one.certificate, key, None, now)  # better a shorter life than none
            renewed = in_use.renewed(chain, key, one.intent.cert_name)
        except ValueError as error:
            if one.attempt and one.attempt == snapshot.state.open_attempt:
                self._dependencies.ledger.journal(snapshot.arn, replace(one.attempt, outcome="rejected"))
            raise CertificateRejected(f"The new certificate {one.intent.cert_name} {error}.") from error
        return _Candidate(one, renewed, staged_version(one.intent.version, snapshot.version))

    def _stage(self, snapshot: Snapshot, candidate: _Candidate) -> None:
        """The second store of the certificate, joined with its key."""
        intent = candidate.of.intent
        safe = "in the ledger or in this run's log" if candidate.of.attempt else "in the secret"
        with adding(f"The new certificate {intent.cert_name} is safe {safe}, its key in version {intent.version}."):
            self._dependencies.secrets.put(snapshot.arn, candidate.version, candidate.credential.dump(), PENDING)

    def _held_by_consumers(self, snapshot: Snapshot) -> Credential | None:
        """What a promotion replaced that an earlier run did not finish."""
        try:
            text = self._dependencies.secrets.previous(snapshot.arn)
            previous = Credential.parse(text) if text else None
        except (InvalidCredential, StorageFailure) as error:  # it is for the wording of a mail: the rotation goes on
            logger.warning("What the new certificate replaced cannot be read: %s", error)
            return None
        attempt = snapshot.promoted
        return previous if previous and attempt and previous.chain.fingerprint == attempt.based_on else None


def _first(answer: Answer, candidates: list[_Candidate], verdicts: list[Verdict]) -> _Candidate | None:
    pairs = zip(candidates, verdicts, strict=True)
    return next((one for one, verdict in pairs if verdict.answer is answer), None)


def _why_not(candidate: _Candidate, verdict: Verdict) -> str:
    name, begins = candidate.of.intent.cert_name, candidate.credential.chain.not_before
    safe = "It is safe in the secret, labelled AWSPENDING. The one in use was left in place."
    match verdict.answer:
        case Answer.REFUSED:
            return (
                f"The service does not accept the new certificate {name} yet (it is valid from "
                f"{begins:%Y-%m-%dT%H:%M:%SZ} on). {safe}"
            )
        case Answer.NONE:
            return (
                f"Whether the service accepts the new certificate {name} could not be found out. {verdict.why} {safe}"
            )
        case _:
            return f"Too little time was left of this run to ask whether the service accepts {name}. {safe}"
