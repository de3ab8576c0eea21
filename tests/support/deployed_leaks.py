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
from tests.support.deployed_programs import Programs
from tests.support.leak_detector import HYGIENE, tell_of

# The secret keeps every version, and all tests of a process share it: each is read once.
_known: set[str] = set()


@functools.cache
def listen() -> None:
    """From now on, whatever whoever invokes the function gets to see, and whoever reads the mail. Once in a process."""
    tell_of(Stack, "invoke", _answered)
    tell_of(Emulator, "invoke", _answered)
    tell_of(Inbox, "read", _mailed)
    tell_of(Programs, "read", lambda events: HYGIENE.hear(json.dumps(events)))


def _answered(answer: Answer) -> None:
    HYGIENE.hear(f"{json.dumps(answer.payload)}\n{answer.log}")


def _mailed(emails: list[Email]) -> None:
    for email in emails:
        HYGIENE.hear(f"{email.subject}\n{email.attributes}\n{email.body}")


def hear_of(customer: Customer) -> None:
    """What the ledger holds, and what mail and events nobody read; none of the secret's keys may have shown up there.

    The keys that the service made are known from that moment on, also those that never came to be stored.
    """
    for version, text in customer.versions(besides=_known).items():
        _known.add(version)
        words, private_key = keys_in(text)
        HYGIENE.watch_for(private_key_pem=private_key, lasting=True)
        for word in words:
            HYGIENE.watch_for(api_key=word, lasting=True)
    HYGIENE.hear(str(customer.records()))
    customer.emails()
    customer.programs.read()


def keys_in(text: str) -> tuple[list[str], str]:
    """The API key and the key of a seal in a version of the secret, and the private key; empty where none works."""
    try:
        document = json.loads(text)
    except ValueError:
        return [], ""
    found = document if isinstance(document, dict) else {}
    words = [found[name] for name in ("apiKey", "sealingKey") if isinstance(found.get(name), str)]
    private_key = str(found.get("privateKey"))
    try:
        load_private_key(private_key)
    except ValueError:
        return words, ""
    return words, private_key
