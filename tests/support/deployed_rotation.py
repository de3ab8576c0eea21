"""Plays Secrets Manager's own rotation on the deployed stack: `RotateSecret` of the local AWS invokes nobody.

As `tests.support.native_rotation`, which names the pages it is made from. A version without a value, which AWS makes
here, the local AWS takes from `PutSecretValue`.
"""

import uuid
from dataclasses import dataclass, field

from dev.stack import Answer
from tests.support.deployed_customer import Customer
from tests.support.native_rotation import STEPS


class RefusedError(Exception):
    """AWS refuses `RotateSecret`: AWSPENDING is on a version that is neither the token's nor in use."""


@dataclass
class DeployedRotation:
    """One call of `RotateSecret` for a customer's secret."""

    customer: Customer
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    def begin(self) -> "DeployedRotation":
        """What AWS does before it invokes the function.

        Raises:
            RefusedError: AWS would do nothing.
        """
        labels, secrets = self.customer.labels(), self.customer.stack.client("secretsmanager")
        pending = labels.get("AWSPENDING")
        if pending not in {None, labels["AWSCURRENT"], self.token}:
            raise RefusedError(pending)
        if pending and pending != self.token:
            secrets.update_secret_version_stage(
                SecretId=self.customer.arn, VersionStage="AWSPENDING", RemoveFromVersionId=pending
            )
        if self.token not in self.customer.version_ids():
            secrets.put_secret_value(
                SecretId=self.customer.arn, ClientRequestToken=self.token, VersionStages=["AWSPENDING"]
            )
        elif pending != self.token:
            secrets.update_secret_version_stage(
                SecretId=self.customer.arn, VersionStage="AWSPENDING", MoveToVersionId=self.token
            )
        return self

    def event(self, name: str) -> dict[str, object]:
        """What AWS sends for a step."""
        return {
            "Step": name,
            "SecretId": self.customer.arn,
            "ClientRequestToken": self.token,
            "RotationToken": "not-for-anybody",
        }

    def step(self, name: str) -> str:
        """Invoke the function for one step: its outcome, or the name of its error."""
        return said(self.customer.stack.invoke(self.event(name)))

    def run(self) -> str:
        """As AWS does: one step after the other until one fails; what the last one said."""
        for name in STEPS[:-1]:
            answer = self.customer.stack.invoke(self.event(name))
            if answer.failed:
                return said(answer)
        return self.step(STEPS[-1])


def said(answer: Answer) -> str:
    """The outcome, or the name of the error."""
    return str(answer.payload["errorType"] if answer.failed else answer.payload["outcome"])
