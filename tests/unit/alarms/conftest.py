"""A stack that time passes over."""

import pytest

from tests.support.alarms.account import Account


@pytest.fixture(params=[(0, 0), (1, 3)])
def account(request: pytest.FixtureRequest) -> Account:
    """A stack with its defaults. What AWS leaves open, chance decides; every rule has to hold for each seed of it.

    And for several numbers of periods that CloudWatch looks at further than it is asked to: it does not say how many.
    """
    seed, further = request.param
    return Account(seed, further)
