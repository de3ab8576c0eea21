"""How the onboarding commands end when they fail: a sentence with a cure, and nothing secret."""

import pytest
import typer
from botocore.exceptions import (
    ClientError,
    DataNotFoundError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from certificate_rotation.domain.errors import InvalidSettings, StorageFailure
from cli.errors import UserError, in_sentences, sentence


def refused(code: str) -> ClientError:
    """AWS said no."""
    return ClientError({"Error": {"Code": code, "Message": "no, because\nof this"}}, "DescribeSecret")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserError("It is so. Do that."), "It is so. Do that."),
        (refused("AccessDeniedException"), "no, because of this. Use a profile that may do this"),
        (refused("ExpiredTokenException"), "aws sso login"),
        (refused("Throttling"), "try again in a minute"),
        (NoCredentialsError(), "aws sso login"),
        (NoRegionError(), "Set AWS_REGION"),
        (ProfileNotFound(profile="mine"), "list-profiles"),
        (EndpointConnectionError(endpoint_url="https://aws.invalid"), "Check the network"),
        (DataNotFoundError(data_path="x"), "Check AWS_PROFILE"),
        (InvalidSettings("SERVICE_URL is odd."), "SERVICE_URL is odd. Correct the parameter"),
        (StorageFailure("AWS refused it."), "AWS refused it. Check the rights of your profile"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_says_what_to_do(error: Exception, expected: str) -> None:
    """Who reads it wants to get on, not to learn Python."""
    told: list[str] = []
    with pytest.raises(typer.Exit), in_sentences(told.append):
        raise error
    assert expected in told[0]
    assert "\n" not in told[0]


def test_a_failure_nobody_thought_of_quotes_nothing() -> None:
    """Its message may hold the secret that was being handled."""

    def fail() -> None:
        raise KeyError("the-api-key")

    with pytest.raises(KeyError) as caught:
        fail()
    assert sentence(caught.value).startswith(
        "This command failed in a way it has no name for: KeyError in test_cli_sentences.py"
    )
    assert "the-api-key" not in sentence(caught.value)


def test_an_end_that_was_meant_is_left_alone() -> None:
    """`status` ends with 1 when something needs a person; that is no failure."""
    told: list[str] = []
    with pytest.raises(typer.Exit) as ended, in_sentences(told.append):
        raise typer.Exit(1)
    assert (ended.value.exit_code, told) == (1, [])
