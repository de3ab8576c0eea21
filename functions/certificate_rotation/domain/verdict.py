"""What the service said of a credential in this run. Nothing else stands for it: no name, no date, no silence. Pure."""

from enum import StrEnum
from typing import NamedTuple

from certificate_rotation.domain.errors import ServiceFailure, ServiceUnreachable


class Answer(StrEnum):
    """To the question whether the service lets a certificate and its API key in."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NONE = "no answer"
    NOT_ASKED = "not asked"


class Verdict(NamedTuple):
    """An answer, and for want of one the reason.

    Attributes:
        answer: what the service said.
        error: the failure of a question that got no answer.
    """

    answer: Answer
    error: ServiceFailure | ServiceUnreachable | None = None


ACCEPTED = Verdict(Answer.ACCEPTED)
REFUSED = Verdict(Answer.REFUSED)
NOT_ASKED = Verdict(Answer.NOT_ASKED)
