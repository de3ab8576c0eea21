"""The environment the stack sets, and what a mistake in it says."""

import base64
from datetime import timedelta

import pytest

from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.errors import InvalidSettings
from certificate_rotation.domain.x509 import Chain, PrivateKey
from certificate_rotation.settings import Settings
from tests.support.factories import certificate

STACK = {"SECRET_ARN": "arn:secret", "LEDGER_TABLE": "ledger", "ALERT_TOPIC_ARN": "arn:topic"}


def test_what_the_stack_leaves_open_has_the_contracts_defaults() -> None:
    """The README promises them."""
    settings = Settings.from_env(STACK)
    assert settings == Settings(
        secret_arn="arn:secret",  # noqa: S106 - a name, not a secret
        ledger_table="ledger",
        alert_topic_arn="arn:topic",
        service_url="https://us.device-identity-broker.services-edge.paloaltonetworks.com",
        trusted_ca_pem="",
        key_algorithm="same",
        cert_name_prefix="device-id",
        notify_on_success=True,
        watch_in_use=True,
        native_rotation=False,
        policy=Policy(
            renew_before=timedelta(0),
            critical=timedelta(days=7),
            cutover_grace=timedelta(hours=24),
            renew_api_key=True,
            api_key_renew_before=timedelta(days=30),
        ),
    )


def test_empty_is_as_good_as_absent() -> None:
    """CloudFormation sets a parameter without a value to the empty text."""
    names = ["SERVICE_REGION", "SERVICE_URL", "TRUSTED_CA_PEM", "KEY_ALGORITHM", "CRITICAL_DAYS", "WATCH_IN_USE"]
    names += ["NATIVE_ROTATION", "RENEW_API_KEY", "API_KEY_RENEW_BEFORE_DAYS"]
    assert Settings.from_env(STACK | dict.fromkeys(names, "")) == Settings.from_env(STACK)


def test_whether_and_when_the_api_key_is_renewed_is_the_owners_to_say() -> None:
    """Somebody else may renew it already; two who do would delete each other's."""
    policy = Settings.from_env({**STACK, "RENEW_API_KEY": "false", "API_KEY_RENEW_BEFORE_DAYS": "14"}).policy
    assert (policy.renew_api_key, policy.api_key_renew_before) == (False, timedelta(days=14))
    assert Settings.from_env({**STACK, "API_KEY_RENEW_BEFORE_DAYS": "1"}).policy.api_key_renew_before.days == 1


@pytest.mark.parametrize("name", STACK)
def test_what_only_the_stack_can_set_must_be_there(name: str) -> None:
    """Without it there is nothing to look at, nowhere to count, nobody to tell."""
    with pytest.raises(InvalidSettings, match=f"{name} is empty"):
        Settings.from_env({**STACK, name: " "})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SERVICE_REGION", "asia", "SERVICE_REGION is 'asia'. Expected one of us, eu"),
        ("KEY_ALGORITHM", "dsa", "KEY_ALGORITHM is 'dsa'. Expected one of same, rsa2048"),
        ("NOTIFY_ON_SUCCESS", "yes", "Expected one of true, false"),
        ("RENEW_BEFORE_DAYS", "-1", "Expected a whole number from 0 to 3650"),
        ("RENEW_BEFORE_DAYS", "3651", "Expected a whole number from 0 to 3650"),
        ("CRITICAL_DAYS", "7.5", "CRITICAL_DAYS is '7.5'"),
        ("CRITICAL_DAYS", "0", "Expected a whole number from 1 to 3650"),  # a hold would never end
        ("CRITICAL_DAYS", "soon", "CRITICAL_DAYS is 'soon'"),
        ("RENEW_API_KEY", "no", "RENEW_API_KEY is 'no'. Expected one of true, false"),
        ("RENEW_API_KEY", "True", "RENEW_API_KEY is 'True'. Expected one of true, false"),
        ("API_KEY_RENEW_BEFORE_DAYS", "0", "Expected a whole number from 1 to 3650"),  # due when it has ended
        ("API_KEY_RENEW_BEFORE_DAYS", "3651", "Expected a whole number from 1 to 3650"),
        ("API_KEY_RENEW_BEFORE_DAYS", "-30", "API_KEY_RENEW_BEFORE_DAYS is '-30'"),
        ("API_KEY_RENEW_BEFORE_DAYS", "a month", "API_KEY_RENEW_BEFORE_DAYS is 'a month'"),
        ("CUTOVER_GRACE_HOURS", "9" * 5000, "CUTOVER_GRACE_HOURS is"),
        ("CUTOVER_GRACE_HOURS", "٣", "Expected a whole number"),  # a digit to Python
        ("CERT_NAME_PREFIX", "a b", "Expected 1 to 40 letters"),
        ("CERT_NAME_PREFIX", "x" * 41, "Expected 1 to 40 letters"),
        ("SERVICE_URL", "http://plain.example", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://host:0", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://host:port", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://[::1", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://user:pass@host", "no user"),
        ("SERVICE_URL", "https://host/?apiKey=1", "no user, query or fragment"),
        ("SERVICE_URL", "https://two words", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://a..b", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://ho\nst", "SERVICE_URL must be https"),  # Python would drop the line break
        ("SERVICE_URL", f"https://{'x' * 64}.example", "SERVICE_URL must be https"),
        ("SERVICE_URL", "https://host:65536", "SERVICE_URL must be https"),
        ("LEDGER_TABLE", "\udcff", "LEDGER_TABLE is empty, or not a name"),
        ("TRUSTED_CA_PEM", "garbage", "TRUSTED_CA_PEM is neither"),
        ("TRUSTED_CA_PEM", "-----BEGIN CERTIFICATE-----\nZürich", "TRUSTED_CA_PEM is neither"),
        ("TRUSTED_CA_PEM", base64.b64encode("Zürich".encode()).decode(), "TRUSTED_CA_PEM is neither"),
        ("TRUSTED_CA_PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "TRUSTED_CA_PEM is neither"),
        ("TRUSTED_CA_PEM", base64.b64encode(b"\xff\xfe").decode(), "TRUSTED_CA_PEM is neither"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_was_expected(name: str, value: str, expected: str) -> None:
    """The alert must tell which parameter of the stack to correct."""
    with pytest.raises(InvalidSettings, match=expected) as caught:
        Settings.from_env({**STACK, name: value})
    assert name in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", ["https://host.example", "https://host.example/", "https://host.example:8443/base"])
def test_a_base_url_replaces_the_regions(value: str) -> None:
    """Vendors hand out one of their own; a slash at its end must not become two."""
    assert Settings.from_env({**STACK, "SERVICE_URL": value}).service_url == value.rstrip("/")


def test_a_trust_anchor_is_read_as_pem_and_in_base64_on_one_line(ec_key: PrivateKey) -> None:
    """The console's fields drop line breaks."""
    pem = Chain((certificate(ec_key),)).pem.strip()
    for value in (pem, base64.b64encode(pem.encode()).decode()):
        assert Settings.from_env({**STACK, "TRUSTED_CA_PEM": value}).trusted_ca_pem == pem
