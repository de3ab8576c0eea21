"""`recover`: a certificate that was issued and got stuck, back together with its key and put into use."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.decision import LEASE_SKEW
from certificate_rotation.domain.errors import StorageFailure
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.state import Lease, State
from certificate_rotation.domain.times import days_left, utc_text
from certificate_rotation.domain.x509 import check_issued, load_chain
from cli.console import done, fact, listed, remark
from cli.errors import NeedsYouError, RefusedError, UserError
from cli.files import read_text
from cli.offer import Offer, joined
from cli.secret import Found, chain_in, chain_of, json_object, look, put_in_use
from cli.service import Service
from cli.stuck_certificates import FoundKey, IssuedCertificate, choose, find_key, history, issued_certificates
from cli.target import Target, check_subject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

LEASE = timedelta(minutes=3)  # longer than everything below takes


@dataclass(frozen=True)
class Wanted:
    """Which certificate; neither file nor name for the newest in the ledger that is better than the one in use.

    `other_subject`: its subject may differ from that of the one in use.
    """

    file: Path | None = None
    cert_name: str | None = None
    other_subject: bool = False


@dataclass(frozen=True)
class Place:
    """Where to look, and where to put it: two boto3 clients, whose secret, and the ledger's table."""

    secrets: "SecretsManagerClient"
    dynamodb: "DynamoDBClient"
    target: Target
    ledger_table: str


def recover(place: Place, wanted: Wanted, service: Service, now: datetime) -> None:
    """Bring a certificate back.

    Raises:
        UserError: a run is at work, nothing fits, or it fails a check.
        StorageFailure: AWS refused a write.
    """
    target = place.target
    found = look(place.secrets, target.secret)
    in_use = chain_of(found.text)
    with lease(Ledger(place.dynamodb, place.ledger_table), found.arn, now) as state:
        records = history(place.dynamodb, place.ledger_table, found.arn)
        certificate = (
            _from_file(wanted)
            if wanted.file
            else choose([*issued_certificates(records)], in_use, wanted.cert_name, now)
        )
        if in_use and certificate.chain.fingerprint == in_use.fingerprint:
            done("This certificate is in use already.")
            return
        if not wanted.other_subject:
            check_subject(certificate.chain, chain_in(json_object(found.text) or {}), target)
        key = find_key(place.secrets, target, certificate)
        credential = put_together(certificate, key, found, target, now)
        if not service.accepts(credential):
            raise RefusedError(
                f"The service does not accept {credential.cert_name}: it may have been deleted when a later one was "
                f"issued. AWSCURRENT was left in place. `{target.command('status')}` says what rotation does by itself."
            )
        version = put_in_use(place.secrets, found, credential.dump(), target.command("status"))
    done(f"{credential.cert_name or 'The certificate'} is in use (AWSCURRENT).")
    fact("Certificate", "from the file" if wanted.file else "from the ledger")
    fact("Key", f"from version {key.version} of the secret")
    fact("Checked", f"it belongs to the key, is valid, and {service.url} accepts it")
    end = credential.chain.not_after
    fact("Ends", f"{utc_text(end)}, {days_left(end, now)} days left")
    fact("Version", f"{version}, instead of {found.version}")
    closing = "The next run of the function closes the rotation and writes the mail about it."
    steps = ["Let consumers read AWSCURRENT again.", f"See how things are: {target.command('status')}"]
    listed("Next", [closing, *steps] if _open(state, credential) else steps, mark="1")


@contextmanager
def lease(ledger: Ledger, arn: str, now: datetime, half: HalfName = HalfName.CERTIFICATE) -> Iterator[State]:
    """Keep every run of the function out while the block acts on a half, as runs do; yields the ledger's state.

    Raises:
        UserError: a run has it.
    """
    state = ledger.load(arn)
    if state.lease and now < state.lease.until + LEASE_SKEW:
        raise NeedsYouError(
            f"A run of the function is at work on this credential until {utc_text(state.lease.until + LEASE_SKEW)} at "
            "the latest. Nothing was changed. Try again then; it may have brought it back by itself."
        )
    owner = f"onboarding/{uuid.uuid4()}"
    if not ledger.claim(arn, state, Lease(owner, now + LEASE), half):
        raise NeedsYouError(
            "A run of the function began in this moment. Nothing was changed. Try again in two minutes."
        )
    try:
        yield state
    finally:
        try:
            ledger.release(arn, owner)
        except StorageFailure as error:
            remark(f"The ledger's lease could not be given back; it ends by itself in three minutes. {error}")


def put_together(
    certificate: IssuedCertificate, key: FoundKey, found: Found, target: Target, now: datetime
) -> Credential:
    """The certificate, its key, and all the rest of what is in use; checked as rotation checks a new one.

    Raises:
        UserError: it fails the check, or the secret has no API key.
    """
    in_use = chain_of(found.text) or certificate.chain  # with none in use, there is none it could be worse than
    cert_name = certificate.cert_name or key.cert_name
    try:
        chain = check_issued(certificate.pem, key.key, in_use, now)
    except ValueError as error:
        raise NeedsYouError(
            f"The certificate {cert_name or ''} {error}. AWSCURRENT was left in place. Choose another one with "
            f"--cert-name, or onboard again: `{target.command('csr')}`, then `{target.command('store')}`."
        ) from None
    existing = json_object(found.text) or {}
    api_key = existing.get("apiKey")
    if not isinstance(api_key, str):
        raise NeedsYouError(
            f"AWSCURRENT of {target.words} holds no apiKey, so there is nothing to join the certificate with. Put the "
            "API key into it first, as the JSON object's apiKey (Secrets Manager console > the secret > Retrieve "
            "secret value > Edit), and run this again."
        )
    return joined(Offer(chain, key.key, api_key, cert_name), existing)


def _from_file(wanted: Wanted) -> IssuedCertificate:
    path = wanted.file or Path()
    # The function's log is JSON: copied from there, its line breaks are still escaped.
    pem = read_text(path, "the certificate").replace("\\n", "\n")
    try:
        return IssuedCertificate(pem, load_chain(pem), wanted.cert_name)
    except ValueError as error:
        raise UserError(f"{path} {error}. Copy it from the log with both its marker lines.") from None


def _open(state: State, credential: Credential) -> bool:
    return any(
        one and one.name == credential.cert_name for one in (state.certificate.open_attempt, state.certificate.earlier)
    )
