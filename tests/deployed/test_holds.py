"""After an answer was lost, the deployed function waits, goes ahead when told, and goes ahead by itself in time."""

from datetime import datetime, timedelta

from tests.support.deployed_customer import LIFETIME, Customer


def test_after_a_lost_answer_the_next_run_is_held_and_says_until_when(customer: Customer) -> None:
    """Another certificate may delete the one in use; until CriticalDays that would be the worse harm."""
    customer.onboard(age=timedelta(days=70))
    customer.fault("drop-after-issuing")
    customer.fails()
    for event in ({}, {"force": True}, {"allowEviction": True}):
        held = customer.invoke(**event)
        assert held["outcome"] == "held"
        assert "has no known outcome" in held["why"]
        critical = datetime.fromisoformat(held["notAfter"]) - timedelta(days=7)
        assert datetime.fromisoformat(held["until"]) == critical
    assert len(customer.refreshes()) == 1
    assert customer.accepted()


def test_a_person_who_accepts_the_risk_goes_ahead(customer: Customer) -> None:
    """With both words, and only with both."""
    customer.onboard(age=timedelta(days=70))
    customer.fault("drop-after-issuing")
    customer.fails()
    assert customer.invoke(force=True, allowEviction=True)["outcome"] == "rotated"
    assert customer.accepted()
    assert set(customer.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_within_critical_days_it_goes_ahead_by_itself(customer: Customer) -> None:
    """Then expiring is the worse harm, and nobody may be there to say so."""
    customer.onboard(age=LIFETIME - timedelta(days=6))
    customer.fault("drop-after-issuing")
    customer.fails()
    assert customer.invoke()["outcome"] == "rotated"
    assert customer.accepted()


def test_soon_after_a_rotation_consumers_get_their_time(customer: Customer) -> None:
    """A second rotation would delete the certificate they may still hold."""
    customer.onboard()
    customer.invoke()
    held = customer.invoke(force=True)
    assert held["outcome"] == "held"
    assert "Consumers may still hold the previous certificate" in held["why"]
    assert customer.invoke(force=True, allowEviction=True)["outcome"] == "rotated"
