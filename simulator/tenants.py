"""Tenants, their certificates and tokens, and the rule of two.

vendor: at most two valid certificates (and two tokens) per tenant; a third deletes the oldest.
"""

import hashlib
import re
import secrets
import threading
from datetime import datetime, timedelta
from typing import Final

from simulator.authority import Issued
from simulator.clock import Clock
from simulator.faults import CERT_REFRESH, STATISTICS, TOKEN_REFRESH
from simulator.holdings import Certificate, CertificateRecord, Token
from simulator.limits import CERT_REFRESH as CERT_ALLOWANCE
from simulator.limits import TOKEN_REFRESH as TOKEN_ALLOWANCE
from simulator.limits import Limit, PerSecond, Rate, attempts

KEPT: Final = 2  # vendor: two valid certificates, two valid tokens
NAME = re.compile(r"[A-Za-z0-9-]{1,64}")  # project's reading: the vendor does not say what a certName may hold
TOKEN_LIFETIME: Final = timedelta(days=365)  # invented: the vendor does not say


class NameTakenError(ValueError):
    """The tenant has, or had, a certificate of this name."""


class Tenant:
    """One customer of the service. ``Simulator.onboard`` makes them."""

    def __init__(self, name: str, clock: Clock, *, rate: Rate, statistics_limit: bool) -> None:
        self.name = name
        self._clock = clock
        self._lock = threading.RLock()
        self._certificates: list[Certificate] = []
        self._tokens: list[Token] = []
        self._onboarded: dict[str, str] = {}
        self._working = False
        self._limits: dict[str, Limit] = {
            CERT_REFRESH: attempts(CERT_ALLOWANCE, rate),
            TOKEN_REFRESH: attempts(TOKEN_ALLOWANCE, rate),
        }
        if statistics_limit:
            self._limits[STATISTICS] = PerSecond()

    def __repr__(self) -> str:
        return f"Tenant({self.name!r})"

    # What tests and the control API use.

    @property
    def api_key(self) -> str:
        """The newest API key that is still valid.

        Raises:
            LookupError: Every key has expired.
        """
        now = self._clock.now()
        with self._lock:
            valid = [token.value for token in self._tokens if token.valid(now)]
        if not valid:
            raise LookupError(f"tenant {self.name!r} has no valid API key left")
        return valid[-1]

    @property
    def credential(self) -> dict[str, str]:
        """What onboarding gave out, keyed as the secret's JSON: ``apiKey``, ``cert``, ``privateKey``, ``certName``.

        It stays as it was that day. ``certName`` is missing when onboarding was told no name, ``privateKey`` when the
        customer brought a CSR.
        """
        with self._lock:
            return dict(self._onboarded)

    @property
    def certificates(self) -> list[CertificateRecord]:
        """Every certificate ever issued, oldest first, deleted ones included."""
        now = self._clock.now()
        with self._lock:
            return [certificate.record(now) for certificate in self._certificates]

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

    def _named(self, cert_name: str) -> Certificate:
        for certificate in self._certificates:
            if certificate.name == cert_name:
                return certificate
        raise LookupError(f"tenant {self.name!r} has no certificate {cert_name!r}")

    # What the service uses.

    def remember_onboarding(self, credential: dict[str, str]) -> None:
        """Keep what onboarding gave out."""
        with self._lock:
            self._onboarded = dict(credential)

    def certificate_of(self, der: bytes) -> CertificateRecord | None:
        """Return the record of a presented certificate, or None if it is not this tenant's."""
        now = self._clock.now()
        mark = hashlib.sha256(der).digest()
        with self._lock:
            for certificate in self._certificates:
                if certificate.issued.fingerprint == mark:
                    return certificate.record(now)
        return None

    def accepts_key(self, api_key: str) -> bool:
        """Whether this is one of the tenant's valid API keys."""
        now = self._clock.now()
        with self._lock:
            return any(
                secrets.compare_digest(token.value.encode(), api_key.encode())
                for token in self._tokens
                if token.valid(now)
            )

    def hide_keys(self, text: str) -> str:
        """Return ``text`` with every API key the tenant ever had replaced."""
        with self._lock:
            for token in self._tokens:
                text = text.replace(token.value, "<redacted>")
        return text

    def admit(self, endpoint: str) -> bool:
        """Count a request against the endpoint's limit; False when it is one too many."""
        with self._lock:
            limit = self._limits.get(endpoint)
            return limit is None or limit.admit(self._clock.now())

    def begin_job(self) -> bool:
        """Take the tenant's one place for an update; False when another update has it."""
        with self._lock:
            if self._working:
                return False
            self._working = True
            return True

    @property
    def working(self) -> bool:
        """Whether an update is being worked on, be it for somebody who no longer waits for the answer."""
        with self._lock:
            return self._working

    def end_job(self) -> None:
        """Give the place back."""
        with self._lock:
            self._working = False

    def check_cert_name(self, cert_name: str) -> None:
        """Check a name for a new certificate.

        Raises:
            ValueError: Outside the alphabet, or longer than 64.
            NameTakenError: Used before; deleted certificates keep their names.
        """
        if not NAME.fullmatch(cert_name):
            raise ValueError("certName holds letters, digits and -, and at most 64 of them")
        with self._lock:
            if any(certificate.name == cert_name for certificate in self._certificates):
                raise NameTakenError("certName is taken: this tenant has used it before")

    def free_cert_name(self) -> str:
        """Return a name the tenant has not used, for a customer who gave none."""
        with self._lock:
            return f"certificate-{len(self._certificates) + 1}-{secrets.token_hex(4)}"

    def newest_valid_end(self) -> datetime | None:
        """Return when the newest valid certificate ends; None when there is none."""
        now = self._clock.now()
        with self._lock:
            ends = [
                certificate.issued.leaf.not_valid_after_utc
                for certificate in self._certificates
                if certificate.valid(now)
            ]
        return ends[-1] if ends else None

    def add_certificate(self, cert_name: str, issued: Issued, active_from: datetime | None) -> str:
        """Keep a new certificate and delete the oldest valid one if it is the third.

        Returns:
            The name of the deleted one, or an empty string (vendor: ``deletedCertName``).

        Raises:
            ValueError: As ``check_cert_name``.
        """
        now = self._clock.now()
        with self._lock:
            self.check_cert_name(cert_name)
            self._certificates.append(Certificate(cert_name, issued, active_from))
            valid = [certificate for certificate in self._certificates if certificate.valid(now)]
            if len(valid) <= KEPT:
                return ""
            valid[0].deleted = True
            return valid[0].name

    def add_token(self, value: str | None = None) -> tuple[str, datetime, str]:
        """Keep a new API key, generated unless given, and delete the oldest valid one if it is the third.

        Returns:
            The key, its expiry, and the deleted key or an empty string (vendor: ``token``, ``expiry``,
            ``deletedToken``).
        """
        now = self._clock.now()
        with self._lock:
            token = Token(value or secrets.token_urlsafe(32), (now + TOKEN_LIFETIME).replace(microsecond=0))
            self._tokens.append(token)
            valid = [kept for kept in self._tokens if kept.valid(now)]
            if len(valid) <= KEPT:
                return token.value, token.expiry, ""
            valid[0].deleted = True
            return token.value, token.expiry, valid[0].value
