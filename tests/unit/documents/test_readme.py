"""The README stays short, and what it says is what other pages and the code say."""

import re

import pytest

from tests.support.invariants import INVARIANTS
from tests.support.pages import ROOT, blocks, named, table, text

LONGEST = 200  # lines: two minutes


def test_it_is_short() -> None:
    """Tables go to docs/reference.md."""
    assert len(text("README.md").splitlines()) <= LONGEST


def test_its_figures_are_not_more_than_the_last_whole_run_counted() -> None:
    """`make test` writes docs/reliability.md anew; the README rounds down and is not written."""
    counted = dict(re.findall(r"^\| (\d+) \| .+ \| ([\d,]+) \| 0 \|$", text("docs/reliability.md"), re.MULTILINE))
    claimed = re.findall(r"^\| (\d+) \| .+ \| more than ([\d,]+) \|$", text("README.md"), re.MULTILINE)
    assert len(claimed) >= 8
    for number, least in claimed:
        assert int(number) in INVARIANTS
        assert int(counted[number].replace(",", "")) > int(least.replace(",", "")), number
    tried = dict(re.findall(r"^\| ([a-z][a-z ]+) \| ([\d,]+) \|$", text("docs/reliability.md"), re.MULTILINE))
    for claim, figure in (("crash points", "crash points"), ("steps of a model", "steps of the model")):
        (least,) = re.findall(rf"([\d,]+) {claim}", text("README.md"))
        assert int(tried[figure].replace(",", "")) >= int(least.replace(",", "")), claim


def test_its_mail_is_one_that_is_sent() -> None:
    """docs/alerts.md is rendered by the code."""
    (mail,) = blocks("README.md", "text")
    assert any(sent.startswith(mail) for sent in blocks("docs/alerts.md", "text"))


def test_its_parameters_are_those_of_the_reference() -> None:
    """A part of them, with the same defaults."""
    main, every = table("README.md", "The main parameters"), table("docs/reference.md", "Parameters")
    assert len(main) >= 8
    assert {name: cells[0] for name, cells in main.items()}.items() <= {
        name: cells[0] for name, cells in every.items()
    }.items()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/onboarding.md", "docs/fleet.md"])
def test_what_it_has_people_make_is_a_target(page: str) -> None:
    """A command that was renamed is the first thing a newcomer types."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    typed = re.findall(r"(?:^|`)make ((?:[A-Z]+=\S+ )*)([a-z]+)", text(page), re.MULTILINE)
    assert {target for _, target in typed} <= targets


def test_every_target_is_in_the_contributors_table() -> None:
    """`make` alone lists them; the page says what each is for."""
    listed = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {name.removeprefix("make ") for cells in table("CONTRIBUTING.md", "Commands") for name in named(cells)}
    assert listed - told - {"help", "install"} == set()


def test_every_guarantee_is_one_of_the_invariants() -> None:
    """The numbers are those of docs/reliability.md."""
    assert {int(number) for number in table("README.md", "What it guarantees") if number.isdigit()} <= set(INVARIANTS)
