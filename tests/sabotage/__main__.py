"""Breaks a copy of the code on purpose, one way after the other: the table of the tests must turn red each time."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.sabotage.breaks import BREAKS, Break

ROOT = Path(__file__).parents[2]
COPIED = (
    "cli",
    "dev",
    "functions",
    "simulator",
    "tests",
    "events",
    "pyproject.toml",
    "template.yaml",
    "samconfig.toml",
)


def main() -> int:
    """Try every break, or those whose invariant's number or part of whose name is given; 0 when each was noticed."""
    wanted = sys.argv[1:]
    missed = []
    for one in BREAKS:
        if wanted and not any(word == str(one.invariant) or word in one.name for word in wanted):
            continue
        print(f"Invariant {one.invariant:>2}, broken on purpose: {one.name} ... ", end="", flush=True)
        violations, said = _violations(one)
        print(f"{violations} violations found." if violations else f"NOT NOTICED.\n{said}")
        if not violations:
            missed.append(one.name)
    if missed:
        print(f"Not noticed: {'; '.join(missed)}. A check that cannot fail shows nothing: mend it.")
        return 1
    print("All were noticed.")
    return 0


def _violations(one: Break) -> tuple[int, str]:
    """How often the invariant was seen broken, and the end of what the tests said."""
    with TemporaryDirectory(prefix="sabotage-") as directory:
        copy = Path(directory)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, copy / name)
        for file, old, new in one.changes:
            text = (copy / file).read_text()
            if text.count(old) != 1:
                raise SystemExit(f"\n{file} does not hold exactly once: {old}\nThe break is out of date; mend it.")
            (copy / file).write_text(text.replace(old, new))
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *one.tests]
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        done = subprocess.run(command, cwd=copy, env=environment, text=True, capture_output=True, check=False)
        report = copy / "build/reliability.json"
        found = json.loads(report.read_text()) if report.exists() else []
        violations = found[one.invariant - 1]["violations"] if found else 0
        return violations, done.stdout[-2000:] + done.stderr[-1000:]


if __name__ == "__main__":
    sys.exit(main())
