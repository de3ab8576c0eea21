"""Which of pytest's workers runs what: the deployed tests in two halves, every other test where there is room.

A half has one worker, and so one local AWS and one stack: a stack takes long to deploy. Two halves, because these tests
wait more than they calculate, and others fill the time. xdist's own groups write to an attribute of a test that pytest
9.2 does not read any more.
"""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

_FOLDER = "tests/deployed/"
ONE_HALF = {"test_incidents", "test_least_privilege", "test_native_rotation"}  # of the time they take


class TwoHalves(LoadScopeScheduling):  # type: ignore[misc]  # as above
    """Begins with the two halves of the deployed tests, as the largest groups."""

    def _split_scope(self, nodeid: str) -> str:
        if not nodeid.startswith(_FOLDER):
            return nodeid  # a group of its own
        file = nodeid.removeprefix(_FOLDER).partition(".py")[0]
        return f"{_FOLDER}{'one half' if file in ONE_HALF else 'the other half'}"
