"""What the code holds in hand: what was issued, is not in use, and may still become good."""

from collections.abc import Mapping
from typing import Any

from tests.support import secret_parser

_IN_USE = {"AWSCURRENT", "AWSPREVIOUS"}
Versions = Mapping[str, tuple[list[str], str]]


class InHand:
    """Those under a label of a rotation, or in the ledger's record, after the last run.

    A certificate is told by its serial number, an API key by itself.
    """

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._held: set[int | str] = set()
        self._settled: set[int | str] = set()  # put into use, rejected, or left behind by another: told of otherwise

    @property
    def over(self) -> set[int | str]:
        """Put into use, rejected, or left behind."""
        return self._settled

    @property
    def serials(self) -> set[int]:
        """Of the certificates in hand."""
        return {one for one in self._held - self._settled if isinstance(one, int)}

    @property
    def api_keys(self) -> set[str]:
        """In hand."""
        return {one for one in self._held - self._settled if isinstance(one, str)}

    def given_up(
        self, versions: Versions, records: list[dict[str, Any]], *, promoted: tuple[type[int | str], ...]
    ) -> set[int | str]:
        """Those that are in hand no more, though nothing became of them.

        Args:
            versions: the secret's, with their labels.
            records: the ledger's.
            promoted: of what another was put into use: certificate (`int`), API key (`str`).
        """
        held = set[int | str]()
        for labels, text in versions.values():
            found = secret_parser.credential(text) if labels else None
            if found and _IN_USE & set(labels):
                self._settled |= {found.serial, found.api_key}
            elif found:
                held |= {found.serial, found.api_key}
        state: Mapping[str, Any] = next((r for r in records if r["record"] == "state"), {})
        for half in ("certificate", "api_key"):
            for attempt in (state.get(f"{half}_open_attempt") or {}, state.get(f"{half}_earlier") or {}):
                new = self._brought(attempt, versions)
                if new is not None:
                    (self._settled if attempt["outcome"] == "rejected" else held).add(new)
        if promoted:
            self._settled |= {one for one in held | self._held if isinstance(one, promoted)}
        gone, self._held = self._held - held - self._settled, held
        return gone

    def _brought(self, attempt: Mapping[str, Any], versions: Versions) -> int | str | None:
        answer = str(attempt.get("answer", ""))
        leaf = secret_parser.leaf(answer)
        if leaf:
            return leaf.serial_number
        _, intent = versions.get(str(attempt.get("intent_version")), ([], ""))
        return secret_parser.opened(self._arn, attempt, intent) if answer and intent else None
