"""The function as Lambda calls it: environment in, result or error out, one line of metrics."""

import base64
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from certificate_rotation import handler
from certificate_rotation.errors import InvalidCredential, InvalidEvent, InvalidSettings
from tests.integration.test_rotating import CONTRACT
from tests.integration.world import World

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclass(frozen=True)
class Context:
    """What Lambda tells of an invocation, as far as it is used."""

    aws_request_id: str = "4e1f0e5c-0000-4000-8000-000000000000"
    function_name: str = "rotate-test"
    log_group_name: str = "/aws/lambda/rotate-test"
    log_stream_name: str = "2026/11/24/[$LATEST]0123456789abcdef"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout of template.yaml."""
        return 120_000


def _forget() -> None:
    for cached in (handler._logger, handler._alerts, handler._ledger, handler._parts):  # noqa: SLF001 - a cold start
        cached.cache_clear()


@pytest.fixture
def function(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A cold start in the environment that the stack sets."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", world.aws.watched_session())
    for name, value in world.settings.items():
        monkeypatch.setenv(name, value)
    logger = logging.getLogger("certificate_rotation")
    before = {**vars(logger), "handlers": list(logger.handlers)}
    _forget()
    yield world
    _forget()
    vars(logger).clear()  # Powertools marks a logger it has set up, and would not do so again
    vars(logger).update(before)


def _invoke(event: object) -> object:
    return handler.lambda_handler(event, cast("LambdaContext", Context()))


def test_the_function_rotates_and_a_warm_start_looks_again(function: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything together, as it is deployed, by the real clock."""
    tenant = function.onboard()
    result = _invoke({})
    assert isinstance(result, dict)
    assert result["outcome"] == "rotated"
    assert json.loads(json.dumps(result)) == result
    assert function.accepted()
    assert set(function.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    warm = _invoke({})
    assert isinstance(warm, dict)
    assert (warm["outcome"], set(warm)) == ("not_due", CONTRACT)

    printed = capsys.readouterr()
    lines = [json.loads(line) for line in (printed.out + printed.err).splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert [line["outcome"] for line in metrics] == ["rotated", "not_due"]
    assert [line["AttemptsAvailable"] for line in metrics] == [[2.0], [2.0]]
    assert metrics[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert tenant.credential["apiKey"] not in printed.out + printed.err
    assert "PRIVATE KEY" not in printed.out + printed.err
    assert {line["correlation_id"] for line in lines if "correlation_id" in line} == {Context.aws_request_id}
    told = [str(line.get("message")) for line in lines if line.get("correlation_id")]
    assert "Issue. Renewal is due." in told, "what was decided, and why, is in the log"


def test_an_event_with_unknown_keys_is_told(function: World) -> None:
    """A typing mistake such as dryrun must not rotate."""
    function.onboard()
    with pytest.raises(InvalidEvent, match="dryrun"):
        _invoke({"dryrun": True})
    assert function.simulator.requests == []
    (email,) = function.emails()
    assert (email.code, email.attributes["secret"]) == ("InvalidEvent", "rotate-test")


def test_settings_that_cannot_be_used_are_told_once(function: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack deployed with a mistake fails every hour."""
    monkeypatch.setenv("SERVICE_URL", "http://plain.example")
    for _ in range(2):
        with pytest.raises(InvalidSettings, match="SERVICE_URL must be https"):
            _invoke({})
    assert function.codes() == ["InvalidSettings"]


def test_mended_settings_end_the_incident(function: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incident that is never closed swallows the next alert about the same thing."""
    function.onboard(age=timedelta(days=1))
    with monkeypatch.context() as broken:
        broken.setenv("CRITICAL_DAYS", "soon")
        with pytest.raises(InvalidSettings):
            _invoke({})
    _invoke({})
    assert function.codes()[0] == "InvalidSettings"
    with monkeypatch.context() as broken:
        broken.setenv("CRITICAL_DAYS", "later")
        _forget()  # changed settings are another cold start
        with pytest.raises(InvalidSettings):
            _invoke({})
    assert function.codes().count("InvalidSettings") == 2


def test_a_dry_run_with_unusable_settings_tells_only_who_asked(
    function: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run changes nothing and writes to nobody."""
    monkeypatch.setenv("CRITICAL_DAYS", "soon")
    with pytest.raises(InvalidSettings):
        _invoke({"dryRun": True})
    assert function.emails() == []


def test_a_failure_is_raised_and_told_once(function: World) -> None:
    """Raised, so that the console shows red and the Errors metric counts."""
    for _ in range(2):
        with pytest.raises(InvalidCredential, match="is empty"):
            _invoke({})
    (email,) = function.emails()
    assert email.attributes["code"] == "InvalidCredential"
    assert Context.aws_request_id in email.body
    # The console's own quoting: every reserved character twice, with $ for %.
    assert (
        "log-group/$252Faws$252Flambda$252Frotate-test/log-events/2026$252F11$252F24$252F$255B$2524LATEST$255D0123"
        in (email.body)
    )


def test_a_trust_anchor_on_one_line_is_as_good_as_pem(function: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The console's parameter fields drop line breaks."""
    one_line = base64.b64encode(function.simulator.trusted_ca_pem.encode()).decode()
    monkeypatch.setenv("TRUSTED_CA_PEM", one_line)
    function.onboard()
    result = _invoke({})
    assert isinstance(result, dict)
    assert result["outcome"] == "rotated"
