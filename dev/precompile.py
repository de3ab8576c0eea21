"""What `sam build` leaves undone: byte code for what the function imports, and packages' parts that it never does.

Lambda can write nowhere beside the code. Without byte code every cold start compiles all it imports, and takes twice as
long.
"""

import py_compile
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from dev.local_aws import ROOT

_FUNCTIONS = ROOT / "functions"
# Powertools' framework for web APIs, with a user interface for browsers in it: half a megabyte zipped.
_NEVER_IMPORTED = ("aws_lambda_powertools/event_handler",)

# In a process of its own, so that nothing else is loaded: every module of ours, and whatever those import, also later.
_IMPORT_ALL = """
import importlib, pkgutil, sys
import certificate_rotation as package
for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
    importlib.import_module(module.name)
from certificate_rotation.domain.x509 import csr_pem, first_private_key, x509
csr_pem(first_private_key("ec256"), x509.Name([]))  # cryptography imports some of itself when it first signs
print(*filter(None, (getattr(module, "__file__", None) for module in [*sys.modules.values()])), sep="\\n")
"""


def finish(code: Path, layer: Path) -> None:
    """Finish a built function and its layer, for whichever processor it was built."""
    packages = layer / "python"
    for part in _NEVER_IMPORTED:
        shutil.rmtree(packages / part, ignore_errors=True)
    installed = Path(sysconfig.get_path("purelib"))  # the layer's packages, at its versions, for this machine
    for source in _imported():
        for here, built, deployed in ((_FUNCTIONS, code, "/var/task"), (installed, packages, "/opt/python")):
            if source.is_relative_to(here) and (copy := built / source.relative_to(here)).exists():
                # Never compared with its source: a file's time does not survive zipping.
                py_compile.compile(
                    str(copy),
                    dfile=f"{deployed}/{source.relative_to(here)}",
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )


def _imported() -> list[Path]:
    """Every Python file that the function loads by importing."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL],
        cwd=_FUNCTIONS,
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    return [Path(line) for line in done.stdout.splitlines() if line.endswith(".py")]
