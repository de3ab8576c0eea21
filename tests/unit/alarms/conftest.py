"""A stack that time passes over."""

import pytest

from tests.unit.alarms.account import Account


@pytest.fixture(params=[0, 3])
def account(request: pytest.FixtureRequest) -> Account:
    """A stack with its defaults. CloudWatch looks at more periods than it is asked to and does not say how many.

    So every rule has to hold for several numbers of them.
    """
    further: int = request.param
    return Account(further)
