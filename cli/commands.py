"""How a command is written out for a person: complete, so that a copy of it is about what its sentence is about."""

import shlex

EXIT_CODES = "Exit codes: 0 well, 1 needs you, 2 wrong use, 3 AWS or the service refused."
DEFAULT_STACK = "device-id-certificate"  # samconfig.toml


def written(command: str, *options: str, stack: str) -> str:
    """`device-id COMMAND`, with its options, and with the stack's name where it is not the usual one."""
    of_stack = ("--stack-name", stack) if stack != DEFAULT_STACK else ()
    return shlex.join(["device-id", command, *options, *of_stack])


def ends_help(*examples: str) -> str:
    """What stands at the end of a command's `--help`: how it is typed, and what a script is told."""
    return "\n\n".join([*(f"Example: {one}" for one in examples), EXIT_CODES])
