"""How a command is written out for a person: complete, so that a copy of it is about what its sentence is about."""

import shlex

DEFAULT_STACK = "device-id-certificate"  # samconfig.toml


def written(command: str, *options: str, stack: str) -> str:
    """`make COMMAND`, with its options, and with the stack's name where it is not the usual one."""
    given = [*options, *(("--stack-name", stack) if stack != DEFAULT_STACK else ())]
    return f'make {command} ARGS="{shlex.join(given)}"' if given else f"make {command}"
