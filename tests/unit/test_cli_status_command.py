"""`status`: which of all are shown, and one look after the other until somebody has seen enough."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from cli import fleet_status, status_command
from cli.errors import ATTENTION, REFUSED, WRONG_USE, RefusedError
from cli.fleet_status import EVERYBODY, Row, Shown
from cli.main import app
from cli.stack import Deployment
from cli.status import CredentialStatus
from cli.tenants import Tenant
from tests.unit.test_cli_fleet import BROKEN, FINE, NEAR, row
from tests.unit.test_cli_whose import MANY, SECRETS, SINGLE
from tests.unit.test_status import FINE as ALL_OF_ONE

type Typed = Callable[..., Result]
ROWS = {"acme-1": NEAR, "acme-2": FINE, "globex": BROKEN}


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Beside a fleet of three: the function is asked about these."""
    asked: list[str] = []

    class Everybody:
        """The tenants of a stack."""

        def __init__(self, *_: object) -> None:
            """As for any stack."""

        def all(self) -> list[Tenant]:
            """As the schedules name them."""
            return [Tenant(name, paused=False) for name in ROWS]

    def looker(*_: object) -> Callable[[Tenant], Row]:
        def look(tenant: Tenant) -> Row:
            asked.append(tenant.name)
            return row(tenant.name, ROWS[tenant.name])

        return look

    def own(_: Deployment, target: object, __: object) -> CredentialStatus:
        return replace(ALL_OF_ONE, target=target)  # type: ignore[arg-type]

    monkeypatch.setattr(fleet_status, "Tenants", Everybody)
    monkeypatch.setattr(fleet_status, "_looker", looker)
    monkeypatch.setattr(fleet_status, "client", lambda _: SECRETS)
    monkeypatch.setattr(fleet_status, "status_of", own)
    monkeypatch.setattr(fleet_status, "subscriptions", lambda _: ALL_OF_ONE.subscriptions)
    monkeypatch.setattr(status_command, "client", lambda _: SECRETS)
    monkeypatch.setattr(status_command, "status_of", own)
    return asked


@pytest.fixture
def typed(looked_at: list[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Type `status` beside a stack."""

    def type_it(*options: str, stack: Deployment = MANY) -> Result:
        monkeypatch.setattr(status_command, "deployment", lambda _: stack)
        return CliRunner().invoke(app, ["status", *options])

    return type_it


def names(shown: Result) -> list[str]:
    """Who is in the table."""
    lines = shown.stdout.splitlines()[1:]
    return [line.split("  ")[0] for line in lines if line.split(" ")[0] in {*ROWS, "(the"}]


@pytest.mark.parametrize(
    ("options", "expected", "code"),
    [
        ((), ["globex", "acme-1", "(the stack's own)", "acme-2"], ATTENTION),
        (("--needs-attention",), ["globex", "acme-1"], ATTENTION),
        (("--prefix", "acme-"), ["acme-1", "acme-2"], ATTENTION),
        (("--prefix", "acme-2"), ["acme-2"], 0),
        (("--ends-within", "3"), ["globex", "acme-1"], ATTENTION),
        (("--ends-within", "2"), ["globex"], ATTENTION),
        (("--prefix", "acme-", "--ends-within", "60"), ["acme-1", "acme-2"], ATTENTION),
        (("--prefix", "acme-2", "--needs-attention"), [], 0),
    ],
)
def test_only_who_is_chosen_is_shown_and_counts(
    typed: Typed, options: tuple[str, ...], expected: list[str], code: int
) -> None:
    """Of hundreds one team looks after a few; who nobody can say the end of may be the one that ends."""
    shown = typed("--all", *options)
    assert (shown.exit_code, names(shown)) == (code, expected), shown.output
    if not expected:
        assert "None is such a one." in shown.stdout


def test_who_is_not_chosen_by_name_is_not_asked_about(typed: Typed, looked_at: list[str]) -> None:
    """Each look is a run of the function."""
    typed("--all", "--prefix", "acme-")
    assert sorted(looked_at) == ["acme-1", "acme-2"]
    assert not EVERYBODY.chosen
    assert Shown(prefix="a").chosen


@pytest.mark.parametrize("choice", [("--needs-attention",), ("--ends-within", "3"), ("--prefix", "a")])
def test_what_chooses_among_all_is_about_no_single_one(typed: Typed, choice: tuple[str, ...]) -> None:
    """`status --needs-attention` of one credential would look well because nothing is shown."""
    alone = typed(*choice, stack=SINGLE)
    assert (alone.exit_code, "Add --all." in alone.stderr) == (WRONG_USE, True)
    of_one = typed("--tenant", "acme", *choice)
    assert (of_one.exit_code, "Give one of them." in of_one.stderr) == (WRONG_USE, True)
    assert typed("--all", "--own").exit_code == WRONG_USE


def test_it_looks_again_until_ctrl_c_and_ends_as_the_last_look_did(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody waits for a rotation, or for a subscription to be confirmed."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(status_command, "sleep", sleep)
    shown = typed("--watch", "--interval", "7", stack=SINGLE)
    assert (shown.exit_code, waited) == (0, [7, 7, 7])
    assert shown.stdout.count("All is well.") == 3
    assert "\x1b" not in shown.stdout, "a file is not emptied"
    waited.clear()
    assert typed("--all", "--watch").exit_code == ATTENTION
    assert typed("--watch", "--interval", "4", stack=SINGLE).exit_code == WRONG_USE


def test_a_look_that_fails_ends_it_with_the_sentence(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that expired does not come back by itself."""

    def gone(*_: object) -> CredentialStatus:
        raise RefusedError("There is no secret any more. Look.")

    monkeypatch.setattr(status_command, "status_of", gone)
    shown = typed("--watch", stack=SINGLE)
    assert (shown.exit_code, shown.stderr) == (REFUSED, "Error: There is no secret any more. Look.\n")
