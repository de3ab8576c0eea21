"""Whether a certificate is the successor of the one in use, as far as its subject tells."""

from certificate_rotation.certificates import Chain
from tools.onboarding.stopping import CannotError
from tools.onboarding.whose import Whose


def check_subject(offered: Chain, in_use: Chain | None, whose: Whose) -> None:
    """Refuse a certificate that looks like another credential's. With none in use there is nothing to compare.

    Raises:
        CannotError: its subject is not that of the one in use.
    """
    if in_use is None or offered.leaf.subject == in_use.leaf.subject:
        return
    ours, theirs = offered.leaf.subject.rfc4514_string(), in_use.leaf.subject.rfc4514_string()
    raise CannotError(
        f"This certificate is of {ours or 'no subject'}, and the one in use in {whose.words} is of "
        f"{theirs or 'no subject'}. Nothing was changed. Look whether it is the right file, and the right credential. "
        "If it is both, add --other-subject."
    )
