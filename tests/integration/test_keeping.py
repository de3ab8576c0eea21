"""The demo, ended at any moment: nothing of it is left running, and no file behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev import demo
from dev.linux import LINUX, NO_PROC
from dev.local_aws import ROOT
from tests.support.processes import descendants, end, running

SECONDS = 60
KEEPER = "import os, sys; from dev.keeper import keep; sys.exit(keep([sys.executable, '-c', sys.argv[1]], os.environ))"
# What the demo starts, and a process that hears no signal, in a session of its own, whose parent has gone.
STORY = """
import subprocess, tempfile, time
from simulator import Simulator
from dev.local_aws import local_aws
tempfile.mkdtemp()
subprocess.run(["sh", "-c", "trap '' TERM HUP INT; setsid sleep 600 &"], check=True)
with local_aws(), Simulator.running():
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(not LINUX, reason=NO_PROC)
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_the_demo_started_goes_with_it(tmp_path: Path, ending: signal.Signals) -> None:
    """A local AWS left running takes memory for days; a folder left behind may hold a key."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", KEEPER, STORY]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        started = descendants(process.pid)
        assert len(started) >= 3, "the story, the local AWS and the one that hears nothing"
        process.send_signal(ending)
        assert process.wait(SECONDS) == 128 + ending
    try:
        assert running(started) == set()
    finally:
        end(started)
    assert list(tmp_path.iterdir()) == []


def kept(program: str, *before: str) -> int:
    """The exit code of a program of Python's under a keeper: a process of its own, for it ends all its children."""
    command = [*before, sys.executable, "-c", KEEPER, program]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode


def test_what_ends_by_itself_ends_as_it_says() -> None:
    """The demo's exit code is the story's."""
    assert kept("raise SystemExit(3)") == 3
    assert kept("import os; os.kill(os.getpid(), 9)") == 128 + signal.SIGKILL


def test_a_signal_that_is_ignored_stays_so() -> None:
    """`nohup make demo` is to go on when the terminal is closed."""
    goes_on = "import os, time; os.kill(os.getppid(), 1); time.sleep(1); raise SystemExit(7)"
    assert kept(goes_on, "nohup") == 7


def test_all_of_the_demo_is_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The process that is told to tell starts everything; the one that a person starts only waits for it."""
    asked: list[list[str]] = []

    def ended_by_sigterm(command: list[str], _: object) -> int:
        asked.append(command)
        return 128 + signal.SIGTERM

    monkeypatch.setattr(demo, "keep", ended_by_sigterm)
    assert demo.main() == 128 + signal.SIGTERM
    assert asked == [[sys.executable, "-m", "dev.demo", "tell"]]
    assert "Stopped by Terminated. Nothing is left running." in capsys.readouterr().err
