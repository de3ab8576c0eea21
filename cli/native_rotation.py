"""`tenant`: Secrets Manager's own rotation of a tenant's secret, switched on and off.

`fleet/tenant.yaml` does the same with a RotationSchedule. Both leave alone what another function rotates.
"""

from typing import TYPE_CHECKING

from cli.commands import written
from cli.console import fact, remark
from cli.errors import UserError
from cli.stack import Fleet

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef

MOST_DAYS = 1000  # Secrets Manager, "RotationRulesType"


class NativeRotation:
    """What Secrets Manager does by itself with the secrets of one fleet."""

    def __init__(self, fleet: Fleet, secrets: "SecretsManagerClient") -> None:
        """`secrets`: a boto3 client."""
        self._fleet, self._secrets = fleet, secrets

    def check(self, days: int | None) -> None:
        """Refuse days that this stack cannot serve, before anything is made.

        Raises:
            UserError: the stack does not let Secrets Manager start its function.
        """
        if days and not self._fleet.native_rotation:
            raise UserError(
                f"The stack {self._fleet.stack} does not let Secrets Manager start its function. Deploy it again with "
                "NativeRotationDays, such as 30; with OwnCredential=false that is for tenants alone."
            )

    def set(self, tenant: str, secret_arn: str, days: int | None) -> None:
        """Have Secrets Manager rotate a tenant's secret every so many days, and not now.

        `days`: 0 switches it off, None leaves it as it is.

        Raises:
            UserError: the secret is empty, or something else rotates it.
        """
        if days is None:
            self.tell(tenant, secret_arn)
        elif days == 0:
            self.stop(secret_arn)
        else:
            described = self._secrets.describe_secret(SecretId=secret_arn)
            if self._days(described) != days:
                self._start(tenant, described, days)
            fact("Rotation", f"by Secrets Manager too, every {days} days")

    def stop(self, secret: str) -> None:
        """Have Secrets Manager rotate it no more, if our function is what it calls."""
        if self._days(self._secrets.describe_secret(SecretId=secret)) is not None:
            self._secrets.cancel_rotate_secret(SecretId=secret)
            fact("Rotation", "no more by Secrets Manager")

    def tell(self, tenant: str, secret: str) -> None:
        """Say that Secrets Manager rotates it, if it does, and how to end that."""
        try:
            days = self._days(self._secrets.describe_secret(SecretId=secret))
        except self._secrets.exceptions.ResourceNotFoundException:
            return
        if days is not None:
            off = written("tenant", "add", tenant, "--native-rotation-days", "0", stack=self._fleet.stack)
            remark(f"Secrets Manager itself rotates it too, every {days} days. To end that: {off}")

    def _start(self, tenant: str, described: "DescribeSecretResponseTypeDef", days: int) -> None:
        other = described.get("RotationLambdaARN", "another way of its own")
        if described.get("RotationEnabled") and other != self._fleet.function_arn:
            raise UserError(
                f"Secrets Manager rotates the secret of {tenant} with {other}. End that first: "
                f"aws secretsmanager cancel-rotate-secret --secret-id {described['ARN']}"
            )
        # AWS does not say what it does with a secret that has no value, and its trial would have nothing to try.
        if not any("AWSCURRENT" in labels for labels in described.get("VersionIdsToStages", {}).values()):
            store = written("store", "--tenant", tenant, stack=self._fleet.stack)
            raise UserError(
                f"The secret of {tenant} is empty, so Secrets Manager was not told to rotate it; the rest is done. "
                f"Store the credential with `{store}`, then run this command again."
            )
        # RotateImmediately=False: AWS runs testSecret alone, to try the function (API reference, "RotateSecret").
        self._secrets.rotate_secret(
            SecretId=described["ARN"],
            RotationLambdaARN=self._fleet.function_arn,
            RotationRules={"AutomaticallyAfterDays": days},
            RotateImmediately=False,
        )

    def _days(self, described: "DescribeSecretResponseTypeDef") -> int | None:
        """How often Secrets Manager has our function rotate it; None when it does not."""
        if described.get("RotationEnabled") and described.get("RotationLambdaARN") == self._fleet.function_arn:
            return described.get("RotationRules", {}).get("AutomaticallyAfterDays", 0)
        return None
