"""How the tests are laid out; who may import whom is in `pyproject.toml`, and `make lint` looks at it."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("ring", ["unit", "integration", "reliability", "deployed"])
def test_a_ring_holds_tests_and_nothing_else(ring: str) -> None:
    """What tests share is in `tests/support`, where people look for it, and no ring hangs on another."""
    files = [path.name for path in (TESTS / ring).rglob("*.py")]
    assert files
    assert [name for name in files if not name.startswith("test_") and name != "conftest.py"] == []
