"""What people get wrong, told by the deployed function: which field, what was expected, and no attempt spent."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from certificate_rotation.domain.errors import InvalidSettings, StorageFailure
from dev.stack import Stack
from simulator.ca import key_pem, new_key
from tests.support.deployed_customer import Customer
from tests.support.deployed_role import Role


def encrypted(pem: str) -> str:
    """The key under a passphrase."""
    key = load_pem_private_key(pem.encode(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")).decode()


BAD_SECRETS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "not JSON": (lambda _: "apiKey=1", "The secret is not JSON"),
    "binary": (lambda _: b"\x00\x01", "The secret is binary"),
    "no API key": (lambda s: {k: v for k, v in s.items() if k != "apiKey"}, "apiKey is missing"),
    "garbage certificate": (lambda s: {**s, "cert": "garbage"}, "cert in the secret is not a readable PEM"),
    "encrypted key": (
        lambda s: {**s, "privateKey": encrypted(s["privateKey"])},
        "privateKey in the secret is encrypted",
    ),
    "another's key": (lambda s: {**s, "privateKey": key_pem(new_key("ec256"))}, "is not the key of cert"),
}


@pytest.mark.parametrize("name", BAD_SECRETS)
def test_a_secret_that_cannot_be_used_is_told_once_and_left_alone(customer: Customer, name: str) -> None:
    """The fault is ours: nothing is sent, nothing is changed."""
    spoil, expected = BAD_SECRETS[name]
    tenant = customer.onboard()
    customer.put(spoil(dict(tenant.credential)))
    before = customer.labels()
    for _ in range(2):
        assert "InvalidCredential" in customer.fails(force=True).log
    (email,) = customer.emails()
    assert email.attributes["code"] == "InvalidCredential"
    assert expected in email.body
    assert customer.labels() == before
    assert customer.simulator.requests_to("cert:refresh") == [] or customer.refreshes() == []
    assert customer.history() == []
    assert not any("certificate_attempts" in record for record in customer.records())


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"dryrun": True}, "unknown keys: dryrun"),
        ({"force": "true"}, "force in the event must be true or false"),
        ([], "Expected a JSON object"),
    ],
)
def test_an_event_that_cannot_be_read_is_told(customer: Customer, event: object, expected: str) -> None:
    """A typing mistake must not rotate, and must not pass unseen."""
    customer.onboard()
    answer = customer.stack.invoke(event)
    assert answer.failed
    assert "InvalidEvent" in answer.log
    (email,) = customer.emails()
    assert (email.attributes["code"], expected in email.body) == ("InvalidEvent", True)
    assert customer.refreshes() == []


def test_another_secret_is_out_of_the_roles_reach(customer: Customer) -> None:
    """The role opens the stack's secret and no other; the message says what is missing."""
    arn = customer.stack.client("secretsmanager").create_secret(Name=customer.name, SecretString="{}")["ARN"]
    assert "InvalidCredential" in customer.fails(secretId=arn).log
    (email,) = customer.emails()
    assert "or this function's role may not look at it" in email.body


def test_a_right_that_was_taken_from_the_role_is_told_once_and_so_is_its_return(
    stack: Stack, customer: Customer
) -> None:
    """Somebody tidied up the account's roles; what would be issued could not be stored, so no attempt is spent."""
    customer.onboard()
    role = Role.of_function(stack)
    (right,) = (right for right in role.rights() if right.value == "secretsmanager:PutSecretValue")
    with role.without(right):
        for _ in range(2):
            assert "StorageFailure" in customer.fails().log
    (email,) = customer.emails()
    assert "AccessDenied" in email.body
    assert customer.cure(StorageFailure) in email.body
    assert customer.refreshes() == []
    assert customer.invoke()["outcome"] == "rotated"
    (over,) = customer.emails()
    assert "This ends the incident StorageFailure of " in over.body


def test_settings_that_cannot_be_used_are_told(stack: Stack, customer: Customer) -> None:
    """CloudFormation checks the parameters; a setting changed by hand in the console it does not see."""
    customer.onboard()
    functions = stack.client("lambda")
    name = stack.outputs["FunctionName"]
    environment = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {**environment, "CRITICAL_DAYS": "soon"}
    try:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
        for _ in range(2):
            assert "InvalidSettings" in customer.fails().log
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": environment})
    (email,) = customer.emails()
    assert "CRITICAL_DAYS is 'soon'. Expected a whole number" in email.body
    assert customer.cure(InvalidSettings) in email.body
    assert customer.refreshes() == []
    assert customer.invoke()["outcome"] == "rotated"
    assert [email.attributes["code"] for email in customer.emails()] == ["rotated", "recovered"]


def test_nothing_the_function_says_holds_a_key(customer: Customer) -> None:
    """Its log goes to whoever may read logs."""
    tenant = customer.onboard()
    said = [customer.stack.invoke({"dryRun": True}), customer.stack.invoke({})]
    customer.put({**tenant.credential, "privateKey": key_pem(new_key("ec256"))})
    said.append(customer.stack.invoke({}))
    told = "".join(f"{answer.log}{json.dumps(answer.payload)}" for answer in said)
    assert tenant.credential["apiKey"] not in told
    assert "PRIVATE KEY" not in told
    assert said[0].log
