"""`device-id` as an operator installs it: what it imports is what the project says it needs."""

import ast
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cli.main import app

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BROUGHT = {"botocore": "boto3", "urllib3": "requests"}  # each pins the other, which is part of how it is used
LOADED = """
import sys, cli.main
ours = (module for name, module in sys.modules.items() if name.partition(".")[0] in ("cli", "certificate_rotation"))
print(*(module.__file__ for module in ours), sep="\\n")
print(*({name.partition(".")[0] for name in sys.modules} & {"dev", "tests", "simulator"}))
"""


def imports(tree: ast.AST) -> Iterator[str]:
    """The packages a module imports when it runs, so without those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        yield from imports(node)


def test_the_installed_script_is_the_command() -> None:
    """A name that leads nowhere shows only when somebody has installed it."""
    module, _, name = PROJECT["scripts"]["device-id"].partition(":")
    assert getattr(importlib.import_module(module), name) is app


def test_what_the_command_imports_is_what_is_installed_with_it() -> None:
    """The development environment has everything; an operator's machine has what is listed."""
    path = [str(ROOT), str(ROOT / "functions")]
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOADED],
        env={"PYTHONPATH": ":".join(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *files, others = done.stdout.splitlines()
    assert others == "", "it imports what is not installed with it"
    used = {name for file in files for name in imports(ast.parse(Path(file).read_text()))}
    used -= {*sys.stdlib_module_names, "cli", "certificate_rotation"}
    named = {line.partition(">")[0] for line in PROJECT["dependencies"]}
    assert {BROUGHT.get(name, name) for name in used} == named
