"""Secrets Manager: versions that never change, and labels that move.

The rules are those of AWS's API reference, "PutSecretValue" and "UpdateSecretVersionStage". Nothing is pruned: AWS
keeps every version of the last 24 hours, and a hundred beyond.
"""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.fake_aws.service import Answer, Asked, FakeService, Refused, operation

_CURRENT, _PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"  # the two that Secrets Manager itself moves
_PENDING = "AWSPENDING"  # its own rotation's
_LARGEST = 65_536  # AWS: bytes of a secret's value
_MOST_LABELS = 20  # AWS: of one version
_RECOVERY_DAYS = 30  # AWS: unless told otherwise


@dataclass
class _Version:
    value: Answer
    labels: list[str] = field(default_factory=list)


@dataclass
class _Secret:
    name: str
    arn: str
    versions: dict[str, _Version] = field(default_factory=dict)
    goes_at: datetime | None = None

    def answer(self, **more: object) -> Answer:
        return {"ARN": self.arn, "Name": self.name, **more}

    def holder(self, label: str) -> str | None:
        return next((version for version, found in self.versions.items() if label in found.labels), None)

    def move(self, label: str, to: str) -> None:
        """A label sits on one version at a time, and AWSPREVIOUS goes where AWSCURRENT comes from."""
        old = self.holder(label)
        if old == to:
            return
        if old:
            self.versions[old].labels.remove(label)
        self.versions[to].labels.append(label)
        if label == _CURRENT and old:
            self.move(_PREVIOUS, old)


