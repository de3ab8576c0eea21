"""Plays Secrets Manager's own rotation: `RotateSecret` on the local AWS is a stub.

Made from Secrets Manager's user guide, "How rotation works" and "Lambda rotation functions", and from the API
reference, "RotateSecret": the token becomes a version, perhaps empty, labelled AWSPENDING; then the function is invoked
once for each of four steps. After a failure Secrets Manager begins anew, with the same token or another.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from certificate_rotation.domain.result import Result
from tests.support.rotation_env import RotationEnv

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def step(name: str, token: str) -> Mapping[str, object]:
    """What Secrets Manager sends, but for the secret's ARN."""
    return {"Step": name, "ClientRequestToken": token, "RotationToken": "not-for-anybody"}


@dataclass
class NativeRotation:
    """One call of `RotateSecret`."""

    env: RotationEnv
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    def begin(self) -> "NativeRotation":
        """What AWS does before it invokes anybody; it raises where AWS would refuse."""
        self.env.aws.begin_rotation(self.token)
        return self

    def step(self, name: str) -> Result:
        """Invoke the function for one step."""
        return self.env.run(**step(name, self.token))

    def run(self, times: int = 1) -> list[str]:
        """All four, each so many times; their outcomes."""
        return [self.step(name)["outcome"] for name in STEPS for _ in range(times)]
