"""The bill of materials is one by CycloneDX's rules, and names what is deployed, with the hashes it was pinned by."""

import json
import re
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

from dev import sbom
from dev.local_aws import ROOT

HASH = "0" * 63 + "a"
# CycloneDX 1.6, JSON schema.
SERIAL_NUMBER = r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
HASH_CONTENT = r"^([a-fA-F0-9]{32}|[a-fA-F0-9]{40}|[a-fA-F0-9]{64}|[a-fA-F0-9]{96}|[a-fA-F0-9]{128})$"
COMPONENT = {"type", "bom-ref", "name", "version", "scope", "hashes", "purl", "licenses"}  # of the many that may be


@pytest.fixture
def bill() -> dict[str, Any]:
    """Of the layer's pins."""
    return sbom.bill([*sbom.pins(sbom.PINS.read_text())])


def test_it_keeps_the_rules_of_cyclonedx(bill: dict[str, Any]) -> None:
    """A scanner that refuses it is of no use to anybody; the whole schema is not here, its rules for these keys are."""
    assert bill.keys() == {
        *("bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies")
    }
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.match(SERIAL_NUMBER, bill["serialNumber"])
    components = [bill["metadata"]["component"], *bill["components"]]
    for component in components:
        assert {"type", "name"} <= component.keys() <= COMPONENT
        assert component["type"] in {"application", "library"}
        for one in component.get("hashes", []):
            assert one["alg"] == "SHA-256"
            assert re.match(HASH_CONTENT, one["content"])
    references = [component["bom-ref"] for component in components]
    assert len(set(references)) == len(references)
    assert [dependency["ref"] for dependency in bill["dependencies"]] == references
    for dependency in bill["dependencies"]:
        assert set(dependency["dependsOn"]) <= set(references)
        assert len(set(dependency["dependsOn"])) == len(dependency["dependsOn"])


def test_it_names_each_package_of_the_layer_with_each_of_its_hashes(bill: dict[str, Any]) -> None:
    """What it leaves out is not looked after; the lines are counted without the code that reads them."""
    lines = sbom.PINS.read_text().splitlines()
    named = {line.split(" ")[0] for line in lines if "==" in line}
    assert {f"{component['name']}=={component['version']}" for component in bill["components"]} == named
    assert sum(len(component["hashes"]) for component in bill["components"]) == len(
        [line for line in lines if "--hash=sha256:" in line]
    )
    for component in bill["components"]:
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"


def test_it_says_who_needs_whom(bill: dict[str, Any]) -> None:
    """Whoever has to replace one asks who brought it."""
    needs = {one["ref"].partition("@")[0].removeprefix("pkg:pypi/"): one["dependsOn"] for one in bill["dependencies"]}
    asked = re.findall(r"^([a-z-]+)", (ROOT / "requirements/layer.in").read_text(), re.MULTILINE)
    assert sorted(map(name, needs[bill["metadata"]["component"]["name"]])) == sorted(asked)
    here = {re.split(r"[ <>=!;(\[]", one)[0].lower().replace("_", "-") for one in requires("requests") or ()}
    assert {name(one) for one in needs["requests"]} == here & {name(one["purl"]) for one in bill["components"]}


def name(purl: str) -> str:
    """Of a package URL."""
    return purl.partition("@")[0].removeprefix("pkg:pypi/")


def test_it_is_of_this_version_and_the_same_for_the_same_pins(bill: dict[str, Any]) -> None:
    """Two builds of one commit are to be comparable byte by byte."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = bill["metadata"]["component"]
    assert (told["name"], told["version"]) == (project["name"], project["version"])
    packages = [*sbom.pins(sbom.PINS.read_text())]
    assert sbom.bill(packages) == bill
    assert sbom.bill(packages[1:])["serialNumber"] != bill["serialNumber"]


def test_a_name_is_written_as_package_urls_write_it() -> None:
    """Else no scanner finds what is known about it."""
    (pin,) = sbom.pins(
        f"# made\nRuamel.yaml_Clib==1.0 \\\n    --hash=sha256:{HASH}\n    # via\n    #   -r a.in\n    #   b\n"
    )
    assert pin == sbom.Pin("Ruamel.yaml_Clib", "1.0", (HASH,), ("-r a.in", "b"))
    assert pin.purl == "pkg:pypi/ruamel-yaml-clib@1.0"


@pytest.mark.parametrize("line", ["requests", "requests>=2", "requests==2.34.2", "-e ."])
def test_what_is_not_pinned_is_refused(line: str) -> None:
    """A bill that leaves a package out is worse than none."""
    with pytest.raises(ValueError, match="is no pin with hashes"):
        [*sbom.pins(f"# made\n{line}\n    # via -r a.in\n")]


def test_it_is_written_where_builds_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bill: dict[str, Any]) -> None:
    """`make build` writes it, CI keeps it with what was built, and git does not."""
    monkeypatch.setattr(sbom, "BILL", tmp_path / "build" / sbom.BILL.name)
    assert json.loads(sbom.write().read_text()) == bill
    assert "build/" in (ROOT / ".gitignore").read_text().splitlines()
