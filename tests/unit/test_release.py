"""A release: one version everywhere, and CI makes, checks and keeps what the checklist says."""

import re
import tomllib
from importlib import metadata
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli import version
from cli.main import app
from dev.sbom import BILL
from dev.stack import BUILT_TEMPLATE
from tests.support.cloudformation import read_template
from tests.support.pages import ROOT, text

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSION = PROJECT["version"]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def steps(job: str) -> list[dict[str, Any]]:
    """What a job of CI does."""
    found: list[dict[str, Any]] = WORKFLOW["jobs"][job]["steps"]
    return found


def commands(job: str) -> list[str]:
    """What it runs, of ours."""
    return [step["run"] for step in steps(job) if "run" in step]


def test_the_changelog_is_of_this_version() -> None:
    """What comes after it is unreleased; the template's number is compared where `sam publish` is."""
    headings = re.findall(r"^## \[(.+?)\](?: - (.+))?$", text("CHANGELOG.md"), re.MULTILINE)
    released = [heading for heading in headings if heading[0] != "Unreleased"]
    number, date = released[0]
    assert number == VERSION
    assert re.fullmatch(r"\d{4}-\d\d-\d\d|not released yet", date)
    assert headings.index(released[0]) <= 1, "one heading at most for what comes next"


def test_the_command_says_this_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reports a fault says it, and it must be one that somebody can check out, installed or not."""
    assert PROJECT["name"] == version.PACKAGE
    monkeypatch.setattr(version, "version", lambda _: "7.8.9")
    assert CliRunner().invoke(app, ["--version"]).stdout == "device-id 7.8.9\n"

    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", not_installed)
    assert CliRunner().invoke(app, ["--version"]).stdout == f"device-id {VERSION}\n"


def test_the_template_says_this_version() -> None:
    """It is what `sam publish` publishes."""
    assert re.findall(r"^    SemanticVersion: (.+)$", text("template.yaml"), re.MULTILINE) == [VERSION]


def test_the_checklist_names_each_place_of_the_version() -> None:
    """One that is forgotten turns a test red, and nobody searches for it."""
    _, _, checklist = text("CONTRIBUTING.md").partition("\n## A release\n")
    checklist = checklist.partition("\n## ")[0]
    for place in ("pyproject.toml", "SemanticVersion", "template.yaml", "CHANGELOG.md"):
        assert place in checklist
    asked = set(re.findall(r"`make ([a-z]+)", checklist))
    assert asked >= {"lock", "test", "scan", "soak", "sabotage", "mutation", "bench", "build"}
    assert asked <= TARGETS


def test_ci_runs_what_the_readme_has_people_run() -> None:
    """A second list of checks would drift from the first."""
    assert commands("test") == [".ci/run"]
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "make test"
    assert commands("scan") == ["make scan"]
    assert {"scan", "test", "build"} <= TARGETS


def test_ci_builds_for_each_processor_and_keeps_the_build_with_its_bill() -> None:
    """Whoever takes a build from there wants to know what is in it."""
    build = WORKFLOW["jobs"]["build"]
    assert build["strategy"]["matrix"]["architecture"] == read_template()["Parameters"]["Architecture"]["AllowedValues"]
    assert commands("build") == ["make build ARCHITECTURE=${{ matrix.architecture }}"]
    (kept,) = (step["with"] for step in steps("build") if "upload-artifact" in step.get("uses", ""))
    assert kept["path"].split() == [str(path.relative_to(ROOT)) for path in (BUILT_TEMPLATE.parent, BILL)]
    assert (kept["include-hidden-files"], kept["if-no-files-found"]) == (True, "error")


def test_ci_may_read_and_nothing_else() -> None:
    """A pull request runs code of a stranger's."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for job in WORKFLOW["jobs"]:
        assert "permissions" not in WORKFLOW["jobs"][job]
        (checkout,) = (step for step in steps(job) if step.get("uses", "").startswith("actions/checkout@"))
        assert checkout["with"]["persist-credentials"] is False


def test_each_file_of_pins_is_watched() -> None:
    """One that nobody watches grows old, and its holes are nobody's news."""
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    watched = {update["package-ecosystem"]: update.get("directories", [update.get("directory")]) for update in updates}
    assert watched.keys() == {"pip", "github-actions"}
    pinned = [*(ROOT / "requirements").glob("*.txt"), *(ROOT / "layers").rglob("requirements.txt")]
    assert {f"/{path.parent.relative_to(ROOT)}" for path in pinned} == set(watched["pip"])
    assert watched["github-actions"] == ["/"]
