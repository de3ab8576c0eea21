"""Who asked for what, and who put what into use, while runs took turns: some order of whole runs must explain it."""

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from tests.support import secret_parser
from tests.support.invariant_checker import InvariantChecker
from tests.support.invariants import TALLY
from tests.support.orders import Made
from tests.support.rotation_env import RotationEnv

BURST = 3  # vendor: three attempts, then one an hour


@dataclass(frozen=True)
class Act:
    """What one run did that others can see.

    Attributes:
        who: the run.
        did: what.
        name: of the certificate: issued, or put into use; empty where the request brought none.
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
        self._versions = frozenset(watch.env.aws.versions())
        self._hand_acted = False
        self.acts: list[Act] = []

    def note(self, who: str, made: Made) -> None:
        """After a turn of `who`, which made the last exchange of all."""
        if made[-1:] == [(who, "cert:refresh")]:
            new = self._world.simulator.requests[self._requests :]
            self.acts.append(Act(who, "asked", next((r.issued_cert_name for r in new if r.issued_cert_name), "")))
        self._requests = len(self._world.simulator.requests)
        if made[-1:] == [(who, "UpdateSecretVersionStage")] and _in_use(self._world) != self._in_use:
            self.acts.append(Act(who, "promoted", str(self._world.current()["certName"])))
        self._in_use = _in_use(self._world)

    def a_hand_acted(self) -> None:
        """What is in use now is not the doing of a run, and a label may be gone that somebody took off."""
        self._hand_acted = True
        self._in_use = _in_use(self._world)

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
        asked = sum(request.endpoint == "cert:refresh" and request.tenant in tenants for request in requests)
        left = state.get("attempts", {"burst_left": BURST})["burst_left"]
        self._check_keys([state[at]["intent_version"] for at in ("open_attempt", "earlier") if at in state])
        TALLY.check(3, left <= max(BURST - asked, 0), f"after {asked} requests the ledger has {left} attempts left")

    def _check_keys(self, intents: list[str]) -> None:
        """What these runs asked for and may still use keeps a label on its key: else AWS may delete the version."""
        versions = self._world.aws.versions()
        keys = {secret_parser.public_key(versions[intent][1]) for intent in intents}
        if not self._hand_acted and secret_parser.public_key(versions[self._in_use][1]) not in keys:
            labels = {intent: versions[intent][0] for intent in intents if intent not in self._versions}
            TALLY.check(2, all(labels.values()), f"the keys that were asked with are under {labels}")

    def check_settled(self) -> None:
        """Each certificate that was put into use is one rotation of the history: none is lost, none is there twice."""
        rotated = Counter(r["cert_name"] for r in self._world.history() if r["outcome"] == "rotated")
        for act in self.acts:
            if act.did == "promoted":
                TALLY.check(4, rotated[act.name] == 1, f"{act.name} is in use by {rotated[act.name]} rotations")

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
    return {record.name for tenant in watch.tenants for record in tenant.certificates}


def _in_use(env: RotationEnv) -> str:
    return next(version for version, (labels, _) in env.aws.versions().items() if "AWSCURRENT" in labels)
