"""On a Mac tests and demo work, but for what only Linux has, which is left out by name: tried with that taken away."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev.linux import LINUX, NO_EMULATOR, NO_PROC
from dev.local_aws import ROOT
from tests.integration.test_keeping import KEEPER
from tests.support.processes import descendants, end, running

TAKEN_AWAY = "import os; vars(os).pop('memfd_create', None); "
PYTEST = "import pytest, sys; sys.exit(pytest.main(sys.argv[1:]))"
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}", "COLUMNS": "400"}
STORY = """
from dev.local_aws import local_aws
import time
with local_aws():
    print("ready", flush=True)
    time.sleep(600)
"""


def test_tests_pass_there_or_are_skipped_with_the_reason() -> None:
    """Certificates are rotated over mutual TLS, and what cannot be had says so."""
    files = ("test_consumer.py", "test_keeping.py::test_what_the_demo_started_goes_with_it")
    typed = [*(f"tests/integration/{file}" for file in files), "-x", "-q", "-rs", "-p", "no:cacheprovider", "-n", "0"]
    command = [sys.executable, "-c", TAKEN_AWAY + PYTEST, *typed, "--no-cov"]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    passed, skipped = re.findall(r"(\d+) passed, (\d+) skipped", done.stdout)[0]
    assert (int(passed) >= 5, int(skipped)) == (True, 3)
    assert NO_PROC in done.stdout


def test_a_key_leaves_no_file_where_none_can_be_in_memory(tmp_path: Path) -> None:
    """What the local AWS's workers get on a Mac: found by its name, as Python finds it."""
    program = f"""{TAKEN_AWAY}
import runpy, sys
runpy.run_path({str(ROOT / "dev/mac/sitecustomize.py")!r})
from datetime import UTC, datetime, timedelta
from cryptography.hazmat.primitives.asymmetric import ec
from certificate_rotation.domain.key_pair import check_usable
from certificate_rotation.domain.x509 import Chain
from tests.support.factories import certificate
now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
chain = Chain((certificate(key, begins=now, ends=now + timedelta(days=1)),))
check_usable(key, chain)
try:
    check_usable(ec.generate_private_key(ec.SECP256R1()), chain)
except ValueError as error:
    print(error)
"""
    environment = ENVIRONMENT | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "cannot be used by TLS" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_emulator_says_that_it_is_for_linux() -> None:
    """`make bench` is started there too, and ends with a sentence."""
    program = TAKEN_AWAY + "from dev.emulator import emulated; emulated(None, {}).__enter__()"
    done = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith(f"RuntimeError: It cannot be started here: {NO_EMULATOR}.")


@pytest.mark.skipif(not LINUX, reason=NO_PROC)
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_demo_is_asked_to_end_there(tmp_path: Path, ending: signal.Signals) -> None:
    """A Mac hands over no orphans, so what was started has to be ended by who started it."""
    environment = ENVIRONMENT | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", TAKEN_AWAY + KEEPER, STORY]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        started = descendants(process.pid)
        process.send_signal(ending)
        assert process.wait(60) == 128 + ending
    try:
        assert len(started) >= 2, "the story, and the local AWS"
        assert running(started) == set()
    finally:
        end(started)
    assert list(tmp_path.iterdir()) == []
