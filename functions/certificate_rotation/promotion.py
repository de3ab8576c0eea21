"""The second half of a rotation: check, stage, probe, promote, close.

| step    | what it writes                  | what a crash right after it leaves to the next run |
|---------|---------------------------------|----------------------------------------------------|
| check   | nothing                         | checks again                                       |
| stage   | the whole credential: a version | carries on with the probe                          |
| probe   | nothing                         | as stage                                           |
| promote | AWSCURRENT moves                | only tidies                                        |
| close   | labels off, event, mail, ledger | nothing is left to do: the lease went with it      |

Two certificates may wait at once, in the last day of the one in use: the first one the service accepts is used.
"""

import logging
from dataclasses import dataclass, replace

from certificate_rotation.asking import Asking
from certificate_rotation.certificates import check_issued, load_private_key
from certificate_rotation.credential import Credential
from certificate_rotation.decision import Progress
from certificate_rotation.errors import CertificateNotAccepted, CertificateRejected, InvalidCredential, adding
from certificate_rotation.gathering import Gathered, InHand, situation_of, staged_version
from certificate_rotation.messages import Rotated, Situation
from certificate_rotation.parts import Invocation, Parts
from certificate_rotation.secret_store import PENDING
from certificate_rotation.state import LastRotation, OpenAttempt
from certificate_rotation.verdict import NOT_ASKED, REFUSED, Answer, Verdict

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Promoted:
    """A new credential in use, and nobody told yet.

    Attributes:
        gathered: what was gathered before it, and the labels that are on now.
        credential: what is in use now.
        attempt: the one that brought it; None when somebody deleted the ledger's record of it.
        previous: what the service says of the credential it replaced, since the new one was issued.
        previous_ended: whether that one has reached its date.
    """

    gathered: Gathered
    credential: Credential
    attempt: OpenAttempt | None
    previous: Verdict
    previous_ended: bool = False


@dataclass(frozen=True)
class Renewed:
    """A finished rotation.

    Attributes:
        rotation: what happened.
        closed: whether the ledger has it, and with it our lease back.
    """

    rotation: LastRotation
    closed: bool


@dataclass(frozen=True)
class _Candidate:
    """A certificate in hand, joined with the credential it is to replace."""

    of: InHand
    credential: Credential
    version: str


