"""What `sam deploy` made, as the local AWS describes it."""

from dev.stack import Stack


def test_the_outputs_are_the_contracts(stack: Stack) -> None:
    """Users' scripts read them."""
    assert stack.outputs.keys() >= {"FunctionName", "SecretArn", "LedgerTableName", "AlertTopicArn"}


def test_a_failed_run_is_never_repeated_by_lambda(stack: Stack) -> None:
    """AWS repeats an asynchronous run twice by default: the vendor's three attempts in three minutes."""
    name = stack.outputs["FunctionName"]
    # AWS takes $LATEST for granted; the local AWS wants it said.
    given = stack.client("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    assert given["MaximumRetryAttempts"] == 0


def test_the_schedule_invokes_the_function_with_an_empty_object(stack: Stack) -> None:
    """Every hour, with a queue for what cannot be delivered."""
    scheduler = stack.client("scheduler")
    (listed,) = scheduler.list_schedules()["Schedules"]
    schedule = scheduler.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["Target"]["Input"] == "{}"
    assert stack.outputs["FunctionName"] in schedule["Target"]["Arn"]
    assert "DeadLetterConfig" in schedule["Target"]


def test_the_alerts_go_to_the_address_that_was_given(stack: Stack) -> None:
    """Nobody reads a topic without a subscription."""
    given = stack.client("sns").list_subscriptions_by_topic(TopicArn=stack.outputs["AlertTopicArn"])["Subscriptions"]
    assert ("email", "operator@example.com") in [(one["Protocol"], one["Endpoint"]) for one in given]
