"""A tenant: its certificates, its API keys, its limits, and the rule of two.

vendor: at most two valid certificates (and two tokens) per tenant; a third deletes the oldest.

One module, because the rule of two needs everything that a tenant holds.
"""

import re
import secrets
import threading
from datetime import datetime
from typing import Final

from simulator.ca import Issued
from simulator.certificates import Certificate, CertificateRecord
from simulator.clock import Clock
from simulator.faults import CERT_REFRESH, STATISTICS, TOKEN_REFRESH
from simulator.rate_limit import CERT_REFRESH_ALLOWANCE, RATES, TOKEN_REFRESH_ALLOWANCE, Limit, PerSecond, Rate
from simulator.tokens import CONSOLE_LIFETIME, NewToken, Token, TokenRecord, TokenTerms

KEPT: Final = 2  # vendor: two valid certificates, two valid tokens
NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")  # project's reading: the vendor does not say what a certName may hold


class Tenant:
    """One customer of the service. ``Simulator.onboard`` makes them.

    Attributes:
        name: Letters, digits and -.
        job: Held while an update works for this tenant (vendor: another one gets 409 meanwhile).

    Raises:
        ValueError: The name holds anything else, or is longer than 64.
    """

    def __init__(self, name: str, clock: Clock, *, rate: Rate, statistics_limit: bool) -> None:
        if not NAME.fullmatch(name):
            raise ValueError(f"a tenant's name holds letters, digits and -, and at most 64 of them: {name!r} does not")
        self.name = name
        self.job = threading.Lock()
        self._clock = clock
        self._lock = threading.RLock()
        self._certificates: list[Certificate] = []
        self._tokens: list[Token] = []
        self._onboarded: dict[str, str] = {}
        self._limits: dict[str, Limit] = {
            CERT_REFRESH: RATES[rate](CERT_REFRESH_ALLOWANCE),
            TOKEN_REFRESH: RATES[rate](TOKEN_REFRESH_ALLOWANCE),
        }
        if statistics_limit:
            self._limits[STATISTICS] = PerSecond()

    def __repr__(self) -> str:
        return f"Tenant({self.name!r})"

    # What tests and the admin API use.

    @property
    def api_key(self) -> str:
        """The newest API key that is still valid.

        Raises:
            LookupError: Every key has expired.
        """
        now = self._clock.now()
        with self._lock:
            valid = [token.key for token in self._tokens if token.valid(now)]
        if not valid:
            raise LookupError(f"tenant {self.name!r} has no valid API key left")
        return valid[-1]

    @property
    def credential(self) -> dict[str, str]:
        """What onboarding gave out, keyed as the secret's JSON: ``apiKey``, ``cert``, ``privateKey``, ``certName``.

        It stays as it was that day. ``certName`` is missing when onboarding was told no name, ``privateKey`` when the
        customer brought a CSR.
        """
        return dict(self._onboarded)

    @property
    def certificates(self) -> list[CertificateRecord]:
        """Every certificate ever issued, oldest first, deleted ones included."""
        now = self._clock.now()
        with self._lock:
            return [certificate.record(now) for certificate in self._certificates]

    @property
    def tokens(self) -> list[TokenRecord]:
        """Every API key ever made, oldest first, deleted ones included; by name and digest, never the key."""
        now = self._clock.now()
        with self._lock:
            return [token.record(now) for token in self._tokens]

    @property
    def working(self) -> bool:
        """Whether an update is being worked on, be it for somebody who no longer waits for the answer."""
        return self.job.locked()

    def revoke(self, cert_name: str) -> None:
        """Delete a certificate as if somebody had done so in the vendor's console.

        Raises:
            LookupError: The tenant has no certificate of this name.
        """
        with self._lock:
            self._named(cert_name).deleted = True

    def activate(self, cert_name: str) -> None:
        """End a certificate's activation delay now.

        Raises:
            LookupError: The tenant has no certificate of this name.
        """
        with self._lock:
            self._named(cert_name).active_from = self._clock.now()

    def revoke_token(self, name: str) -> None:
        """Delete an API key as if somebody had done so in the vendor's console.

        Raises:
            LookupError: The tenant has no key of this name.
        """
        with self._lock:
            self._token_named(name).deleted = True

    def activate_token(self, name: str) -> None:
        """End an API key's activation delay now.

        Raises:
            LookupError: The tenant has no key of this name.
        """
        with self._lock:
            self._token_named(name).active_from = self._clock.now()

    def _named(self, cert_name: str) -> Certificate:
        for certificate in self._certificates:
            if certificate.name == cert_name:
                return certificate
        raise LookupError(f"tenant {self.name!r} has no certificate {cert_name!r}")

    def _token_named(self, name: str) -> Token:
        for token in self._tokens:
            if token.name == name:
                return token
        raise LookupError(f"tenant {self.name!r} has no API key {name!r}")

    # What the service uses.

    def remember_onboarding(self, credential: dict[str, str]) -> None:
        """Keep what onboarding gave out."""
        self._onboarded = dict(credential)

    def certificate_with(self, fingerprint: bytes) -> CertificateRecord | None:
        """Return the record of a presented certificate, or None if it is not this tenant's."""
        now = self._clock.now()
        with self._lock:
            for certificate in self._certificates:
                if certificate.issued.fingerprint == fingerprint:
                    return certificate.record(now)
        return None

    def accepts_key(self, api_key: str) -> bool:
        """Whether this is one of the tenant's valid and active API keys."""
        now = self._clock.now()
        with self._lock:
            return any(token.active(now) and token.is_key(api_key) for token in self._tokens)

    def token_with(self, api_key: str) -> TokenRecord | None:
        """Return the record of a presented API key, or None if it is not this tenant's."""
        now = self._clock.now()
        with self._lock:
            return next((token.record(now) for token in self._tokens if token.is_key(api_key)), None)

    def hide_keys(self, text: str) -> str:
        """Return ``text`` with every API key the tenant ever had replaced."""
        with self._lock:
            for token in self._tokens:
                text = text.replace(token.key, "<redacted>")
        return text

    def admit(self, endpoint: str) -> bool:
        """Count a request against the endpoint's limit; False when it is one too many."""
        with self._lock:
            limit = self._limits.get(endpoint)
            return limit is None or limit.admit(self._clock.now())

    def add_certificate(self, cert_name: str | None, issued: Issued, active_from: datetime | None) -> str:
        """Keep a new certificate and delete the oldest valid one if it is the third.

        Args:
            cert_name: Its name; None makes one up.
            issued: The certificate.
            active_from: From when on the service accepts it; None for not until it is activated.

        Returns:
            The name of the deleted one, or an empty string (vendor: ``deletedCertName``).

        Raises:
            ValueError: The name is outside the alphabet, or was used before; deleted certificates keep their names.
        """
        now = self._clock.now()
        with self._lock:
            if cert_name is None:
                cert_name = f"certificate-{len(self._certificates) + 1}-{secrets.token_hex(4)}"
            if not NAME.fullmatch(cert_name):
                raise ValueError("certName holds letters, digits and -, and at most 64 of them")
            if any(certificate.name == cert_name for certificate in self._certificates):
                raise ValueError("certName is taken: this tenant has used it before")
            self._certificates.append(Certificate(cert_name, issued, active_from))
            evicted = _delete_the_third(self._certificates, now)
            return evicted.name if evicted else ""

    def add_token(self, terms: TokenTerms | None = None) -> NewToken:
        """Keep a new API key and delete the oldest valid one if it is the third.

        Args:
            terms: The key; one as the vendor's console makes them by default.

        Returns:
            The key first, then its record and the deleted one.
        """
        now = self._clock.now()
        terms = terms or TokenTerms.starting(now, now + CONSOLE_LIFETIME)
        with self._lock:
            token = Token(f"token-{len(self._tokens) + 1}", terms, terms.active_from)
            self._tokens.append(token)
            return NewToken(token.key, token.record(now), _delete_the_third(self._tokens, now))


def _delete_the_third[Held: (Certificate, Token)](held: list[Held], now: datetime) -> Held | None:
    """Delete the oldest valid one when there are more than two, and return it."""
    valid = [one for one in held if one.valid(now)]
    if len(valid) <= KEPT:
        return None
    valid[0].deleted = True
    return valid[0]
