"""One customer of the deployed stack: their secret, their mailbox, their ledger, and the service they talk to."""

import json
import time
import uuid
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography import x509

from certificate_rotation.adapters.ledger_items import attribute
from certificate_rotation.domain.errors import RotationError, cure_of
from certificate_rotation.domain.half import HalfName
from cli.secret import other_versions, read
from dev.inbox import Email, Inbox
from dev.stack import Answer, Stack
from simulator import Request, Simulator, Tenant
from simulator.ca import KeyAlgorithm
from simulator.faults import Parameter
from simulator.tokens import token_digest
from tests.support.deployed_programs import Programs

LIFETIME = timedelta(days=90)
PREFIX = "device-id/tenants"  # of the names of tenants' secrets
LONG_AGO = "2026-01-01T00:00:00.000000Z"  # as the ledger writes times
OWN_KEYS = {"owner": {"team": "Ärzte"}, "ports": [1, None, 2.5]}


@dataclass
class Customer:
    """Everything a test does with the deployed function. The stack is shared; the tenant is the test's own."""

    stack: Stack
    simulator: Simulator
    inbox: Inbox
    programs: Programs
    name: str = field(default_factory=lambda: f"tenant-{uuid.uuid4()}")

    def __post_init__(self) -> None:
        """Leave nothing of the test before: no record, no label, no email, no fault."""
        self._secrets = self.stack.client("secretsmanager")
        self._table = self.stack.dynamodb.Table(self.stack.outputs["LedgerTableName"])
        self.arn = self.stack.outputs["SecretArn"]
        for record in self.records():
            self._table.delete_item(Key={name: record[name] for name in ("credential", "record")})
        for label, version in self.labels().items():
            if label not in {"AWSCURRENT", "AWSPREVIOUS"}:
                self._secrets.update_secret_version_stage(
                    SecretId=self.arn, VersionStage=label, RemoveFromVersionId=version
                )
        self.simulator.clear_faults()
        self.simulator.clock.reset()
        self.inbox.read()
        self.programs.read()

    def onboard(
        self,
        *,
        key_algorithm: KeyAlgorithm = "ec256",
        chain: bool = False,
        age: timedelta = timedelta(days=80),
        api_key_left: timedelta | None = None,
    ) -> Tenant:
        """Sign up at the service and put the credential into the secret; renewal is due unless told else.

        `api_key_left`: until the API key's end, as the secret then says; None for a year, of which it says nothing.
        """
        tenant = self.simulator.onboard(
            self.name,
            key_algorithm=key_algorithm,
            chain=chain,
            age=age,
            lifetime=LIFETIME,
            cert_name="onboarded-1",
            api_key_left=api_key_left,
        )
        self.put({**tenant.credential, **OWN_KEYS})
        return tenant

    def put(self, secret: object) -> None:
        """Store a new AWSCURRENT as a person does: an object becomes JSON, text and bytes stay as they are."""
        value = secret if isinstance(secret, str | bytes) else json.dumps(secret, ensure_ascii=False)
        kind = "SecretBinary" if isinstance(value, bytes) else "SecretString"
        self._secrets.put_secret_value(SecretId=self.arn, **{kind: value})

    def fault(self, name: str, *, times: int | None = 1, at: str = "cert:refresh", **parameters: Parameter) -> None:
        """Let this customer's next requests meet a fault of the simulator."""
        self.simulator.fault(name, tenant=self.name, times=times, endpoint=at, **parameters)

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
        stages = self._secrets.describe_secret(SecretId=self.arn).get("VersionIdsToStages", {})
        return {label: version for version, labels in stages.items() for label in labels}

    def version(self, label: str) -> dict[str, Any]:
        """What the version with a label holds."""
        answer = self._secrets.get_secret_value(SecretId=self.arn, VersionStage=label)
        document: dict[str, Any] = json.loads(answer["SecretString"])
        return document

    def version_ids(self) -> set[str]:
        """Every version of the secret, with or without a label."""
        return set(other_versions(self._secrets, self.arn))

    def versions(self, besides: AbstractSet[str]) -> dict[str, str]:
        """The text of each of them but for those; empty where it is binary, or holds nothing."""
        return {version: read(self._secrets, self.arn, version) or "" for version in self.version_ids() - besides}

    def certificate(self) -> x509.Certificate:
        """The certificate consumers read now."""
        return x509.load_pem_x509_certificate(self.version("AWSCURRENT")["cert"].encode())

    def accepted(self) -> bool:
        """Whether the service lets in what consumers read now: both halves."""
        serial, digest = self.certificate().serial_number, token_digest(self.version("AWSCURRENT")["apiKey"])
        tenant = self.simulator.tenant(self.name)
        certificate = any(record.serial == serial and record.active for record in tenant.certificates)
        return certificate and any(record.digest == digest and record.active for record in tenant.tokens)

    def records(self) -> list[dict[str, Any]]:
        """Every item of the ledger, sorted as the table sorts them."""
        items = self._table.scan(ConsistentRead=True)["Items"]
        return sorted(items, key=lambda item: (str(item["credential"]), str(item["record"])))

    def state(self) -> dict[str, Any]:
        """What the ledger remembers of the credential: not the function's own record, nor a count of mails."""
        return next(r for r in self.records() if (r["credential"], r["record"]) == (self.arn, "state"))

    def history(self) -> list[dict[str, Any]]:
        """The ledger's record of every attempt, oldest first."""
        return [record for record in self.records() if record["record"].startswith("attempt#")]

    def let_an_hour_pass(self, of: HalfName = HalfName.CERTIFICATE) -> None:
        """For the ledger, whose last attempt for that half then lies so far back, and for the service."""
        state = self.state()
        self._table.update_item(
            Key={name: state[name] for name in ("credential", "record")},
            UpdateExpression="SET #attempts.last_at = :earlier",
            ExpressionAttributeNames={"#attempts": attribute(of, "attempts")},
            ExpressionAttributeValues={":earlier": LONG_AGO},
        )
        self.simulator.clock.advance(timedelta(hours=1, minutes=1))

    def let_the_lease_end(self) -> None:
        """As when a killed run's deadline is over."""
        for state in (record for record in self.records() if "lease" in record):
            self._table.update_item(
                Key={name: state[name] for name in ("credential", "record")},
                UpdateExpression="SET lease.#until = :earlier",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={":earlier": LONG_AGO},
            )

    def let_a_quiet_day_pass(self) -> None:
        """As when the last bad event was long ago."""
        for state in (record for record in self.records() if "seen_at" in record.get("certificate_incident", {})):
            self._table.update_item(
                Key={name: state[name] for name in ("credential", "record")},
                UpdateExpression="SET certificate_incident.seen_at = :earlier",
                ExpressionAttributeValues={":earlier": LONG_AGO},
            )

    def let_a_second_pass(self) -> None:
        """Vendor: the service answers one harmless question a second, of whichever run."""
        time.sleep(1.1)

    def cure(self, error: type[RotationError], half: HalfName = HalfName.CERTIFICATE) -> str:
        """What a mail says that people can do about an error, complete for that half of this credential."""
        return cure_of(error, self.arn, self.stack.name, half)

    def emails(self) -> list[Email]:
        """The emails since the last look."""
        return self.inbox.read()

    def refreshes(self, of: str = "cert:refresh") -> list[Request]:
        """This customer's requests for a certificate that reached the service."""
        return [request for request in self.simulator.requests_to(of) if request.tenant == self.name]

    def key_refreshes(self) -> list[Request]:
        """The same for an API key."""
        return self.refreshes("token:refresh")
