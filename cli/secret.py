"""The secret: what it holds, and a change by hand. AWSCURRENT moves only from the version that was looked at."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from certificate_rotation.adapters.secret_store import CURRENT, SecretStore
from certificate_rotation.domain.credential import Credential
from certificate_rotation.domain.errors import InvalidCredential, adding
from certificate_rotation.domain.x509 import Chain, load_chain
from cli.errors import NeedsYouError, RefusedError
from cli.service import Service

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef

# The label a new version has until it is AWSCURRENT. None of rotation's own: a run would take it for one of its own.
BY_HAND = "ONBOARDING"


@dataclass(frozen=True)
class Found:
    """A secret as it is.

    Attributes:
        arn: its ARN.
        version: which version is AWSCURRENT; None when it has none.
        text: what that one holds; None when that is nothing, or bytes.
        labels: which version each label sits on.
    """

    arn: str
    version: str | None
    text: str | None = field(repr=False)
    labels: Mapping[str, str]

    @property
    def empty(self) -> bool:
        """Whether nothing was ever put into it; the local AWS gives such a secret a version without text."""
        return self.version is None or self.text == ""


def described(client: "SecretsManagerClient", secret_id: str, cure: str = "") -> "DescribeSecretResponseTypeDef":
    """What AWS says of a secret; `cure`: what to do when there is none.

    Raises:
        UserError: there is none, or it is marked for deletion.
    """
    try:
        found = client.describe_secret(SecretId=secret_id)
    except client.exceptions.ResourceNotFoundException:
        raise RefusedError(
            f"There is no secret {secret_id} in {client.meta.region_name}. "
            f"{cure or 'Check --secret, AWS_PROFILE and AWS_REGION.'}"
        ) from None
    if found.get("DeletedDate") is not None:
        raise RefusedError(
            f"The secret {found['ARN']} is marked for deletion. Bring it back with `aws secretsmanager restore-secret "
            f"--secret-id {found['ARN']}`, or name another one."
        )
    return found


def look(client: "SecretsManagerClient", secret_id: str) -> Found:
    """Read a secret.

    Raises:
        UserError: there is none, or it is marked for deletion.
    """
    found = described(client, secret_id)
    arn, stages = found["ARN"], found.get("VersionIdsToStages", {})
    labels = {label: version for version, given in stages.items() for label in given}
    version = labels.get(CURRENT)
    return Found(arn, version, read(client, arn, version) if version else None, labels)


def read(client: "SecretsManagerClient", arn: str, version: str) -> str | None:
    """The text of one version; None when it is gone, empty or binary."""
    try:
        return client.get_secret_value(SecretId=arn, VersionId=version).get("SecretString")
    except client.exceptions.ResourceNotFoundException:
        return None


def put_in_use(client: "SecretsManagerClient", found: Found, text: str, status: str, version: str | None = None) -> str:
    """Make `text` AWSCURRENT, if it still sits where it was found.

    Args:
        client: of Secrets Manager.
        found: the secret as it was looked at.
        text: what it is to hold.
        status: the command that shows how the credential is.
        version: the new version's id; None for one that says nothing.

    Returns:
        The new version.

    Raises:
        UserError: somebody else moved it meanwhile, and theirs is left in place.
        StorageFailure: AWS refused a write.
    """
    store, version = SecretStore(client), version or str(uuid.uuid4())
    if found.version is None:  # there is nothing to compare with, and nothing to lose
        store.put(found.arn, version, text, CURRENT)
        return version
    store.put(found.arn, version, text, BY_HAND)
    moved = store.promote(found.arn, version, instead_of=found.version)
    with adding(f"The new version {version} is in use (AWSCURRENT)." if moved else "AWSCURRENT was left in place."):
        store.unlabel(found.arn, version, BY_HAND)
    if not moved:
        raise NeedsYouError(
            "Somebody else, or a rotation, changed the secret in this moment; theirs was left in place. Look with "
            f"`{status}`, then run this again if it is still what you want."
        )
    return version


def other_versions(client: "SecretsManagerClient", arn: str) -> list[str]:
    """Every version that AWS still has, newest first; those without a label too."""
    versions, token = [], ""
    while True:
        more = {"NextToken": token} if token else {}
        page = client.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True, **more)  # type: ignore[arg-type]
        versions += page["Versions"]
        token = page.get("NextToken", "")
        if not token:
            break
    newest_first = sorted(versions, key=lambda version: version["CreatedDate"], reverse=True)
    return [version["VersionId"] for version in newest_first]


def json_object(text: str | None) -> dict[str, object] | None:
    """What a secret holds; None when that is no JSON object."""
    try:
        document = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def chain_in(existing: Mapping[str, object]) -> Chain | None:
    """The certificate in a secret, whatever else is in it; None when there is none that can be read."""
    try:
        return load_chain(str(existing.get("cert")))
    except ValueError:
        return None


def chain_of(text: str | None) -> Chain | None:
    """The certificate of a usable credential; None when it is none."""
    credential = _credential(text)
    return credential.chain if credential else None


def working(text: str | None, service: Service | None, now: datetime) -> Credential | None:
    """The credential in a secret if it works, as far as anybody can be asked."""
    credential = _credential(text)
    if credential is None or credential.chain.not_after <= now or (service and not service.accepts(credential)):
        return None
    return credential


def _credential(text: str | None) -> Credential | None:
    try:
        return Credential.parse(text or "")
    except InvalidCredential:
        return None
