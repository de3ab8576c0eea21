"""One customer of the deployed stack: their secret, their mailbox, their ledger, and the service they talk to."""

import json
import time
import uuid
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from cryptography import x509

from certificate_rotation.domain.errors import RotationError, cure_of
from cli.secret import other_versions, read
from dev.inbox import Email, Inbox
from dev.stack import Answer, Stack
from simulator import Request, Simulator, Tenant
from simulator.ca import KeyAlgorithm
from simulator.faults import Parameter

LIFETIME = timedelta(days=90)
PREFIX = "device-id/tenants"  # of the names of tenants' secrets
OWN_KEYS = {"apiKeyExpiry": "2031-01-01", "owner": {"team": "Ärzte"}, "ports": [1, None, 2.5]}


@dataclass
class Customer:
    """Everything a test does with the deployed function. The stack is shared; the tenant is the test's own."""

    stack: Stack
    simulator: Simulator
    inbox: Inbox
    name: str = field(default_factory=lambda: f"tenant-{uuid.uuid4()}")

    def __post_init__(self) -> None:
        """Leave nothing of the test before: no record, no label, no email, no fault."""
        self._secrets = self.stack.client("secretsmanager")
        self._table = self.stack.dynamodb.Table(self.stack.outputs["LedgerTableName"])
        self._arn = self.stack.outputs["SecretArn"]
        for record in self.records():
            self._table.delete_item(Key={name: record[name] for name in ("credential", "record")})
        for label, version in self.labels().items():
            if label not in {"AWSCURRENT", "AWSPREVIOUS"}:
                self._secrets.update_secret_version_stage(
                    SecretId=self._arn, VersionStage=label, RemoveFromVersionId=version
                )
        self.simulator.clear_faults()
        self.simulator.clock.reset()
        self.inbox.read()

    def onboard(
        self,
        *,
        key_algorithm: KeyAlgorithm = "ec256",
        chain: bool = False,
        age: timedelta = timedelta(days=80),
    ) -> Tenant:
        """Sign up at the service and put the credential into the secret; renewal is due unless told else."""
        tenant = self.simulator.onboard(
            self.name, key_algorithm=key_algorithm, chain=chain, age=age, lifetime=LIFETIME, cert_name="onboarded-1"
        )
        self.put({**tenant.credential, **OWN_KEYS})
        return tenant

    def put(self, secret: object) -> None:
        """Store a new AWSCURRENT as a person does: an object becomes JSON, text and bytes stay as they are."""
        value = secret if isinstance(secret, str | bytes) else json.dumps(secret, ensure_ascii=False)
        kind = "SecretBinary" if isinstance(value, bytes) else "SecretString"
        self._secrets.put_secret_value(SecretId=self._arn, **{kind: value})

    def fault(self, name: str, *, times: int | None = 1, **parameters: Parameter) -> None:
        """Let this customer's next requests for a certificate meet a fault of the simulator."""
        self.simulator.fault(name, tenant=self.name, times=times, endpoint="cert:refresh", **parameters)

    def invoke(self, **event: object) -> dict[str, Any]:
        """Invoke the function, which succeeds; its result."""
        answer = self.stack.invoke(event)
        assert not answer.failed, answer
        return answer.payload

    def fails(self, **event: object) -> Answer:
        """Invoke the function, which raises."""
        answer = self.stack.invoke(event)
        assert answer.failed, answer
        return answer

    def labels(self) -> dict[str, str]:
        """Which version each label sits on."""
        stages = self._secrets.describe_secret(SecretId=self._arn).get("VersionIdsToStages", {})
        return {label: version for version, labels in stages.items() for label in labels}

    def version(self, label: str) -> dict[str, Any]:
        """What the version with a label holds."""
        answer = self._secrets.get_secret_value(SecretId=self._arn, VersionStage=label)
        document: dict[str, Any] = json.loads(answer["SecretString"])
        return document

    def versions(self, besides: AbstractSet[str]) -> dict[str, str]:
        """The text of every version of the secret, with or without a label, but for those; empty where it is binary."""
        there = set(other_versions(self._secrets, self._arn))
        return {version: read(self._secrets, self._arn, version) or "" for version in there - besides}

    def certificate(self) -> x509.Certificate:
        """The certificate consumers read now."""
        return x509.load_pem_x509_certificate(self.version("AWSCURRENT")["cert"].encode())

    def accepted(self) -> bool:
        """Whether the service lets it in."""
        serial = self.certificate().serial_number
        known = self.simulator.tenant(self.name).certificates
        return any(record.serial == serial and record.active for record in known)

    def records(self) -> list[dict[str, Any]]:
        """Every item of the ledger, sorted as the table sorts them."""
        items = self._table.scan(ConsistentRead=True)["Items"]
        return sorted(items, key=lambda item: (str(item["credential"]), str(item["record"])))

    def state(self) -> dict[str, Any]:
        """What the ledger remembers of the credential: not the function's own record, nor a count of mails."""
        return next(r for r in self.records() if (r["credential"], r["record"]) == (self._arn, "state"))

    def history(self) -> list[dict[str, Any]]:
        """The ledger's record of every attempt, oldest first."""
        return [record for record in self.records() if record["record"].startswith("attempt#")]

    def let_an_hour_pass(self) -> None:
        """For the ledger, whose last attempt then lies so far back, and for the service."""
        state = self.state()
        earlier = {"S": "2026-01-01T00:00:00.000000Z"}
        self.stack.client("dynamodb").update_item(
            TableName=self.stack.outputs["LedgerTableName"],
            Key={name: TypeSerializer().serialize(state[name]) for name in ("credential", "record")},
            UpdateExpression="SET attempts.last_at = :earlier",
            ExpressionAttributeValues={":earlier": earlier},
        )
        self.simulator.clock.advance(timedelta(hours=1, minutes=1))

    def let_the_lease_end(self) -> None:
        """As when a killed run's deadline is over."""
        for state in (record for record in self.records() if "lease" in record):
            self._table.update_item(
                Key={name: state[name] for name in ("credential", "record")},
                UpdateExpression="SET lease.#until = :earlier",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={":earlier": "2026-01-01T00:00:00.000000Z"},
            )

    def let_a_quiet_day_pass(self) -> None:
        """As when the last bad event was long ago."""
        for state in (record for record in self.records() if "seen_at" in record.get("incident", {})):
            self._table.update_item(
                Key={name: state[name] for name in ("credential", "record")},
                UpdateExpression="SET incident.seen_at = :earlier",
                ExpressionAttributeValues={":earlier": "2026-01-01T00:00:00.000000Z"},
            )

    def let_a_second_pass(self) -> None:
        """Vendor: the service answers one harmless question a second, of whichever run."""
        time.sleep(1.1)

    def cure(self, error: type[RotationError]) -> str:
        """What a mail says that people can do about an error, complete for this credential."""
        return cure_of(error, self._arn, self.stack.name)

    def emails(self) -> list[Email]:
        """The emails since the last look."""
        return self.inbox.read()

    def refreshes(self) -> list[Request]:
        """This customer's requests for a certificate that reached the service."""
        return [request for request in self.simulator.requests_to("cert:refresh") if request.tenant == self.name]
