"""Whose credential a command is about: told, never guessed, and in every command and event that it shows."""

import json
import re
from copy import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certificate_rotation.domain.x509 import Chain, PrivateKey
from certificate_rotation.events import command_from
from cli.errors import UserError, cure
from cli.stack import Deployment, Fleet
from cli.target import Choice, Target, check_subject, chosen, name_of, of_secret, the_own, the_tenants, without_a_stack
from tests.support.contract import ERRORS
from tests.support.factories import certificate

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:{}-AbCdEf"
OWN, ACME = ARN.format("CredentialSecret-x"), ARN.format("device-id/tenants/acme")
FLEET = Fleet("group", "role", "function", "queue", "device-id/tenants", "key", "mine")
SINGLE = Deployment("device-id-certificate", "f", OWN, "ledger", "topic", {})
MANY = replace(SINGLE, stack="mine", fleet=FLEET)
ONLY_TENANTS = replace(MANY, own_credential=False)


class Secrets:
    """Knows every secret by its name."""

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """As boto3 does."""
        return {"ARN": SecretId if ":" in SecretId else ARN.format(SecretId)}


SECRETS = cast("SecretsManagerClient", Secrets())


def test_a_stack_of_one_credential_needs_no_name() -> None:
    """There is nothing else that could be meant."""
    target = chosen(Choice(), SINGLE, SECRETS)
    assert (target.secret, target.own) == (OWN, True)
    assert target.command("store") == "device-id store"


@pytest.mark.parametrize(
    ("stack", "why"),
    [
        (MANY, "has tenants"),
        (ONLY_TENANTS, "has tenants"),
        (replace(SINGLE, own_credential=False), "OwnCredential=false"),
    ],
)
def test_where_another_could_be_meant_nobody_guesses(stack: Deployment, why: str) -> None:
    """`store --replace` once wrote a tenant's credential over the stack's own."""
    with pytest.raises(UserError, match=rf"{why}.*Nothing was changed.*--tenant NAME.*--own"):
        chosen(Choice(), stack, SECRETS)
    assert chosen(Choice(own=True), stack, SECRETS).secret == OWN


@pytest.mark.parametrize("choice", [Choice(tenant="acme"), Choice("device-id/tenants/acme"), Choice(ACME)])
def test_a_tenant_is_known_by_each_of_their_names(choice: Choice) -> None:
    """An alert names the ARN, the fleet's list the tenant."""
    target = chosen(choice, MANY, SECRETS)
    assert (target.secret, target.tenant, target.own) == (ACME, "acme", False)
    assert target.words == "the secret device-id/tenants/acme (the tenant acme's in the stack mine)"
    assert target.command("recover", "--cert", "a file") == (
        "device-id recover --cert 'a file' --tenant acme --stack-name mine"
    )


def test_the_own_is_known_by_its_arn() -> None:
    """It is the one that the stack's output names."""
    target = chosen(Choice(OWN), MANY, SECRETS)
    assert (target.own, target.words) == (True, "the secret CredentialSecret-x (the stack mine's own)")
    assert target.command("status") == "device-id status --own --stack-name mine"


@pytest.mark.parametrize("name", ["elsewhere", "device-id/tenants/acme/more", "device-id/tenantsacme"])
def test_what_is_nobodys_is_called_so(name: str) -> None:
    """A name that only looks like a tenant's has no schedule."""
    target = of_secret(ARN.format(name), MANY)
    assert (target.own, target.tenant) == (False, None)
    assert "neither the stack mine's own nor a tenant's" in target.words
    assert target.options == ("--secret", ARN.format(name))
    assert of_secret(ACME, SINGLE).tenant is None
    assert without_a_stack(ACME, "mine").command("status") == f"device-id status --secret {ACME} --stack-name mine"


def test_two_names_are_one_too_many() -> None:
    """They may contradict each other."""
    with pytest.raises(UserError, match="Give one of them"):
        Choice(ACME, tenant="acme")
    with pytest.raises(UserError, match="has no tenants"):
        chosen(Choice(tenant="acme"), SINGLE, SECRETS)


def test_a_name_without_an_arn_is_a_name() -> None:
    """A secret that AWS does not know has none."""
    assert name_of("device-id/tenants/acme-AbCdEf") == "device-id/tenants/acme-AbCdEf"
    assert name_of(ACME) == "device-id/tenants/acme"


def of(common_name: str, key: PrivateKey) -> Chain:
    """A certificate of this subject."""
    return Chain((certificate(key, subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])),))


def test_a_certificate_of_another_subject_is_likely_another_credentials(ec_key: PrivateKey) -> None:
    """The service accepts it all the same: only its subject tells."""
    target = the_tenants(MANY, "acme", ACME)
    check_subject(of("acme", ec_key), of("acme", ec_key), target)
    check_subject(of("acme", ec_key), None, target)
    with pytest.raises(
        UserError, match=r"is of CN=other, and .*in the secret .*acme.* is of CN=acme\. .*--other-subject"
    ):
        check_subject(of("other", ec_key), of("acme", ec_key), target)


COMMAND = re.compile(r"device-id (csr|store|recover|status)\b([^`]*)")


def assert_complete(text: str, target: Target) -> None:
    """Every command in it names the credential and the stack, and every event the secret."""
    for _, options in COMMAND.findall(text):
        named = f"--secret {target.secret}" in options or " ".join(target.options) in options
        assert named, text
        assert f"--stack-name {target.stack}" in options, text
    for event in re.findall(r"\{\"[^}]*\}", text):
        command_from(json.loads(event))
        assert json.loads(event)["secretId"] == target.secret


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_cure_is_about_the_credential_that_failed(code: str) -> None:
    """Followed to the letter at night, it changes that one and no other."""
    text = cure(code, ACME, "mine")
    assert_complete(text, the_tenants(MANY, "acme", ACME))
    assert re.findall(r"\{[a-z_]+\}|\{\{", text) == [], "a gap that nobody filled in"
    assert "report it to the maintainers" in cure("KeyError", ACME, "mine")


def test_the_own_is_named_where_it_has_to_be() -> None:
    """A command that is copied must not be refused for want of a name."""
    for stack in (MANY, ONLY_TENANTS):
        assert the_own(stack).options == ("--own",)
    assert the_own(SINGLE).options == ()
