"""Which version of `device-id` this is."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "device-id-certificate-rotation"  # pyproject.toml
_PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def this_version() -> str:
    """As the installed package says it; in a checkout, where nothing is installed, as its project file does."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return str(tomllib.loads(_PROJECT.read_text())["project"]["version"])
