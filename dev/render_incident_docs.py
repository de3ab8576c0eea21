"""What to type for each error, made for `docs/incidents.md` of what the mails say; a test runs the page and compares.

`python -m dev.render_incident_docs` writes it anew.
"""

import inspect
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certificate_rotation.domain.errors import RotationError, RotationPostponed, cure_of
from certificate_rotation.domain.half import HalfName
from cli.commands import DEFAULT_STACK
from dev.render_alert_docs import named

PAGE = Path(__file__).resolve().parent.parent / "docs/incidents.md"
TENANT, PREFIX = "acme", "device-id/tenants"
SECRET = f"{PREFIX}/{TENANT}"  # a tenant's; of the stack's own the shell knows the name
FILE = "from-the-log.pem"

_INTRO = f"""# What to type

A mail names an error. Here is what to type about it, for the stack's own credential and for a tenant's: put yours in
place of *{TENANT}*, and the stack's prefix in place of *{PREFIX}*. What to think and to check first, how urgent it is
and when it is over stands in the [runbook](runbook.md), to which each entry leads. The commands are made of what the
mails say under *What you can do*. A block is no script: type the lines that fit.

You need `device-id` ([onboarding](onboarding.md)), the AWS CLI and jq. `sam` is typed in a checkout of the release you
deployed. **Once in each shell**, with the name of your stack:

```sh
export STACK_NAME={DEFAULT_STACK}
of_stack() {{
    aws cloudformation describe-stacks --stack-name "$STACK_NAME" --output text \\
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}}
FUNCTION=$(of_stack FunctionName) LEDGER=$(of_stack LedgerTableName) SECRET=$(of_stack SecretArn)
invoke() {{ # EVENT
    printf '%s' "$1" | aws lambda invoke --function-name "$FUNCTION" --cli-read-timeout 150 \\
        --payload fileb:///dev/stdin /dev/stdout
}}
attempts() {{ # SECRET: every request for a certificate or an API key, with its time, name and outcome
    arn=$(aws secretsmanager describe-secret --secret-id "$1" --query ARN --output text)
    aws dynamodb query --table-name "$LEDGER" --key-condition-expression 'credential = :c AND begins_with(#r, :a)' \\
        --expression-attribute-names '{{"#r": "record"}}' \\
        --expression-attribute-values "{{\\":c\\": {{\\"S\\": \\"$arn\\"}}, \\":a\\": {{\\"S\\": \\"attempt#\\"}}}}"
}}
edit() {{ # SECRET FILTER [LABEL]: stores what the filter of jq makes of a version, AWSCURRENT unless told; shows no key
    edited=$(aws secretsmanager get-secret-value --secret-id "$1" --version-stage "${{3:-AWSCURRENT}}" \\
        --query SecretString --output text | jq -e "$2") &&
        printf '%s' "$edited" | aws secretsmanager put-secret-value --secret-id "$1" --secret-string file:///dev/stdin
}}
```

Before and after anything else, look; this changes nothing."""


@dataclass(frozen=True)
class Whose:
    """A credential, as `device-id`, the shell and an event call it."""

    words: str
    option: str
    secret: str
    named: Mapping[str, str]  # in an event; nothing means the stack's own

    def event(self, **keys: object) -> str:
        """An invocation that is about it."""
        return f"invoke {shlex.quote(json.dumps({**self.named, **keys}))}"


OWN = Whose("The stack's own", "--own", '"$SECRET"', {})
TENANTS = Whose("A tenant's", f"--tenant {TENANT}", SECRET, {"secretId": SECRET})

type Line = tuple[str, str]  # what it is for, and what to type

_PURPOSES = {
    "device-id csr": "A new key and request, to have signed under Cloud Identity Engine > Third-Party Device-ID",
    "device-id store": "Check what came back, and put it into the secret",
    "device-id recover": "If it is there: put what was issued and got stuck into use",
    "device-id renew": "Go ahead now: the one in use may be deleted, so have the consumers ready to reload",
}
_GO_AHEAD = "The same with the AWS CLI alone"
_AGAIN = "Look again, as the schedule does"
_ATTEMPTS = ("What was asked for, when, and under which name: for the vendor", "attempts {secret}")
_SETTINGS = (
    "What the function was told, its network among it",
    'aws lambda get-function-configuration --function-name "$FUNCTION" --query "[Environment.Variables, VpcConfig]"',
)


def _parameter(what: str, example: str) -> Line:
    """SAM leaves every parameter that is not named as it was."""
    return (
        f"{what}; all other parameters stay",
        f'sam deploy --stack-name "$STACK_NAME" --parameter-overrides {example}',
    )