class FakeSecretsManager(FakeService):
    """The secrets of an account."""

    name = "secretsmanager"

    def __init__(self) -> None:
        super().__init__()
        self._secrets: dict[str, _Secret] = {}

    def versions(self, name: str) -> dict[str, tuple[list[str], str]]:
        """Every version of a secret at once: its labels and its text, which is empty where it is binary."""
        found = self._secrets[name].versions
        return {version: (list(one.labels), one.value.get("SecretString", "")) for version, one in found.items()}

    @operation("Name", "SecretString", "SecretBinary", "ClientRequestToken")
    def create_secret(self, asked: Asked) -> Answer:
        """With a first version, or without any."""
        name = asked["Name"]
        if name in self._secrets:
            raise Refused("ResourceExistsException", f"The operation failed because the secret {name} already exists.")
        secret = _Secret(name, self.arn(f"secret:{name}-{uuid.uuid4().hex[:6]}"))
        more = self._put(secret, asked, [_CURRENT]) if asked.keys() & {"SecretString", "SecretBinary"} else {}
        self._secrets[name] = secret
        return secret.answer(**more)

    @operation("SecretId")
    def describe_secret(self, asked: Asked) -> Answer:
        """AWS lists the versions that have a label."""
        secret = self._find(asked)
        stages = {version: list(found.labels) for version, found in secret.versions.items() if found.labels}
        return secret.answer(
            **({"VersionIdsToStages": stages} if stages else {}),
            **({"DeletedDate": secret.goes_at} if secret.goes_at else {}),
        )

    @operation("SecretId", "VersionId", "VersionStage")
    def get_secret_value(self, asked: Asked) -> Answer:
        """By version, by label, or what is in use."""
        secret = self._living(asked)
        version, label = asked.get("VersionId"), asked.get("VersionStage")
        if version is None:
            label = label or _CURRENT
            version = secret.holder(label)
        found = secret.versions.get(version or "")
        if version is None or found is None or not found.value:
            which = f"VersionId: {version}" if version else f"staging label: {label}"
            missing = f"Secrets Manager can't find the specified secret value for {which}"
            raise Refused("ResourceNotFoundException", missing)
        if label and label not in found.labels:
            raise Refused(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
        return secret.answer(VersionId=version, VersionStages=list(found.labels), **found.value)

    @operation("SecretId", "IncludeDeprecated")
    def list_secret_version_ids(self, asked: Asked) -> Answer:
        """Those without a label only where it is asked for them."""
        secret = self._find(asked)
        return secret.answer(
            Versions=[
                {"VersionId": version, "VersionStages": list(found.labels)}
                for version, found in secret.versions.items()
                if found.labels or asked.get("IncludeDeprecated")
            ]
        )

    @operation("SecretId", "SecretString", "SecretBinary", "ClientRequestToken", "VersionStages")
    def put_secret_value(self, asked: Asked) -> Answer:
        """Each label that is named leaves the version that had it; without any, AWSCURRENT moves."""
        secret = self._living(asked)
        return secret.answer(**self._put(secret, asked, asked.get("VersionStages", [_CURRENT])))

    @operation("SecretId", "VersionStage", "MoveToVersionId", "RemoveFromVersionId")
    def update_secret_version_stage(self, asked: Asked) -> Answer:
        """A compare-and-swap: the version that has the label now must be named whenever it leaves it."""
        secret, label = self._living(asked), asked["VersionStage"]
        to, off, holder = asked.get("MoveToVersionId"), asked.get("RemoveFromVersionId"), secret.holder(label)
        for version in (to, off):
            if version and version not in secret.versions:
                raise _invalid(f"Not a valid version: {version}")
        if holder and holder not in {off, to}:
            raise _invalid(
                f"The parameter RemoveFromVersionId can't be empty or another version. Staging label {label} is "
                f"currently attached to version {holder}, so you must explicitly reference that version in "
                "RemoveFromVersionId."
            )
        if off and off != holder:
            raise _invalid(f"Version stage {label} not found in version {off}")
        if to:
            _check_number(secret.versions[to].labels, [label])
            secret.move(label, to)
        elif label == _CURRENT:
            raise _invalid("You can only move staging label AWSCURRENT to a different secret version.")
        elif off:
            secret.versions[off].labels.remove(label)
        else:
            raise _invalid("You must specify a version to move the staging label to, or one to remove it from.")
        return secret.answer()

    def begin_rotation(self, name: str, token: str) -> None:
        """What `RotateSecret` does before it invokes the function: AWSPENDING on a version that may be empty.

        API reference, "RotateSecret", and user guide, "How rotation works": while AWSPENDING is on another version than
        AWSCURRENT's, an earlier rotation is taken to be in progress, and the call fails.
        """
        secret = self._secrets[name]
        pending, current = secret.holder(_PENDING), secret.holder(_CURRENT)
        if pending not in {None, current, token}:
            raise Refused(
                "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted."
            )
        secret.versions.setdefault(token, _Version({}))
        secret.move(_PENDING, token)

    @operation("SecretId", "RecoveryWindowInDays", "ForceDeleteWithoutRecovery")
    def delete_secret(self, asked: Asked) -> Answer:
        """After a time in which it can be restored, or at once."""
        secret = self._living(asked)
        goes_at = datetime.now(UTC)
        if asked.get("ForceDeleteWithoutRecovery"):
            del self._secrets[secret.name]
        else:
            goes_at += timedelta(days=asked.get("RecoveryWindowInDays", _RECOVERY_DAYS))
            secret.goes_at = goes_at
        return secret.answer(DeletionDate=goes_at)

    @operation("SecretId")
    def restore_secret(self, asked: Asked) -> Answer:
        """It is as it was."""
        secret = self._find(asked)
        secret.goes_at = None
        return secret.answer()

    def _put(self, secret: _Secret, asked: Asked, labels: list[str]) -> Answer:
        value = {name: asked[name] for name in ("SecretString", "SecretBinary") if name in asked}
        if len(value) != 1:
            raise Refused("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
        (content,) = value.values()
        if len(content.encode(errors="surrogatepass") if isinstance(content, str) else content) > _LARGEST:
            raise Refused("ValidationException", f"Member must have length less than or equal to {_LARGEST}")
        version = asked.get("ClientRequestToken") or str(uuid.uuid4())
        known = secret.versions.get(version)
        if known and known.value:
            if known.value != value:
                taken = f"You can't use ClientRequestToken {version} because that value is already in use for a version"
                raise Refused("ResourceExistsException", f"{taken} of secret {secret.arn}.")
            return {"VersionId": version, "VersionStages": list(known.labels)}
        if not secret.versions and _CURRENT not in labels:
            labels = [*labels, _CURRENT]
        _check_number([], labels)
        secret.versions.setdefault(version, _Version({})).value = value
        for label in labels:
            secret.move(label, version)
        return {"VersionId": version, "VersionStages": list(secret.versions[version].labels)}

    def _find(self, asked: Asked) -> _Secret:
        secret = self._secrets.get(asked["SecretId"])
        secret = secret or next((found for found in self._secrets.values() if found.arn == asked["SecretId"]), None)
        if secret is None:
            raise Refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return secret

    def _living(self, asked: Asked) -> _Secret:
        secret = self._find(asked)
        if secret.goes_at:
            marked = "You can't perform this operation on the secret because it was marked for deletion."
            raise Refused("InvalidRequestException", marked)
        return secret


def _invalid(message: str) -> Refused:
    return Refused("InvalidParameterException", message)


def _check_number(has: list[str], gets: list[str]) -> None:
    if len({*has, *gets}) > _MOST_LABELS:
        raise Refused("LimitExceededException", f"A version can have at most {_MOST_LABELS} staging labels.")
