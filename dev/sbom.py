"""What is deployed of other people's work: a CycloneDX bill of materials, made from the layer's pins.

The format is that of CycloneDX 1.6, in JSON. The same pins make the same bytes: the bill holds no time, and its serial
number is made of what it says.
"""

import json
import re
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.local_aws import ROOT

PINS = ROOT / "layers/dependencies/requirements.txt"
BILL = ROOT / "build/sbom.cdx.json"  # CycloneDX: the ending by which tools know it
ITSELF = "-r"  # before the file in which somebody asked for it by name
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "device-id-certificate-rotation")


@dataclass(frozen=True)
class Pin:
    """One package of a requirements file.

    Attributes:
        hashes: SHA-256 of each file in which that version is published; what is installed is one of them.
        needed_by: the packages that need it, or ITSELF and a file.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL, by which scanners know it."""
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', self.name).lower()}@{self.version}"


def pins(text: str) -> Iterator[Pin]:
    """The packages that a file of `make lock` pins.

    Raises:
        ValueError: a line pins something in another way.
    """
    for block in re.split(r"\n(?=\S)", text.strip()):
        first, *lines = block.splitlines()
        if first.startswith("#"):
            continue
        pin = re.fullmatch(r"([\w.-]+)==(\S+) \\", first)
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
        if not pin or not hashes:
            raise ValueError(f"{first!r} is no pin with hashes; `make lock` writes them.")
        comments = (line.strip(" #").removeprefix("via").strip() for line in lines if "--hash" not in line)
        yield Pin(pin[1], pin[2], tuple(hashes), tuple(filter(None, comments)))


def bill(packages: Sequence[Pin]) -> dict[str, Any]:
    """The bill of materials of the function with these packages in its layer."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    whole = f"{project['name']}@{project['version']}"
    needs = {whole: [pin.purl for pin in packages if any(by.startswith(ITSELF) for by in pin.needed_by)]}
    needs |= {pin.purl: [other.purl for other in packages if pin.name in other.needed_by] for pin in packages}
    told = {
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": whole,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [_component(pin) for pin in packages],
        "dependencies": [{"ref": ref, "dependsOn": needed} for ref, needed in needs.items()],
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(told)).urn
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": serial, "version": 1, **told}


def _component(pin: Pin) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": content} for content in pin.hashes],
        "purl": pin.purl,
    }


def write() -> Path:
    """Write the bill of what the layer pins now; where it is."""
    BILL.parent.mkdir(exist_ok=True)
    BILL.write_text(json.dumps(bill([*pins(PINS.read_text())]), indent=2) + "\n")
    return BILL
