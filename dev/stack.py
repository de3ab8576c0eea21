"""The bundle deployed to a local AWS with the real SAM CLI, and the function invoked there."""

import base64
import functools
import json
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from dev.local_aws import REGION, ROOT, LocalAws, without_aws
from dev.precompile import finish

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBServiceResource

SAM = ROOT / ".venv/sam/bin/sam"
_A_MOMENT_AGO = "at(2026-01-01T00:00:00)"  # the local AWS fires it within seconds; AWS itself would refuse the past
BUILT_TEMPLATE = ROOT / ".aws-sam/build/template.yaml"


class CommandFailedError(RuntimeError):
    """A program we started failed; the message holds what it printed."""


@dataclass(frozen=True)
class Answer:
    """What an invocation gave.

    Attributes:
        payload: the result, or the error as Lambda reported it.
        failed: whether it is an error.
        log: the last lines of the run's log.
    """

    payload: dict[str, Any]
    failed: bool
    log: str


@dataclass(frozen=True)
class Stack:
    """A deployed stack and its outputs."""

    aws: LocalAws
    name: str
    outputs: Mapping[str, str]

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - a boto3 client of any service
        """A boto3 client of the local AWS's administrator."""
        with _MAKING_A_CLIENT:
            return _session(self.aws).client(service, endpoint_url=self.aws.url, config=config)  # type: ignore[call-overload]

    @property
    def _patient_lambda(self) -> Any:  # noqa: ANN401 - see `client`
        """Waits as long as the function may run, and never invokes it twice."""
        return self.client("lambda", Config(read_timeout=150, retries={"total_max_attempts": 1}))

    @property
    def dynamodb(self) -> "DynamoDBServiceResource":
        """The ledger's database, with plain values."""
        with _MAKING_A_CLIENT:
            return _session(self.aws).resource("dynamodb", endpoint_url=self.aws.url)

    def fire_schedule(self) -> None:
        """Have EventBridge Scheduler do once, at its next look, what the stack's schedule has it do every hour."""
        scheduler = self.client("scheduler")
        names = {one["Target"]["Arn"]: one for one in scheduler.list_schedules()["Schedules"]}
        (listed,) = (one for arn, one in names.items() if f":function:{self.name}-" in arn)
        schedule = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
        kept = {key: schedule[key] for key in ("GroupName", "FlexibleTimeWindow", "Target")}
        once = {"ScheduleExpression": _A_MOMENT_AGO, "ActionAfterCompletion": "DELETE", "State": "ENABLED"}
        scheduler.create_schedule(**kept, **once, Name=f"{listed['Name'][:50]}-at-once")

    def invoke(self, event: object) -> Answer:
        """Invoke the function as the console's Test button does, and wait for it."""
        answer = self._patient_lambda.invoke(
            FunctionName=self.outputs["FunctionName"], Payload=json.dumps(event).encode(), LogType="Tail"
        )
        payload = json.loads(answer["Payload"].read())
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        return Answer(payload, "FunctionError" in answer, log)


# A session reads the description of a service once, which takes longer than most calls; it is not made for threads.
_MAKING_A_CLIENT = threading.Lock()


@functools.cache
def _session(aws: LocalAws) -> boto3.Session:
    return aws.session


def build(architecture: str = "") -> None:
    """Run `sam build` and what it leaves undone, in about ten seconds.

    Args:
        architecture: x86_64 or arm64; this machine's processor when it is left out.
    """
    parameter = f"Architecture={architecture or _processor()}"
    run([str(SAM), "build", "--parameter-overrides", parameter], without_aws(os.environ))
    finish(BUILT_TEMPLATE.parent / "CertificateRotationFunction", BUILT_TEMPLATE.parent / "DependenciesLayer")


def deploy(aws: LocalAws, name: str, parameters: Mapping[str, str]) -> Stack:
    """Run `sam deploy` with the `local` settings of samconfig.toml.

    Raises:
        CommandFailedError: it failed.
    """
    overrides = {"AlertEmail": "operator@example.com", "Architecture": _processor(), **parameters}
    command = [str(SAM), "deploy", "--config-env", "local", "--stack-name", name, "--no-fail-on-empty-changeset"]
    command += ["--parameter-overrides", *(f'{key}="{value}"' for key, value in overrides.items() if value)]
    run(command, aws.environment)
    formation = aws.session.client("cloudformation", endpoint_url=aws.url)
    outputs = formation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    return Stack(aws, name, {output["OutputKey"]: output["OutputValue"] for output in outputs})


def run(command: list[str], environment: Mapping[str, str]) -> str:
    """Run one of the SAM environment's programs in the project's folder; what it printed.

    Raises:
        CommandFailedError: it ended with an error.
    """
    # SAM builds with the first python3.13 on PATH: its own environment's.
    path = f"{SAM.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    settings = {**environment, "PATH": path, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    with TemporaryDirectory(prefix="sam-") as scratch:  # SAM leaves its own temporary folders behind
        settings["TMPDIR"] = scratch
        done = subprocess.run(command, cwd=ROOT, env=settings, text=True, capture_output=True, check=False)
    if done.returncode:
        raise CommandFailedError(f"{' '.join(command[:2])} failed:\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def _processor() -> str:
    return "arm64" if os.uname().machine in {"aarch64", "arm64"} else "x86_64"
