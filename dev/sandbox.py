"""A place to try every command in: the stack on a local AWS, beside a local service, until Ctrl-C or SIGTERM."""

import base64
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from cli.commands import DEFAULT_STACK
from dev.inbox import Email, Inbox
from dev.keeper import ENDED_BY_SIGNAL, keep
from dev.local_aws import ROOT, LocalAws, local_aws
from dev.narration import mail, step
from dev.stack import CommandFailedError, Stack, build, deploy
from simulator import Simulator

HOLD = "hold"  # the argument of the process that has it all; another one keeps it
TENANT = "sandbox"  # as the service calls us
PREFIX = "device-id/tenants"  # of the names of tenants' secrets
LIFETIME = timedelta(days=90)
AGE = timedelta(days=10)  # young: nothing happens by itself, unless somebody asks for it
API_KEY_LEFT = timedelta(days=180)
_ASKED_TO_END = {ENDED_BY_SIGNAL + number for number in (signal.SIGINT, signal.SIGTERM)}
_LOOK_SECONDS = 1.0


def main() -> int:
    """Keep the sandbox until it is ended; 0 when somebody asked for that, for it has no other end."""
    code = keep([sys.executable, "-m", "dev.sandbox", HOLD], os.environ)
    if code in _ASKED_TO_END:
        print("\nThe sandbox is gone, with all that was in it.")
        return 0
    return code


def hold() -> int:
    """Have everything running, say how to use it, and show the mails that come."""
    try:
        with step("Build the function and its layer with the SAM CLI"):
            build()
        with local_aws() as aws, Simulator.running(issued_lifetime=LIFETIME, admin_port=0) as simulator:
            with step("Deploy the stack to a local AWS, and onboard a credential"):
                stack = deploy(aws, DEFAULT_STACK, parameters(simulator))
                onboard(stack, simulator)
                inbox = Inbox(stack)
            print("\n".join(explained(stack, simulator)), flush=True)
            show_mails(inbox.read)
    except (CommandFailedError, RuntimeError) as error:
        print(f"\nThe sandbox stopped: {error}", file=sys.stderr)
    except KeyboardInterrupt:  # of the keeper, where it can only ask
        pass
    return 1


def parameters(simulator: Simulator) -> dict[str, str]:
    """A stack for one credential and a fleet, which looks every minute so that nobody has to wait."""
    return {
        "ServiceUrl": simulator.url,
        "TrustedCaPem": base64.b64encode(simulator.trusted_ca_pem.encode()).decode(),
        "ScheduleExpression": "rate(1 minute)",
        "TenantSecretPrefix": PREFIX,
    }


def onboard(stack: Stack, simulator: Simulator) -> None:
    """A credential that works, as after the first day."""
    tenant = simulator.onboard(TENANT, cert_name="sandbox-1", age=AGE, lifetime=LIFETIME, api_key_left=API_KEY_LEFT)
    stack.client("secretsmanager").put_secret_value(
        SecretId=stack.outputs["SecretArn"], SecretString=json.dumps(tenant.credential)
    )


def explained(stack: Stack, simulator: Simulator) -> Iterator[str]:
    """What to paste into another shell; commands on a line of their own and never wrapped."""
    yield "\nThe sandbox is up. Paste this into another shell, which then talks to the sandbox alone:\n"
    yield from settings(stack.aws)
    yield "\nThen try, for example:\n"
    yield from (f"# {purpose}\n{command}\n" for command, purpose in commands(stack, simulator))
    yield "Mails are shown here as they come. Ctrl-C ends the sandbox, and nothing of it is kept."


def settings(aws: LocalAws) -> Iterator[str]:
    """The variables with which `device-id` and the AWS CLI talk to the local AWS, and to no other."""
    theirs = "$(env | sed -n 's/^\\(AWS_[A-Z0-9_]*\\)=.*/\\1/p')"  # a profile, a token, an endpoint of one service
    yield f'for name in {theirs}; do unset "$name"; done'
    here = {name: value for name, value in aws.environment.items() if name.startswith("AWS_")}
    here["AWS_REGION"] = here["AWS_DEFAULT_REGION"]  # the AWS CLI prefers it, so one of the shell's own would win
    yield from (f"export {name}={shlex.quote(value)}" for name, value in here.items())
    yield f'export PATH={shlex.quote(str(ROOT / ".venv/dev/bin"))}:"$PATH"'


def commands(stack: Stack, simulator: Simulator) -> Iterator[tuple[str, str]]:
    """What a newcomer may type, and what it is for."""
    event, function = """echo '{"force": true}'""", stack.outputs["FunctionName"]
    admin = f"curl -sS -H 'Content-Type: application/json' {simulator.admin_url}"
    request = "jq -n --rawfile csr device-id.csr '{name: \"mine\", csr: $csr}'"
    store = "device-id store --own --replace --other-subject --api-key-file -"
    fault = json.dumps({"fault": "unavailable", "endpoint": "cert:refresh"})
    yield "device-id status", "how the credential is, and what needs you"
    yield (
        # Both versions of the AWS CLI read a file of bytes as it is.
        f"{event} | aws lambda invoke --payload fileb:///dev/stdin --function-name {function} /dev/stdout",
        "renew now",
    )
    yield f"{admin}/faults --data '{fault}'", "let the next renewal fail with 503"
    yield "device-id csr --own --common-name sensor.example.com", "a key and a request, as on the first day"
    yield f"{request} | {admin}/tenants --data @- > signed.json", "sign it, as the vendor would"
    yield "jq -r .cert signed.json > device-id.pem", "the certificate, as it is downloaded from there"
    yield f"jq -r .apiKey signed.json | {store}", "put that one into use"
    yield "device-id tenant --help", "the tenants of a fleet"


def show_mails(read: Callable[[], Sequence[Email]], go_on: Callable[[], bool] = lambda: True) -> None:
    """Every mail of the stack, for as long as it goes on."""
    while go_on():
        for email in read():
            mail(email)
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(hold() if HOLD in sys.argv[1:] else main())
