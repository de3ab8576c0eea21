"""Invariant 2 from the outside: whatever was written down once, or could have been, stays."""

import json
from collections.abc import Container, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.support import secret_parser
from tests.support.aws_calls import Call
from tests.support.invariants import TALLY
from tests.support.log_capture import Log
from tests.support.rotation_env import RotationEnv


class RetainedCertificates:
    """The certificates that reached the code, followed until each is in one version with its key."""

    def __init__(self, env: RotationEnv, log: Log) -> None:
        self._world, self._log = env, log
        self._loose: list[x509.Certificate] = []  # written down, and not joined with their keys yet
        self._seen, self._seen_logged = 0, 0

    def check(
        self, calls: list[Call], records: list[dict[str, Any]], versions: Mapping[str, str], *, killed: bool
    ) -> None:
        """After a run.

        Args:
            calls: what it sent to AWS.
            records: the ledger's, now.
            versions: the text of every version of the secret, now.
            killed: whether it was cut short: then a certificate it never wrote down is nobody's fault.
        """
        issued = self._world.seen.issued[self._seen :]
        self._seen += len(issued)
        for new in (found for one in issued if (found := secret_parser.leaf(one.answer))):
            logged = _mark(new) in self._log.text_since(self._seen_logged)
            TALLY.check(2, logged or killed, f"the log does not hold the certificate {new.serial_number:x}")
            # The log is for people. The code itself needs it in one of its two stores, unless AWS refused both.
            written = any(call.status == HTTPStatus.OK and _mark(new) in call.body for call in calls)
            refused = any(call.failure and _mark(new) in call.body for call in calls)
            if written or not (killed or refused):
                self._loose.append(new)
        self._seen_logged = len(self._log.records)
        for leaf in list(self._loose):  # no version goes away: what is in one with its key is safe
            staged = next((text for text in versions.values() if _mark(leaf) in text), "")
            if staged and secret_parser.public_key(staged) == secret_parser.spki(leaf):
                TALLY.check(2, holds=True, otherwise="")
                self._loose.remove(leaf)
                continue
            stored = staged or any(_mark(leaf) in str(record.get("answer")) for record in records)
            TALLY.check(2, stored, f"the certificate {leaf.serial_number:x} is nowhere")
            known = self._has_its_key(leaf, versions.values()) or not self._signed_for_us(leaf)
            TALLY.check(2, known, f"the key of {leaf.serial_number:x} is nowhere")

    def _has_its_key(self, leaf: x509.Certificate, texts: Iterable[str]) -> bool:
        return secret_parser.spki(leaf) in {secret_parser.public_key(text) for text in texts}

    def _signed_for_us(self, leaf: x509.Certificate) -> bool:
        """Whether it is for the key that was asked for: the service can be told to take another."""
        faults = {r.issued_cert_name: r.fault for r in self._world.simulator.requests if r.issued_cert_name}
        records = (record for tenant in self._world.simulator.tenants for record in tenant.certificates)
        name = next((record.name for record in records if record.serial == leaf.serial_number), None)
        return name is not None and faults.get(name) != "other-key"


def _mark(leaf: x509.Certificate) -> str:
    """A line of its PEM, with a part of its signature, which shows up wherever the PEM does, escaped or not."""
    return leaf.public_bytes(serialization.Encoding.PEM).decode().splitlines()[-2]


class RetainedApiKeys:
    """The API keys that reached the code, followed until each is in a whole credential, or nothing became of it.

    It shares with the code the form in which an answer is sealed, and opens the seal by itself.
    """

    def __init__(self, env: RotationEnv) -> None:
        self._env = env
        self._loose: list[str] = []
        self._seen = 0

    def check(
        self,
        calls: list[Call],
        records: list[dict[str, Any]],
        versions: Mapping[str, str],
        *,
        over: Container[object],
        killed: bool,
    ) -> None:
        """After a run; as of certificates, and `over`: what was put aside, as people are told."""
        issued = self._env.seen.issued_keys[self._seen :]
        self._seen += len(issued)
        TALLY.check(6, not any("answer" in r for r in records if _is_of_a_key(r)), "the history holds a sealed API key")
        whole = {secret_parser.api_key(text) for text in versions.values()}
        sealed = self._sealed(records, versions)
        refused = any(call.failure for call in calls)
        keys = [json.loads(one.answer)["token"] for one in issued]
        # Where two runs overlapped: what failed one's offline check was seen by nobody before the other renewed it.
        rejected = {key for key in keys[:-1] if not _fits_a_header(key)}
        self._loose += [
            key for key in keys if key not in rejected and (key in whole | sealed or not (killed or refused))
        ]
        for key in list(self._loose):
            TALLY.check(2, key in whole or key in sealed or key in over, "an API key that was issued is nowhere")
            if key in whole or key in over:
                self._loose.remove(key)

    def _sealed(self, records: list[dict[str, Any]], versions: Mapping[str, str]) -> set[str]:
        """Those in the ledger that a version of the secret opens."""
        state: Mapping[str, Any] = next((r for r in records if r["record"] == "state"), {})
        attempts = [state[at] for at in ("api_key_open_attempt", "api_key_earlier") if at in state]
        opened = (secret_parser.opened(self._env.arn, one, versions.get(one["intent_version"], "")) for one in attempts)
        return {key for key in opened if key is not None}


def _fits_a_header(key: str) -> bool:
    return all("!" <= character <= "~" for character in key)


def _is_of_a_key(record: Mapping[str, Any]) -> bool:
    return record["record"].startswith("attempt#") and record.get("renews") == "apiKey"
