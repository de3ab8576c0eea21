"""The vendor's limit and the one request in flight, kept by what is deployed."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests.support.deployed_customer import Customer


def test_a_fourth_attempt_within_the_hour_never_leaves_and_after_it_one_does(customer: Customer) -> None:
    """Whatever `force` says: the service would answer 429, and may count that too."""
    customer.onboard()
    customer.simulator.clock.advance(-timedelta(hours=1, minutes=2))  # to stand at the real time an hour later
    customer.fault("unavailable", times=3)
    for _ in range(3):
        customer.fails()
    for event in ({}, {"force": True}, {"force": True, "allowEviction": True}):
        limited = customer.invoke(**event)
        assert limited["outcome"] == "rate_limited"
        assert limited["attemptsAvailable"] == 0
        assert limited["nextAttemptAt"]
    assert len(customer.refreshes()) == 3

    customer.let_an_hour_pass()
    assert customer.invoke()["outcome"] == "rotated"
    assert [request.status for request in customer.refreshes()] == [503, 503, 503, 200]


def test_two_invocations_at_once_send_one_request(customer: Customer) -> None:
    """A person who presses Test while the schedule fires."""
    customer.onboard()
    customer.fault("slow", seconds=8)  # longer than the second container takes to start
    with ThreadPoolExecutor(2) as people:
        answers = list(people.map(customer.stack.invoke, [{}, {}]))
    assert Counter(answer.payload.get("outcome") for answer in answers) == {"rotated": 1, "busy": 1}
    assert len(customer.refreshes()) == 1
    assert [email.attributes["code"] for email in customer.emails()] == ["rotated"]
