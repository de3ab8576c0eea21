"""What folders of tests share; and the reliability tally of every worker, brought together and shown."""

import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from dev.linux import LINUX
from tests.support import reliability_report
from tests.support.invariants import INVARIANTS, TALLY

if TYPE_CHECKING:
    import boto3

pytest_plugins = ["tests.support.leak_detector", *([] if LINUX else ["dev.mac.sitecustomize"])]

_FIRST = ("unit", "reliability")  # the fast ones; then those of a minute each, so that none is left over at the end
_COUNTED = ("unit", "integration")
_OF_TOOLS_OR_IN_BULK = {
    "test_bounds",
    "test_consumer",
    "test_crashes",
    "test_every_error",
    "test_fleet",
    "test_keeping",
    "test_one_request",
    "test_onboarding",
    "test_people_interfere",
    "test_sandbox",
    "test_service_failures",
    "test_slow_probes",
    "test_tenants",
    "test_unusable_certificates",
    "test_waiting_side_by_side",
    "test_without_linux",
}


@pytest.fixture(scope="session")
def aws_session() -> "boto3.Session":
    """AWS, for the whole session: every test makes what it needs under names of its own."""
    from tests.support.aws_clients import in_process  # noqa: PLC0415 - moto takes seconds, and the unit tests have no need

    return in_process()


@pytest.fixture(scope="session")
def trust_anchors(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with one authority who signed nothing, in place of the public ones, which take long to read."""
    path = tmp_path_factory.mktemp("trust") / "anchors.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return str(path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders in turn."""
    items.sort(key=lambda item: _FIRST.index(folder) if (folder := item.path.parent.name) in _FIRST else len(_FIRST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count the coverage where the function is looked at in detail: to trace all that runs takes a third of its time.

    Not by pytest-cov's `no_cover`: a worker of xdist has two tracers, and that stops one of them, so the other goes on.
    """
    counted = item.path.parent.name in _COUNTED and item.path.stem not in _OF_TOOLS_OR_IN_BULK
    counting = item.config.pluginmanager.hasplugin("_cov")  # else a tracer is a debugger's, and stays
    with _untraced() if counting and not counted else nullcontext():
        return (yield)


@contextmanager
def _untraced() -> Iterator[None]:
    here, in_new_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(in_new_threads)
        sys.settrace(here)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist's
    """Spread the tests over the workers."""
    from tests.support.scheduling import TwoHalves  # noqa: PLC0415 - only where there are workers

    return TwoHalves(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands in what it counted; a violation, or an invariant a whole run never tried, fails the run."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tally"] = TALLY.as_plain()
    elif session.exitstatus == pytest.ExitCode.OK and (
        TALLY.violations.total() or (_is_whole(session.config) and not all(TALLY.cases[n] for n in INVARIANTS))
    ):
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
    terminalreporter.write_line("\n".join(reliability_report.lines(TALLY)))
    reliability_report.write_json(TALLY)
    if _is_whole(config):
        reliability_report.write_page(TALLY)


def _is_whole(config: pytest.Config) -> bool:
    return config.args == config.getini("testpaths") and not config.option.keyword
