"""What the faults of ``token:refresh`` do: to the key that is made, and to what is answered about it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from simulator.expiry import MISSING, UNREADABLE
from simulator.faults import Fault
from simulator.tokens import LINE_BREAKS, NOT_A_TOKEN, TokenTerms

type Answer = dict[str, object]

SHORTLY: Final = timedelta(minutes=1)


def change_token_terms(fault: Fault, terms: TokenTerms, now: datetime, newest_end: datetime) -> TokenTerms:
    """Return the terms on which a key is made; ``newest_end`` is the end of the newest valid one."""
    match fault.name:
        case "expired":
            return replace(terms, expires=now - SHORTLY)
        case "shorter-lived":
            return replace(terms, expires=now + (newest_end - now) / 2)
        case "activation-delay":
            by_hand = fault.parameters["seconds"] is None
            return replace(terms, active_from=None if by_hand else now + timedelta(seconds=fault.number("seconds")))
        case "line-break-token":
            # Whole on either side of the break, so that a search for leaked keys finds whichever half slips out.
            end = "" if fault.parameters["place"] == "end" else f"X-Injected: {terms.key}"
            return replace(terms, key=f"{terms.key}{LINE_BREAKS[str(fault.parameters['line_break'])]}{end}")
        case "long-token":
            length = max(int(fault.number("length")), len(terms.key))
            return replace(terms, key=(terms.key * (length // len(terms.key) + 1))[:length])
    return terms


def change_token_answer(
    fault: Fault, answer: Answer, written: Callable[[datetime], object], now: datetime, expires: datetime
) -> Answer:
    """Return what is said about a key that was made as it should be; ``written`` is how the service writes moments."""
    match fault.name:
        case "no-token":
            answer["token"] = NOT_A_TOKEN[str(fault.parameters["form"])]
        case "empty-token":
            answer["token"] = ""
        case "unknown-token":
            answer["token"] = f"{answer['token']}-or-so"
        case "past-expiry":
            answer["expiry"] = written(now - timedelta(seconds=fault.number("seconds")))
        case "unreadable-expiry":
            left = int((expires - now).total_seconds())
            answer["expiry"] = UNREADABLE[str(fault.parameters["form"])](expires, left)
    return {name: value for name, value in answer.items() if value is not MISSING}
