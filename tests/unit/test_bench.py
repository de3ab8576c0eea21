"""What `make bench` promises to whoever reads its results; how fast anything is, no test asserts."""

import json
from pathlib import Path

import pytest

from dev.bench import report
from dev.bench.thresholds import THRESHOLDS
from dev.bench.times import Times

KEYS = {
    "cold_start_ratio",
    "cold_check_ratio",
    "check_ratio",
    "rotation_ratio",
    "check_aws_calls",
    "rotation_aws_calls",
    "rotation_https_calls",
    "peak_memory_mib",
    "layer_zip_mib",
    "fleet_rotations",
    "fleet_lost",
    "fleet_over_limit",
    "naive_cold_check_ratio",
    "naive_check_ratio",
    "naive_rotation_ratio",
    "monthly_usd",
    "tenant_monthly_usd",
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The page and the numbers, somewhere else; and the page with the bill."""
    page, numbers = tmp_path / "docs/performance.md", tmp_path / "build/bench.json"
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "BILL", tmp_path / "docs/scale.md")
    monkeypatch.setattr(report, "NUMBERS", numbers)
    return page, numbers


def test_the_numbers_have_the_names_that_programs_read(files: tuple[Path, Path]) -> None:
    """A renamed key would pass for a number that was not measured."""
    report.Report(dict.fromkeys(KEYS, 1.0), {}).write()
    assert json.loads(files[1].read_text()) == dict.fromkeys(KEYS, 1.0)
    assert {threshold.key for threshold in THRESHOLDS} == KEYS


def test_what_people_wrote_around_the_table_survives(files: tuple[Path, Path]) -> None:
    """Why a threshold is missed is written by hand, and measured again and again."""
    report.Report(dict.fromkeys(KEYS, 1.0), {}).write()
    page = files[0]
    page.write_text(f"above\n{page.read_text()}below\n")
    report.Report(dict.fromkeys(KEYS, 1234.5), {"layer_zip_mib": "a remark"}, ("one more line",)).write()
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "1,234.50" in text
    assert "a remark" in text
    assert "- one more line" in text
    assert text.count("| Layer, zipped |") == 1


@pytest.mark.parametrize(("key", "good", "bad"), [("check_ratio", 0.6, 0.61), ("fleet_rotations", 1000, 999)])
def test_a_bar_is_met_at_its_limit_and_missed_beyond_it(key: str, good: float, bad: float) -> None:
    """`At most` and `at least` are easily swapped."""
    (threshold,) = (threshold for threshold in THRESHOLDS if threshold.key == key)
    assert threshold.met(good)
    assert not threshold.met(bad)


def test_the_luck_of_the_rounds_is_told_beside_a_ratio() -> None:
    """Of a few rounds on a busy machine a ratio says little, and two of them nothing about the code."""
    steady, shaky = Times(), Times()
    for number in range(20):
        steady.add(300.0, 200.0)
        shaky.add(300.0 + 20 * (number % 10), 200.0 + 30 * (number % 7))
    assert steady.luck() == (1.5, 1.5)
    least, most = shaky.luck()
    assert least < shaky.ratio < most
    assert (least, most) == shaky.luck()
