"""Lambda's way in: event in, result out. The parts are built once per cold start, never at import."""

import functools
import logging
import os
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from certificate_rotation.alerts import Alerts
from certificate_rotation.decision import Command
from certificate_rotation.device_id_service import DeviceIdService
from certificate_rotation.errors import InvalidEvent, InvalidSettings
from certificate_rotation.event_bus import EventBus
from certificate_rotation.events import command_from
from certificate_rotation.later import Later
from certificate_rotation.ledger import Ledger
from certificate_rotation.messages import Situation
from certificate_rotation.metrics import RunMetrics
from certificate_rotation.parts import AWS_ANSWER_SECONDS, AWS_CONNECT_SECONDS, AWS_TRIES, Invocation, Parts
from certificate_rotation.results import Result
from certificate_rotation.rotation import rotate
from certificate_rotation.secret_store import SecretStore
from certificate_rotation.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_AWS = Config(
    connect_timeout=AWS_CONNECT_SECONDS,
    read_timeout=AWS_ANSWER_SECONDS,
    retries={"mode": "standard", "total_max_attempts": AWS_TRIES},
)


def lambda_handler(event: object, context: "LambdaContext") -> Result:
    """Rotate what the event names, see `events`; the result is `results.Result`.

    Raises:
        RotationError: one of the classes in `errors`; Lambda shows its name as the errorType.
    """
    metrics = RunMetrics(context.function_name, _now())
    metrics.begin()  # first of all: whatever kills the run from here on, it counts as one that crashed
    _logger().set_correlation_id(context.aws_request_id)
    alerts = _alerts(os.environ.get("ALERT_TOPIC_ARN", ""), os.environ.get("LEDGER_TABLE", ""))
    unpublished = alerts.unpublished
    try:
        answer = _run(event, context, alerts, metrics)
        metrics.ended(answer)
    except Exception as error:
        metrics.failed(error)
        raise
    finally:
        metrics.alerts_not_published(alerts.unpublished - unpublished)
        metrics.write()
    return answer


def _run(event: object, context: "LambdaContext", alerts: Alerts, metrics: RunMetrics) -> Result:
    invocation = Invocation(
        request_id=context.aws_request_id,
        owner=f"{context.aws_request_id}/{uuid.uuid4()}",
        deadline=_now() + timedelta(milliseconds=context.get_remaining_time_in_millis()),
        clock=_now,
        sleep=time.sleep,
        log_url=_log_url(context),
        stack=os.environ.get("STACK_NAME") or "device-id-certificate",
        in_use_until=metrics.in_use_until,
        in_use_not_checked=metrics.in_use_not_checked,
    )
    # What is not about one credential is remembered under the function's own name.
    this_function = Situation(
        context.function_name,
        stack=invocation.stack,
        of_function=True,
        request_id=invocation.request_id,
        log_url=invocation.log_url,
    )
    command = Command()
    try:
        command = command_from(event)
        metrics.dry_run = command.dry_run
        parts = _parts(alerts)
    except (InvalidEvent, InvalidSettings) as error:
        if not command.dry_run:
            alerts.failed(error, this_function, invocation)
        raise
    if not command.dry_run:
        alerts.may_resolve(this_function)
    try:
        answer = rotate(parts, command, invocation)
    finally:
        if not command.dry_run:  # event and settings were good, whatever became of the credential
            alerts.resolve_function_incident(this_function, invocation)
    _logger().info("Done.", result=answer)
    return answer


def _log_url(context: "LambdaContext") -> str:
    """Where this run's log is in the console, which wants its path segments quoted twice, with $ for %."""
    region = os.environ.get("AWS_REGION", "us-east-1")
    group, stream = (
        quote(quote(name, safe=""), safe="").replace("%", "$")
        for name in (context.log_group_name, context.log_stream_name)
    )
    host = os.environ.get("CONSOLE_HOST", f"{region}.console.aws.amazon.com")  # each partition has its own
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


@functools.cache
def _alerts(topic_arn: str, table: str) -> Alerts:
    sns: Any = Later(lambda: boto3.client("sns", config=_AWS))  # as EventBridge's: most runs have nothing to tell
    events: Any = Later(lambda: boto3.client("events", config=_AWS))
    return Alerts(sns, topic_arn, EventBus(events), _ledger(table))


@functools.cache
def _ledger(table: str) -> Ledger:
    return Ledger(boto3.client("dynamodb", config=_AWS), table)


@functools.cache
def _parts(alerts: Alerts) -> Parts:
    settings = Settings.from_env(os.environ)
    return Parts(
        secrets=SecretStore(boto3.client("secretsmanager", config=_AWS)),
        ledger=_ledger(settings.ledger_table),
        service=DeviceIdService(settings.service_url, settings.trusted_ca_pem),
        alerts=alerts,
        settings=settings,
    )
