"""What becomes of AWS's refusals: gone is what AWS says is gone, and what it does not let be read now is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from certificate_rotation.adapters.secret_store import SecretStore, is_name_of
from certificate_rotation.domain.errors import InvalidCredential, StorageFailure

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:device-id-AbCdEf"
LOST = ReadTimeoutError(endpoint_url="https://aws.invalid")


def refusal(code: str) -> ClientError:
    """AWS's, with a message that its reader must see."""
    return ClientError({"Error": {"Code": code, "Message": "AWS's own words"}}, "Operation")


@dataclass
class Aws:
    """Answers each operation as it is told; a refused change of labels may have taken effect all the same."""

    answers: dict[str, object] = field(default_factory=dict)
    stages: Mapping[str, list[str]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., object]:
        """An operation of the client's."""

        def call(**asked: object) -> object:
            self.asked.append(asked)
            answer = self.answers.get(operation, {})
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def describe_secret(self, SecretId: str) -> dict[str, object]:  # noqa: N803, ARG002 - boto3's
        """As Secrets Manager."""
        answer = self.answers.get("describe_secret")
        if isinstance(answer, Exception):
            raise answer
        return {"ARN": ARN, "VersionIdsToStages": self.stages}

    @property
    def store(self) -> SecretStore:
        """What is tested."""
        return SecretStore(cast("Any", self))


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("ResourceNotFoundException", InvalidCredential, "does not exist"),
        ("AccessDeniedException", InvalidCredential, "does not exist, or this function's role may not look at it"),
        ("InvalidRequestException", InvalidCredential, "cannot be used as it is"),
        ("ValidationException", InvalidCredential, "is not a name or ARN"),
        ("InvalidParameterException", InvalidCredential, "is not a name or ARN"),
        ("ThrottlingException", StorageFailure, "AWS refused looking at the secret name"),
        ("InternalServiceError", StorageFailure, "AWS refused looking at the secret name"),
    ],
)
def test_a_secret_that_cannot_be_looked_at_is_told_in_awss_words(code: str, error: type[Exception], said: str) -> None:
    """Whether the name is wrong or AWS is out of order, the reader sees what AWS said."""
    with pytest.raises(error) as caught:
        Aws({"describe_secret": refusal(code)}).store.arn("name")
    assert said in str(caught.value)
    assert f"{code}: AWS's own words" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("ResourceNotFoundException", InvalidCredential, "is empty. Put apiKey, cert and privateKey into it"),
        ("AccessDeniedException", StorageFailure, "AWS refused reading the secret"),
        ("DecryptionFailure", StorageFailure, "AWS refused reading the secret"),
        ("ThrottlingException", StorageFailure, "AWS refused reading the secret"),
    ],
)
def test_what_aws_does_not_let_be_read_is_not_gone(code: str, error: type[Exception], said: str) -> None:
    """A right that is missing, or a KMS key, can be mended; nobody has to onboard again for it."""
    stages = {} if error is InvalidCredential else {"version": ["AWSCURRENT"]}
    store = Aws({"get_secret_value": refusal(code)}, stages).store
    with pytest.raises(error) as caught:
        store.current(ARN)
    assert said in str(caught.value)
    assert f"{code}: AWS's own words" in str(caught.value)
    if error is InvalidCredential:
        assert store.read(ARN, "version") is None
    else:
        with pytest.raises(StorageFailure, match="reading version version"):
            store.read(ARN, "version")


def test_the_previous_one_is_what_the_label_says() -> None:
    """Consumers hold it; where there is none, nobody is asked."""
    aws = Aws({"get_secret_value": {"SecretString": "text"}}, {"new": ["AWSCURRENT"], "old": ["AWSPREVIOUS"]})
    assert aws.store.previous(ARN) == "text"
    assert aws.asked == [{"SecretId": ARN, "VersionId": "old"}]
    assert Aws(stages={"new": ["AWSCURRENT"]}).store.previous(ARN) is None


def test_a_label_is_taken_off_the_version_it_is_on() -> None:
    """AWS refuses to move one unless that version is named."""
    aws = Aws()
    aws.store.label(ARN, "new", "LABEL", now_on=None)
    aws.store.label(ARN, "new", "LABEL", now_on="old")
    assert ["RemoveFromVersionId" in asked for asked in aws.asked] == [False, True]
    assert aws.asked[1]["RemoveFromVersionId"] == "old"


@pytest.mark.parametrize("failure", [refusal("AccessDeniedException"), LOST])
@pytest.mark.parametrize("took_effect", [True, False])
def test_a_label_whose_answer_was_lost_is_looked_for(failure: Exception, *, took_effect: bool) -> None:
    """Only where it is not as it should be is there a failure."""
    change: dict[str, object] = {"update_secret_version_stage": failure}
    on, off = Aws(change, {"new": ["LABEL"]}), Aws(change, {"old": []})
    if took_effect:
        on.store.label(ARN, "new", "LABEL", now_on=None)
        off.store.unlabel(ARN, "old", "LABEL")
    else:
        with pytest.raises(StorageFailure, match="putting the label LABEL on"):
            off.store.label(ARN, "new", "LABEL", now_on=None)
        with pytest.raises(StorageFailure, match="taking the label LABEL off"):
            on.store.unlabel(ARN, "new", "LABEL")


@pytest.mark.parametrize(
    ("name", "arn", "same"),
    [
        ("device-id", ARN, True),
        ("device-id-AbCdEf", ARN, False),
        ("device", ARN, False),
        (ARN, ARN, False),
        ("", "", False),
    ],
)
def test_a_name_is_told_from_an_arn_by_awss_six_characters(name: str, arn: str, *, same: bool) -> None:
    """What was told of a secret by its name belongs to the record of its ARN."""
    assert is_name_of(name, arn) is same
