"""`recover --api-key`: an API key that was issued and lies sealed in the ledger, put into use; it is never shown."""

from dataclasses import dataclass, field
from datetime import datetime

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import OpenAttempt
from certificate_rotation.domain.times import days_left, utc_text
from certificate_rotation.halves import HALVES
from certificate_rotation.halves.half import Intent
from certificate_rotation.snapshot import about, staged_version
from cli.console import done, fact, listed
from cli.errors import NeedsYouError
from cli.recover import Place, lease
from cli.secret import Found, look, put_in_use, read
from cli.service import Service

_KEY = HALVES[HalfName.API_KEY]


@dataclass(frozen=True)
class Opened:
    """What the service answered to an attempt, or why nobody can use that.

    Attributes:
        attempt: the ledger's record of it.
        credential: the one in use, with the new API key.
        why_not: why there is none; empty where there is.
    """

    attempt: OpenAttempt
    credential: Credential | None = field(default=None, repr=False)
    why_not: str = ""


def recover_api_key(place: Place, service: Service, now: datetime) -> None:
    """Put the newest API key of the ledger that the service accepts into use.

    Raises:
        UserError: a run is at work, there is none, or none can be used.
        StorageFailure: AWS refused a write.
    """
    target = place.target
    found = look(place.secrets, target.secret)
    in_use = _in_use(found, place)
    seals = _Seals(place, found, in_use, now)
    with lease(Ledger(place.dynamodb, place.ledger_table), found.arn, now, _KEY.name) as state:
        opened = [seals.opened(one) for one in (state.api_key.open_attempt, state.api_key.earlier) if one]
        chosen = next((one for one in opened if one.credential and service.accepts(one.credential)), None)
        if chosen is None or chosen.credential is None:
            raise NeedsYouError(_none(opened, place))
        credential, intent = chosen.credential, chosen.attempt.intent_version
        if credential.api_key == in_use.api_key:
            done("This API key is in use already.")
            return
        # The id that a run would give it: by that the next run knows what is in use, for a key has no name.
        version = staged_version(intent, found.version or "")
        put_in_use(place.secrets, found, credential.dump(), target.command("status"), version)
    done("The new API key is in use (AWSCURRENT).")
    fact("API key", f"of the attempt of {utc_text(chosen.attempt.started_at)}, sealed in the ledger")
    fact("Opened with", f"version {intent} of the secret")
    fact("Checked", f"{service.url} accepts it with the certificate in use")
    ends = credential.api_key_expiry
    fact("Ends", f"{utc_text(ends)}, {days_left(ends, now)} days left" if ends else "not known, so nobody renews it")
    fact("Version", f"{version}, instead of {found.version}")
    steps = (
        "The next run of the function closes the rotation and writes the mail about it.",
        "Let consumers read AWSCURRENT again.",
        f"See how things are: {target.command('status')}",
    )
    listed("Next", steps, mark="1")


def _in_use(found: Found, place: Place) -> Credential:
    try:
        return Credential.parse(found.text or "")
    except InvalidCredential as error:
        raise NeedsYouError(
            f"AWSCURRENT of {place.target.words} is nothing an API key could be joined with. {error} Put a working "
            f"certificate and its key into it first, with `{place.target.command('store')}`."
        ) from None


class _UnusableError(Exception):
    """Why an answer is of no use, as the end of a sentence; never quotes it."""


@dataclass(frozen=True)
class _Seals:
    """The sealed answers of one secret, and what they are joined with."""

    place: Place
    found: Found
    in_use: Credential
    now: datetime

    def opened(self, attempt: OpenAttempt) -> Opened:
        """What came of an attempt."""
        try:
            return Opened(attempt, self._joined(attempt))
        except _UnusableError as error:
            return Opened(attempt, why_not=str(error))

    def _joined(self, attempt: OpenAttempt) -> Credential:
        if not attempt.answer:
            raise _UnusableError("no answer to it reached the ledger")
        intent = self._intent(attempt.intent_version)
        answer = _KEY.answered(intent, attempt.answer, about(self.found.arn, attempt))
        if answer is None:
            raise _UnusableError("its answer cannot be opened: it was changed, or belongs to another attempt")
        if _KEY.brought(answer, self.in_use):
            return self.in_use
        try:
            return _KEY.join(intent, answer, self.in_use, self.now, shorter=False)
        except ValueError as error:  # quotes no key: see `api_key`
            raise _UnusableError(f"the key it brought {error}") from None

    def _intent(self, version: str) -> Intent:
        text = read(self.place.secrets, self.found.arn, version)
        if text is None:
            raise _UnusableError(f"version {version} of the secret, which opens its answer, is gone")
        try:
            return _KEY.parse_intent(version, text)
        except InvalidCredential:
            raise _UnusableError(f"version {version} of the secret holds nothing that opens its answer") from None


def _none(opened: list[Opened], place: Place) -> str:
    target = place.target
    force = target.command("renew", "--force", "--half", _KEY.name.value, "--allow-eviction")
    cure = (
        f"AWSCURRENT was left in place. `{target.command('status')}` says what rotation does by itself. To have "
        f"another one issued now, have consumers ready to reload, because the API key in use may be deleted: `{force}`."
    )
    if not opened:
        return f"No API key of {target.words} is under way: the ledger holds none that was not put into use. {cure}"
    refused = "the service does not accept the key it brought, which may have been deleted when a later one was issued"
    reasons = "; ".join(
        f"of the attempt of {utc_text(one.attempt.started_at)}, {one.why_not or refused}" for one in opened
    )
    return f"No new API key can be put into use: {reasons}. {cure}"
