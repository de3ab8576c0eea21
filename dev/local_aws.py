"""A local AWS on a free port of 127.0.0.1: ministack in a process of its own, gone when it is no longer needed.

It deploys the SAM template, runs the built function in a worker process, fires schedules and, with IAM enforced, lets
the function do only what its role allows. Where it differs from AWS is said where a caller works around it.
"""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3

from dev.linux import LINUX, MAC

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
ADMIN = "test"  # ministack lets these credentials do everything
_START_SECONDS = 60.0


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS: `url` is its endpoint, `log` what it printed."""

    url: str
    log: Path

    @property
    def session(self) -> boto3.Session:
        """A boto3 session of its administrator; pass `endpoint_url` to the clients, or use `environment`."""
        return boto3.Session(aws_access_key_id=ADMIN, aws_secret_access_key=ADMIN, region_name=REGION)

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to use it, the SAM CLI among them."""
        return {
            **without_aws(os.environ),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ADMIN,
            "AWS_SECRET_ACCESS_KEY": ADMIN,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def without_aws(environment: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """The environment without its AWS settings: nobody's real account may be touched from here."""
    return {name: value for name, value in environment.items() if not name.startswith("AWS_")}


@contextmanager
def local_aws(*, enforce_iam: bool = True) -> Iterator[LocalAws]:
    """Start it, and stop it at the end together with the workers it started.

    Raises:
        RuntimeError: it did not start; says why.
    """
    program = ROOT / ".venv/local-aws/bin/ministack"
    if not program.exists():
        raise RuntimeError(f"{program.relative_to(ROOT)} is missing. Run `make install`.")
    with tempfile.TemporaryDirectory(prefix="local-aws-") as directory:
        port = free_port()
        log = Path(directory) / "local-aws.log"
        environment = without_aws(os.environ) | {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "AUTH": "true" if enforce_iam else "false",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": directory,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if not LINUX:  # its workers, which run the deployed function, inherit it
            environment["PYTHONPATH"] = str(MAC)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program], cwd=directory, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _await_start(process, url, log)
            yield LocalAws(url, log)
        finally:
            _stop(process)


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_start(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            raise RuntimeError(f"The local AWS ended at once:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):  # noqa: S310 - our own http address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The local AWS did not answer within {_START_SECONDS:.0f} seconds:\n{log.read_text()[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it and its workers: they are one process group."""
    for end in (process.terminate, process.kill):
        end()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
        break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
