"""Which half of a credential a run is about: at most one acts, and neither keeps the other from its turn. Pure."""

from collections.abc import Mapping
from datetime import datetime

from certificate_rotation.domain.decision import TOLD_FIRST, Command, Decision, Drop, Facts, Issue, Progress, Resume
from certificate_rotation.domain.half import HalfName
from certificate_rotation.domain.verdict import Answer


def whose_turn(
    decisions: Mapping[HalfName, Decision],
    facts: Mapping[HalfName, Facts],
    command: Command,
    last_acted: HalfName | None,
    now: datetime,
) -> HalfName:
    """Choose the half whose decision a run carries out.

    Args:
        decisions: what is to be done about each.
        facts: what they were made from.
        command: what the event asks for: `force` names its own.
        last_acted: the half that acted last: of two that can, it is the other's turn.
        now: aware, UTC.

    Returns:
        The half that acts; if none can, the one whose state people must hear of first.
    """
    acting = [
        half
        for half, decision in decisions.items()
        if isinstance(decision, Resume | Drop)
        or (isinstance(decision, Issue) and not _may_be_dead(facts[half.other], now))
    ]
    if command.force:
        asked_for_in_vain = isinstance(decisions[command.half], Issue) and command.half not in acting
        return command.half.other if asked_for_in_vain else command.half
    # What is in use and not told yet comes first: consumers may have to reload.
    acting = [half for half in acting if facts[half].progress is Progress.PROMOTED] or acting
    if len(acting) == 1:
        return acting[0]
    if acting:
        return last_acted.other if last_acted else _nearer_end(facts)
    return min(decisions, key=lambda half: TOLD_FIRST.index(type(decisions[half])))


def _may_be_dead(facts: Facts, now: datetime) -> bool:
    """Whether that half has ended, for all we know: the service then issues nothing, and an attempt would be wasted.

    A note of its end is no proof. Of one that cannot be read nothing was asked: it keeps the other from nothing.
    """
    refused = facts.in_use is Answer.REFUSED and facts.life.has_ended(now)
    silent = facts.in_use is not Answer.ACCEPTED and facts.life.has_surely_ended(now)
    return facts.failure is None and (refused or silent)


def _nearer_end(facts: Mapping[HalfName, Facts]) -> HalfName:
    key, certificate = facts[HalfName.API_KEY].life.ends, facts[HalfName.CERTIFICATE].life.ends
    return HalfName.API_KEY if key and certificate and key < certificate else HalfName.CERTIFICATE
