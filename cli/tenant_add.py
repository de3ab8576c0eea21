"""`tenant add`: one tenant's secret, first credential and schedule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from cli import store as storing
from cli.console import about, listed, waiting
from cli.offer import Offer
from cli.secret import look
from cli.service import Service
from cli.stack import Deployment
from cli.target import the_tenants
from cli.tenants import Tenants, fleet_of

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class Terms:
    """How a tenant is looked after; None for what is so already.

    Attributes:
        schedule: how often to look.
        native_rotation_days: how often Secrets Manager itself rotates.
        tags: what the secret bears besides the stack's.
    """

    schedule: str | None = None
    native_rotation_days: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Adding:
    """Adds tenants to one stack."""

    def __init__(
        self,
        stack: Deployment,
        secrets: "SecretsManagerClient",
        scheduler: "EventBridgeSchedulerClient",
        service: Service | None,
        allowed: storing.Allowed,
    ) -> None:
        """`service`: whom to ask whether a credential is accepted; None to ask nobody."""
        self._stack, self._secrets, self._service, self._allowed = stack, secrets, service, allowed
        self._tenants = Tenants(fleet_of(stack), secrets, scheduler)

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self._stack.stack

    def check(self, terms: Terms) -> None:
        """Refuse what this stack cannot do, before anything is made.

        Raises:
            UserError: the stack does not let Secrets Manager start its function.
        """
        self._tenants.native_rotation.check(terms.native_rotation_days)

    def secret(self, name: str, terms: Terms) -> str:
        """The ARN of a tenant's secret, which is made unless it is there."""
        with waiting(f"Looking for the secret of {name} ..."):
            return self._tenants.make_secret(name, terms.tags)

    def has_credential(self, arn: str) -> bool:
        """Whether anything is in a secret."""
        return bool(look(self._secrets, arn).text)

    def finish(self, name: str, arn: str, terms: Terms, offer: Offer | None, now: datetime) -> bool:
        """Store the first credential, then have the function look at it; whether there was no schedule before."""
        target = the_tenants(self._stack, name, arn)
        if offer:
            about(target.words)
            storing.store(self._secrets, target, offer, self._service, allowed=self._allowed, now=now)
        with waiting(f"Looking for the schedule of {name} ..."):
            new = self._tenants.schedule(name, arn, terms.schedule)
        if not offer and not self.has_credential(arn):
            listed("Next", [f"Put the credential into the secret: {target.command('store')}"], mark="1")
        self._tenants.native_rotation.set(name, arn, terms.native_rotation_days)
        return new
