"""`init`: from nothing to a credential that is watched. It may be run again at any time, and does what is missing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli import csr as requesting
from cli import status_view
from cli.console import ask, done, listed, remark, waiting
from cli.csr import Destination
from cli.errors import NeedsYouError
from cli.needs import attention, notes
from cli.offer import Offer, check_valid, offered_chain
from cli.options import api_key, when_it_ends
from cli.secret import chain_of, look
from cli.stack import Deployment
from cli.status import Subscription, status_of, subscriptions
from cli.target import Target, the_own

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECONDS = 5.0  # between two looks whether somebody has clicked


@dataclass(frozen=True)
class Files:
    """What the credential is made of, and where it lies."""

    cert: Path
    key: Path
    api_key: Path | None = None
    api_key_expiry: str | None = None
    cert_name: str | None = None


def request(out: Path, common_name: str | None, sans: Sequence[str], algorithm: str, again: Destination) -> None:
    """Make a key and a request, unless one is being signed, and say what the vendor is to do with it.

    Raises:
        UserError: a name cannot be used.
        NeedsYouError: one is being signed.
    """
    if Path(f"{out}.key").exists():
        raise NeedsYouError(
            f"{out}.key is there, and its certificate {out}.pem is not. Have the vendor sign {out}.csr, save what "
            f"comes back as {out}.pem, and run this again."
        )
    name = common_name or ask("Common name, such as sensor.example.com", option="--common-name")
    requesting.make(out, name, sans, algorithm, again)


def offered(files: Files, now: datetime) -> Offer:
    """What is to be stored, from the files and from who is asked.

    Raises:
        UserError: it cannot be used.
    """
    chain, key = offered_chain(files.cert, files.key)
    check_valid(chain, now)
    given, ends = api_key(files.api_key), when_it_ends(files.api_key_expiry)
    return Offer(chain, key, given, files.cert_name, ends)


def has_none(secrets: "SecretsManagerClient", target: Target) -> bool:
    """Whether the secret has no usable credential; one that it has is left, for rotation may have renewed it since."""
    if chain_of(look(secrets, target.secret).text) is None:
        return True
    done("The secret has a credential, which is left as it is.")
    return False


def wait_for_readers(stack: Deployment, seconds: float) -> None:
    """Give whoever reads the alerts the time to confirm that they want to."""
    until, unread = time.monotonic() + seconds, _unread(subscriptions(stack))
    if not unread:
        return
    remark(f"AWS has sent a mail to {', '.join(unread)}. Click its link: until then no alert arrives.")
    with waiting("Waiting for the click; Ctrl-C goes on without ..."):
        try:
            while unread and time.monotonic() < until:
                time.sleep(SECONDS)
                unread = _unread(subscriptions(stack))
        except KeyboardInterrupt:
            return


def _unread(found: Sequence[Subscription]) -> list[str]:
    return [one.endpoint for one in found if not one.confirmed]


def first_status(stack: Deployment, now: datetime) -> bool:
    """Show how the credential is; whether it needs a person."""
    seen = status_of(stack, the_own(stack), now)
    needed = attention(seen)
    status_view.show(seen, needed, notes(seen))
    if not needed:
        listed("Next", ["Nothing: it is watched, and renewed in time. Consumers read AWSCURRENT."], mark="1")
    return bool(needed)
