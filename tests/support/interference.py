"""What the code holds in hand: certificates that were issued, are not in use, and may still become good."""

from collections.abc import Mapping
from typing import Any

from tests.support import secret_parser

_IN_USE = {"AWSCURRENT", "AWSPREVIOUS"}


class InHand:
    """Those under a label of a rotation, or in the ledger's record, after the last run."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._settled: set[int] = set()  # put into use, rejected, or left behind by another: told of otherwise

    @property
    def serials(self) -> set[int]:
        """Of those in hand."""
        return self._held - self._settled

    def given_up(
        self, versions: Mapping[str, tuple[list[str], str]], records: list[dict[str, Any]], *, promoted: bool
    ) -> set[int]:
        """The serial numbers of those that are in hand no more, though nothing became of them.

        Args:
            versions: the secret's, with their labels.
            records: the ledger's.
            promoted: whether another one was put into use.
        """
        held = set[int]()
        for labels, text in versions.values():
            found = secret_parser.credential(text) if labels else None
            if found and _IN_USE & set(labels):
                self._settled.add(found.serial)
            elif found:
                held.add(found.serial)
        state: Mapping[str, Any] = next((r for r in records if r["record"] == "state"), {})
        for attempt in (state.get("open_attempt") or {}, state.get("earlier") or {}):
            leaf = secret_parser.leaf(str(attempt.get("certificate")))
            if leaf:
                (self._settled if attempt["outcome"] == "rejected" else held).add(leaf.serial_number)
        if promoted:
            self._settled |= held | self._held
        gone, self._held = self._held - held - self._settled, held
        return gone
