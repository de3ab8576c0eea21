"""`dev/find-python`: the Python of Homebrew and of uv, which are not on PATH, and what is said where there is none."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "dev/find-python"
IS_ONE = '#!/bin/sh\necho "$0"\n'  # says that it is a Python 3.13, and where
IS_NONE = "#!/bin/sh\nexit 127\n"  # as pyenv's shim ends without a version


class Machine:
    """One whose every place is below one folder, and whose PATH is its own."""

    def __init__(self, root: Path) -> None:
        """Without any Python."""
        self.root, self.home = root, root / "home"
        self.script = self.put("find-python", re.sub(r"(?<=[ -])/(?=\w)", f"{root}/", SCRIPT.read_text()))
        self.environment = {"PATH": str(root / "bin"), "HOME": str(self.home)}

    def put(self, place: str, program: str) -> Path:
        """A program somewhere."""
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(program)
        path.chmod(0o755)
        return path

    def find(self, **settings: str) -> subprocess.CompletedProcess[str]:
        """What `dev/find-python` says, without a terminal."""
        return subprocess.run(
            [self.script],
            env={**self.environment, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def answer(self, word: str) -> tuple[int, str, str]:
        """How it ends on a terminal where somebody types this; what it prints there, and its output."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [self.script], env=self.environment, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True
        ) as process:
            os.close(theirs)
            os.write(ours, f"{word}\n".encode())
            output, _ = process.communicate(timeout=10)
        said = os.read(ours, 4096).decode()
        os.close(ours)
        return process.returncode, said, output.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Without any Python."""
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("place", "settings"),
    [
        ("bin/python3.13", {}),
        ("bin/python3", {}),
        ("home/.local/bin/python3.13", {}),
        ("home/.local/share/uv/python/cpython-3.13.5-macos-aarch64-none/bin/python3.13", {}),
        ("elsewhere/cpython-3.13.5/bin/python3.13", {"UV_PYTHON_INSTALL_DIR": "elsewhere"}),
        ("data/uv/python/cpython-3.13.5/bin/python3.13", {"XDG_DATA_HOME": "data"}),
        ("home/.pyenv/versions/3.13.5/bin/python3.13", {}),
        ("opt/homebrew/opt/python@3.13/bin/python3.13", {}),
        ("usr/local/opt/python@3.13/bin/python3.13", {}),
        ("home/linuxbrew/.linuxbrew/opt/python@3.13/bin/python3.13", {}),
        ("brew/opt/python@3.13/bin/python3.13", {"HOMEBREW_PREFIX": "brew"}),
        ("Library/Frameworks/Python.framework/Versions/3.13/bin/python3.13", {}),
        ("opt/local/bin/python3.13", {}),
        ("mine", {"PYTHON": "mine"}),
    ],
)
def test_it_is_found_where_people_have_it(machine: Machine, place: str, settings: dict[str, str]) -> None:
    """A newcomer with a Python 3.13 is not told to install one."""
    python = machine.put(place, IS_ONE)
    machine.put("usr/local/bin/python3.13", IS_NONE)
    found = machine.find(**{name: str(machine.root / value) for name, value in settings.items()})
    assert (found.returncode, found.stdout) == (0, f"{python}\n"), found.stderr


def test_what_does_not_run_is_passed_over(machine: Machine) -> None:
    """A shim on PATH is no Python."""
    machine.put("bin/python3.13", IS_NONE)
    python = machine.put("opt/homebrew/opt/python@3.13/bin/python3.13", IS_ONE)
    assert machine.find().stdout == f"{python}\n"


def test_without_one_it_says_what_to_type(machine: Machine) -> None:
    """And asks nobody where nobody can answer."""
    found = machine.find()
    assert (found.returncode, found.stdout) == (1, "")
    assert "brew install python@3.13" in found.stderr
    assert "which you have" not in found.stderr
    machine.put("bin/uv", IS_NONE)
    assert "uv, which you have, installs one for you alone: uv python install 3.13" in machine.find().stderr


@pytest.fixture
def uv(machine: Machine) -> str:
    """Where uv puts a Python, told to install one."""
    place = "home/.local/share/uv/python/cpython-3.13.5/bin"
    python = machine.root / place / "python3.13"
    made = f"/bin/mkdir -p {python.parent} && printf '#!/bin/sh\\necho \"$0\"\\n' > {python} && /bin/chmod +x {python}"
    machine.put("bin/uv", f'#!/bin/sh\n[ "$*" = "python install 3.13" ] && {made} && echo installed\n')
    return str(python)


def test_uvs_is_offered_and_used(machine: Machine, uv: str) -> None:
    """One word instead of a page of how to install Python; what uv prints is not taken for the path."""
    code, said, output = machine.answer("yes")
    assert (code, output) == (0, uv)
    assert "Have uv install one now, for you alone" in said
    assert "installed" in said


def test_nothing_is_installed_for_who_does_not_say_yes(machine: Machine, uv: str) -> None:
    """It is their machine."""
    code, _, output = machine.answer("n")
    assert (code, output, Path(uv).exists()) == (1, "", False)