# What no mail says, because it is long or about more than one console; of both halves, or of one.
_MORE: Mapping[str, tuple[Line, ...]] = {
    "InvalidSettings": (_SETTINGS, _parameter("Correct the one that the mail names", "CriticalDays=7")),
    "InvalidCredential, certificate": (
        ("Which versions there are", "aws secretsmanager list-secret-version-ids --secret-id {secret}"),
        ("Somebody replaced a credential that worked: store the one before again", "edit {secret} . AWSPREVIOUS"),
    ),
    "InvalidCredential, apiKey": (
        ("Either: you know when the API key ends", """edit {secret} '.apiKeyExpiry = "2027-01-31T00:00:00Z"'"""),
        ("Or: nobody does, and then nobody renews it", "edit {secret} 'del(.apiKeyExpiry)'"),
    ),
    "RefreshRejected, certificate": (
        _ATTEMPTS,
        _parameter("Ask for what the service takes", "KeyAlgorithm=rsa2048 CertNamePrefix=device-id"),
    ),
    "RefreshRejected, apiKey": (_ATTEMPTS,),
    "ServiceUnreachable": (_SETTINGS, _parameter("Correct what is wrong of it", "ServiceRegion=us")),
    "StorageFailure": (
        ("Who may use the secret, beside the roles", "aws secretsmanager get-resource-policy --secret-id {secret}"),
        ("What somebody changed by hand", 'aws cloudformation detect-stack-drift --stack-name "$STACK_NAME"'),
    ),
    **dict.fromkeys(
        (
            *("RefreshConflict", "TooManyRequests", "ServiceFailure", "OutcomeUnknown"),
            *("CertificateRejected", "ApiKeyRejected", "CertificateNotAccepted", "ApiKeyNotAccepted"),
        ),
        (_ATTEMPTS,),
    ),
}
_WHEN_MENDED = {"InvalidSettings", "InvalidCredential", "ServiceUnreachable", "StorageFailure"}
_OF_ONE = {"Certificate": HalfName.CERTIFICATE, "ApiKey": HalfName.API_KEY}
_NOTHING = "Nothing is to be typed but to look, as above."


def page() -> str:
    """The whole page."""
    parts = [_INTRO, *_blocks(_looking(OWN), _looking(TENANTS))]
    for name, kind in errors().items():
        meaning = (inspect.getdoc(kind) or "").splitlines()[0]
        parts += [f"## {name}", f"{meaning} What to think and check: [runbook](runbook.md#{name.lower()})."]
        parts += _section(name, kind)
    return "\n\n".join(parts) + "\n"


def errors() -> dict[str, type[RotationError]]:
    """Those of the contract."""
    return {**named(), RotationPostponed.__name__: RotationPostponed}


def lines(kind: type[RotationError], half: HalfName, whose: Whose) -> list[Line]:
    """What to type about an error of one half of one credential."""
    cure, name = cure_of(kind, SECRET, DEFAULT_STACK, half), kind.__name__
    options = shlex.join(["--stack-name", DEFAULT_STACK, "--secret", SECRET])
    more = [*_MORE.get(name, ()), *_MORE.get(f"{name}, {half.value}", ())]
    found = [(purpose, command.format(secret=whose.secret)) for purpose, command in more]
    for command in sorted(re.findall(r"`(device-id [^`]+)`", cure), key=lambda one: one.startswith("device-id renew")):
        purpose = _PURPOSES[" ".join(command.split()[:2])]
        found.append((purpose, command.replace(options, whose.option).replace("--cert FILE", f"--cert {FILE}")))
    for event in map(json.loads, re.findall(r"\{[^{}]*\}", cure)):
        event.pop("secretId", None)
        found.append((_GO_AHEAD if event else _AGAIN, whose.event(**event)))
    return [*found, (_AGAIN, whose.event())] if name in _WHEN_MENDED else found


def _looking(whose: Whose) -> list[Line]:
    return [
        ("How it is, and what needs you", f"device-id status {whose.option}"),
        ("What a run would do, and why", whose.event(dryRun=True)),
    ]


def _section(name: str, kind: type[RotationError]) -> list[str]:
    """The commands of both halves, once where they are the same."""
    halves = [half for start, half in _OF_ONE.items() if name.startswith(start)] or list(HalfName)
    of_half = {half: [lines(kind, half, whose) for whose in (OWN, TENANTS)] for half in halves}
    first, *others = of_half.values()
    if not any(first) and not any(map(any, others)):
        return [_NOTHING]
    if all(other == first for other in others):
        return _blocks(*first)
    return [part for half, both in of_half.items() for part in (f"### {name}, {half.words}", *_blocks(*both))]


def _blocks(own: list[Line], tenants: list[Line]) -> list[str]:
    blocks = []
    for whose, typed in ((OWN, own), (TENANTS, tenants)):
        text = "\n".join(f"# {purpose}\n{command}" for purpose, command in typed)
        blocks += [f"{whose.words}:", f"```sh\n{text}\n```"]
    return blocks


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE.name}.")
