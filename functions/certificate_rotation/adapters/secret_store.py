"""Secrets Manager: versions and their labels. Knows nothing of what a version holds.

AWS: a version is immutable; a label sits on one version at a time; a version without labels may be pruned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certificate_rotation.adapters.aws import AwsError, aws_code, aws_reason, may_refuse, refused
from certificate_rotation.domain.errors import InvalidCredential

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef, GetSecretValueResponseTypeDef

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
PENDING = "AWSPENDING"  # Secrets Manager's own rotation puts it on the version whose id is its token

# What `DescribeSecret` answers when the cure lies with how the secret is named, or with the secret, not with AWS.
# AccessDenied is among them: to a role that may look at its own secret alone, a name that does not exist is the same.
_NOT_FOUND = {
    "ResourceNotFoundException": "does not exist",
    "AccessDeniedException": "does not exist, or this function's role may not look at it",
    "InvalidRequestException": "cannot be used as it is",
    "ValidationException": "is not a name or ARN Secrets Manager can read",
    "InvalidParameterException": "is not a name or ARN Secrets Manager can read",
}
_GONE = "ResourceNotFoundException"  # AWS: also of a version or a label that the secret does not have


@dataclass(frozen=True)
class Current:
    """The version under AWSCURRENT: of which secret, its id, which labels are on it, and its text."""

    arn: str
    version: str
    labels: frozenset[str]
    text: str = field(repr=False)


class SecretStore:
    """Reads and writes the versions of a secret.

    Every method raises `StorageFailure` when AWS refuses; `arn` and `current` raise `InvalidCredential` when the
    secret itself is missing, or not text. What AWS refuses to read now, for want of a right or a KMS key, is not gone.
    """

    def __init__(self, client: "SecretsManagerClient") -> None:
        """`client`: a boto3 client of Secrets Manager."""
        self._client = client

    def arn(self, name: str) -> str:
        """Of a secret of which only the name is known."""
        return self._find(name)["ARN"]

    def labels(self, arn: str) -> dict[str, str]:
        """Which version each label is on. AWS may lag behind a write: the ledger guards what hangs on it."""
        with may_refuse(f"looking at the secret {arn}"):
            return _labels(self._client.describe_secret(SecretId=arn))

    def current(self, arn: str) -> Current:
        """The version under AWSCURRENT. Where AWS does not give it, the secret itself is looked at to say why."""
        try:
            answer = self._client.get_secret_value(SecretId=arn, VersionStage=CURRENT)
        except AwsError as error:
            version = _labels(self._find(arn)).get(CURRENT)
            if version is None:
                said = f"The secret {arn} is empty. Put apiKey, cert and privateKey into it."
                raise InvalidCredential(f"{said} AWS said: {aws_reason(error)}") from error
            found = self._version(arn, version) if aws_code(error) == _GONE else None  # it only lagged behind
            if found is None:
                raise refused(f"reading the secret {arn}", error) from error
            answer = found
        text = answer.get("SecretString")
        if text is None:
            raise InvalidCredential("The secret is binary. Expected text: a JSON object with apiKey, cert, privateKey.")
        return Current(answer["ARN"], answer["VersionId"], frozenset(answer.get("VersionStages", ())), text)

    def _find(self, secret_id: str) -> "DescribeSecretResponseTypeDef":
        """The secret, or why there is none to use."""
        try:
            found = self._client.describe_secret(SecretId=secret_id)
        except AwsError as error:
            if aws_code(error) in _NOT_FOUND:
                said = f"The secret {secret_id} {_NOT_FOUND[aws_code(error)]}. AWS said: {aws_reason(error)}"
                raise InvalidCredential(said) from error
            raise refused(f"looking at the secret {secret_id}", error) from error
        if found.get("DeletedDate") is not None:
            raise InvalidCredential(f"The secret {secret_id} is marked for deletion. Restore it, or name another one.")
        return found

    def read(self, arn: str, version: str) -> str | None:
        """The text of one version, empty where it is binary; None when it is gone, or never held anything.

        AWS may lag behind the write that made it: what is gone is gone at a second look, too.
        """
        answer = self._version(arn, version) or self._version(arn, version)
        if answer is None or not {"SecretString", "SecretBinary"} & answer.keys():
            return None
        return answer.get("SecretString", "")

    def _version(self, arn: str, version: str) -> "GetSecretValueResponseTypeDef | None":
        try:
            return self._client.get_secret_value(SecretId=arn, VersionId=version)
        except AwsError as error:
            if aws_code(error) == _GONE:
                return None
            raise refused(f"reading version {version} of the secret {arn}", error) from error

    def previous(self, arn: str) -> str | None:
        """The text of the version under AWSPREVIOUS; None where there is none."""
        at = self.labels(arn).get(PREVIOUS)
        return self.read(arn, at) if at else None

    def put(self, arn: str, version: str, text: str, *labels: str) -> None:
        """Add a version under these labels, which leave the versions that had them.

        AWS: repeating it with the same id and text does nothing, so botocore may repeat it.
        Never call it with AWSCURRENT: that would replace the credential in use without comparing.
        """
        with may_refuse(f"storing the version labelled {' and '.join(labels)}"):
            self._client.put_secret_value(
                SecretId=arn, ClientRequestToken=version, SecretString=text, VersionStages=list(labels)
            )

    def promote(self, arn: str, version: str, instead_of: str) -> bool:
        """Move AWSCURRENT to `version` if it still sits on `instead_of`; False when it does not.

        AWS moves AWSPREVIOUS along by itself.
        """
        try:
            self._client.update_secret_version_stage(
                SecretId=arn, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=instead_of
            )
        except AwsError as error:
            # A repeat after a lost answer fails although the first one took effect: look where the label is.
            now_on = self.labels(arn).get(CURRENT)
            if now_on == instead_of:
                raise refused("moving AWSCURRENT to the new version", error) from error
            return now_on == version
        return True

    def label(self, arn: str, version: str, label: str, *, now_on: str | None) -> None:
        """Put a label of ours on a version, off the one it is on now (AWS wants that one named)."""
        which = {"RemoveFromVersionId": now_on} if now_on else {}
        try:
            self._client.update_secret_version_stage(SecretId=arn, VersionStage=label, MoveToVersionId=version, **which)
        except AwsError as error:
            if self.labels(arn).get(label) != version:
                raise refused(f"putting the label {label} on", error) from error

    def unlabel(self, arn: str, version: str, label: str) -> None:
        """Take a label off a version; it is fine if it is gone already."""
        try:
            self._client.update_secret_version_stage(SecretId=arn, VersionStage=label, RemoveFromVersionId=version)
        except AwsError as error:
            if self.labels(arn).get(label) == version:
                raise refused(f"taking the label {label} off", error) from error

    def unlabel_all(self, arn: str, labels: Mapping[str, str]) -> None:
        """Take several labels off. AWS refuses its own rotation while AWSPENDING is left on an older version."""
        for label, version in labels.items():
            self.unlabel(arn, version, label)


def _labels(described: "DescribeSecretResponseTypeDef") -> dict[str, str]:
    stages = described.get("VersionIdsToStages", {})
    return {label: version for version, labels in stages.items() for label in labels}


def is_name_of(name: str, arn: str) -> bool:
    """Whether a secret's ARN belongs to this name: AWS adds a hyphen and six characters to it."""
    return bool(arn) and arn.rpartition(":secret:")[2][:-7] == name
