"""Who asked for what, and who put what into use, while runs took turns: some order of whole runs must explain it."""

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from simulator.tokens import token_digest
from tests.support import secret_parser
from tests.support.invariant_checker import InvariantChecker
from tests.support.invariants import TALLY
from tests.support.orders import Made
from tests.support.rotation_env import RotationEnv

BURSTS = {"certificate": 3, "api_key": 5}  # vendor: three attempts, then one an hour; five, then two an hour
ASKING = {"cert:refresh": "certificate", "token:refresh": "api_key"}


@dataclass(frozen=True)
class Act:
    """What one run did that others can see.

    Attributes:
        who: the run.
        did: what.
        name: of what was issued, or put into use: a certificate's, or an API key's digest; empty where the request
            brought none.
    """

    who: str
    did: Literal["asked", "promoted"]
    name: str


class History:
    """The acts of several runs, noted as they happen."""

    def __init__(self, watch: InvariantChecker) -> None:
        self._world, self._watch = watch.env, watch
        self._there = _issued(watch)  # before the runs
        self._requests, self._in_use = len(watch.env.simulator.requests), _in_use(watch.env)
        self._document = watch.env.current()
        self._versions = frozenset(watch.env.aws.versions())
        self._hand_acted = False
        self.acts: list[Act] = []
        self._records = {r["record"] for r in watch.env.history() if r["outcome"] == "rotated"}

    def note(self, who: str, made: Made) -> None:
        """After a turn of `who`, which made the last exchange of all."""
        if made[-1][0] == who and made[-1][1] in ASKING:
            new = [r.issued_cert_name or r.issued_token for r in self._world.simulator.requests[self._requests :]]
            self.acts.append(Act(who, "asked", next(filter(None, new), "")))
        self._requests = len(self._world.simulator.requests)
        if made[-1:] == [(who, "UpdateSecretVersionStage")] and _in_use(self._world) != self._in_use:
            self.acts.append(Act(who, "promoted", self._replaced_by(self._world.current())))
        self._remember()

    def _replaced_by(self, document: dict[str, Any]) -> str:
        of_key = document["cert"] == self._document["cert"]
        return token_digest(document["apiKey"]) if of_key else str(document["certName"])

    def _remember(self) -> None:
        if self._in_use != (now := _in_use(self._world)):
            self._in_use, self._document = now, self._world.current()

    def a_hand_acted(self) -> None:
        """What is in use now is not the doing of a run, and a label may be gone that somebody took off."""
        self._hand_acted = True
        self._remember()

    @property
    def requests(self) -> int:
        """How many left."""
        return sum(act.did == "asked" for act in self.acts)

    def check(self, names: str, most: int | None) -> None:
        """One order of the whole runs explains it, with no request more; and the ledger has counted each.

        `most`: how many leave when the runs follow one another; None when nobody knows.
        """
        TALLY.check(4, most is None or self.requests <= most, f"{self.requests} requests left; one by one, {most}")
        found = any(self._explains(order) for order in itertools.permutations(names))
        TALLY.check(4, found, f"no order of whole runs explains {self.acts}")
        state = next((r for r in self._world.aws.records() if r["record"] == "state"), {})
        requests, tenants = self._world.simulator.requests, {tenant.name for tenant in self._watch.tenants}
        for call, half in ASKING.items():
            asked = sum(request.endpoint == call and request.tenant in tenants for request in requests)
            burst = BURSTS[half]
            left = state.get(f"{half}_attempts", {"burst_left": burst})["burst_left"]
            TALLY.check(3, left <= max(burst - asked, 0), f"after {asked} {call} the ledger has {left} attempts left")
            attempts = [state[at] for at in (f"{half}_open_attempt", f"{half}_earlier") if at in state]
            self._check_intents(attempts)

    def _check_intents(self, attempts: list[dict[str, Any]]) -> None:
        """What these runs asked for and may still use keeps a label on its intent: else AWS may delete the version."""
        versions = self._world.aws.versions()
        intents = {one["intent_version"]: versions[one["intent_version"]] for one in attempts}
        keys: set[bytes | str | None] = {secret_parser.public_key(text) for _, text in intents.values()}
        keys.discard(None)
        keys |= {
            secret_parser.opened(self._world.arn, one, intents[one["intent_version"]][1])
            for one in attempts
            if "answer" in one
        }
        in_use = versions[self._in_use][1]
        if not self._hand_acted and not {secret_parser.public_key(in_use), secret_parser.api_key(in_use)} & keys:
            labels = {intent: found for intent, (found, _) in intents.items() if intent not in self._versions}
            TALLY.check(2, all(labels.values()), f"the intents that were asked with are under {labels}")

    def check_settled(self) -> None:
        """Each half that was put into use is one rotation of the history: none is lost, none is there twice.

        An API key has no name there, so of these the number counts.
        """
        done = [r for r in self._world.history() if r["outcome"] == "rotated" and r["record"] not in self._records]
        rotated = Counter(r["name"] for r in done)
        promoted = [act.name for act in self.acts if act.did == "promoted"]
        names = {record.name for tenant in self._watch.tenants for record in tenant.certificates}
        for name in promoted:
            if name in names:
                TALLY.check(4, rotated[name] == 1, f"{name} is in use by {rotated[name]} rotations")
        keys = sum(name not in names for name in promoted)
        of_keys = sum(r["renews"] == "apiKey" for r in done)
        TALLY.check(4, of_keys >= keys, f"{keys} API keys were put into use, and {of_keys} rotations are known")

    def _explains(self, order: tuple[str, ...]) -> bool:
        in_hand = set(self._there)
        for act in sorted(self.acts, key=lambda act: order.index(act.who)):
            if act.did == "asked":
                in_hand.add(act.name)
            elif act.name not in in_hand:
                return False
            elif not self._hand_acted:  # somebody may have put another one in its place
                in_hand.remove(act.name)
        return True


def _issued(watch: InvariantChecker) -> set[str]:
    certificates = {record.name for tenant in watch.tenants for record in tenant.certificates}
    return certificates | {token.digest for tenant in watch.tenants for token in tenant.tokens}


def _in_use(env: RotationEnv) -> str:
    return next(version for version, (labels, _) in env.aws.versions().items() if "AWSCURRENT" in labels)