class Promotion:
    """Puts an issued certificate into use. The caller holds the lease."""

    def __init__(self, parts: Parts, invocation: Invocation, asking: Asking) -> None:
        """`parts` and `invocation` as they are for this run; `asking` asks all its questions."""
        self._parts, self._invocation, self._asking = parts, invocation, asking

    def promote(self, gathered: Gathered) -> Promoted | None:
        """Put a certificate in hand into use, without another request.

        Args:
            gathered: what was gathered, with what is in hand.

        Returns:
            What is in use now, for `close`; None when the credential changed meanwhile, so that it has to be decided
            anew.

        Raises:
            CertificateRejected: the newest one fails the offline check.
            CertificateNotAccepted: the service does not accept one yet, or gives no answer.
            StorageFailure: AWS refused a write; says where the certificate is safe.
        """
        if gathered.progress is Progress.PROMOTED:
            replaced = self._replaced(gathered)
            answer = self._asking.ask(replaced) if replaced else NOT_ASKED
            ended = replaced is not None and self._invocation.clock() >= replaced.chain.not_after
            return Promoted(gathered, gathered.credential, gathered.promoted, answer, ended)
        candidates = self._checked(gathered)
        newest = candidates[0]
        if not gathered.is_staged(newest.of):
            self._stage(gathered, newest)
        gathered = replace(gathered, labels={**gathered.labels, PENDING: newest.version})

        chosen = self._choose(gathered, candidates)
        if chosen is not newest:
            # AWS ignores a put of what is there already, labels included: then the label stays where it is.
            self._stage(gathered, chosen)
            self._parts.secrets.unlabel(gathered.arn, newest.version, PENDING)
        name = chosen.of.intent.cert_name
        with adding(f"The new certificate {name} is safe in the secret, labelled AWSPENDING."):
            if not self._parts.secrets.promote(gathered.arn, chosen.version, instead_of=gathered.version):
                return None
        logger.info("%s is in use.", name)
        gathered = replace(gathered, labels={**gathered.labels, PENDING: chosen.version})
        attempt = chosen.of.attempt
        if attempt and attempt.deleted_cert_name:
            self._asking.ask(gathered.credential)
        previous = self._asking.known(gathered.credential)
        ended = self._invocation.clock() >= gathered.credential.chain.not_after
        return Promoted(gathered, chosen.credential, attempt, previous, ended)

    def _choose(self, gathered: Gathered, candidates: list[_Candidate]) -> _Candidate:
        """The first one the service accepts; where the one in use is dead, one of which it says nothing will do.

        Raises:
            CertificateNotAccepted: there is none.
        """
        verdicts = self._asking.ask_patiently([one.credential for one in candidates])
        chosen = _first(Answer.ACCEPTED, candidates, verdicts)
        if chosen:
            return chosen
        in_use = self._asking.ask(gathered.credential).answer
        ended = self._invocation.clock() >= gathered.credential.chain.not_after
        if in_use is Answer.REFUSED or (ended and in_use is Answer.NONE):
            chosen = _first(Answer.NONE, candidates, verdicts)  # consumers have nothing that works: nothing is lost
        if chosen is None:
            raise CertificateNotAccepted(_why_not(candidates[0], verdicts[0]))
        return chosen

    def close(self, done: Promoted) -> Renewed:
        """Tidy, tell, and close. What AWS does not take of the news is written down for the next run.

        Raises:
            StorageFailure: AWS refused a write. The next run closes, and tells it again.
        """
        gathered, attempt = done.gathered, done.attempt
        rotation = LastRotation(
            at=self._invocation.clock(),
            cert_name=done.credential.cert_name or "",
            fingerprint=done.credential.chain.fingerprint,
            previous_fingerprint=attempt.based_on if attempt else "",
            previous_cert_name=attempt.previous_cert_name if attempt else None,
            deleted_cert_name=attempt.deleted_cert_name if attempt else "",
        )
        state, alerts, ledger = gathered.state, self._parts.alerts, self._parts.ledger
        with adding(f"The new certificate {rotation.cert_name} is in use (AWSCURRENT)."):
            self._parts.secrets.unlabel_all(gathered.arn, gathered.labels)
            told = alerts.rotated(
                Rotated(rotation, done.previous, state.incident, previous_ended=done.previous_ended),
                self._situation(replace(gathered, credential=done.credential)),
                state,
                self._invocation,
                announce=self._parts.settings.notify_on_success,
            )
            opened = state.open_attempt
            if opened is None:  # somebody deleted the ledger's record
                ledger.remember(gathered.arn, None, state.told, keep=told.kept, told=told.gone)
                return Renewed(rotation, closed=False)
            owner, by = self._invocation.owner, attempt or opened
            closed = ledger.close(gathered.arn, owner, opened, rotation, promoted=by, keep=told.kept, told=told.gone)
        return Renewed(rotation, closed)

    def drop(self, gathered: Gathered) -> None:
        """Give up a rotation that was made for a certificate no longer in use; what to do next is decided anew."""
        self._parts.secrets.unlabel_all(gathered.arn, gathered.labels)
        attempt = gathered.state.open_attempt
        if attempt:
            told = None
            if gathered.in_hand:
                names = ", ".join(one.intent.cert_name for one in gathered.in_hand)
                told = self._parts.alerts.dropped(
                    names, self._situation(gathered), gathered.state.news, self._invocation
                )
            keep, gone = (told.kept, told.gone) if told else ((), ())
            self._parts.ledger.drop(gathered.arn, attempt, keep=keep, told=gone)

    def _checked(self, gathered: Gathered) -> list[_Candidate]:
        """What passes the offline check, the newest one first, without which there is nothing to go on with.

        Of two that are as good, the newest is used: the service deletes the older one next.
        """
        *earlier, newest = gathered.in_hand
        checked = [self._check(gathered, newest)]
        for one in earlier:
            try:
                checked.append(self._check(gathered, one))
            except CertificateRejected as error:
                logger.warning("The earlier certificate is of no use any more: %s", error)
        return checked

    def _check(self, gathered: Gathered, one: InHand) -> _Candidate:
        """The offline check; what fails it is journalled as rejected, so that the next run holds."""
        key, in_use = load_private_key(one.intent.private_key_pem), gathered.credential
        replaced = None if self._asking.known(in_use) == REFUSED else in_use.chain
        try:
            chain = check_issued(one.certificate, key, replaced, self._invocation.clock())
            renewed = gathered.credential.renewed(chain, key, one.intent.cert_name)
        except ValueError as error:
            if one.attempt and one.attempt == gathered.state.open_attempt:
                self._parts.ledger.journal(gathered.arn, replace(one.attempt, outcome="rejected"))
            raise CertificateRejected(f"The new certificate {one.intent.cert_name} {error}.") from error
        return _Candidate(one, renewed, staged_version(one.intent.version, gathered.version))

    def _stage(self, gathered: Gathered, candidate: _Candidate) -> None:
        """The second store of the certificate, joined with its key."""
        intent = candidate.of.intent
        safe = "in the ledger or in this run's log" if candidate.of.attempt else "in the secret"
        with adding(f"The new certificate {intent.cert_name} is safe {safe}, its key in version {intent.version}."):
            self._parts.secrets.put(gathered.arn, candidate.version, candidate.credential.dump(), PENDING)

    def _replaced(self, gathered: Gathered) -> Credential | None:
        """Of a promotion an earlier run did not finish: what consumers may still hold."""
        text = self._parts.secrets.previous(gathered.arn)
        try:
            previous = Credential.parse(text) if text else None
        except InvalidCredential:
            return None
        attempt = gathered.promoted
        return previous if previous and attempt and previous.chain.fingerprint == attempt.based_on else None

    def _situation(self, gathered: Gathered) -> Situation:
        in_use = self._asking.known(gathered.credential)
        return situation_of(gathered, self._parts.settings.policy, self._invocation, in_use)


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
