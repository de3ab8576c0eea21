"""Ten thousand bad secrets, events and settings each: an error that names what is wrong, or a right result."""

import json
import re
from datetime import timedelta
from functools import partial

import requests

from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import InvalidCredential, InvalidEvent, InvalidSettings
from certificate_rotation.events import command_from
from certificate_rotation.settings import Settings
from tests.support import secret_parser
from tests.support.bad_secrets import Secrets
from tests.support.batches import batches, inputs, odd_certificates, outcome, telling
from tests.support.canary import Canary
from tests.support.good_input import CHOSEN, STACK, good_events, is_event
from tests.support.invariants import TALLY


@odd_certificates
@batches
def test_a_secret_is_refused_by_the_name_of_its_field_or_is_complete(
    secrets: Secrets, canary: Canary, batch: int
) -> None:
    """Who wrote it must find the mistake; and what is accepted must not fail later, when an attempt is spent."""
    for junk in inputs("secrets", batch):
        tried = secrets.one(junk)
        with telling(tried):
            read = outcome(partial(Credential.parse, tried.text), InvalidCredential)
            if isinstance(read, InvalidCredential):
                assert "secret" in str(read)
                assert tried.field is None or tried.field in str(read) or "not JSON" in str(read)
            else:
                held = secret_parser.credential(tried.text)
                assert held is not None
                assert held.complete
                if junk.once_in(10):  # it costs as much as all the rest
                    for renewed in (
                        read.with_certificate(read.chain, read.key, "device-id-2"),
                        read.with_api_key("a-new-api-key", None),
                    ):
                        document = json.loads(renewed.dump())
                        TALLY.check(8, document.items() >= held.own.items(), "the customer's keys changed")
            TALLY.check(6, not canary.found_in(str(read)), f"a key is in {read}")


@batches
def test_an_event_is_read_for_what_it_says_or_refused_by_its_name(batch: int) -> None:
    """A typing mistake in dryRun must not rotate."""
    good = good_events()
    for junk in inputs("events", batch):
        event = junk.spoilt_object(junk.pick(good)) if not junk.once_in(6) else junk.value()
        with telling(event):
            read = outcome(partial(command_from, event), InvalidEvent)
            assert isinstance(read, InvalidEvent) != is_event(event)
            if isinstance(read, InvalidEvent):
                assert "event" in str(read)
                assert str(read).isascii()
                assert len(str(read)) < 400
            else:
                meant = event if isinstance(event, dict) else {}
                step = "Step" in meant and "detail-type" not in meant
                assert (read.step is not None) == step
                assert read.secret_id == meant.get("SecretId" if step else "secretId")
                force = str(meant["Step"]).startswith("create") if step else meant.get("force", False)
                asked = (read.dry_run, read.force, read.allow_eviction)
                assert asked == (meant.get("dryRun", False), force, meant.get("allowEviction", False))
                assert read.half == meant.get("renew", "certificate")


@batches
def test_settings_are_read_within_their_bounds_or_refused_by_their_name(
    secrets: Secrets, canary: Canary, batch: int
) -> None:
    """The alert must tell which parameter to correct; and what is accepted decides where the keys go."""
    good = {**STACK, **CHOSEN, "TRUSTED_CA_PEM": secrets.pems["cert"]}
    for junk in inputs("settings", batch):
        name = junk.pick(sorted(good))
        value = junk.pick(
            (junk.text(), junk.spoilt(good[name]), junk.pick(sorted([*good.values(), *secrets.pems.values()])))
        )
        with telling((name, value)):
            read = outcome(partial(Settings.from_env, {**good, name: value}), InvalidSettings)
            if isinstance(read, InvalidSettings):
                assert str(read).startswith(f"{name} ")
                assert len(str(read)) < 300
            else:
                address = requests.Request("GET", read.service_url).prepare().url or ""
                assert re.match(r"https://[A-Za-z0-9.-]+(:\d+)?/", address)
                assert re.fullmatch("[A-Za-z0-9-]{1,40}", read.cert_name_prefix)
                assert timedelta(0) <= read.policy.critical <= timedelta(days=3650)
            TALLY.check(6, not canary.found_in(str(read)), f"a key is in {read}")
