"""What is done to a build so that Lambda need not compile anything; a build without it works too, and starts slower."""

import shutil
import sysconfig
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import pytest

from dev.local_aws import ROOT
from dev.precompile import finish

_UNCHECKED_HASH = (0b01).to_bytes(4, "little")  # PEP 552: the source's time and content are not looked at


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A build in small: the function, three packages of the layer, and a module that the function never imports."""
    directory = tmp_path_factory.mktemp("build")
    code, layer = directory / "function", directory / "layer"
    packages, installed = layer / "python", Path(sysconfig.get_path("purelib"))
    sources = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "functions/certificate_rotation", code / "certificate_rotation", ignore=sources)
    for package in ("requests", "aws_lambda_powertools", "cryptography"):
        shutil.copytree(installed / package, packages / package, ignore=sources)
    (packages / "requests/never.py").write_text("")
    finish(code, layer)
    return code, layer


def test_what_the_function_imports_has_byte_code_that_is_taken_as_it_is(finished: tuple[Path, Path]) -> None:
    """Zipped and unpacked, no file has the time it had: byte code that minds is compiled anew at every cold start."""
    code, layer = finished
    packages = layer / "python"
    modules = [
        *code.glob("certificate_rotation/*.py"),
        packages / "requests/adapters.py",
        packages / "aws_lambda_powertools/logging/logger.py",
        packages / "cryptography/hazmat/backends/openssl/backend.py",  # imported by the first signature
    ]
    for module in modules:
        assert Path(cache_from_source(str(module))).read_bytes()[:8] == MAGIC_NUMBER + _UNCHECKED_HASH


def test_what_the_function_never_imports_is_not_carried_along(finished: tuple[Path, Path]) -> None:
    """Lambda fetches the layer before a cold start, so its size is time; the largest part nobody needs is left out."""
    _, layer = finished
    assert not (layer / "python/aws_lambda_powertools/event_handler").exists()
    assert not Path(cache_from_source(str(layer / "python/requests/never.py"))).exists()


def test_no_path_of_the_machine_that_built_it_is_in_the_byte_code(finished: tuple[Path, Path]) -> None:
    """It would tell strangers where, and make every machine's build another one."""
    code, layer = finished
    compiled = [*code.rglob("*.pyc"), *layer.rglob("*.pyc")]
    assert compiled
    assert not any(str(code.parent).encode() in file.read_bytes() for file in compiled)
