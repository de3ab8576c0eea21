"""Whose credential a command is about: the stack's own, a tenant's, or one named by its secret. Never guessed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certificate_rotation.domain.x509 import Chain
from cli.commands import DEFAULT_STACK, written
from cli.errors import UserError
from cli.names import checked_name, is_name
from cli.secret import described
from cli.stack import Deployment
from cli.tenants import fleet_of

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_SUFFIX = 7  # AWS: a hyphen and six characters of its own end a secret's ARN


@dataclass(frozen=True)
class Target:
    """One credential, and how it is named.

    Attributes:
        secret: its ARN.
        owner: whose it is, in words.
        options: what tells a command that it is this one.
        stack: the stack's name.
        tenant: the tenant's name; None when it is no tenant's.
        own: whether it is the stack's own.
    """

    secret: str
    owner: str
    options: tuple[str, ...] = ()
    stack: str = DEFAULT_STACK
    tenant: str | None = None
    own: bool = False

    @property
    def words(self) -> str:
        """The secret's name and whose it is."""
        return f"the secret {name_of(self.secret)} ({self.owner})"

    def command(self, name: str, *more: str) -> str:
        """A command about this credential, to be copied."""
        return written(name, *more, *self.options, stack=self.stack)

    def of_tenant(self, verb: str) -> str:
        """A command about the tenant whose it is, to be copied."""
        return written("tenant", verb, self.tenant or "", stack=self.stack)


@dataclass(frozen=True)
class Choice:
    """What the options say; at most one of them does."""

    secret: str | None = None
    tenant: str | None = None
    own: bool = False

    def __post_init__(self) -> None:
        if sum((self.secret is not None, self.tenant is not None, self.own)) > 1:
            raise UserError("--secret, --tenant and --own each say whose credential it is. Give one of them.")

    @property
    def made(self) -> bool:
        """Whether they say anything."""
        return self.own or bool(self.secret or self.tenant)


def the_own(stack: Deployment) -> Target:
    """The stack's own credential."""
    must_be_named = stack.fleet or not stack.own_credential
    options = ("--own",) if must_be_named else ()
    return Target(stack.secret_arn, f"the stack {stack.stack}'s own", options, stack.stack, own=True)


def the_tenants(stack: Deployment, tenant: str, secret: str) -> Target:
    """A tenant's credential."""
    owner = f"the tenant {tenant}'s in the stack {stack.stack}"
    return Target(secret, owner, ("--tenant", tenant), stack.stack, tenant=tenant)


def of_secret(arn: str, stack: Deployment) -> Target:
    """Whose a secret is."""
    if arn == stack.secret_arn:
        return the_own(stack)
    prefix = f"{stack.fleet.prefix}/" if stack.fleet else ""
    tenant = name_of(arn).removeprefix(prefix)
    if prefix and name_of(arn).startswith(prefix) and is_name(tenant):
        return the_tenants(stack, tenant, arn)
    owner = f"neither the stack {stack.stack}'s own nor a tenant's"
    return Target(arn, owner, ("--secret", arn), stack.stack)


def without_a_stack(arn: str, stack_name: str) -> Target:
    """A secret that was named, where no stack was asked whose it is."""
    return Target(arn, "which --secret names", ("--secret", arn), stack_name)


def chosen(choice: Choice, stack: Deployment, secrets: "SecretsManagerClient") -> Target:
    """The credential that is to be changed.

    Raises:
        UserError: the options leave it open, or there is no such secret.
    """
    if choice.tenant:
        name = f"{fleet_of(stack).prefix}/{checked_name(choice.tenant)}"
        shows = written("tenant", "list", stack=stack.stack)
        arn = described(secrets, name, f"`{shows}` names the tenants there are.")["ARN"]
        return the_tenants(stack, choice.tenant, arn)
    if choice.secret:
        return of_secret(described(secrets, choice.secret)["ARN"], stack)
    if choice.own or (stack.fleet is None and stack.own_credential):
        return the_own(stack)
    why = "has tenants" if stack.fleet else "does not look after a credential of its own (OwnCredential=false)"
    raise UserError(
        f"The stack {stack.stack} {why}, so it is not clear whose credential you mean. Nothing was changed. Say it "
        "with --tenant NAME, with --secret NAME-or-ARN, or with --own for the stack's own."
    )


def name_of(arn: str) -> str:
    """A secret's name from its ARN; anything else as it is."""
    _, found, name = arn.rpartition(":secret:")
    return name[:-_SUFFIX] if found and name[-_SUFFIX : -_SUFFIX + 1] == "-" else name


def check_subject(offered: Chain, in_use: Chain | None, target: Target) -> None:
    """Refuse a certificate that looks like another credential's. With none in use there is nothing to compare.

    Raises:
        UserError: its subject is not that of the one in use.
    """
    if in_use is None or offered.leaf.subject == in_use.leaf.subject:
        return
    ours, theirs = offered.leaf.subject.rfc4514_string(), in_use.leaf.subject.rfc4514_string()
    raise UserError(
        f"This certificate is of {ours or 'no subject'}, and the one in use in {target.words} is of "
        f"{theirs or 'no subject'}. Nothing was changed. Look whether it is the right file, and the right credential. "
        "If it is both, add --other-subject."
    )
