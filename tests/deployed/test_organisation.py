"""A stack with all that an organisation can choose, as far as the local AWS goes: it knows no `RotationSchedule`."""

from dev.local_aws import local_aws
from dev.stack import deploy
from tests.scan import EVERYTHING


def test_a_stack_with_all_that_can_be_chosen_is_deployed_and_runs() -> None:
    """A condition that fits no other would show in the middle of somebody's deployment."""
    given = {name: str(value) for name, value in EVERYTHING.items() if name != "NativeRotationDays"}
    with local_aws(enforce_iam=True) as aws:
        stack = deploy(aws, "everything", given)
        made = stack.client("cloudformation").describe_stack_resources(StackName="everything")["StackResources"]
        assert {one["ResourceStatus"] for one in made} == {"CREATE_COMPLETE"}
        answer = stack.invoke({})
    assert "apiKey, cert" in answer.payload["errorMessage"], "it read the secret, which nobody has filled"
