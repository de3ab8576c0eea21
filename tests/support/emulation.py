"""The deployed stack with its function under the Lambda Runtime Interface Emulator."""

from dataclasses import dataclass
from typing import override

import pytest

from dev.emulator import Emulator
from dev.linux import LINUX, NO_EMULATOR
from dev.local_aws import ADMIN
from dev.stack import Answer, Stack


@dataclass(frozen=True)
class EmulatedStack(Stack):
    """The deployed stack; only its function runs elsewhere."""

    emulator: Emulator

    @classmethod
    def of(cls, stack: Stack, emulator: Emulator) -> "EmulatedStack":
        """The same stack, with this function."""
        return cls(stack.aws, stack.name, stack.outputs, emulator)

    @override
    def invoke(self, event: object) -> Answer:
        return self.emulator.invoke(event)


def settings_of(stack: Stack) -> dict[str, str]:
    """The environment that the stack gives its function, and where AWS is."""
    name = stack.outputs["FunctionName"]
    deployed = stack.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    aws = {"AWS_ENDPOINT_URL": stack.aws.url, "AWS_ACCESS_KEY_ID": ADMIN, "AWS_SECRET_ACCESS_KEY": ADMIN}
    return {**deployed, **aws}


def needs_emulator() -> None:
    """Leave the running test out where there is none."""
    if not LINUX:
        pytest.skip(NO_EMULATOR)
