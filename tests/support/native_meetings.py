"""Where the steps of Secrets Manager's own rotation meet a scheduled run, a forced one, and one another."""

from collections.abc import Mapping
from types import MappingProxyType

from simulator.faults import CERT_REFRESH
from tests.support.invariant_checker import NOTHING, InvariantChecker
from tests.support.meetings import MEETINGS, Meeting
from tests.support.native_rotation import step
from tests.support.operator_actions import PEOPLE
from tests.support.scenarios import FORCED, SCENARIOS
from tests.support.situations import (
    DUE,
    OF_BOTH,
    OF_KEY,
    YOUNG,
    Arrange,
    Scenario,
    activate,
    anew,
    dies_at_stage,
    evicting,
    meeting,
    onboarded,
)

TOKEN, ANOTHER = (f"{place:08}-0000-4000-8000-000000000000" for place in (1, 2))
CREATE, TEST, FINISH = (step(name, TOKEN) for name in ("createSecret", "testSecret", "finishSecret"))
CREATE_ANOTHER, FINISH_ANOTHER = (step(name, ANOTHER) for name in ("createSecret", "finishSecret"))


_YOUNG = onboarded(age=YOUNG)


def _begins(watch: InvariantChecker, token: str = TOKEN) -> None:
    """Somebody calls `RotateSecret`."""
    watch.env.aws.begin_rotation(token)


def _begun(arrange: Arrange = _YOUNG) -> Arrange:
    def begun(watch: InvariantChecker) -> None:
        arrange(watch)
        _begins(watch)

    return begun


def _staged(arrange: Arrange = _YOUNG) -> Arrange:
    """`createSecret` is done."""

    def staged(watch: InvariantChecker) -> None:
        _begun(arrange)(watch)
        watch.run(CREATE)

    return staged


def _waits(*, accepted: bool) -> Arrange:
    """The service does not accept it for hours; `accepted`: or only came to."""

    def waits(watch: InvariantChecker) -> None:
        watch.onboard(age=YOUNG)
        watch.env.fault("activation-delay", seconds=1800)
        _begins(watch)
        watch.run(CREATE)
        watch.run(TEST)
        if accepted:
            activate(watch)

    return waits


def _killed_at_stage(watch: InvariantChecker) -> None:
    """What `createSecret` was answered is in the ledger, and nowhere else."""
    _begun()(watch)
    dies_at_stage(watch, CERT_REFRESH, CREATE)


def _cancelled(watch: InvariantChecker) -> None:
    """API reference, "CancelRotateSecret": then somebody takes AWSPENDING off; and calls `RotateSecret` anew."""
    if watch.env.labels().get("AWSPENDING") == TOKEN:
        watch.env.aws.admin.secrets.update_secret_version_stage(
            SecretId=watch.env.arn, VersionStage="AWSPENDING", RemoveFromVersionId=TOKEN
        )
    _begins(watch, ANOTHER)


def _another(watch: InvariantChecker) -> None:
    _staged()(watch)
    _cancelled(watch)


def _dropped(watch: InvariantChecker) -> None:
    """What `createSecret` made was given up, for somebody onboarded anew; and Secrets Manager repeats its token."""
    _staged()(watch)
    anew(watch)
    watch.run()
    _begins(watch)


_SITUATIONS: Mapping[str, Scenario] = {
    "RotateSecret": Scenario(_begun()),
    "RotateSecret, and due": Scenario(_begun(onboarded(age=DUE))),
    "RotateSecret, and both are due": Scenario(_begun(onboarded(**OF_BOTH))),
    "created": Scenario(_staged()),
    "created, not accepted": Scenario(_waits(accepted=False)),
    "created, accepted now": Scenario(_waits(accepted=True)),
    "createSecret was killed": Scenario(_killed_at_stage),
    "RotateSecret, and the service is down": Scenario(_begun(meeting("unavailable", due={"age": YOUNG}))),
    "RotateSecret, and the answer gets lost": Scenario(_begun(meeting("drop-after-issuing", due={"age": YOUNG}))),
    "created, and the key is due": Scenario(_staged(onboarded(**OF_KEY))),
    "created, and the one in use is deleted": Scenario(_staged(evicting())),
    "created, and dropped": Scenario(_dropped),
    "created, and another token": Scenario(_another),
}
_MEETINGS: Mapping[str, Meeting] = {
    "createSecret, and the schedule": Meeting("RotateSecret, and due", (CREATE, NOTHING)),
    "createSecret while young, and the schedule": Meeting("RotateSecret", (CREATE, NOTHING), at_once=None),
    "createSecret, and RotateSecret in the middle": Meeting("forced while young", (CREATE, NOTHING), between=_begins),
    "createSecret twice": Meeting("RotateSecret", (CREATE, CREATE)),
    "createSecret repeated": Meeting("createSecret was killed", (CREATE, NOTHING), at_once=None),
    "createSecret, and forced": Meeting("RotateSecret", (CREATE, FORCED), at_once=None),
    "createSecret, and both are due": Meeting("RotateSecret, and both are due", (CREATE, NOTHING), at_once=None),
    "testSecret, and the schedule": Meeting("created", (TEST, NOTHING)),
    "finishSecret, and the schedule": Meeting("created", (FINISH, NOTHING)),
    "finishSecret twice": Meeting("created", (FINISH, FINISH), at_once=None),
    "finishSecret, and testSecret": Meeting("created", (FINISH, TEST), at_once=None),
    "finishSecret, not accepted": Meeting("created, not accepted", (FINISH, NOTHING), at_once=None),
    "finishSecret, accepted now": Meeting("created, accepted now", (FINISH, NOTHING), at_once=None),
    "createSecret of another token": Meeting("created, and another token", (FINISH, CREATE_ANOTHER)),
    "createSecret of both tokens": Meeting("created, and another token", (CREATE, CREATE_ANOTHER), at_once=None),
    "finishSecret of another token": Meeting(
        "created, and another token", (CREATE_ANOTHER, FINISH_ANOTHER), at_once=None
    ),
    "another token in the middle": Meeting("created", (FINISH, CREATE_ANOTHER), between=_cancelled, at_once=None),
    "the schedule, and another token": Meeting("created, and another token", (NOTHING, CREATE_ANOTHER), at_once=None),
    "createSecret, and the service is down": Meeting(
        "RotateSecret, and the service is down", (CREATE, NOTHING), at_once=None
    ),
    "createSecret, and the answer gets lost": Meeting(
        "RotateSecret, and the answer gets lost", (CREATE, CREATE), at_once=None
    ),
    "finishSecret, and the key is due": Meeting("created, and the key is due", (FINISH, NOTHING), at_once=None),
    "finishSecret, and the one in use is deleted": Meeting(
        "created, and the one in use is deleted", (FINISH, NOTHING), at_once=None
    ),
    "a token whose certificate was dropped": Meeting("created, and dropped", (CREATE, NOTHING)),
    "testSecret alone": Meeting("forced while young", (TEST, NOTHING), at_once=None),
    "somebody edits before finishSecret": Meeting(
        "created", (FINISH, NOTHING), between=PEOPLE["edits their own keys"], by_hand=True
    ),
    "somebody onboards anew before finishSecret": Meeting(
        "created", (FINISH, NOTHING), between=PEOPLE["onboards anew"], by_hand=True, at_once=None
    ),
}

EVERY_SITUATION: Mapping[str, Scenario] = MappingProxyType({**SCENARIOS, **_SITUATIONS})
EVERY_MEETING: Mapping[str, Meeting] = MappingProxyType({**MEETINGS, **_MEETINGS})
