"""The search for keys finds them, wherever and in whatever form: a search that cannot fail would show nothing."""

import base64
import http.client
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from certificate_rotation.domain.x509 import private_key_pem
from simulator.ca import KeyAlgorithm, key_pem, new_key
from tests.support.canary import Canary
from tests.support.factories import secret
from tests.support.invariants import InvariantCounts, ViolatedError
from tests.support.leak_detector import Hygiene

API_KEY = 'planted+in/this"test\\alone'  # of characters that each form writes in another way
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, one off": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "base64, two off": lambda text: base64.b64encode(f"xy{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "in a URL": lambda text: quote(text, safe=""),
    "in JSON": json.dumps,
    "in a container": lambda text: str([text]),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_api_key_is_found_in_every_form(form: str) -> None:
    """Libraries encode what they are given before they log it."""
    canary = Canary()
    canary.watch_for(api_key=API_KEY)
    assert canary.found_in(f"before {FORMS[form](API_KEY)} after")
    assert not canary.found_in(f"before {FORMS[form]('another-key-that-nobody-planted')} after")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("algorithm", ["ec256", "ec384", "rsa2048"])
def test_a_line_of_a_private_key_is_found_in_every_form(algorithm: KeyAlgorithm, form: str) -> None:
    """Part of a key says as much as all of it."""
    pem = key_pem(new_key(algorithm))
    canary = Canary()
    canary.watch_for(private_key_pem=pem)
    assert canary.found_in(f"before {FORMS[form](pem.splitlines()[1])} after")


def test_the_number_of_a_private_key_is_found() -> None:
    """What a debugger prints of one."""
    key = new_key("ec256")
    canary = Canary()
    canary.watch_for(private_key_pem=key_pem(key))
    number = key.private_numbers()
    assert canary.found_in(f"{getattr(number, 'private_value', 0)}")


def test_the_certificate_of_a_key_gives_nothing_away() -> None:
    """It holds the public half, which the PEM of the private key holds too."""
    for _ in range(50):
        key = new_key("ec256")
        canary = Canary()
        canary.watch_for(private_key_pem=private_key_pem(key))
        assert not canary.found_in(str(secret(key)["cert"]))


def test_a_log_record_is_searched_with_all_that_was_passed_along() -> None:
    """Structured loggers print the extras."""
    hygiene = Hygiene(InvariantCounts())
    hygiene.watch_for(api_key=API_KEY)
    hygiene.emit(logging.makeLogRecord({"msg": "nothing here", "headers": {"apiKey": API_KEY}}))
    with pytest.raises(ViolatedError, match="Invariant 6"):
        hygiene.finish("")
    hygiene.finish("")  # the next test begins with nothing said


def test_a_file_that_is_left_is_searched(tmp_path: Path) -> None:
    """A key on a disk outlives the function."""
    hygiene = Hygiene(InvariantCounts())
    hygiene.watch_for(api_key=API_KEY)
    for name in ("kept", "deleted"):
        (tmp_path / name).write_text(API_KEY)
        hygiene.wrote(str(tmp_path / name))
    (tmp_path / "deleted").unlink()
    with pytest.raises(ViolatedError):
        hygiene.finish("")
    (tmp_path / "kept").unlink()
    hygiene.finish("")


LEAKING = """
import logging, sys, pytest
from certificate_rotation.domain.errors import ServiceFailure
from simulator.ca import key_pem, new_key
from tests.support.factories import API_KEY


def test_log(): logging.getLogger("urllib3.connectionpool").debug("GET /%s", API_KEY)


def test_print(): print(API_KEY)


def test_captured(capsys):
    print(API_KEY, file=sys.stderr)
    assert capsys.readouterr().err


def test_caught():
    with pytest.raises(ServiceFailure): raise ServiceFailure("no") from ValueError(API_KEY)


def test_file(tmp_path): (tmp_path / "key").write_text(key_pem(new_key("ec256")))


def test_clean(tmp_path): (tmp_path / "key").write_text("nothing")
"""


def test_a_test_that_gives_a_key_away_fails(tmp_path: Path) -> None:
    """Log, output, an error that was caught and its cause, a file: the search covers the tests as they run."""
    (tmp_path / "test_leaking.py").write_text(LEAKING)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.leak_detector", "-p", "no:cacheprovider"]
    command += ["--import-mode=importlib", "--rootdir", str(tmp_path), str(tmp_path / "test_leaking.py")]
    paths = f"{root / 'functions'}{os.pathsep}{root}"
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
    assert "6 passed, 5 errors" in done.stdout, done.stdout + done.stderr


def test_the_libraries_print_nothing_of_what_they_send() -> None:
    """http.client would print every header, and botocore log every body."""
    assert http.client.HTTPConnection.debuglevel == 0
    assert not logging.getLogger("botocore.endpoint").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG), "nobody listens"
