"""`store`: what the vendor handed out, checked and put into the secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from certificate_rotation.domain.credential import API_KEY_EXPIRY, Credential
from certificate_rotation.domain.errors import InvalidCredential
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.times import days_left, utc_text
from certificate_rotation.halves import HALVES
from cli.console import done, fact, listed, remark
from cli.errors import RefusedError, UserError
from cli.offer import Offer, check_valid, joined, new_halves
from cli.secret import Found, chain_in, json_object, look, put_in_use, working
from cli.service import Service
from cli.target import Target, check_subject

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class Allowed:
    """What is refused unless a person says that it is meant.

    Attributes:
        replace: a credential that works is replaced.
        other_subject: the certificate's subject is not that of the one in use.
    """

    replace: bool = False
    other_subject: bool = False


def store(  # noqa: PLR0913 - where, what, whom to ask, and when
    client: "SecretsManagerClient",
    target: Target,
    offer: Offer,
    service: Service | None,
    *,
    allowed: Allowed,
    now: datetime,
) -> None:
    """Put an offer into the secret as its new AWSCURRENT.

    Args:
        client: of Secrets Manager.
        target: whose secret.
        offer: what to store.
        service: whom to ask whether it is accepted; None to ask nobody.
        allowed: what the person said may be.
        now: aware, UTC.

    Raises:
        UserError: it fails a check, or would replace what works.
    """
    check_valid(offer.chain, now)
    found = look(client, target.secret)
    held = json_object(found.text)
    existing = held or {}
    if not allowed.other_subject:
        check_subject(offer.chain, chain_in(existing), target)
    credential = joined(offer, existing)
    if service and not service.accepts(credential):
        raise RefusedError(
            f"{service.url} does not accept this certificate with this API key. Check that both are of the same "
            "integration, that the API key was copied whole, and that the region is right; a certificate that was "
            "signed a moment ago may need some minutes. Nothing was stored."
        )
    if credential.document == existing:
        done("The secret holds exactly this already.")
        return
    in_use = working(found.text, service, now)
    if in_use and not allowed.replace and new_halves(offer, existing):
        raise UserError(
            f"There is a credential that works in {target.words}: certificate "
            f"{in_use.cert_name or '(without a name)'}, until {utc_text(in_use.chain.not_after)}. Nothing was "
            "stored. If consumers may reload at once, add --replace."
        )
    version = put_in_use(client, found, credential.dump(), target.command("status"))
    done("The credential is stored and in use (AWSCURRENT).")
    fact("Secret", found.arn)
    fact("Version", version)
    end = credential.chain.not_after
    fact("Certificate", f"{credential.cert_name or '(no name)'}, ends {utc_text(end)}, {days_left(end, now)} days left")
    key_ends = _end_of_key(credential)
    told = f"ends {utc_text(key_ends)}, {days_left(key_ends, now)} days left" if key_ends else "its end is not known"
    fact("API key", told)
    fact("Service", f"{service.url} accepts it" if service else "was not asked (--skip-service-check)")
    if found.text and held is None:
        remark("What the secret held before was not a JSON object. It is still there as AWSPREVIOUS.")
    for sentence in _remarks(found, existing, offer, key_ends, now):
        remark(sentence)
    status = f"See how things are: {target.command('status')}"
    listed("Next", ("Delete the key's file: the secret holds it now.", status), mark="1")


def _remarks(
    found: Found, existing: Mapping[str, object], offer: Offer, key_ends: datetime | None, now: datetime
) -> list[str]:
    """What is different from before in a way that is easily missed."""
    new, remarks = new_halves(offer, existing), []
    if existing.get(API_KEY_EXPIRY) and HalfName.API_KEY in new and not offer.api_key_expiry:
        remarks.append(f"{API_KEY_EXPIRY} in the secret was that of the API key before, and was dropped.")
    if key_ends is None:
        remarks.append(
            "Nobody renews an API key whose end nobody knows. If you know it, run this again with --api-key-expiry."
        )
    elif key_ends <= now:
        remarks.append(
            "By its note the API key has ended. The next run renews it, if the service still accepts it then."
        )
    remarks += [
        f"A rotation of the {half.words} before was under way. The next run gives it up, and says so."
        for half in new
        if found.labels.keys() & set(HALVES[half].labels)
    ]
    return remarks


def _end_of_key(credential: Credential) -> datetime | None:
    try:
        return credential.api_key_expiry
    except InvalidCredential:  # a note of somebody else's, which `status` tells of
        return None
