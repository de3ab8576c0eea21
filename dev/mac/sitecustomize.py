"""Stands in for Linux's anonymous files in memory, on the machine of somebody who develops on macOS.

The function keeps to memory: it puts a key into such a file (memfd_create(2)) and has OpenSSL read it by its number
under /proc. Where there are none, the deployed function of the local AWS, and the tests, get this instead: a file that
only its owner can read, gone as soon as OpenSSL has read it. It is no part of what is deployed. Python imports it by
its name, when the folder is on PYTHONPATH (`dev.local_aws`); the tests do it themselves.

What is built is for Lambda, so the binaries of the one package that has any are Linux's, too: it is taken from the
environment of development, where the same version is pinned.
"""

import os
import ssl
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

_OURS = str(Path(__file__).resolve().parents[2] / ".venv/dev/lib/python3.13/site-packages")
_PATHS: dict[str, str] = {}  # what the function calls the file, and where it is


def stand_in() -> None:
    """Have all that, from now on."""
    for name, value in (("memfd_create", _create), ("MFD_CLOEXEC", 0)):
        setattr(os, name, value)
    load = ssl.SSLContext.load_cert_chain

    def load_cert_chain(context: ssl.SSLContext, certfile: Any, *more: Any, **named: Any) -> None:  # noqa: ANN401 - ssl's
        path = _PATHS.pop(str(certfile), None)
        try:
            load(context, path or certfile, *more, **named)
        finally:
            if path:
                Path(path).unlink()

    setattr(ssl.SSLContext, load.__name__, load_cert_chain)
    sys.path.insert(0, _OURS)
    with suppress(ImportError):  # without that environment there is nothing that needs it
        import_module("cryptography.hazmat.bindings._rust")
    sys.path.remove(_OURS)


def _create(name: str, _flags: int = 0) -> int:
    descriptor, path = tempfile.mkstemp(prefix=name)  # its mode is 0600
    _PATHS[f"/proc/self/fd/{descriptor}"] = path
    return descriptor


if not hasattr(os, "memfd_create"):
    stand_in()
