"""What a person gets to try the service with: a private directory with a credential, and lines to type."""

import contextlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from simulator.ca import key_pem, new_csr, new_key
from simulator.simulator import Simulator
from simulator.tenants import Tenant

PRIVATE_DIRECTORY: Final = 0o700
PRIVATE_FILE: Final = 0o600


@contextlib.contextmanager
def private_directory(path: Path | None) -> Iterator[Path]:
    """Make a directory that nobody else can read, and delete it with all its content in the end.

    Args:
        path: Where to make it; None for a new one among the temporary files.

    Raises:
        FileExistsError: There is something at ``path``; the simulator deletes only what it made.
        OSError: The directory cannot be made.
    """
    if path is None:
        made = Path(tempfile.mkdtemp(prefix="device-id-simulator-"))
    else:
        path.mkdir(mode=PRIVATE_DIRECTORY)
        made = path.absolute()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_credential(simulator: Simulator, tenant: Tenant, directory: Path) -> None:
    """Write the tenant's credential, and a request for its next certificate.

    Every file is for its owner only. The API key goes into a file of headers for ``curl -H @FILE``, because the
    arguments of a command can be read by everybody on the machine.
    """
    credential = tenant.credential
    next_key = new_key("ec256")
    csr = new_csr(next_key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, tenant.name)]), [])
    contents = {
        "ca.pem": simulator.trusted_ca_pem,
        "cert.pem": credential["cert"],
        "key.pem": credential["privateKey"],
        "headers": f"apiKey: {credential['apiKey']}\nContent-Type: application/json\n",
        "credential.json": json.dumps(credential, indent=2),
        "next.key.pem": key_pem(next_key),
        "next.csr.pem": csr,
        "refresh.json": json.dumps({"pemCsr": csr, "certName": f"{tenant.name}-next"[-64:]}),
    }
    for name, content in contents.items():
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  - a descriptor, for its permissions
            file.write(content)


def lines_to_try(simulator: Simulator, directory: Path) -> list[tuple[str, str]]:
    """Return what to type in a shell: a purpose and a command each."""

    def file(name: str) -> str:
        return shlex.quote(str(directory / name))

    call = f"curl -sS --cacert {file('ca.pem')} --cert {file('cert.pem')} --key {file('key.pem')} -H @{file('headers')}"
    base = f"{simulator.url}/api/v1/token"
    lines = [
        ("Is the credential accepted?", f"{call} {base}/verdicts:statistics"),
        (
            "A new certificate (once; for another, change certName in refresh.json)",
            f"{call} -X GET --data @{file('refresh.json')} {base}/cert:refresh",
        ),
        ("A new API key (valid beside the old one, until the next but one)", f"{call} {base}/token:refresh"),
    ]
    if simulator.admin_url:
        admin = f"curl -sS -H 'Content-Type: application/json' {simulator.admin_url}"
        lines += [
            (
                "Let the next cert:refresh fail (`python -m simulator faults` lists the names)",
                f"{admin}/faults --data '{json.dumps({'fault': 'drop-after-issuing'})}'",
            ),
            ("Move the clock by an hour", f"{admin}/clock --data '{json.dumps({'advanceSeconds': 3600})}'"),
            ("See every request", f"{admin}/requests"),
        ]
    return lines
