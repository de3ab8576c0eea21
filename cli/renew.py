"""`renew`: a run of the function for one credential, asked for by a person, and what came of it in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from certificate_rotation.domain.half import HalfName
from cli.console import confirm, done, fact, failed, listed, plain, remark, waiting
from cli.errors import ATTENTION, UserError, cure, exit_code_of
from cli.invocation import Failure, half_of, invoked, would
from cli.target import Target

type Half = Literal["certificate", "apiKey"]


@dataclass(frozen=True)
class Order:
    """What a person wants of the run.

    Attributes:
        dry_run: only say what it would do.
        force: renew though it is not due.
        allow_eviction: the one in use may be deleted at once.
        half: which half `force` means; None for the certificate.
    """

    dry_run: bool = False
    force: bool = False
    allow_eviction: bool = False
    half: Half | None = None

    def __post_init__(self) -> None:
        if self.half and not self.force:
            raise UserError("--half says which half --force means. Add --force, or leave it to what is due.")

    @property
    def words(self) -> str:
        """The half it is about, as far as is known beforehand."""
        return HalfName(self.half or "certificate").words if self.force else "certificate or API key"

    def event(self, secret: str) -> dict[str, object]:
        """What the function is sent."""
        flags = {"dryRun": self.dry_run, "force": self.force, "allowEviction": self.allow_eviction}
        half = {"renew": self.half} if self.half else {}
        return {"secretId": secret, **{name: True for name, wanted in flags.items() if wanted}, **half}


def confirmed(order: Order, target: Target, *, yes: bool) -> None:
    """Have a person say that the loss of the one in use is meant, where it may come to that.

    Raises:
        UserError: it is not, or there is nobody to ask.
    """
    if order.allow_eviction and not order.dry_run:
        warning = f"The service may delete the {order.words} in use of {target.words} at once: consumers must reload."
        confirm(warning, yes=yes)


def renew(functions: Any, function: str, target: Target, order: Order, *, as_json: bool) -> int:  # noqa: ANN401 - boto3's
    """Have the function look at a credential, and say what came of it; the exit code. `functions`: a patient client."""
    with waiting(f"Asking {function} ..."):
        answer, failure = invoked(functions, function, order.event(target.secret))
    if as_json:
        plain(json.dumps(dict(answer) if failure is None else _failure(failure), indent=2))
    if failure:
        half = HalfName(order.half or "certificate")
        code = failure.error_type
        failed(f"The function fails: {failure.message} {cure(code, target.secret, target.stack, half)}")
        return exit_code_of(code)
    if not as_json:
        show(answer, target)
    return exit_code(answer)


def exit_code(answer: Mapping[str, Any]) -> int:
    """What a script is told of a result: 1 where what was asked for did not happen, and no failure says why."""
    return ATTENTION if answer["outcome"] in {"held", "rate_limited", "busy"} or answer.get("wouldDo") == "fail" else 0


def show(answer: Mapping[str, Any], target: Target) -> None:
    """For people."""
    what = half_of(answer)
    half = ("--half", answer["renews"]) if answer["renews"] == "apiKey" else ()
    match answer["outcome"]:
        case "rotated":
            _rotated(answer, what)
        case "dry_run":
            fact("A run now", would(answer))
        case "held":
            until = f"Until {answer['until']}." if answer["until"] else "This has no end by itself."
            remark(f"Nothing was renewed: the {what} is held. {answer['why']} {until}")
            go_ahead = target.command("renew", "--force", *half, "--allow-eviction")
            listed("Next", [f"To go ahead now, have consumers ready to reload: {go_ahead}"], mark="1")
        case "rate_limited":
            free = answer["apiKeyNextAttemptAt" if half else "nextAttemptAt"]
            remark(f"Nothing was renewed: the service takes no request for a new {what} before {free}.")
            listed("Next", ["Nothing to do: the next run after that asks by itself."], mark="1")
        case "busy":
            remark("Nothing was renewed: another run is at work on this credential.")
            listed("Next", [f"In two minutes, see what came of it: {target.command('status')}"], mark="1")
        case _:
            done("Nothing is due, so nothing was renewed.")
            _ends(answer)
            listed("Next", [f"To renew it all the same: {target.command('renew', '--force')}"], mark="1")
    if answer["outcome"] in {"rotated", "dry_run"}:
        _ends(answer)


def _rotated(answer: Mapping[str, Any], what: str) -> None:
    named = f": {answer['certName']}" if "previousCertName" in answer and answer["certName"] else ""
    done(f"The {what} is renewed, and the new one is in use (AWSCURRENT){named}.")
    if answer.get("deletedCertName"):
        fact("Deleted", f"{answer['deletedCertName']}, by the service")
    remark("Consumers read the secret again; whether they must hurry, the mail about it says.")


def _ends(answer: Mapping[str, Any]) -> None:
    fact("Certificate", f"ends {answer['notAfter']}, renewal is due from {answer['renewAt']} on")
    key, due = answer["apiKeyNotAfter"], answer["apiKeyRenewAt"]
    fact("API key", f"ends {key or 'at a time nobody knows'}{f', renewal is due from {due} on' if due else ''}")


def _failure(failure: Failure) -> dict[str, object]:
    return {"failure": {"errorType": failure.error_type, "errorMessage": failure.message}}
