"""The real Lambda Runtime Interface Emulator around a built function, without Docker.

It ships in the SAM CLI's wheel; `awslambdaric`, the runtime's own client, and the boto3 that the runtime brings come
from the local AWS's environment. What Lambda reports is what one reads here: the `errorType`, the log, the time INIT
and every run took. Nothing is slowed down to the share of a processor that Lambda gives to a memory size.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dev.built_function import Function
from dev.linux import LINUX, NO_EMULATOR
from dev.local_aws import ROOT, free_port
from dev.stack import Answer

RUNTIME = ROOT / ".venv/local-aws/bin/python"  # brings awslambdaric and boto3, as Lambda's own runtime does
PROGRAMS = ROOT / ".venv/sam/lib/python3.13/site-packages/samcli/local/rapid"

_INVOKE_PATH = "/2015-03-31/functions/function/invocations"  # AWS: of every Lambda endpoint, the emulator's too
_START_SECONDS = 20.0
_TRIES = 5  # a port that was free a moment ago may be a connection's by now
_LOG_SECONDS = 5.0  # the answer may arrive a moment before the log's last line
_INIT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
_RUN = re.compile(r"INVOKE RTDONE\(.*duration: ([0-9.]+)ms\)")
_CPUCLOCK_SCHED = 2  # Linux, include/linux/posix-timers.h: the processor's time of a process, to the nanosecond
_END = "\nREPORT RequestId: "  # the last line of every run that was not killed
_KILLED = "Runtime.ExitError"


class Emulator:
    """One execution environment. Its first invocation is a cold start, every later one finds it warm."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, function: Function, log: Path) -> None:
        """`process` is the emulator's, listening on `port` and printing to `log`."""
        self._process, self._port, self._function, self._log = process, port, function, log

    def invoke(self, event: object) -> Answer:
        """Invoke the function and wait for it; the answer's log is what this run printed.

        An error's payload holds `errorType` and `errorMessage`, as Lambda's does.
        """
        before = len(self.log)
        # Lambda never invokes twice, and neither does this; it waits as long as the function may run.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._function.timeout + 30)
        try:
            connection.request("POST", _INVOKE_PATH, json.dumps(event))
            payload: Any = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        failed = isinstance(payload, dict) and "errorType" in payload
        killed = failed and payload["errorType"] == _KILLED
        return Answer(payload, failed, self.log[before:] if killed else self._log_of_run(before))

    def kill_function(self) -> None:
        """SIGKILL, as Lambda ends a run that takes too long; the next invocation is a cold start."""
        for process in _children(self._process.pid):
            os.kill(process, signal.SIGKILL)

    def _log_of_run(self, begin: int) -> str:
        give_up_at = time.monotonic() + _LOG_SECONDS
        while _END not in (said := self.log[begin:]) and time.monotonic() < give_up_at:
            time.sleep(0.002)
        return said

    @property
    def log(self) -> str:
        """All that the emulator and the function printed so far."""
        return self._log.read_text(errors="replace")

    @property
    def init_ms(self) -> float:
        """How long INIT took: everything up to the handler's import. Known after the first invocation."""
        (found,) = _INIT.findall(self.log)
        return float(found)

    @property
    def runs_ms(self) -> list[float]:
        """How long each run of the handler took, INIT left out."""
        return [float(found) for found in _RUN.findall(self.log)]

    @property
    def peak_memory_mib(self) -> float:
        """The most memory the function's process ever held. The emulator's own "Max Memory Used" is made up."""
        (runtime,) = _children(self._process.pid)
        status = Path(f"/proc/{runtime}/status").read_text()
        (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kilobytes) / 1024

    @property
    def processor_ms(self) -> float:
        """The processor's time the function's process has had so far; 0 before the first invocation starts it."""
        # Linux: what clock_getcpuclockid(3) gives for another process, which Python does not offer.
        clocks = [(~process << 3) | _CPUCLOCK_SCHED for process in _children(self._process.pid)]
        return sum(map(time.clock_gettime, clocks)) * 1000

    def listens(self) -> bool:
        """Wait until it takes invocations; False when it does not come to that."""
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False

    def stop(self) -> None:
        """End the emulator, which ends the function; and whatever is left of the two, should that fail."""
        started = _children(self._process.pid) if self._process.poll() is None else set()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for left in started:
            with suppress(ProcessLookupError):
                if (
                    os.getsid(left) == self._process.pid
                ):  # a number may be another process's by now; the session is ours
                    os.kill(left, 9)


@contextmanager
def emulated(function: Function, settings: Mapping[str, str]) -> Iterator[Emulator]:
    """Start an execution environment, and stop it at the end.

    Args:
        function: what to run.
        settings: its environment variables, and where AWS is (`AWS_ENDPOINT_URL`, credentials).

    Raises:
        RuntimeError: the emulator did not start; says why.
    """
    if not LINUX:
        raise RuntimeError(f"It cannot be started here: {NO_EMULATOR}.")
    machine = "arm64" if os.uname().machine in {"aarch64", "arm64"} else "x86_64"
    program = PROGRAMS / f"aws-lambda-rie-{machine}"
    for needed in (program, RUNTIME):
        if not needed.exists():
            raise RuntimeError(f"{needed.relative_to(ROOT)} is missing. Run `make install`.")
    with tempfile.TemporaryDirectory(prefix="emulator-") as directory:
        emulator = _start(program, function, {**function.environment(settings), "TMPDIR": directory}, Path(directory))
        try:
            yield emulator
        finally:
            emulator.stop()


def _start(program: Path, function: Function, environment: Mapping[str, str], directory: Path) -> Emulator:
    log = directory / "emulator.log"
    for _ in range(_TRIES):
        port = free_port()
        command = [str(program), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{free_port()}"]
        command += [str(RUNTIME), "-m", "awslambdaric", function.handler]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=function.code,  # the first place Python looks for modules, as /var/task is
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        emulator = Emulator(process, port, function, log)
        try:
            if emulator.listens():
                return emulator
        except BaseException:  # Ctrl-C: nothing may be left running
            emulator.stop()
            raise
        emulator.stop()
        if "address already in use" not in emulator.log:
            break
    raise RuntimeError(f"The Lambda emulator did not start:\n{log.read_text()[-2000:]}")


def _children(parent: int) -> set[int]:
    """The processes that any thread of `parent` started."""
    found = set()
    for thread in Path(f"/proc/{parent}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread ended meanwhile
            found |= {int(child) for child in (thread / "children").read_text().split()}
    return found
