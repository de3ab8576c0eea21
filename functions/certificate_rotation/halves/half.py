"""What a rotation must know of the half it renews: the interface behind which certificate and API key differ.

`about` names the secret and the attempt that an answer is for; `now` is aware, UTC.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

from certificate_rotation.adapters.device_id_api import DeviceIdApi, Issued
from certificate_rotation.domain.credential import Credential, json_object, text_of
from certificate_rotation.domain.decision import Policy
from certificate_rotation.domain.errors import RotationError
from certificate_rotation.domain.half import HalfName, Life
from certificate_rotation.domain.state import HalfState
from certificate_rotation.settings import Settings

CERT_NAME = "certName"  # the part of an intent that names the new one


class HalfLabels(NamedTuple):
    """A half's own labels on versions of the secret.

    Attributes:
        intent: what the open attempt's answer needs.
        earlier: the same of an attempt before it, whose answer still waits.
        staged: the whole credential with the new half in it.
    """

    intent: str
    earlier: str
    staged: str


@dataclass(frozen=True)
class Intent:
    """What the service's answer will need, stored before it is asked: a crash must not part the two.

    Attributes:
        version: the secret version that holds it.
        based_on: fingerprint of the half in use when it was made.
        parts: what the answer will need, by name.
    """

    version: str
    based_on: str
    parts: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """What the service is asked to call the new one; empty where nobody names it."""
        return self.parts.get(CERT_NAME, "")

    def dump(self) -> str:
        """The intent as the text of a secret version."""
        return json.dumps({"basedOn": self.based_on, **self.parts})


class Half(ABC):
    """One half of every credential."""

    name: ClassVar[HalfName]
    labels: ClassVar[HalfLabels]
    rejected: ClassVar[type[RotationError]]
    not_accepted: ClassVar[type[RotationError]]
    part_names: ClassVar[tuple[str, ...]]
    second_store: ClassVar[str] = ""
    """Where an answer is safe that the ledger did not take; empty for nowhere."""

    @abstractmethod
    def life(self, arn: str, credential: Credential, state: HalfState, policy: Policy) -> Life:
        """When the one in use ends and is due. Raises `InvalidCredential`."""

    @abstractmethod
    def fingerprint(self, arn: str, credential: Credential) -> str:
        """Tells the one in use from another."""

    @abstractmethod
    def new_parts(self, credential: Credential, settings: Settings, now: datetime) -> Mapping[str, str]:
        """Make what the next answer will need."""

    @abstractmethod
    def check_parts(self, parts: Mapping[str, str]) -> None:
        """See that `new_parts` could have made these. Raises `InvalidCredential`."""

    @abstractmethod
    def ask(self, api: DeviceIdApi, credential: Credential, intent: Intent, now: datetime) -> Issued:
        """Ask the service for a new one: one request. Raises `RefreshFailed`."""

    @abstractmethod
    def join(self, intent: Intent, answer: str, credential: Credential, now: datetime, *, shorter: bool) -> Credential:
        """The offline check: the credential with the new half in it, which may end `shorter` than the one in use.

        Raises:
            ValueError: it cannot be used.
            EndsSoonerError: it ends before the one in use.
        """

    @abstractmethod
    def answer_in(self, credential: Credential) -> str:
        """The answer that would bring the half this credential holds."""

    @abstractmethod
    def brought(self, answer: str, credential: Credential) -> bool:
        """Whether the half in this credential is the one that the answer brought."""

    def has_ended(self, intent: Intent, answer: str, now: datetime) -> bool:  # noqa: ARG002 - where that is sure
        """Whether what the service answered has ended for sure."""
        return False

    def is_for(self, intent: Intent, credential: Credential) -> bool:  # noqa: ARG002 - where the intent alone can tell
        """Whether the credential holds what was asked for with this intent, as far as the intent alone can tell."""
        return False

    def journalled(self, intent: Intent, answer: str, about: str) -> str:  # noqa: ARG002 - where it is a secret
        """An answer as it may stand in the ledger."""
        return answer

    def answered(self, intent: Intent, journalled: str, about: str) -> str | None:  # noqa: ARG002 - as above
        """The opposite; None where it was not written with this intent, for this attempt."""
        return journalled

    def name_in(self, credential: Credential) -> str | None:  # noqa: ARG002 - where it has one
        """What the service calls the one in use; None where nobody knows."""
        return None

    def remark(self, credential: Credential) -> str:  # noqa: ARG002 - where there is one
        """What may explain that the service refuses the new half in this credential; empty for nothing."""
        return ""

    def called(self, name: str) -> str:
        """A new one, as people read of it."""
        return f"{self.name.words} {name}".strip()

    def parse_intent(self, version: str, text: str) -> Intent:
        """Read what `Intent.dump` wrote into `version`. Raises `InvalidCredential`: somebody else wrote it."""
        document = json_object(text)
        parts = {name: text_of(document, name) for name in self.part_names}
        self.check_parts(parts)
        return Intent(version, text_of(document, "basedOn"), parts)
