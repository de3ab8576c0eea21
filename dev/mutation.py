"""Mutation testing of the three modules a mistake would cost most: is there a test that fails when the code is changed?

mutmut changes one thing at a time in a copy of the project and runs the tests that reach it. It takes a while.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/mutation"
THRESHOLD = 90  # per cent that must be noticed, of each module
# For each module, by its path below the package: the tests that look at what it decides, in what order it writes, and
# what a failed write leaves.
TESTS = {
    "domain/decision": ("unit/test_decision",),
    "adapters/ledger": ("unit/test_ledger_items", "integration/test_ledger"),
    "rotation": (
        "integration/test_not_rotating",
        "integration/test_rotating",
        "integration/test_watching",
        "integration/test_handler",
        "integration/test_holds",
        "integration/test_limits",
        "integration/test_people_interfere",
        "integration/test_storage_failures",
        "unit/test_prober",
        "integration/test_crashes",
        "integration/test_service_failures",
        "integration/test_unusable_certificates",
        "integration/test_metrics",
    ),
}
COPIED = ("cli", "dev", "simulator", "tests", "events", "docs", "template.yaml", "samconfig.toml")
# mutmut names a module after its path below `src`.
SETTINGS = """
[tool.mutmut]
source_paths = ["src/"]
only_mutate = ["src/certificate_rotation/{module}.py"]
also_copy = [{copied}]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:randomly"]
pytest_add_cli_args_test_selection = [{tests}]
# A change of text is no change of what is done: messages are compared where they matter.
do_not_mutate_patterns = ["logger\\\\."]
use_git_change_detection = false
"""
# mutmut's exit codes of a mutant: what the tests did with it.
NOTICED = {1: "killed", 3: "killed", 36: "timeout", 24: "timeout", 152: "timeout"}


def main() -> int:
    """Change, run, count, by module; 0 when each meets the threshold. Arguments: which, such as domain/decision."""
    missed = False
    for module in sys.argv[1:] or TESTS:
        place = WORK / module
        _prepare(place, module)
        print(f"Changing {module}.py one thing at a time, and running the tests that reach it ...", flush=True)
        mutmut = Path(sys.executable).with_name("mutmut")
        environment = {**os.environ, "PYTHONPATH": ""}
        done = subprocess.run([mutmut, "run", "--max-children", "2"], cwd=place, env=environment, check=False)
        if done.returncode:
            print("mutmut failed; see above.", file=sys.stderr)
            return 1
        missed = _report(place, module) < THRESHOLD or missed
    print(
        f"The threshold is {THRESHOLD} %. See what a change was: cd {WORK.relative_to(ROOT)}/MODULE && mutmut show NAME"
    )
    return 1 if missed else 0


def _prepare(place: Path, module: str) -> None:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ROOT / "functions", place / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, place / name)
    project = (
        (ROOT / "pyproject.toml").read_text().replace('pythonpath = ["functions", "."]', 'pythonpath = ["src", "."]')
    )
    copied = ", ".join(f'"{name}"' for name in COPIED)
    tests = ", ".join(f'"tests/{name}.py"' for name in TESTS[module])
    (place / "pyproject.toml").write_text(project + SETTINGS.format(module=module, copied=copied, tests=tests))


def _report(place: Path, module: str) -> float:
    """Print what was noticed and what was not; the share that was, in per cent."""
    meta = json.loads((place / f"mutants/src/certificate_rotation/{module}.py.meta").read_text())
    codes: dict[str, int | None] = meta["exit_code_by_key"]
    outcome = Counter(NOTICED.get(code or 0, "survived") for code in codes.values())
    noticed = 100 * (len(codes) - outcome["survived"]) / max(len(codes), 1)
    print(f"{module}: {len(codes)} changes, {noticed:.1f} % noticed ({dict(outcome)})")
    for key, code in codes.items():
        if (code or 0) not in NOTICED:
            print(f"  survived: {key} (exit code {code})")
    return noticed


if __name__ == "__main__":
    sys.exit(main())
