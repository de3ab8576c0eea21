"""Secrets Manager: versions and their labels. Knows nothing of what a version holds.

AWS: a version is immutable; a label sits on one version at a time; a version without labels may be pruned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from certificate_rotation.errors import InvalidCredential, StorageFailure

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
INTENT = "ROTATION_INTENT"

# What reading a secret answers when the cure lies with the secret, its policy or its key, not with AWS.
# AccessDenied is among them: to a role that may read only its own secret, a name that does not exist looks the same.
_SECRET_IS_UNUSABLE = {
    "ResourceNotFoundException": "does not exist",
    "AccessDeniedException": "does not exist, or this function's role may not read it",
    "InvalidRequestException": "is marked for deletion",
    "DecryptionFailure": "cannot be decrypted; check its KMS key and KmsKeyArn",
    "ValidationException": "is not a name or ARN Secrets Manager can read",
    "InvalidParameterException": "is not a name or ARN Secrets Manager can read",
}


class _Which(TypedDict, total=False):
    """How AWS is told which version is meant: by its id or by its label."""

    VersionId: str
    VersionStage: str


@dataclass(frozen=True)
class Labels:
    """The secret's ARN, and which version each label sits on."""

    arn: str
    versions: Mapping[str, str]


class SecretStore:
    """Reads and writes the versions of a secret.

    Every method raises `StorageFailure` when AWS refuses; the reading ones `InvalidCredential` when the secret itself
    is missing, unreadable to us, or not text.
    """

    def __init__(self, client: "SecretsManagerClient") -> None:
        """`client`: a boto3 client of Secrets Manager."""
        self._client = client

    def labels(self, secret_id: str) -> Labels:
        """The labels now. AWS may lag behind a write by a moment: the ledger guards what depends on it."""
        try:
            answer = self._client.describe_secret(SecretId=secret_id)
        except (ClientError, BotoCoreError) as error:
            raise _reading_failed(secret_id, error) from error
        if answer.get("DeletedDate") is not None:
            raise InvalidCredential(f"The secret {secret_id} is marked for deletion. Restore it, or name another one.")
        stages = answer.get("VersionIdsToStages", {})
        return Labels(answer["ARN"], {label: version for version, labels in stages.items() for label in labels})

    def current(self, arn: str) -> tuple[str, str]:
        """The version under AWSCURRENT, and its text."""
        return self._value(arn, {"VersionStage": CURRENT})

    def read(self, arn: str, version: str) -> str:
        """The text of one version."""
        return self._value(arn, {"VersionId": version})[1]

    def _value(self, arn: str, which: _Which) -> tuple[str, str]:
        try:
            answer = self._client.get_secret_value(SecretId=arn, **which)
        except (ClientError, BotoCoreError) as error:
            raise _reading_failed(arn, error) from error
        text = answer.get("SecretString")
        if text is None:
            raise InvalidCredential("The secret is binary. Expected text: a JSON object with apiKey, cert, privateKey.")
        return answer["VersionId"], text

    def put(self, arn: str, version: str, text: str, label: str) -> None:
        """Add a version under one label.

        AWS: repeating it with the same id and text does nothing, so botocore may repeat it.
        Never call it with AWSCURRENT: that would replace the credential in use without comparing.
        """
        try:
            self._client.put_secret_value(
                SecretId=arn, ClientRequestToken=version, SecretString=text, VersionStages=[label]
            )
        except (ClientError, BotoCoreError) as error:
            raise _writing_failed(f"storing the version labelled {label}", error) from error

    def promote(self, arn: str, version: str, instead_of: str) -> bool:
        """Move AWSCURRENT to `version` if it still sits on `instead_of`; False when it does not.

        AWS moves AWSPREVIOUS along by itself.
        """
        try:
            self._client.update_secret_version_stage(
                SecretId=arn, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=instead_of
            )
        except (ClientError, BotoCoreError) as error:
            # A repeat after a lost answer fails although the first one took effect: look where the label is.
            now_on = self.labels(arn).versions.get(CURRENT)
            if now_on == instead_of:
                raise _writing_failed("moving AWSCURRENT to the new version", error) from error
            return now_on == version
        return True

    def unlabel(self, arn: str, version: str, label: str) -> None:
        """Take a label off a version; it is fine if it is gone already."""
        try:
            self._client.update_secret_version_stage(SecretId=arn, VersionStage=label, RemoveFromVersionId=version)
        except (ClientError, BotoCoreError) as error:
            if self.labels(arn).versions.get(label) == version:
                raise _writing_failed(f"taking the label {label} off", error) from error

    def unlabel_all(self, arn: str, labels: Mapping[str, str]) -> None:
        """Take several labels off. AWS refuses its own rotation while AWSPENDING is left on an older version."""
        for label, version in labels.items():
            self.unlabel(arn, version, label)


def aws_reason(error: ClientError | BotoCoreError) -> str:
    """What AWS said, fit for a person: the error code and its message, or why AWS was not reached."""
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        return f"{detail.get('Code', 'unknown error')}: {detail.get('Message', '')}"
    return f"{type(error).__name__}: {error}"


def _reading_failed(secret_id: str, error: ClientError | BotoCoreError) -> InvalidCredential | StorageFailure:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    if code in _SECRET_IS_UNUSABLE:
        return InvalidCredential(f"The secret {secret_id} {_SECRET_IS_UNUSABLE[code]}.")
    return StorageFailure(f"AWS refused reading the secret {secret_id}. {aws_reason(error)}")


def _writing_failed(what: str, error: ClientError | BotoCoreError) -> StorageFailure:
    return StorageFailure(f"AWS refused {what}. {aws_reason(error)}")
