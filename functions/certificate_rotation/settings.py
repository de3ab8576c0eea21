"""The function's settings: environment variables in, one frozen value out."""

import base64
import binascii
import re
import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.errors import InvalidSettings
from certificate_rotation.domain.x509 import KEY_ALGORITHMS

# Vendor: the base URL of each region (Prisma Access administration, "Third-Party Device-ID APIs").
SERVICE_URLS = {
    "us": "https://us.device-identity-broker.services-edge.paloaltonetworks.com",
    "eu": "https://eu.device-identity-broker.services-edge.paloaltonetworks.com",
}
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1123, section 2.1: a part of a host name
_BASE_URL = re.compile(rf"https://({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(:[0-9]{{1,5}})?(/[A-Za-z0-9._~/-]*)?")
MAX_DAYS = 3650  # far beyond any certificate's life, and safe for date arithmetic


class Settings(NamedTuple):
    """What the stack's parameters say. Each attribute is one environment variable set by `template.yaml`."""

    secret_arn: str
    ledger_table: str
    alert_topic_arn: str
    service_url: str
    trusted_ca_pem: str
    key_algorithm: str
    cert_name_prefix: str
    notify_on_success: bool
    watch_in_use: bool
    native_rotation: bool
    policy: Policy

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read and check every setting.

        Raises:
            InvalidSettings: names the variable and what was expected.
        """
        return cls(
            secret_arn=_required(env, "SECRET_ARN"),
            ledger_table=_required(env, "LEDGER_TABLE"),
            alert_topic_arn=_required(env, "ALERT_TOPIC_ARN"),
            service_url=_service_url(env),
            trusted_ca_pem=_trusted_ca(env.get("TRUSTED_CA_PEM", "")),
            key_algorithm=_one_of(env, "KEY_ALGORITHM", "same", KEY_ALGORITHMS),
            cert_name_prefix=_prefix(env),
            notify_on_success=_one_of(env, "NOTIFY_ON_SUCCESS", "true", ("true", "false")) == "true",
            watch_in_use=_one_of(env, "WATCH_IN_USE", "true", ("true", "false")) == "true",
            native_rotation=_one_of(env, "NATIVE_ROTATION", "false", ("true", "false")) == "true",
            policy=Policy(
                renew_before=timedelta(days=_number(env, "RENEW_BEFORE_DAYS", 0, MAX_DAYS)),
                critical=timedelta(days=_number(env, "CRITICAL_DAYS", 7, MAX_DAYS, least=1)),
                cutover_grace=timedelta(hours=_number(env, "CUTOVER_GRACE_HOURS", 24, MAX_DAYS * 24)),
                renew_api_key=_one_of(env, "RENEW_API_KEY", "true", ("true", "false")) == "true",
                api_key_renew_before=timedelta(days=_number(env, "API_KEY_RENEW_BEFORE_DAYS", 30, MAX_DAYS, least=1)),
            ),
        )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not (value and value.isascii() and value.isprintable()):
        raise InvalidSettings(f"{name} is empty, or not a name of AWS's. The stack sets it; deploy the stack again.")
    return value


def _one_of(env: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name) or default
    if value not in allowed:
        raise InvalidSettings(f"{name} is {value[:40]!r}. Expected one of {', '.join(allowed)}.")
    return value


def _number(env: Mapping[str, str], name: str, default: int, maximum: int, *, least: int = 0) -> int:
    value = env.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,6}", value) or not least <= int(value) <= maximum:
        raise InvalidSettings(f"{name} is {value[:40]!r}. Expected a whole number from {least} to {maximum}.")
    return int(value)


def _prefix(env: Mapping[str, str]) -> str:
    value = env.get("CERT_NAME_PREFIX") or "device-id"
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", value):
        raise InvalidSettings(f"CERT_NAME_PREFIX is {value[:60]!r}. Expected 1 to 40 letters, digits or hyphens.")
    return value


def _service_url(env: Mapping[str, str]) -> str:
    value = env.get("SERVICE_URL", "").strip()
    if not value:
        return SERVICE_URLS[_one_of(env, "SERVICE_REGION", "us", tuple(SERVICE_URLS))]
    try:
        usable = _BASE_URL.fullmatch(value) and urlsplit(value).port != 0
    except ValueError:  # a port or an IPv6 address out of range
        usable = False
    if not usable:  # not quoted: somebody may have put a password into it
        raise InvalidSettings("SERVICE_URL must be https://host[:port] with no user, query or fragment.")
    return value.rstrip("/")


def _trusted_ca(value: str) -> str:
    """PEM as it is, or base64 of it on one line: the console's parameter fields drop line breaks."""
    value = value.strip()
    if not value:
        return ""
    try:
        pem = value if value.startswith("-----BEGIN") else base64.b64decode(value, validate=True).decode()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ValueError, TypeError, binascii.Error, ssl.SSLError):  # TypeError: text that is not ASCII
        raise InvalidSettings(
            "TRUSTED_CA_PEM is neither a PEM certificate with its line breaks nor the same in base64 on one line."
        ) from None
    return pem
