"""The main job, told as it happens: on a local AWS, certificate and API key near their ends are renewed."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from cli.errors import ATTENTION
from dev.consumer import consume
from dev.inbox import Email, Inbox
from dev.keeper import ENDED_BY_SIGNAL, keep
from dev.local_aws import LocalAws, local_aws
from dev.narration import fact, finish, mail, step, waiting
from dev.stack import CommandFailedError, Stack, build, deploy
from simulator import Simulator
from simulator.ca import key_pem, new_csr, new_key

TENANT = "demo"
LIFETIME = timedelta(days=90)
AGE = timedelta(days=80)  # in its last third, so renewal is due
API_KEY_LEFT = timedelta(days=20)  # less than ApiKeyRenewBeforeDays, so renewal is due; the certificate ends first
TELL = "tell"  # the argument of the process that tells the story; another one keeps it
LONGEST_WAIT = 60.0  # seconds: the local AWS looks every ten whether a schedule is due


def main() -> int:
    """Have the story told, and leave nothing running and no file behind, however it ends."""
    code = keep([sys.executable, "-m", "dev.demo", TELL], os.environ)
    if code > ENDED_BY_SIGNAL:
        print(f"\nStopped by {signal.strsignal(code - ENDED_BY_SIGNAL)}. Nothing is left running.", file=sys.stderr)
    return code


def tell() -> int:
    """Tell the story; 0 when every step came out as it should."""
    try:
        with step("Build the function and its layer with the SAM CLI"):
            build()
        with (
            step("Start a local AWS and a local Third-Party Device-ID service"),
            local_aws() as aws,
            Simulator.running(issued_lifetime=LIFETIME) as simulator,
        ):
            fact("AWS", aws.url)
            fact("Device-ID service", f"{simulator.url} (real TLS, client certificate required)")
            _tell(aws, simulator)
    except (CommandFailedError, DemoFailedError, RuntimeError) as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # of the keeper, where it can only ask
        return 1
    finish()
    return 0


class DemoFailedError(RuntimeError):
    """Something did not come out as the story says; the message holds what came instead."""


def _tell(aws: LocalAws, simulator: Simulator) -> None:
    with step("Deploy the stack with `sam deploy`"):
        stack = _deploy(aws, simulator)
        inbox = Inbox(stack)
    with step("Onboard: a certificate and an API key, both near their ends, go into the secret"):
        _onboard(stack, simulator)
    with step("Wait for the schedule to invoke the function by itself"):
        fact("The schedule", "looks every hour, as it will in your account; here the hour is over at once")
        stack.fire_schedule()
        rotation = _await_rotation(stack)
        fact("Renewed", "the certificate, which ends first; one run renews one half")
        fact("AWSCURRENT", f"{rotation['name']}, signed by the service over mutual TLS; the API key is the same")
        fact("AWSPREVIOUS", rotation["previous_name"])
        fact("deletedCertName", f"{rotation['deleted']} (the service keeps two, and deletes the oldest)")
        mail(_await_mail(inbox, "rotated"))
    with step("The next look renews the other half: the API key"):
        result = _expect(stack.invoke({}).payload, "rotated", renews="apiKey")
        fact("AWSCURRENT", f"{result['certName']} with a new API key, which no log, mail or ledger holds")
        fact("Its API key", f"ends {result['apiKeyNotAfter']}, as the service said")
        mail(_await_mail(inbox, "rotated"))
    with step("A consumer reads AWSCURRENT and calls the service with certificate and API key"):
        fact("verdicts answers", str(consume(stack, simulator.url, simulator.trusted_ca_pem)))
        late = consume(stack, simulator.url, simulator.trusted_ca_pem, "AWSPREVIOUS")
        fact("With the old API key", f"{late}: the service keeps two of those as well, so there is time to read anew")
    with step("Invoke it again, with {}"):
        _show(stack.invoke({}).payload, expected="not_due")
    with step('Invoke it by hand as a person does, with {"dryRun": true}'):
        _show(stack.invoke({"dryRun": True}).payload, expected="dry_run")
    with step('Let the service fail with 503 while somebody insists: {"force": true, "allowEviction": true}'):
        simulator.fault("unavailable", tenant=TENANT)
        answer = stack.invoke({"force": True, "allowEviction": True})
        if not answer.failed:
            raise DemoFailedError(f"the function should have failed and answered {answer.payload}")
        fact("The function", "failed, so the console shows red; AWSCURRENT was left in place")
        mail(_await_mail(inbox, "ServiceFailure"))
    with step("Ask how things are with `device-id status`, as whoever got that mail would"):
        _status(stack, expected=ATTENTION)
    with step("The next look finds all well, and says so once"):
        result = _expect(stack.invoke({}).payload, "not_due")
        fact("outcome", json.dumps(result["outcome"]))
        mail(_await_mail(inbox, "recovered"))
        fact("Certificate requests left", f"{result['attemptsAvailable']} of 3; next at {_at(result['nextAttemptAt'])}")
        left, next_at = result["apiKeyAttemptsAvailable"], result["apiKeyNextAttemptAt"]
        fact("API key requests left", f"{left} of 5; next at {_at(next_at)}")
    with step("Read the ledger as a person does"):
        for record in _history(stack):
            of = f"certificate {record['name']}" if record["renews"] == "certificate" else "API key"
            fact(record["record"], f"{of}: {record['outcome']}{record['deleted'] and f', deleted {record["deleted"]}'}")
    with step("Ask `device-id status` once more"):
        _status(stack, expected=0)


def _deploy(aws: LocalAws, simulator: Simulator) -> Stack:
    ca = base64.b64encode(simulator.trusted_ca_pem.encode()).decode()
    parameters = {"ServiceUrl": simulator.url, "TrustedCaPem": ca}
    stack = deploy(aws, "device-id-demo", parameters)
    for name, value in stack.outputs.items():
        if not name.endswith("Link"):  # they lead to AWS's console, where this stack is not
            fact(name, value)
    return stack


def _onboard(stack: Stack, simulator: Simulator) -> None:
    """Two certificates, as after an earlier renewal; the younger one is in use."""
    key = new_key("rsa2048")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sensor.example.com")])
    csr = new_csr(key, name, [x509.DNSName("sensor.example.com")])
    tenant = simulator.onboard(
        TENANT,
        csr_pem=csr,
        cert_name="device-id-winter",
        age=LIFETIME - timedelta(days=1),
        lifetime=LIFETIME,
        api_key_left=API_KEY_LEFT,
    )
    certificate = simulator.sign_csr(TENANT, csr, "device-id-spring", age=AGE, lifetime=LIFETIME)
    secret = {
        **{name: tenant.credential[name] for name in ("apiKey", "apiKeyExpiry")},
        "cert": certificate,
        "privateKey": key_pem(key),
        "certName": "device-id-spring",
        "owner": "a key of the customer's own",
    }
    stack.client("secretsmanager").put_secret_value(
        SecretId=stack.outputs["SecretArn"], SecretString=json.dumps(secret)
    )
    ends = x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc
    key_ends = datetime.fromisoformat(secret["apiKeyExpiry"])
    fact("AWSCURRENT", f"device-id-spring, ends {ends:%Y-%m-%d}, in {(ends - datetime.now(UTC)).days} days")
    fact("Its API key", f"ends {key_ends:%Y-%m-%d}, in {(key_ends - datetime.now(UTC)).days} days, says apiKeyExpiry")
    fact("At the service", "device-id-winter and device-id-spring: two, which is all it keeps")


def _await_rotation(stack: Stack) -> Mapping[str, Any]:
    """The history record of the rotation that the schedule started."""
    with waiting("EventBridge Scheduler fires within seconds", LONGEST_WAIT) as still_time:
        while still_time():
            rotated = [record for record in _history(stack) if record["outcome"] == "rotated"]
            if rotated:
                return rotated[0]
            time.sleep(1)
    raise DemoFailedError(f"the schedule rotated nothing in {LONGEST_WAIT:.0f} seconds")


def _await_mail(inbox: Inbox, code: str) -> Email:
    with waiting("SNS delivers the mail", 30) as still_time:
        while still_time():
            for email in inbox.read():
                if email.attributes["code"] == code:
                    return email
            time.sleep(0.2)
    raise DemoFailedError(f"no mail with the code {code} came")


def _status(stack: Stack, *, expected: int) -> None:
    """The operator's own command; what it prints is shown as it is."""
    sys.stdout.flush()
    command = [str(Path(sys.executable).with_name("device-id")), "status", "--stack-name", stack.name]
    code = subprocess.run(command, env=stack.aws.environment, check=False).returncode
    if code != expected:
        raise DemoFailedError(f"status should have ended with exit code {expected} and ended with {code}")
    fact("Exit code", f"{code} ({'something needs you' if code else 'nothing needs you'})")


def _show(result: Mapping[str, Any], *, expected: str) -> None:
    for name, value in _expect(result, expected).items():
        fact(name, json.dumps(value))


def _expect(result: Mapping[str, Any], outcome: str, renews: str | None = None) -> Mapping[str, Any]:
    if (result.get("outcome"), result.get("renews")) != (outcome, renews):
        raise DemoFailedError(f"expected {outcome} of {renews or 'neither half'}, and the function answered {result}")
    return result


def _at(moment: str | None) -> str:
    return moment or "once"


def _history(stack: Stack) -> list[dict[str, Any]]:
    items = stack.dynamodb.Table(stack.outputs["LedgerTableName"]).scan(ConsistentRead=True)["Items"]
    return sorted((i for i in items if str(i["record"]).startswith("attempt#")), key=lambda item: str(item["record"]))


if __name__ == "__main__":
    sys.exit(tell() if TELL in sys.argv[1:] else main())
