"""Brings the reliability tally of every worker together, shows it, and fails the run on any violation."""

from typing import Any

import pytest

from tests.reliability import report
from tests.reliability.tally import TALLY

pytest_plugins = ["tests.reliability.hygiene"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands in what it counted; the whole of it may fail the run."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tally"] = TALLY.as_plain()
    elif TALLY.violations.total() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - xdist's
    """Take in what a worker counted."""
    if "tally" in getattr(node, "workeroutput", {}):
        TALLY.add(node.workeroutput["tally"])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ANN401 - pytest's own, not public
    """Show the table, and write it down; the page is of whole runs only."""
    searched_only = TALLY.cases.keys() <= {6} and not TALLY.violations.total()  # as every test is
    if hasattr(config, "workeroutput") or searched_only:
        return
    terminalreporter.section("reliability")
    terminalreporter.write_line("\n".join(report.lines(TALLY)))
    report.write_json(TALLY)
    if config.args == config.getini("testpaths") and not config.option.keyword:
        report.write_page(TALLY)
