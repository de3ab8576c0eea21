"""Lambda's way in: event in, result out. What a container works with is built once per cold start, never at import."""

import gc

gc.disable()  # what modules make is here to stay: to look through it again and again takes 20 ms of a cold start

import functools
import logging
import os
import time
import uuid
from collections.abc import Mapping
from copy import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from aws_lambda_powertools import Logger

from certificate_rotation.adapters import metrics
from certificate_rotation.adapters.aws import AwsClients
from certificate_rotation.adapters.ledger import Ledger
from certificate_rotation.dependencies import Dependencies, build, build_alerts
from certificate_rotation.domain.decision import Command
from certificate_rotation.domain.errors import InvalidEvent, InvalidSettings
from certificate_rotation.domain.invocation import Invocation
from certificate_rotation.domain.report import Report, begun
from certificate_rotation.domain.result import Result, result_of
from certificate_rotation.events import command_from
from certificate_rotation.native_rotation import rotate_step
from certificate_rotation.notifications.alerts import Alerts
from certificate_rotation.rotation import rotate
from certificate_rotation.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def lambda_handler(event: object, context: "LambdaContext") -> Result:
    """Rotate what the event names, see `events`; the result is `result.Result`.

    Raises:
        RotationError: one of the classes in `errors`; Lambda shows its name as the errorType.
    """
    started = _now()
    metrics.begin(context.function_name, started)  # first of all: whatever kills the run from here on, it counts
    _logger().set_correlation_id(context.aws_request_id)
    report = _run(event, context)
    metrics.finish(context.function_name, started, report)
    if report.error:
        raise report.error
    result = result_of(report)
    _logger().info("Done.", result=result)
    return result


def _run(event: object, context: "LambdaContext") -> Report:
    container, invocation = _container(), _invocation(context)
    # What is remembered under the function's own name.
    about_function = replace(begun(context.function_name, invocation), of_function=True)
    command = Command()
    try:
        command = command_from(event)
        dependencies = container.dependencies
    except (InvalidEvent, InvalidSettings) as error:
        report = replace(about_function, error=error, dry_run=command.dry_run)
        if command.dry_run:
            return report
        container.function_is_well = False
        done = container.alerts.failed(error, report, invocation)
        return replace(report, mails_refused=done.mails_refused)
    if command.step:
        return rotate_step(dependencies, command, command.step, invocation)
    function_name = "" if command.dry_run or container.function_is_well else context.function_name
    report = rotate(dependencies, command, invocation, function_name=function_name)
    if not function_name:
        return report
    known = report.function_state or container.alerts.known(context.function_name)  # a run may fail before it reads
    if known is None:
        return report
    # Event and settings were good, whatever became of the credential.
    done = container.alerts.resolve_function_incident(known, about_function, invocation)
    container.function_is_well = known.certificate.incident is None and not known.news
    return replace(report, mails_refused=report.mails_refused + done.mails_refused)


class _Container:
    """What one execution environment keeps between its runs.

    Attributes:
        function_is_well: whether the ledger is known to hold no incident of the function's own.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env, self._clients = env, AwsClients()
        self.function_is_well = False

    @cached_property
    def ledger(self) -> Ledger:
        """The one table."""
        return Ledger(self._clients.dynamodb, self._env.get("LEDGER_TABLE", ""))

    @cached_property
    def alerts(self) -> Alerts:
        """Needs no good settings: it tells of bad ones, too."""
        return build_alerts(self._clients, self._env.get("ALERT_TOPIC_ARN", ""), self.ledger)

    @cached_property
    def dependencies(self) -> Dependencies:
        """All that a rotation works with.

        Raises:
            InvalidSettings: a setting is missing or cannot be used.
        """
        return build(Settings.from_env(self._env), self._clients, self.alerts, self.ledger)


@functools.cache
def _container() -> _Container:
    return _Container(os.environ)


def _invocation(context: "LambdaContext") -> Invocation:
    return Invocation(
        request_id=context.aws_request_id,
        owner=f"{context.aws_request_id}/{uuid.uuid4()}",
        deadline=_now() + timedelta(milliseconds=context.get_remaining_time_in_millis()),
        clock=_now,
        sleep=time.sleep,
        log_url=_log_url(context),
        stack=os.environ.get("STACK_NAME") or "device-id-certificate",
    )


def _log_url(context: "LambdaContext") -> str:
    """Where this run's log is in the console, which wants its path segments quoted twice, with $ for %."""
    region = os.environ.get("AWS_REGION", "us-east-1")
    group, stream = (
        quote(quote(name, safe=""), safe="").replace("%", "$")
        for name in (context.log_group_name, context.log_stream_name)
    )
    host = os.environ.get("CONSOLE_HOST", "console.aws.amazon.com")  # each partition has its own
    console = f"https://{host}/cloudwatch/home?region={region}"
    return f"{console}#logsV2:log-groups/log-group/{group}/log-events/{stream}"


def _now() -> datetime:
    return datetime.now(UTC)


def quiet_libraries() -> None:
    """Whatever level is set: keep the libraries from logging what may hold a key."""
    logging.getLogger("botocore").setLevel(logging.INFO)  # at DEBUG the bodies of its calls, and so the secret
    # As a WARNING it quotes headers it cannot read, and a server may have sent back our own.
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


@functools.cache
def _logger() -> Logger:
    quiet_libraries()
    # Powertools names the logger after the service: so named, it is the parent of every logger of this package.
    return Logger(service=__package__)


gc.freeze()
gc.enable()
