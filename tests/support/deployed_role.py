"""The role of a deployed function as IAM describes it, and what becomes of it when a right is taken away."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from dev.stack import Stack

type Statement = dict[str, Any]


@dataclass(frozen=True)
class Right:
    """One action or one resource of a statement of the role.

    Attributes:
        sid: the statement's.
        element: where in the statement it stands.
        value: the action, or the resource's ARN.
        actions: those that are denied without it, in lower case, as IAM compares them.
    """

    sid: str
    element: Literal["Action", "Resource"]
    value: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.sid}: {self.value}"


class Role:
    """A role by its name. Every right it has stands in a policy of its own; `attached` names those of others."""

    def __init__(self, stack: Stack, name: str) -> None:
        self._iam = stack.client("iam")
        self.name = name

    @classmethod
    def of_function(cls, stack: Stack) -> "Role":
        """The role the deployed function runs with."""
        given = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs["FunctionName"])
        return cls(stack, given["Role"].rpartition("/")[2])

    def attached(self) -> list[str]:
        """Managed policies: they change without us."""
        found = self._iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]
        return [policy["PolicyName"] for policy in found]

    def trusts(self) -> list[Statement]:
        """Who may take the role."""
        statements: list[Statement] = self._iam.get_role(RoleName=self.name)["Role"]["AssumeRolePolicyDocument"][
            "Statement"
        ]
        return statements

    def statements(self) -> list[Statement]:
        """What it allows."""
        return [statement for policy in self._policies().values() for statement in policy["Statement"]]

    def rights(self) -> list[Right]:
        """Every action and every resource of every statement."""
        return [
            Right(statement["Sid"], element, value, _denied_without(statement, element, value))
            for statement in self.statements()
            for element in ("Action", "Resource")
            for value in listed(statement[element])
        ]

    @contextmanager
    def without(self, right: Right) -> Iterator[None]:
        """Take a right away while the block runs; a statement that has no action or no resource left goes with it."""
        before = self._policies()
        less = copy.deepcopy(before)
        for policy in less.values():
            for statement in policy["Statement"]:
                if statement["Sid"] == right.sid:
                    kept = [value for value in listed(statement[right.element]) if value != right.value]
                    statement[right.element] = kept
            policy["Statement"] = [s for s in policy["Statement"] if s["Action"] and s["Resource"]]
        try:
            self._put(less)
            yield
        finally:
            self._put(before)

    def _policies(self) -> dict[str, dict[str, Any]]:
        names = self._iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        read = self._iam.get_role_policy
        return {name: read(RoleName=self.name, PolicyName=name)["PolicyDocument"] for name in names}

    def _put(self, policies: dict[str, dict[str, Any]]) -> None:
        for name, document in policies.items():
            self._iam.put_role_policy(RoleName=self.name, PolicyName=name, PolicyDocument=json.dumps(document))


def listed(value: str | list[str]) -> list[str]:
    """IAM writes one of a kind as itself and several as a list."""
    return [value] if isinstance(value, str) else value


def _denied_without(statement: Statement, element: str, value: str) -> frozenset[str]:
    lost = [value] if element == "Action" else listed(statement["Action"])
    return frozenset(action.lower() for action in lost)
