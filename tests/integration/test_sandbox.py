"""The sandbox: what it has people paste leads to it and to nowhere else, and it ends when it is asked to."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from dev import sandbox
from dev.inbox import Email
from dev.linux import LINUX, NO_PROC
from dev.local_aws import ROOT, LocalAws
from dev.stack import Stack
from simulator import Simulator
from tests.support.processes import descendants, end, running

URL = "http://127.0.0.1:4566"
SOMEBODYS = {
    "AWS_PROFILE": "work",
    "AWS_SESSION_TOKEN": "theirs",
    "AWS_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL_SECRETSMANAGER": "http://127.0.0.1:1",
}
# The whole sandbox, but for the build and the deployment, which `tests/deployed` tries: a secret and a topic alone.
SANDBOX = """
import os, sys
from dev import keeper, sandbox
from dev.stack import Stack

def deployed(aws, name, parameters):
    bare = Stack(aws, name, {})
    secret = bare.client("secretsmanager").create_secret(Name="own")["ARN"]
    topic = bare.client("sns").create_topic(Name="alerts")["TopicArn"]
    return Stack(aws, name, {"SecretArn": secret, "AlertTopicArn": topic, "FunctionName": "the-function"})

sandbox.build, sandbox.deploy = (lambda: None), deployed
sandbox.keep = lambda _, environment: keeper.keep([sys.executable, "-c", sys.argv[1], "hold"], environment)
sys.exit(sandbox.hold() if "hold" in sys.argv else sandbox.main())
"""
READ = "aws secretsmanager get-secret-value --secret-id own --query SecretString --output text"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """As if it were deployed."""
    return Stack(LocalAws(URL, tmp_path / "log"), "device-id-certificate", {"FunctionName": "the-function"})


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """With the API by which the vendor's part is played."""
    with Simulator.running(admin_port=0) as running:
        yield running


@pytest.mark.parametrize(
    ("ended", "code"),
    [(128 + signal.SIGINT, 0), (128 + signal.SIGTERM, 0), (128 + signal.SIGKILL, 128 + signal.SIGKILL), (1, 1)],
)
def test_all_of_the_sandbox_is_kept_and_its_end_is_well_when_somebody_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ended: int, code: int
) -> None:
    """Ctrl-C is its only end, so `make` is not to call that an error; a failure stays one."""
    asked: list[list[str]] = []

    def ends(command: list[str], _: object) -> int:
        asked.append(command)
        return ended

    monkeypatch.setattr(sandbox, "keep", ends)
    assert sandbox.main() == code
    assert asked == [[sys.executable, "-m", "dev.sandbox", "hold"]]
    assert ("The sandbox is gone" in capsys.readouterr().out) is (code == 0)


@pytest.mark.skipif(not LINUX, reason=NO_PROC)
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_is_there_until_it_is_ended_and_then_all_of_it_is_gone(tmp_path: Path, ending: signal.Signals) -> None:
    """A local AWS left running takes memory for days; a folder left behind may hold a key."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", SANDBOX, SANDBOX]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        shown = []
        for line in process.stdout:
            shown.append(line)
            if line.startswith("Mails are shown here"):
                break
        started = descendants(process.pid)
        assert len(started) >= 2, "the holding process, and the local AWS"
        pasted = [line for line in shown if line.startswith(("for name in", "export "))]
        if shutil.which("aws"):
            script = "".join([*pasted, READ])
            read = subprocess.run(["sh", "-c", script], env=os.environ | SOMEBODYS, capture_output=True, check=True)
            assert json.loads(read.stdout).keys() >= {"apiKey", "cert", "privateKey", "apiKeyExpiry"}
        process.send_signal(ending)
        rest = process.stdout.read()
        assert process.wait(60) == 0
    try:
        assert running(started) == set()
    finally:
        end(started)
    assert "The sandbox is gone" in rest
    assert list(tmp_path.iterdir()) == []


def test_a_shell_that_pasted_the_lines_talks_to_the_sandbox_alone(stack: Stack) -> None:
    """Whatever it was set up for: nobody's real account may be meant by what they try here."""
    script = "\n".join([*sandbox.settings(stack.aws), "command -v device-id >&2", "env"])
    done = subprocess.run(["sh", "-c", script], env=os.environ | SOMEBODYS, capture_output=True, text=True, check=True)
    lines = (line.partition("=") for line in done.stdout.splitlines())
    told = {name: value for name, _, value in lines if name.startswith("AWS_")}
    assert told == {
        "AWS_ENDPOINT_URL": URL,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    assert done.stderr.strip().endswith(".venv/dev/bin/device-id")


def test_what_it_has_people_try_can_be_typed(stack: Stack, simulator: Simulator) -> None:
    """Each is one line of a shell, and an option that was renamed would be found by a newcomer."""
    tried = [command for command, _ in sandbox.commands(stack, simulator)]
    for command in tried:
        subprocess.run(["sh", "-n", "-c", command], check=True)
    ours = [command.rpartition("device-id ")[2].split() for command in tried if "device-id " in command]
    assert {words[0] for words in ours} == {"status", "csr", "store", "tenant"}
    for words in ours:
        shown = get_command(app)
        assert isinstance(shown, TyperGroup)
        known = {option for one in shown.commands[words[0]].params for option in one.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.makes_key_files
@pytest.mark.skipif(not all(map(shutil.which, ("jq", "curl"))), reason="the lines need jq and curl")
def test_the_vendors_part_is_played_by_a_line(stack: Stack, simulator: Simulator, tmp_path: Path) -> None:
    """Nobody can sign at the real one to try this out."""
    lines = [command for command, _ in sandbox.commands(stack, simulator)]
    (fault,) = (line for line in lines if "/faults" in line)
    (csr,) = (line for line in lines if line.startswith("device-id csr"))
    (sign,) = (line for line in lines if "/tenants" in line)
    for line in (fault, csr, sign):
        script = "\n".join([*sandbox.settings(stack.aws), line])
        subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    signed = json.loads((tmp_path / "signed.json").read_text())
    certificate = x509.load_pem_x509_certificate(signed["cert"].encode())
    request = x509.load_pem_x509_csr((tmp_path / "device-id.csr").read_bytes())
    assert certificate.public_key() == request.public_key()
    assert signed["apiKey"]
    ((waiting, times),) = simulator.faults.waiting()
    assert (waiting.name, times) == ("unavailable", 1)


def test_mails_are_shown_as_they_come(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The local AWS sends none, and they are half of what there is to see."""
    monkeypatch.setattr(sandbox, "_LOOK_SECONDS", 0)
    looks = iter([True, False])

    come = [Email("[Device-ID] INFO: rotated", "What happened", {"code": "rotated"})]
    sandbox.show_mails(lambda: come, lambda: next(looks))
    assert "Subject: [Device-ID] INFO: rotated" in capsys.readouterr().out
