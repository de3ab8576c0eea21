"""What the deployed function said and wrote down, and the keys it made, handed to the search for keys.

It runs in another process, so `tests.support.leak_detector` hears neither by itself.
"""

import functools
import json

from certificate_rotation.domain.x509 import load_private_key
from dev.emulator import Emulator
from dev.inbox import Email, Inbox
from dev.stack import Answer, Stack
from tests.support.deployed_customer import Customer
from tests.support.leak_detector import HYGIENE, tell_of

# The secret keeps every version, and all tests of a process share it: each is read once.
_known: set[str] = set()


@functools.cache
def listen() -> None:
    """From now on, whatever whoever invokes the function gets to see, and whoever reads the mail. Once in a process."""
    tell_of(Stack, "invoke", _answered)
    tell_of(Emulator, "invoke", _answered)
    tell_of(Inbox, "read", _mailed)


def _answered(answer: Answer) -> None:
    HYGIENE.hear(f"{json.dumps(answer.payload)}\n{answer.log}")


def _mailed(emails: list[Email]) -> None:
    for email in emails:
        HYGIENE.hear(f"{email.subject}\n{email.attributes}\n{email.body}")


def hear_of(customer: Customer) -> None:
    """What the ledger holds; and the keys of the secret, which may not show up there nor in what was said before."""
    for version, text in customer.versions(besides=_known).items():
        _known.add(version)
        api_key, private_key = keys_in(text)
        HYGIENE.watch_for(api_key=api_key, private_key_pem=private_key, lasting=True)
    HYGIENE.hear(str(customer.records()))


def keys_in(text: str) -> tuple[str, str]:
    """The API key and the private key in a secret, each empty when there is none that works."""
    try:
        document = json.loads(text)
    except ValueError:
        return "", ""
    found = document if isinstance(document, dict) else {}
    api_key, private_key = found.get("apiKey"), found.get("privateKey")
    try:
        load_private_key(str(private_key))
    except ValueError:
        private_key = ""
    return api_key if isinstance(api_key, str) else "", str(private_key)
