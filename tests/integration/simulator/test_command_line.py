"""``python -m simulator``, started as a person starts it."""

import json
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulator import FAULTS

ROOT = Path(__file__).parents[3]
SECONDS = 20


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``serve`` until it has said everything; yield the process and what it said."""
    command = [sys.executable, "-m", "simulator", "serve", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = ""
            for line in process.stdout or ():
                said += line
                if line.startswith("Ctrl-C"):
                    break
            yield process, said
        finally:
            process.terminate()  # not kill: it has a directory to delete


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "simulator", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_well_and_leaves_nothing_behind(ending: signal.Signals) -> None:
    """A private key on the disk must not outlive the simulator."""
    with serving() as (process, said):
        directory = _directory(said)
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}
        process.send_signal(ending)
        assert process.wait(SECONDS) == 0
    assert not directory.exists()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines to try are for curl")
def test_the_lines_to_try_work_as_printed() -> None:
    """They are the first thing a newcomer does."""
    with serving("--admin-port", "0", "--tenant", "newcomer", "--fault", "unavailable") as (_, said):
        lines = [line for line in said.splitlines() if line.startswith("curl")]
        statistics, refresh, renewal, fault, clock, requests = lines
        assert "requestCount" in _shell(statistics)
        assert '"code": 503' in _shell(refresh)
        assert "-----BEGIN CERTIFICATE-----" in _shell(refresh)
        assert '"deletedToken": ""' in _shell(renewal)
        assert '"waiting": 1' in _shell(fault)
        assert '"now"' in _shell(clock)
        assert _shell(requests).count('"tenant": "newcomer"') == 4
        key = (_directory(said) / "headers").read_text().split()[1]
        assert key not in said


def test_a_directory_of_ones_own_is_made_and_deleted(tmp_path: Path) -> None:
    """Other programs need to know where the credential is."""
    mine = tmp_path / "credential"
    with serving("--directory", str(mine)) as (process, said):
        assert _directory(said) == mine
        assert (mine / "credential.json").exists()
        process.terminate()
        assert process.wait(SECONDS) == 0
    assert not mine.exists()


def test_a_directory_that_exists_is_refused_and_kept(tmp_path: Path) -> None:
    """It would be deleted at the end, with whatever is in it."""
    (tmp_path / "precious").touch()
    done = run("serve", "--directory", str(tmp_path))
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert (tmp_path / "precious").exists()


def test_a_port_in_use_is_a_sentence_with_the_cure() -> None:
    """A person needs the cure, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "choose another (0 picks a free one)" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_others_can_reach_is_refused() -> None:
    """Serving other machines needs an option of its own."""
    done = run("serve", "--host", "0.0.0.0")  # noqa: S104  - refused
    assert done.returncode == 2
    assert "--allow-non-loopback" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_fault_is_refused_with_the_names() -> None:
    """A person who mistypes a name needs the list."""
    done = run("serve", "--fault", "unheard-of")
    assert done.returncode == 2
    assert "drop-after-issuing" in done.stderr


@pytest.mark.parametrize("wrong", [("--token-expiry", "runes"), ("--deleted-token", "both")])
def test_an_unknown_way_to_answer_is_refused_with_the_choice(wrong: tuple[str, str]) -> None:
    """What the vendor leaves open is chosen by name, and a mistyped name is no choice."""
    done = run("serve", *wrong)
    assert done.returncode == 2
    assert ("iso-offset" in done.stderr) or ("by name or by key" in done.stderr)
    assert "Traceback" not in done.stderr


def test_the_first_keys_end_is_in_the_credential_when_it_is_chosen() -> None:
    """A person tries with it what a key near its end does."""
    with serving("--api-key-left-days", "9", "--token-expiry", "seconds") as (_, said):
        credential = json.loads((_directory(said) / "credential.json").read_text())
    left = datetime.fromisoformat(credential["apiKeyExpiry"]) - datetime.now(UTC)
    assert timedelta(days=8) < left <= timedelta(days=9)


def test_faults_lists_every_fault() -> None:
    """The list is printed from the table the simulator uses."""
    done = run("faults")
    assert done.returncode == 0
    assert {line.split()[0] for line in done.stdout.splitlines() if line[:1].strip()} == {"fault", *FAULTS}


def _directory(said: str) -> Path:
    """Return the directory that serve says it uses."""
    found = re.search(r"deleted at the end: (.+)", said)
    assert found, said
    return Path(found[1])


def _shell(line: str) -> str:
    """Type a line into a shell."""
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=SECONDS, check=True).stdout
