"""Probes: asks the service whether it accepts a credential, the only way this program finds that out.

Vendor: one request a second for the call that is asked with, which consumers may make too. So two questions of one run
keep a distance.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from certificate_rotation.adapters.device_id_api import PROBE_SECONDS
from certificate_rotation.adapters.mtls import CONNECTING_SECONDS
from certificate_rotation.dependencies import Dependencies
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import ServiceFailure, ServiceUnreachable
from certificate_rotation.domain.invocation import TIME_FOR_WRITES, Invocation
from certificate_rotation.domain.verdict import ACCEPTED, NOT_ASKED, REFUSED, Answer, Verdict

SPACING = timedelta(seconds=1.1)  # vendor: one request a second
# A new certificate may need a moment until every server of the service knows it: seconds before each round.
PAUSES = (0, 1, 2, 4, 8)
_BUDGET = timedelta(seconds=CONNECTING_SECONDS + PROBE_SECONDS) + TIME_FOR_WRITES


class Prober:
    """The questions of one run, and their answers."""

    def __init__(self, dependencies: Dependencies, invocation: Invocation) -> None:
        """`dependencies` and `invocation` as they are for this run."""
        self._api, self._invocation = dependencies.api, invocation
        self._asked_at: datetime | None = None
        self._answers: dict[tuple[str, str], Verdict] = {}

    def known(self, credential: Credential) -> Verdict:
        """What the service said of it in this run."""
        return self._answers.get(_pair(credential), NOT_ASKED)

    def learn_refused(self, credential: Credential) -> None:
        """The service refused it when it was asked for something else."""
        self._answers[_pair(credential)] = REFUSED

    def forget(self) -> None:
        """The service issued a new half, or may have, and deleted another: what it said before is of yesterday."""
        self._answers.clear()

    def ask(self, credential: Credential) -> Verdict:
        """Ask once in a run; not at all where too little time is left to write down what follows from the answer."""
        known = self.known(credential)
        return self._ask(credential, 0) if known == NOT_ASKED else known

    def ask_each(self, credentials: Sequence[Credential]) -> list[Verdict]:
        """Ask about each in turn, until one is accepted; the answer about each."""
        return self._ask_in_rounds(credentials, PAUSES[:1])

    def ask_patiently(self, credentials: Sequence[Credential]) -> list[Verdict]:
        """The same a few times, at growing distances."""
        return self._ask_in_rounds(credentials, PAUSES[1:])

    def _ask_in_rounds(self, credentials: Sequence[Credential], pauses: Sequence[float]) -> list[Verdict]:
        for pause in pauses:
            for number, credential in enumerate(credentials):
                answer = self._ask(credential, 0 if number else pause)
                if answer in (ACCEPTED, NOT_ASKED):
                    return [self.known(one) for one in credentials]
        return [self.known(one) for one in credentials]

    def _ask(self, credential: Credential, pause: float) -> Verdict:
        wait = timedelta(seconds=pause)
        if self._asked_at:
            wait = max(wait, self._asked_at + SPACING - self._invocation.clock())
        if self._invocation.time_left() < _BUDGET + wait:
            return NOT_ASKED
        if wait > timedelta(0):
            self._invocation.sleep(wait.total_seconds())
        verdict = self._answer(credential)
        self._asked_at = self._invocation.clock()
        if verdict.answer is not Answer.NONE or self.known(credential) != REFUSED:  # silence takes nothing back
            self._answers[_pair(credential)] = verdict
        return verdict

    def _answer(self, credential: Credential) -> Verdict:
        try:
            return ACCEPTED if self._api.accepts(credential) else REFUSED
        except (ServiceUnreachable, ServiceFailure) as error:
            return Verdict(Answer.NONE, error)


def _pair(credential: Credential) -> tuple[str, str]:
    """What the service judges: a certificate and an API key, together."""
    return credential.chain.fingerprint, credential.api_key
