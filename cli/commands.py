"""How a command is written out for a person: complete, so that a copy of it is about what its sentence is about."""

import shlex

DEFAULT_STACK = "device-id-certificate"  # samconfig.toml


def written(command: str, *options: str, stack: str) -> str:
    """`device-id COMMAND`, with its options, and with the stack's name where it is not the usual one."""
    of_stack = ("--stack-name", stack) if stack != DEFAULT_STACK else ()
    return shlex.join(["device-id", command, *options, *of_stack])
